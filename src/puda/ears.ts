/** Lets several listen to one subject: the link has one listener for each. */
import type { NatsLink, NatsMessage } from "../nats/connect.ts";

type Hear = (message: NatsMessage) => void;

export class Ears {
  readonly #link: Pick<NatsLink, "subscribe" | "unsubscribe">;
  readonly #listening = new Map<string, Set<Hear>>();

  constructor(link: Pick<NatsLink, "subscribe" | "unsubscribe">) {
    this.#link = link;
  }

  /** Returns the function that ends the listening. */
  listen(subject: string, hear: Hear): () => void {
    const all = this.#listening.get(subject) ?? new Set();
    if (all.size === 0) {
      this.#listening.set(subject, all);
      this.#link.subscribe(subject, (message) => {
        for (const each of all) each(message);
      });
    }
    all.add(hear);
    return () => {
      all.delete(hear);
      if (all.size > 0 || this.#listening.get(subject) !== all) return;
      this.#listening.delete(subject);
      this.#link.unsubscribe(subject);
    };
  }
}
