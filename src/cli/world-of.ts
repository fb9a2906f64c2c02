/** What the backend inside this process plans and takes for true, for the local door. */
import { z } from "zod";
import type { Backend } from "../backend/backend.ts";
import { GeoJson, RunList, RunRecord } from "../wire/direct.ts";
import { AtomsOf } from "../wire/dynos.ts";
import type { World } from "../wire/local.ts";

/** How many atoms are listed at most, ... */
const ATOMS_MAX = 1_000;
/** ... how many tries of steps, in each list of them, ... */
const TRIES_MAX = 60;
/** ... and how many shapes. */
const SHAPES_MAX = 2_000;

type Read = (path: string) => Promise<unknown>;

export async function worldOf(backend: Backend): Promise<World> {
  const read: Read = async (path) => {
    const answer = await backend.fetch(new Request(`http://embedded.localhost${path}`));
    return await answer.json();
  };
  const run = await lastRun(read);
  const [goal, state, objects, ways] = await Promise.all([
    read("/goal"),
    read("/state"),
    read("/as_geojson"),
    run === null
      ? { type: "FeatureCollection", features: [] }
      : read(`/runs/${run.run_id}/geojson`),
  ]);
  const atoms = AtomsOf.state.parse(state).state;
  const shapes = [objects, ways].flatMap((each) => z.parse(GeoJson, each).features);
  return {
    goal: AtomsOf.goal.parse(goal).goal,
    run,
    state: atoms.slice(0, ATOMS_MAX),
    atoms: atoms.length,
    map: shapes.slice(-SHAPES_MAX),
  };
}

async function lastRun(read: Read): Promise<RunRecord | null> {
  const [newest] = z.parse(RunList, await read("/runs?limit=1")).runs;
  if (newest === undefined) return null;
  return z.parse(RunRecord, await read(`/runs/${newest.run_id}?last=${TRIES_MAX}`));
}
