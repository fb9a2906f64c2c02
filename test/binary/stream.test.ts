// Goal: the log of a running agent is read as it promises: by the clients that people use, over
// restarts and kills, with bytes as bytes. Method: the compiled program and a backend of the test's.
import { expect, test } from "bun:test";
import type { LogLine } from "../../src/wire/local.ts";
import { CBOR_PROTOCOL } from "../../src/wire/stream-protocols.ts";
import { LocalScene } from "../support/local-agent.ts";
import { StreamClient } from "../support/stream-client.ts";
import { streamClients } from "../support/stream-clients.ts";

const addressOf = ({ url }: LocalScene) => `${url.replace("http:", "ws:")}/v1/stream`;

function connect(scene: LocalScene, query = "", protocol?: string): StreamClient {
  return new StreamClient(addressOf(scene) + query, protocol, scene.token);
}

test("a reader sees an assignment from its hand-out to its delivery, in its filter alone", async () => {
  await using scene = await LocalScene.open();
  using client = connect(scene, "?auditId=a1&level=debug");
  await client.hello();
  scene.peer.assign("a0");
  scene.peer.assign("a1", { do: "look" });
  await client.until(({ messages }) => messages.includes("result delivered"));
  expect(client.messages).toEqual([
    expect.stringMatching(/^accepted work/),
    "started work(look)",
    "working on a1",
    "an image",
    expect.stringMatching(/^work\(look\) done/),
    "result delivered",
  ]);
  expect(new Set(client.lines.map(({ auditId }) => auditId))).toEqual(new Set(["a1"]));
  expect(client.lines[3]?.fields).toEqual({ image: { $base64: "iVBORw==" } });
  using cbor = connect(scene, "?text=image&since=0", CBOR_PROTOCOL);
  await cbor.until(({ lines }) => lines.length === 1);
  const told: Record<string, unknown> = cbor.lines[0]?.fields ?? {};
  expect([...(told.image as Uint8Array)]).toEqual([137, 80, 78, 71]);
  // What a handler measured travels as it measured it; the backend is handed its JSON.
  using measured = connect(scene, "?text=done&since=0", CBOR_PROTOCOL);
  await measured.until(({ lines }) => lines.some(({ auditId }) => auditId === "a1"));
  const finish = measured.lines.find(({ auditId }) => auditId === "a1");
  expect(finish?.fields.telemetry).toEqual({ scan: Float32Array.of(1, 2.5) });
  expect((await scene.peer.result("a1")).telemetry).toEqual({
    scan: { $base64: "AACAPwAAIEA=", type: "float32" },
  });
});

test("numbers go on over a restart and a kill, and the past is there to read", async () => {
  await using scene = await LocalScene.open();
  scene.peer.assign("a1");
  await scene.peer.result("a1");
  using before = connect(scene, "?since=0");
  const first = await before.hello();
  await before.until(({ lines }) => (lines.at(-1)?.seq ?? 0) >= first.seq);
  for (const auditId of ["b1", "b2"]) {
    scene.peer.assign(auditId);
    await scene.peer.result(auditId);
  }
  await before.until(
    ({ messages }) => messages.filter((each) => each === "result delivered").length === 3,
  );
  expect(await scene.servant.stop()).toBe(0);
  expect((await before.closed).code).toBe(1001);
  expect(before.messages.some((message) => message.startsWith("stopping"))).toBe(true);

  await scene.start();
  using after = connect(scene, "?since=0");
  const second = await after.hello();
  expect(second.boot).not.toBe(first.boot);
  expect(second.seq).toBeGreaterThan(before.lines.at(-1)?.seq ?? 0);
  await after.until(({ lines }) => (lines.at(-1)?.seq ?? 0) >= second.seq);
  const numbers = after.lines.map(({ seq }) => seq);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  expect(after.lines.slice(0, before.lines.length)).toEqual(before.lines);
  // A moment later it is on the disk.
  while (!(await onDisk(scene)).includes(`{"seq":${numbers.at(-1)},`)) await Bun.sleep(20);
  await scene.servant.stop("SIGKILL");

  await scene.start();
  using last = connect(scene, "?since=0");
  const third = await last.hello();
  expect(third.seq).toBeGreaterThan(numbers.at(-1) ?? 0);
  await last.until(({ lines }) => (lines.at(-1)?.seq ?? 0) >= third.seq);
  expect(last.lines.slice(0, numbers.length)).toEqual(after.lines);
  // Lines that were not yet on the disk are missing, and no number beyond them.
  const told = last.lines.length + last.gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  expect(told).toBe(last.lines.at(-1)?.seq ?? 0);
  expect(third.seq).toBeLessThan(numbers.length + 100);
});

async function onDisk(scene: LocalScene): Promise<string> {
  return scene
    .files()
    .filter(({ name }) => name.endsWith(".ndjson"))
    .map(({ text }) => text)
    .join("");
}

for (const { name, command } of await streamClients()) {
  test.skipIf(!command)(`${name} reads the stream of an agent`, async () => {
    await using scene = await LocalScene.open();
    for (const protocol of ["", CBOR_PROTOCOL]) {
      const env = { ...process.env, TOKEN: scene.token };
      const args = [addressOf(scene), protocol, JSON.stringify({ text: "working on a", since: 0 })];
      const id = protocol === "" ? "a1" : "a2";
      const child = Bun.spawn([...(command ?? []), ...args, protocol === "" ? "1" : "2"], {
        env,
        stdout: "pipe",
        stderr: "inherit",
      });
      scene.peer.assign(id);
      const frames = (await child.stdout.text()).trim().split("\n");
      const lines = frames.flatMap((frame) => {
        const told = JSON.parse(frame) as { lines?: LogLine[] };
        return told.lines?.filter(({ message }) => message.startsWith("working on a")) ?? [];
      });
      expect(lines.at(-1)).toMatchObject({
        message: `working on ${id}`,
        auditId: id,
        source: "plugin",
      });
      expect(await child.exited).toBe(0);
    }
  });
}
