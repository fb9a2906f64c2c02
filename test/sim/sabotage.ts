/** Classic bugs, put in on purpose: a simulation that lets them pass proves nothing. */
import type { Fact } from "../../src/core/entry.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import type { Backend, Clock, Journal } from "../../src/core/ports.ts";

export type Sabotage =
  | "none"
  | "delivery recorded before it is sent"
  | "journal reports durable before it is"
  | "dedup forgotten at restart"
  | "undelivered forgotten at restart"
  | "another origin's entries shown";

export function sabotagedJournal(journal: Journal, other: Journal, sabotage: Sabotage): Journal {
  const ownKeys = new Set<string>();
  const append: Journal["append"] = (facts, urgency) => {
    for (const { key } of facts) ownKeys.add(key);
    const appended = journal.append(facts, urgency);
    if (sabotage !== "journal reports durable before it is") return appended;
    appended.catch(() => {});
    return Promise.resolve();
  };
  const story: Journal["story"] = async (key) => {
    if (sabotage === "dedup forgotten at restart" && !ownKeys.has(key)) return [];
    return await journal.story(key);
  };
  async function* replay(): AsyncIterable<Fact> {
    if (sabotage === "another origin's entries shown") yield* other.replay();
    const facts = await Array.fromAsync(journal.replay());
    const finished = new Set(facts.filter(({ type }) => type === "finished").map(({ key }) => key));
    const forgets = sabotage === "undelivered forgotten at restart";
    yield* forgets ? facts.filter(({ key }) => !finished.has(key)) : facts;
  }
  return { append, story, replay, close: () => journal.close() };
}

export function sabotagedLink(
  link: Backend,
  sabotage: Sabotage,
  ledger: Ledger,
  clock: Clock,
): Backend {
  if (sabotage !== "delivery recorded before it is sent") return link;
  return {
    origin: link.origin,
    register: (offer, signal) => link.register(offer, signal),
    directives: (intake, signal) => link.directives(intake, signal),
    deliver: (delivery, signal) => {
      ledger.recordDelivered({ type: "delivered", atMs: clock.now(), key: delivery.key });
      return link.deliver(delivery, signal);
    },
  };
}
