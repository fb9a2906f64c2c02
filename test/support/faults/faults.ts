/** The fifteen faults that a servant must survive, each as a play on a `Scene`. */
import { join } from "node:path";
import { root } from "../../../scripts/binary.ts";
import { type Answer, done, failed, type Right, Scene, type Verdict } from "./scene.ts";
import type { Make } from "./servants.ts";

export interface Fault {
  readonly name: string;
  /** Why it cannot be played here, when it cannot. */
  readonly unplayable?: string;
  play(scene: Scene): Promise<void>;
}

const LARGE_CHARS = 5_000_000;
const SLOW_DISK_MS = 300;
const slowDiskSource = join(root, "test", "fixtures", "faults", "slow-disk.c");

/** A handler's own failure, in its own words. */
const says =
  (words: RegExp): Right =>
  (answer, { began }) =>
    !answer.success && words.test(answer.message) && began === 1;
/** Either it was done, or it was refused and not begun. */
const doneOrRefused: Right = (answer, did) =>
  answer.success ? done(answer, did) : did.began === 0;
const believed: Right = ({ success, observed_state }: Answer) =>
  success && observed_state?.["robot_at(room_one)"] === true;

const onResults: Fault[] = [
  {
    name: "result POST reset",
    async play(scene) {
      await scene.start();
      scene.backend.results.push(scene.reset(503));
      await scene.answered(scene.assign("work", done));
    },
  },
  {
    name: "result POST answered 503",
    async play(scene) {
      await scene.start();
      scene.backend.results.push(new Response(null, { status: 503 }));
      await scene.answered(scene.assign("work", done));
    },
  },
  {
    name: "result stored, its reply lost",
    async play(scene) {
      await scene.start();
      scene.backend.results.push(scene.reset(200));
      await scene.answered(scene.assign("work", done));
    },
  },
  {
    name: "backend down with a result in hand",
    async play(scene) {
      await scene.start();
      const auditId = scene.assign("work", done, 500);
      await scene.began(auditId);
      await scene.link.down();
      await scene.until(() => scene.count(auditId, "ended") > 0);
      await Bun.sleep(300); // its result finds nobody
      await scene.link.up();
      await scene.answered(auditId);
    },
  },
];

const onPolls: Fault[] = [
  {
    name: "polls answered 500, 502, 408, 429, reset",
    async play(scene) {
      await scene.start();
      const failures = [500, 502, 408, 429].map((status) => () => new Response(null, { status }));
      for (const failure of [...failures, scene.reset(500)]) {
        scene.backend.polls.push(failure);
        await scene.answered(scene.assign("work", done));
      }
    },
  },
  {
    name: "malformed assignments and one of 5 MB",
    async play(scene) {
      await scene.start();
      for (const body of ["<html>", "null", "[1]", '{"kind":"act', '{"kind":"dance"}', ""]) {
        scene.poll(body);
      }
      const odd = { kind: "action", transition_name: "move", params_json: 7, audit_id: "odd-0-0" };
      scene.poll(JSON.stringify(odd), odd.audit_id, failed);
      const large = scene.assign("work", doneOrRefused, 0, "x".repeat(LARGE_CHARS));
      await scene.answered(odd.audit_id, large);
    },
  },
  {
    name: "same assignment twice",
    async play(scene) {
      await scene.start();
      const auditId = scene.assign("work", done);
      await scene.answered(auditId);
      scene.handOut(auditId, done);
      await scene.until(() => scene.answers(auditId).length > 1);
    },
  },
  {
    name: "belief during an action",
    async play(scene) {
      await scene.start();
      const action = scene.assign("work", done, 3_000);
      await scene.began(action);
      await scene.answered(scene.ask(believed));
      if (scene.count(action, "ended") > 0) scene.problems.push("answered after the action");
    },
  },
];

const onProcesses: Fault[] = [
  {
    name: "SIGKILL while acting",
    async play(scene) {
      await scene.start();
      const auditId = scene.assign("work", failed, 30_000);
      await scene.began(auditId);
      await scene.end("SIGKILL");
      await scene.start();
      await scene.answered(auditId);
    },
  },
  {
    name: "SIGTERM while acting",
    async play(scene) {
      await scene.start();
      const auditId = scene.assign("work", done, 500);
      await scene.began(auditId);
      const code = await scene.end("SIGTERM");
      if (code !== 0) scene.problems.push(`ended with ${code}`);
      await scene.start();
    },
  },
];

const onHandlers: Fault[] = [
  {
    name: "throw",
    async play(scene) {
      await scene.start();
      await scene.answered(scene.assign("throw", says(/broken arm/)));
    },
  },
  {
    name: "success false",
    async play(scene) {
      await scene.start();
      await scene.answered(scene.assign("fail", says(/could not/)));
    },
  },
  {
    name: "handler ends its process",
    async play(scene) {
      await scene.start();
      await scene.answered(scene.assign("exit", failed));
    },
  },
  {
    name: "handler blocks for ever",
    async play(scene) {
      await scene.start({ args: ["--hang-timeout", "1"] });
      await scene.answered(scene.assign("block", failed));
    },
  },
];

/** Every flush of a disk waits: a library that is loaded before libc makes it so. */
const slowDisk: Fault = {
  name: "a slow disk",
  ...(Bun.which("cc") === null || process.platform !== "linux"
    ? { unplayable: "needs Linux and a C compiler (cc)" }
    : {}),
  async play(scene) {
    const library = join(scene.workplace.path, "slow-disk.so");
    const compile = ["cc", "-shared", "-fPIC", "-O1", "-o", library, slowDiskSource, "-ldl"];
    const compiled = Bun.spawnSync(compile);
    if (!compiled.success) throw new Error(`cannot compile: ${compiled.stderr}`);
    await scene.start({ env: { LD_PRELOAD: library, SLOW_DISK_MS: `${SLOW_DISK_MS}` } });
    const startedAt = performance.now();
    const ids = [1, 2, 3].map(() => scene.assign("work", done));
    await scene.answered(...ids, scene.ask(believed));
    // Each of them is on the disk at least twice on its way.
    if (performance.now() - startedAt < 4 * SLOW_DISK_MS) scene.problems.push("no slow disk");
  },
};

export const faults: readonly Fault[] = [
  ...onResults,
  ...onPolls,
  ...onProcesses,
  ...onHandlers,
  slowDisk,
];

/**
 * Plays one fault on one servant; whatever has to happen may take `patienceMs`.
 *
 * @throws when the servant cannot even be started: that says nothing of the fault.
 */
export async function suffer(make: Make, fault: Fault, patienceMs: number): Promise<Verdict> {
  const scene = await Scene.set(make, patienceMs);
  try {
    await fault.play(scene);
    return await scene.judge(fault.name);
  } finally {
    await scene.clear();
  }
}
