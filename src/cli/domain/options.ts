/** What every subcommand of `agent domain` is told. */
export interface DomainOptions {
  /** Folders of vocabularies, before the usual one. */
  readonly domainPath: readonly string[];
  readonly json?: boolean;
}
