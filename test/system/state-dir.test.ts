// Goal: one agent per state folder, and no lock that outlives its agent.
// Method: real processes on a real folder; each says on stdout what came of its opening.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStateDir, stateDirectory } from "../../src/system/state-dir.ts";

describe("stateDirectory()", () => {
  const cases: [string, string | undefined, Record<string, string>, string][] = [
    ["as asked for", "/asked", { STATE_DIRECTORY: "/systemd" }, "/asked"],
    ["systemd's", undefined, { STATE_DIRECTORY: "/var/lib/a", XDG_STATE_HOME: "/x" }, "/var/lib/a"],
    ["systemd's first", undefined, { STATE_DIRECTORY: "/var/lib/a:/var/lib/b" }, "/var/lib/a"],
    ["XDG's", undefined, { STATE_DIRECTORY: "", XDG_STATE_HOME: "/x" }, "/x/servant-agent"],
    [
      "below home for a relative XDG path",
      undefined,
      { XDG_STATE_HOME: "x", HOME: "/h" },
      "/h/.local/state/servant-agent",
    ],
    ["below home", undefined, { HOME: "/h" }, "/h/.local/state/servant-agent"],
  ];
  for (const [name, asked, env, expected] of cases) {
    test(`is ${name}`, () => expect(stateDirectory(asked, env)).toBe(expected));
  }

  test("is absolute, and never the working folder by accident", () => {
    expect(stateDirectory("here", {})).toBe(join(process.cwd(), "here"));
    expect(stateDirectory(undefined, {})).toStartWith("/");
  });
});

describe("openStateDir()", () => {
  let folder: string;
  const spawned: Bun.Subprocess[] = [];
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), "state-dir-")), "state");
  });
  afterEach(async () => {
    for (const child of spawned.splice(0)) {
      child.kill("SIGKILL");
      await child.exited;
    }
    rmSync(join(folder, ".."), { recursive: true });
  });

  const source = JSON.stringify(join(import.meta.dir, "../../src/system/state-dir.ts"));
  const opening = () => `
    import { openStateDir } from ${source};
    try {
      openStateDir(${JSON.stringify(folder)});
      console.log("held");
    } catch (cause) {
      console.log(cause.code + " " + cause.message + " " + cause.hint);
    }
    const forever = setInterval(() => {}, 1e6);`;
  /** Runs a program that opens the folder; resolves to the process and its first line. */
  async function holder(more = "") {
    const child = Bun.spawn([process.execPath, "-e", opening() + more], {
      stdout: "pipe",
      stderr: "inherit",
    });
    spawned.push(child);
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes("\n")) break;
    }
    return { child, line: text.trim() };
  }

  test("makes the folder and its lock for the owner alone", () => {
    const umask = process.umask(0);
    const { path, release } = openStateDir(folder);
    process.umask(umask);
    expect(path).toBe(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "lock")).mode & 0o777).toBe(0o600);
    release();
  });

  test("tells a second opener who holds it, and names --state-dir", async () => {
    const { release } = openStateDir(folder);
    const second = await holder();
    expect(second.line).toContain("state.locked");
    expect(second.line).toContain(`process ${process.pid}`);
    expect(second.line).toContain("--state-dir");
    release();
    expect((await holder()).line).toBe("held");
  });

  test("waits for a holder that lets go in a moment, as a command does", async () => {
    const first = await holder("setTimeout(() => process.exit(), 200);");
    expect(first.line).toBe("held");
    openStateDir(folder).release();
  });

  test("is refused in the same process too, and release() lets go once", () => {
    const first = openStateDir(folder);
    expect(() => openStateDir(folder)).toThrow(expect.objectContaining({ code: "state.locked" }));
    first.release();
    const second = openStateDir(folder);
    first.release(); // by now the file's number is the second's
    expect(() => openStateDir(folder)).toThrow(expect.objectContaining({ code: "state.locked" }));
    second.release();
  });

  test("the lock dies with kill -9 of its holder", async () => {
    const first = await holder();
    expect(first.line).toBe("held");
    expect(() => openStateDir(folder)).toThrow(new RegExp(`process ${first.child.pid}`));
    first.child.kill("SIGKILL");
    await first.child.exited;
    openStateDir(folder).release();
  });

  test("a child that outlives its agent does not inherit the lock", async () => {
    const marker = JSON.stringify(join(folder, "child"));
    const first = await holder(`
      const child = Bun.spawn(["sleep", "600"], { stdio: ["ignore", "ignore", "ignore"] });
      await Bun.write(${marker}, String(child.pid));`);
    while (!existsSync(join(folder, "child"))) await new Promise(setImmediate);
    const pidText = async () => await Bun.file(join(folder, "child")).text();
    while ((await pidText()) === "") await new Promise(setImmediate);
    const childPid = Number(await pidText());
    first.child.kill("SIGKILL");
    await first.child.exited;
    try {
      process.kill(childPid, 0); // it still runs
      openStateDir(folder).release();
    } finally {
      process.kill(childPid, "SIGKILL");
    }
  });

  test("a folder that cannot be made or written is said to be so", () => {
    const file = join(folder, "..", "file");
    writeFileSync(file, "");
    for (const unusable of [file, join(file, "below"), "/proc/none"]) {
      expect(() => openStateDir(unusable), unusable).toThrow(
        expect.objectContaining({ code: "state.unwritable" }),
      );
    }
  });

  test("a folder where others may put files is refused where it must be private", () => {
    openStateDir(folder, { isPrivate: true }).release();
    for (const mode of [0o777, 0o1777, 0o770, 0o702]) {
      chmodSync(folder, mode);
      expect(() => openStateDir(folder, { isPrivate: true }), mode.toString(8)).toThrow(
        "chmod 700",
      );
      openStateDir(folder).release();
    }
    chmodSync(folder, 0o755);
    openStateDir(folder, { isPrivate: true }).release();
    // Root's, or somebody's: of root's tests it is the latter.
    if (process.getuid?.() === 0) chownSync(folder, 4_711, 4_711);
    const elsewhere = process.getuid?.() === 0 ? folder : "/";
    expect(() => openStateDir(elsewhere, { isPrivate: true })).toThrow("another account");
  });

  test("a link in the lock's place is not followed", () => {
    openStateDir(folder).release();
    const victim = join(folder, "victim");
    writeFileSync(victim, "precious");
    rmSync(join(folder, "lock"));
    symlinkSync(victim, join(folder, "lock"));
    expect(() => openStateDir(folder)).toThrow(
      expect.objectContaining({ code: "state.unwritable" }),
    );
    expect(readFileSync(victim, "utf8")).toBe("precious");
  });
});
