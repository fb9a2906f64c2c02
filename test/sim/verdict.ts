/** The first invariant that broke, and for what. */
export class Verdict {
  violation: string | undefined;

  broken(invariant: string, what: string): void {
    this.violation ??= `${invariant}: ${what}`;
  }
}
