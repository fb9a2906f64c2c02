/** Requests to sessions that are not over, by whose they are: nobody may take all the descriptors that there are. */
import { ServantError } from "../core/errors.ts";

/** When to come again, in milliseconds. */
const RETRY_MS = 1_000;

export class UnderWay {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  /** `max`: of one person. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Returns what is to be called once, when the request is over. @throws {ServantError} `request.too-many` */
  begin(username: string): () => void {
    const count = this.#counts.get(username) ?? 0;
    if (count >= this.#max) {
      const reason = `${username} has ${count} requests under way, and each may have ${this.#max}`;
      const options = { retryAfterMs: RETRY_MS };
      throw new ServantError("request.too-many", `Cannot ask the session: ${reason}`, options);
    }
    this.#counts.set(username, count + 1);
    return () => {
      const left = (this.#counts.get(username) ?? 1) - 1;
      if (left > 0) this.#counts.set(username, left);
      else this.#counts.delete(username);
    };
  }
}
