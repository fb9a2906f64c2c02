import { expect, test } from "bun:test";
import { ensureBinary } from "../support/binary.ts";
import { fakeDynos } from "../support/fake-dynos.ts";
import { project } from "../support/project.ts";

const OBJECTS = Array.from({ length: 100_000 }, (_, index) => ({
  name: `box_${index}`,
  type: "box",
  value_fields: { weight: index },
}));

// Goal: a program that reads our output gets all of it. A pipe holds 64 KiB; an exit before the
// reader has caught up would cut off the rest. Method: 15 MB, and a reader that starts late.
test("a long answer arrives whole at a slow reader", async () => {
  await using backend = fakeDynos({ "GET /objects": OBJECTS });
  const binary = await ensureBinary();
  const command = `"${binary}" call objects --json --to ${backend.url} | (sleep 0.5; cat)`;
  const child = Bun.spawn(["bash", "-o", "pipefail", "-c", command], { stdout: "pipe" });
  const text = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  expect(JSON.parse(text)).toHaveLength(OBJECTS.length);
});

test("a reader that has seen enough is no failure", async () => {
  await using backend = fakeDynos({ "GET /objects": OBJECTS });
  const binary = await ensureBinary();
  const command = `"${binary}" call objects --to ${backend.url} | head -1`;
  const child = Bun.spawn(["bash", "-o", "pipefail", "-c", command], {
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await new Response(child.stdout).text()).toStartWith("NAME");
  expect(await new Response(child.stderr).text()).toBe("");
  expect(await child.exited).toBe(0);
});

// Goal: whoever reads the log may go away; the agent goes on with its work.
// Method: take the first line, close the pipe, make it log more, ask whether it is well.
test("a log that nobody reads any more stops nothing", async () => {
  await using folder = await project();
  const child = Bun.spawn(
    [await ensureBinary(), "host", "--port", "0", "--state-dir", folder.path],
    { stdout: "ignore", stderr: "pipe" },
  );
  try {
    const reader = child.stderr.getReader();
    let line = "";
    while (!/http:\S+:\d+/.test(line))
      line += new TextDecoder().decode((await reader.read()).value);
    const url = /http:\S+:\d+/.exec(line)?.[0] ?? "";
    await reader.cancel();
    for (let times = 0; times < 5; times += 1) {
      await fetch(`${url}/plan`, { method: "POST", body: "{}" });
    }
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(child.exitCode).toBeNull();
  } finally {
    child.kill();
    await child.exited;
  }
});
