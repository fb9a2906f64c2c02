/** The players of an execution: a robot that answers, a client that asks. */
import { expect } from "bun:test";
import type { Json, JsonObject } from "../../src/core/json.ts";
import type { Handout, Harness } from "./harness.ts";

export const ALL = ["pick", "place", "move"];
export const START = ["robot_at(room_one)", "box_at(room_one, box_a)"];

export async function prepare(
  http: Harness,
  goal: readonly string[],
  start: readonly string[] = START,
) {
  await http.post("/start", { start: [...start] });
  await http.post("/goal", { goal: [...goal] });
}

/** Answers whatever is handed out until the signal aborts; `answers` sees each assignment. */
export function serve(
  http: Harness,
  id: string,
  answers: (assignment: Handout, nth: number) => JsonObject | undefined,
) {
  const seen: Handout[] = [];
  const stop = new AbortController();
  const loop = async () => {
    while (!stop.signal.aborted) {
      const path = `/servant/${id}/next_assignment`;
      const { status, body } = await http.get(path, { Prefer: "wait=5" }, stop.signal);
      if (status !== 200) continue;
      const assignment = body as unknown as Handout;
      seen.push(assignment);
      const answer = answers(assignment, seen.length);
      if (answer !== undefined) await http.answer(id, assignment.audit_id, answer);
    }
  };
  const ended = loop().catch((cause) => {
    if (!stop.signal.aborted) throw cause;
  });
  return {
    seen,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

/** `move room_one room_two`, and `robot_at?` for a belief. */
export function names(assignments: readonly Handout[]): string[] {
  return assignments.map(({ kind, transition_name, params_json, fluent_name }) =>
    kind === "belief"
      ? `${fluent_name}?`
      : [transition_name, ...Object.values(params_json ?? {})].join(" "),
  );
}

export async function execute(http: Harness): Promise<JsonObject[]> {
  const { status, body } = await http.post("/execute");
  expect([status, body.detail]).toEqual([200, undefined]);
  return body.results as unknown as JsonObject[];
}

export async function state(http: Harness): Promise<Json> {
  return (await http.get("/state")).body.state as Json;
}
