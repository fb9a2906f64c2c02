/** Beliefs: what clients tell of the state, and what servants observe when they are asked. */
import type { Hono } from "hono";
import { type Atom, atomParts } from "../../core/atom.ts";
import { ServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { suggestion } from "../../core/nearest.ts";
import { BeliefQuery, Observation, ObservationBatch } from "../../wire/direct.ts";
import { faultsOf, take } from "../observed.ts";
import type { Parts } from "../parts.ts";
import { bodyOf } from "./request.ts";

export function beliefRoutes(app: Hono, parts: Parts): void {
  const { world, log } = parts;

  app.post("/belief/set", async (context) => {
    const { fluent, value } = await bodyOf(context, Observation);
    const atom = world.atom(fluent);
    take(world, { observed: [{ atom, holds: value }], exclusive: [] });
    log("info", `a client says that ${atom} is ${value}`, {});
    return context.json({ status: "ok", fluent: atom, value });
  });

  // All of them are read before one is believed; of two about one atom, the later counts.
  app.post("/belief/batch", async (context) => {
    const { observations } = await bodyOf(context, ObservationBatch);
    const said = new Map(observations.map(({ fluent, value }) => [world.atom(fluent), value]));
    const observed = [...said].map(([atom, holds]) => ({ atom, holds }));
    take(world, { observed, exclusive: [] });
    log("info", `a client says what ${said.size} atoms are`, {});
    return context.json({ status: "ok", count: said.size });
  });

  app.post("/belief/query", async (context) => {
    const { fluent: text } = await bodyOf(context, BeliefQuery);
    const { fluent } = atomParts(text); // an atom asks for its fluent
    const known = world.vocabulary.fluents;
    if (!known.has(fluent)) {
      const near = suggestion(fluent, known.keys());
      throw new ServantError("atom.unknown", `Cannot query "${fluent}": no such fluent${near}`);
    }
    return context.json({ fluent, ...(await query(parts, fluent)) });
  });
}

/** Asks the servant that observes the fluent and believes it; else tells what the state says. */
async function query({ world, servants }: Parts, fluent: string): Promise<JsonObject> {
  const observer = servants.observerOf(fluent);
  if (observer === undefined) return { observed: false, atoms: atomsOf() };
  const result = await servants.observe(observer, fluent);
  const faults = faultsOf(world, result);
  const isObserved = result.success && !result.unchecked && faults.length === 0;
  const reason = faults[0] ?? (result.message || (result.unchecked ? "unchecked" : "it failed"));
  const servant_id = observer.id;
  if (!isObserved) return { observed: false, atoms: atomsOf(), message: reason, servant_id };
  take(world, result);
  const denied = result.observed.filter(({ holds }) => !holds).map(({ atom }) => [atom, false]);
  return { observed: true, atoms: { ...Object.fromEntries(denied), ...atomsOf() }, servant_id };

  function atomsOf(): Record<Atom, boolean> {
    const held = [...world.state()].filter((atom) => atomParts(atom).fluent === fluent);
    return Object.fromEntries(held.map((atom) => [atom, true]));
  }
}
