// Goal: a full disk stops no vehicle: the agent stays up, starts nothing it cannot record, still
// reports what it knows, and goes on by itself when there is room. Method: the kernel's limit on
// the size of files, which stops a process's writes as a full disk does, and can be lifted.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { ServantScene } from "../support/servant-scene.ts";

/** More than the empty journal takes, less than a few assignments need, in bytes. */
const LIMIT = 60_000;

async function limitFiles(pid: number, bytes: number | "unlimited"): Promise<void> {
  const limit = Bun.spawn(["prlimit", `--pid=${pid}`, `--fsize=${bytes}:unlimited`], {
    stderr: "inherit",
  });
  expect(await limit.exited).toBe(0);
}

test("the agent answers journal.full on a full disk and recovers by itself", async () => {
  await using scene = new ServantScene();
  const { folder, peer } = scene;
  const servant = await scene.launch();
  await peer.until("a poll", () => peer.requests("/next_assignment").length > 0);
  await limitFiles(servant.process.pid, LIMIT);

  const large = "x".repeat(40_000);
  for (const id of ["a1", "a2", "a3", "a4"]) peer.assign(id, { do: large });
  await peer.until("a refusal", () =>
    peer.taken.some(({ telemetry }) => JSON.stringify(telemetry)?.includes("journal.full")),
  );
  await peer.until("the trouble told", () => servant.events("journal.full").length > 0);
  const refused = peer.taken
    .filter(({ success }) => success === false)
    .map((each) => each.audit_id);
  for (const id of refused) expect(folder.effects().join()).not.toContain(`${id} `);
  const polls = peer.requests("/next_assignment").length;

  await limitFiles(servant.process.pid, "unlimited");
  await peer.until("recovery told", () => servant.events("journal.recovered").length > 0);
  peer.assign("after", { do: "work" });
  expect(await peer.result("after")).toMatchObject({ success: true });
  expect(peer.requests("/next_assignment").length).toBeGreaterThan(polls);
  // Whatever was answered on the full disk is known for good: it runs no second time.
  const [again = ""] = refused as string[];
  const before = peer.taken.length;
  peer.assign(again, { do: large });
  await peer.until("the stored answer", () => peer.taken.length > before);
  expect(peer.taken.at(-1)).toMatchObject({ audit_id: again, success: false });
  expect(await servant.stop()).toBe(0);
}, 30_000);

test("at its quota the agent takes no work, loses no result, and recovers by delivering", async () => {
  await using scene = new ServantScene();
  const { folder, peer } = scene;
  const args = ["--journal-quota", "1MiB"];
  const servant = await scene.launch({ args });
  peer.results.push(...Array.from({ length: 500 }, () => new Response(null, { status: 503 })));
  const large = "x".repeat(40_000);
  const names = Array.from({ length: 30 }, (_, index) => `a${index}`);
  for (const name of names) peer.assign(name, { do: large });
  await peer.until("it is full", () => servant.events("journal.full").length > 0, 20_000);
  const finished = servant.events("assignment.finished").length;
  expect(finished).toBeGreaterThan(5);
  expect(finished).toBeLessThan(names.length);

  peer.results.length = 0; // the backend takes results again
  await peer.until("recovery told", () => servant.events("journal.recovered").length > 0, 20_000);
  const answers = () => new Set(peer.taken.map(({ audit_id }) => audit_id));
  await peer.until("every answer", () => names.every((name) => answers().has(name)), 20_000);
  peer.assign("after", { do: "work" });
  expect(await peer.result("after")).toMatchObject({ success: true });
  expect(await servant.stop()).toBe(0);
  const ran = new Set(folder.effects().map((line) => line.split(" ")[0]));
  for (const { audit_id, success, message } of peer.taken) {
    expect(success, `${audit_id}: ${message}`).toBe(ran.has(`${audit_id}`));
  }
  const size = Bun.file(join(folder.state, "journal.sqlite")).size;
  expect(size).toBeLessThanOrEqual(2 ** 20);
}, 60_000);
