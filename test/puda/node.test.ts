// Goal: whoever writes a program on Node gets the commander from the package alone, with types that hold.
// Method: pack it as for the registry, unpack it into a project with nothing else in it, and run that.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../scripts/binary.ts";
import { natsServer, RunningNats } from "../support/nats.ts";
import { type Project, packedLibrary, project } from "../support/project.ts";
import { WireMachine } from "../support/wire-machine.ts";

const PACK_TIMEOUT_MS = 120_000;
const PROGRAM = `
import { CommandService, readBatch, ServantError } from "servant-agent/puda";

const servers = [process.argv[2] ?? ""];
await using service = await CommandService.connect({ servers, onNotice: console.error });
const batch = readBatch([{ machine: "rig1", name: "tare" }, { machine: "rig1", name: "weigh" }]);
const { isSuccess, steps } = await service.sendQueueCommands(batch);
const { pong } = await service.ping("rig1");
const nobody = CommandService.connect({ servers: ["nats://127.0.0.1:1"] });
const code = await nobody.then(() => "none", (cause) => cause instanceof ServantError && cause.code);
const data = steps.map(({ answer }) => answer?.data ?? null);
console.log(JSON.stringify({ isSuccess, data, pong: pong.status, code }));
`;
let scratch: Project;
beforeAll(async () => {
  scratch = await project({
    "package.json": '{"name": "scratch", "type": "module"}',
    // Node 20 has no \`await using\`.
    "program.mjs": PROGRAM.replace("await using", "const").concat("await service.close();\n"),
    "program.ts": PROGRAM,
  });
  await packedLibrary(join(scratch.path, "node_modules", "servant-agent"));
}, PACK_TIMEOUT_MS);
afterAll(() => scratch[Symbol.asyncDispose]());

for (const runtime of ["node", process.execPath]) {
  const name = runtime === "node" ? "Node" : "Bun";
  test(`the package's commander runs on ${name}, with nothing else installed`, async () => {
    const program = await natsServer();
    if (program === undefined) return;
    await using server = await RunningNats.start(program, { isSynced: false });
    await using machine = await WireMachine.start(server.url, "rig1");
    machine.answer(({ name: command }) => ({ command }));
    const child = Bun.spawn([runtime, "program.mjs", server.url], {
      cwd: scratch.path,
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      isSuccess: true,
      data: [{ command: "tare" }, { command: "weigh" }],
      pong: "pong",
      code: "backend.unreachable",
    });
    expect(machine.received.at(-1)).toBe("immediate complete 0");
  });
}

test("a program's use of it type-checks against the package, zod beside it", async () => {
  await symlink(join(root, "node_modules", "zod"), join(scratch.path, "node_modules", "zod"));
  await symlink(join(root, "node_modules", "@types"), join(scratch.path, "node_modules", "@types"));
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "esnext"];
  const { exitCode, stdout } = Bun.spawnSync(
    [join(root, "node_modules", ".bin", "tsc"), ...options, "--types", "node", "program.ts"],
    { cwd: scratch.path },
  );
  expect(stdout.toString()).toBe("");
  expect(exitCode).toBe(0);
}, 60_000);
