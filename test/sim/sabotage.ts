/** Classic bugs, put in on purpose: a simulation that lets them pass proves nothing. */
import type { Result } from "../../src/core/assignment.ts";
import type { Fact } from "../../src/core/entry.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import type { Backend, Clock, Journal } from "../../src/core/ports.ts";

export type Sabotage =
  | "none"
  | "delivery recorded before it is sent"
  | "journal reports durable before it is"
  | "effect before journal"
  | "dedup forgotten at restart"
  | "undelivered forgotten at restart"
  | "another origin's entries shown"
  | "age forgotten at restart"
  | "belief answered from the store";

export function sabotagedJournal(
  journal: Journal,
  other: Journal,
  sabotage: Sabotage,
  clock: Clock,
): Journal {
  const ownKeys = new Set<string>();
  const append: Journal["append"] = (facts, urgency) => {
    for (const { key } of facts) ownKeys.add(key);
    const appended = journal.append(facts, urgency);
    const isStart = facts.some(({ type }) => type === "started");
    const lies =
      sabotage === "journal reports durable before it is" ||
      (sabotage === "effect before journal" && isStart);
    if (!lies) return appended;
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
    const atMs = clock.now();
    yield* sabotage === "age forgotten at restart"
      ? facts.map((fact) => (fact.type === "accepted" ? { ...fact, atMs } : fact))
      : facts;
  }
  const forgets = sabotage === "undelivered forgotten at restart";
  const waiting: Journal["waiting"] = async (from, limit) => {
    if (forgets) return { stories: [], next: undefined };
    const page = await journal.waiting(from, limit);
    if (sabotage !== "another origin's entries shown") return page;
    return { ...page, stories: [...(await other.waiting(from, limit)).stories, ...page.stories] };
  };
  const countWaiting = async () => {
    const shown = sabotage === "another origin's entries shown" ? await other.countWaiting() : 0;
    return forgets ? 0 : shown + (await journal.countWaiting());
  };
  return { append, story, replay, waiting, countWaiting, close: () => journal.close() };
}

export function sabotagedLink(
  link: Backend,
  sabotage: Sabotage,
  ledger: Ledger,
  clock: Clock,
): Backend {
  const observed = new Map<string, Result>();
  const deliver: Backend["deliver"] = (delivery, signal) => {
    const { key, kind, result } = delivery;
    if (sabotage === "delivery recorded before it is sent") {
      ledger.recordDelivered({ type: "delivered", atMs: clock.now(), key });
    }
    if (sabotage !== "belief answered from the store" || kind !== "belief") {
      return link.deliver(delivery, signal);
    }
    if (!result.unchecked) observed.set(key, result);
    return link.deliver({ ...delivery, result: observed.get(key) ?? result }, signal);
  };
  return {
    origin: link.origin,
    register: (offer, signal) => link.register(offer, signal),
    directives: (intake, signal) => link.directives(intake, signal),
    deliver,
  };
}
