/** A bucket of values by key: a stream that keeps the last message of each subject. */
import type { Payload } from "./connect.ts";
import { type JetStream, JetStreamRefusal, jetStreamCodes, type Stored } from "./jetstream.ts";

export class Bucket {
  readonly #js: JetStream;
  readonly #name: string;

  constructor(js: JetStream, name: string) {
    this.#js = js;
    this.#name = name;
  }

  /** Makes it where it is missing, as the peers make theirs; one that is there is used as it is. */
  async ensure(): Promise<void> {
    const found = await this.#js.find(`STREAM.INFO.${this.#stream}`, jetStreamCodes.noStream);
    if (found !== undefined) return;
    const config = {
      name: this.#stream,
      subjects: [`$KV.${this.#name}.>`],
      max_msgs_per_subject: 1,
      storage: "file",
      discard: "new",
      deny_delete: true,
      allow_rollup_hdrs: true,
      allow_direct: true,
    };
    await this.#js.ask(`STREAM.CREATE.${this.#stream}`, config).catch((cause: unknown) => {
      const isThere =
        cause instanceof JetStreamRefusal && cause.serverCode === jetStreamCodes.nameInUse;
      if (!isThere) throw cause; // another machine made it meanwhile, in its own way
    });
  }

  /** Resolves to its revision. */
  async put(key: string, value: Payload): Promise<number> {
    const { sequence } = await this.#js.publish(this.#subject(key), value);
    return sequence;
  }

  /**
   * Puts a value in place of the one with this revision, 0 for none; undefined when another stands
   * there.
   */
  async replace(key: string, revision: number, value: Payload): Promise<number | undefined> {
    try {
      const options = { expectLast: revision };
      return (await this.#js.publish(this.#subject(key), value, options)).sequence;
    } catch (cause) {
      const isTaken =
        cause instanceof JetStreamRefusal && cause.serverCode === jetStreamCodes.wrongLastSequence;
      if (isTaken) return undefined;
      throw cause;
    }
  }

  /** Leaves the mark of a deletion, if its value still has this revision. */
  async remove(key: string, revision: number): Promise<void> {
    const options = { expectLast: revision, headers: { "KV-Operation": "DEL" } };
    await this.#js.publish(this.#subject(key), "", options);
  }

  async get(key: string): Promise<Stored | undefined> {
    return await this.#js.last(this.#stream, this.#subject(key));
  }

  get #stream(): string {
    return `KV_${this.#name}`;
  }

  #subject(key: string): string {
    return `$KV.${this.#name}.${key}`;
  }
}
