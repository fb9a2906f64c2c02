/** Classic bugs of what an agent writes down and sends: a simulation that lets them pass proves nothing. */
import type { Result } from "../../src/core/assignment.ts";
import type { Fact } from "../../src/core/entry.ts";
import type { Journal } from "../../src/core/ports.ts";
import { pluginSabotages } from "./plugin-sabotages.ts";
import { overridden, type Sabotage } from "./sabotage.ts";

const bookkeeping: Record<string, Sabotage> = {
  "delivery recorded before it is sent": {
    breaks: "what is recorded as delivered was taken by the backend",
    backend: (link, { ledger, clock }) => ({
      deliver: (delivery, signal) => {
        const { key } = delivery;
        ledger.recordDelivered({ type: "delivered", atMs: clock.now(), key });
        return link.deliver(delivery, signal);
      },
    }),
  },
  "journal reports durable before it is": {
    breaks: "started is durable before the handler runs",
    journal: (journal) => ({ append: hasty(journal, () => true) }),
  },
  "effect before journal": {
    breaks: "started is durable before the handler runs",
    journal: (journal) => ({
      append: hasty(journal, (facts) => facts.some(({ type }) => type === "started")),
    }),
  },
  "dedup forgotten at restart": {
    breaks: "no handler starts twice unless it said so",
    journal: (journal) => {
      const own = new Set<string>();
      return {
        append: (facts, urgency) => {
          for (const { key } of facts) own.add(key);
          return journal.append(facts, urgency);
        },
        story: async (key) => (own.has(key) ? await journal.story(key) : []),
      };
    },
  },
  "undelivered forgotten at restart": {
    breaks: "no finished result is lost",
    journal: () => ({
      waiting: async () => ({ stories: [], next: undefined }),
      countWaiting: async () => 0,
    }),
  },
  "age forgotten at restart": {
    breaks: "what a restart finds starts only while it is fresh",
    journal: (journal, { clock }) => ({
      replay: () =>
        changed(journal, (fact) =>
          fact.type === "accepted" ? { ...fact, atMs: clock.now() } : fact,
        ),
    }),
  },
  "pause forgotten at restart": {
    breaks: "no action starts while paused",
    journal: (journal) => ({
      replay: () => changed(journal, (fact) => (fact.type === "paused" ? undefined : fact)),
    }),
  },
  "another origin's entries shown": {
    breaks: "nothing of another origin is sent",
    journal: (journal, { otherJournal }) => ({
      waiting: async (from, limit) => {
        const { stories, next } = await journal.waiting(from, limit);
        const other = await otherJournal.waiting(from, limit);
        return { stories: [...other.stories, ...stories], next };
      },
      countWaiting: async () => (await journal.countWaiting()) + 1,
    }),
  },
  "belief answered from the store": {
    breaks: "an old observation never passes for a new one",
    backend: (link) => {
      const stored = new Map<string, Result>();
      return {
        deliver: (delivery, signal) => {
          const { key, kind, result } = delivery;
          if (kind !== "belief") return link.deliver(delivery, signal);
          if (!result.unchecked) stored.set(key, result);
          return link.deliver({ ...delivery, result: stored.get(key) ?? result }, signal);
        },
      };
    },
  },
  "cut-off not told in the result": {
    breaks: "a result says that its action was cut off",
    journal: (journal) => ({
      append: (facts, urgency) => journal.append(facts.map(withoutInterruption), urgency),
    }),
    backend: (link) => ({
      deliver: ({ result: { interruption: _, ...result }, ...delivery }, signal) =>
        link.deliver({ ...delivery, result }, signal),
    }),
  },
  "no poll after a failure": {
    breaks: "everything drains in time",
    backend: (link) => ({
      async *directives(intake, signal) {
        try {
          yield* link.directives(intake, signal);
        } catch {
          await new Promise(() => {});
        }
      },
    }),
  },
  "more taken than there is room for": {
    breaks: "no queue passes its limit",
    backend: (link) => ({
      directives: (intake, signal) =>
        link.directives(overridden(intake, { actions: true, beliefs: true }), signal),
    }),
  },
};

export const sabotages: Readonly<Record<string, Sabotage>> = { ...bookkeeping, ...pluginSabotages };

/** Confirms at once what is only on its way. */
function hasty(journal: Journal, lies: (facts: readonly Fact[]) => boolean): Journal["append"] {
  return (facts, urgency) => {
    const appended = journal.append(facts, urgency);
    if (!lies(facts)) return appended;
    appended.catch(() => {});
    return Promise.resolve();
  };
}

/** What is read at a restart, each fact changed or left out. */
async function* changed(
  journal: Journal,
  change: (fact: Fact) => Fact | undefined,
): AsyncIterable<Fact> {
  for await (const fact of journal.replay()) {
    const shown = change(fact);
    if (shown !== undefined) yield shown;
  }
}

function withoutInterruption(fact: Fact): Fact {
  if (fact.type !== "finished") return fact;
  const { interruption: _, ...result } = fact.result;
  return { ...fact, result };
}
