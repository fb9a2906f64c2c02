/** Admins who are in somebody else's session: what they have under way there ends when they are none any more. */
import type { Person } from "../core/gateway.ts";

export class Visits {
  readonly #visits = new Map<AbortController, string>();

  /** `signal` aborts when the visitor must leave; `end` is called once the visit is over, or more than once. */
  begin({ username }: Person): { readonly signal: AbortSignal; end(): void } {
    const visit = new AbortController();
    this.#visits.set(visit, username);
    return { signal: visit.signal, end: () => this.#visits.delete(visit) };
  }

  /** To be called when the users have changed. */
  check(isAdmin: (username: string) => boolean): void {
    for (const [visit, username] of this.#visits) if (!isAdmin(username)) visit.abort();
  }
}
