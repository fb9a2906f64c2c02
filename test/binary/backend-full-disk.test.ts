// Goal: a full disk stops no vehicle: the backend goes on, says that a restart would forget what it
// answers, and saves it all once there is room. Method: the kernel's limit on the size of files.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { project } from "../support/project.ts";
import { PATIENCE_MS, startHost } from "../support/running.ts";

/** More than the empty state takes, in bytes. */
const LIMIT = 120_000;

async function limitFiles(pid: number, bytes: number | "unlimited"): Promise<void> {
  const limit = Bun.spawn(["prlimit", `--pid=${pid}`, `--fsize=${bytes}:unlimited`], {
    stderr: "inherit",
  });
  expect(await limit.exited).toBe(0);
}

test("the backend goes on while its state cannot be saved, and saves it later", async () => {
  await using files = await project();
  const state = ["--state-dir", join(files.path, "state")] as const;
  using first = await startHost(...state);
  const { host, url } = first;
  const post = (path: string, body: object) =>
    fetch(url + path, { method: "POST", body: JSON.stringify(body) });
  const notSaved = async () => {
    const { not_saved } = (await (await fetch(`${url}/health`)).json()) as { not_saved: unknown };
    return not_saved;
  };
  await limitFiles(host.pid, LIMIT);
  const registered = await post("/servant/register", { transitions: ["move"] });
  const { servant_id } = (await registered.json()) as { servant_id: string };
  let made = 0;
  for (let isSaved = true; isSaved; made += 1) {
    const answer = await post("/objects", { type: "box", name: `crate_${made}` });
    expect(answer.status).toBe(200);
    isSaved = answer.headers.get("warning") === null;
    expect(made).toBeLessThan(2_000);
  }
  expect(await notSaved()).toContain("Cannot save the backend's state");
  expect((await post("/goal", { goal: ["holding(box_a)"] })).status).toBe(200);
  expect((await fetch(`${url}/servant/${servant_id}/next_assignment`)).status).toBe(204);

  await limitFiles(host.pid, "unlimited");
  const untilMs = performance.now() + PATIENCE_MS;
  while ((await notSaved()) !== null) {
    expect(performance.now()).toBeLessThan(untilMs);
    await Bun.sleep(20);
  }
  host.kill("SIGKILL");
  await host.exited;
  using again = await startHost(...state);
  const objects = (await (await fetch(`${again.url}/objects?type=box`)).json()) as object[];
  expect(objects).toHaveLength(made + 3);
  const goal = await (await fetch(`${again.url}/goal`)).json();
  expect(goal).toEqual({ goal: ["holding(box_a)"] });
  again.host.kill();
  expect(await again.host.exited).toBe(0);
}, 60_000);
