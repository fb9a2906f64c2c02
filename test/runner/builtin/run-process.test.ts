// Goal: a scenario runs what whoever started the agent allows, as it is written, and nothing else.
// Method: the plugin's real process, real commands.
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { act, never, openChild } from "../plugin-child.ts";
import { allowing, openAllowing, PLUGIN, run } from "./allowing.ts";

const TIMEOUT_MS = 30_000;

test(
  "an allowed command is run with its words, and what it prints is logged",
  async () => {
    await using child = await openAllowing(["printf"]);
    const result = await run(
      child,
      `printf '%s|' one "two words" three\\ words '$(id)' '; id' '*'`,
    );
    expect(result).toMatchObject({ success: true });
    expect(child.logs().map(({ message, level }) => [level, message])).toEqual([
      ["info", "one|two words|three words|$(id)|; id|*|"],
    ]);
    expect(child.logs()[0]?.auditId).toBe(result.auditId);
  },
  TIMEOUT_MS,
);

test.each([
  ["true", true, ""],
  ["sh -c 'exit 3'", false, "exit code 3"],
  ["sh -c 'kill -9 $$'", false, "by SIGKILL"],
  ["sh -c 'kill -TERM $$'", false, "by SIGTERM"],
])(
  "%p ends with success %p",
  async (command, success, says) => {
    await using child = await openAllowing(["true", "sh"]);
    const result = await run(child, command);
    expect(result.success).toBe(success);
    expect(result.message).toContain(says);
  },
  TIMEOUT_MS,
);

test(
  "what is not allowed is not run, however it is written",
  async () => {
    await using child = await openAllowing(["hostname"]);
    for (const command of [
      "id",
      "./hostname",
      "/tmp/../usr/bin/hostname",
      "/usr/bin/hostname",
      "hostname; id",
      "hostname|id",
      "$(hostname)",
      "`hostname`",
      "HOSTNAME",
      "'hostname\nid'",
      "hostname\nid",
      "'hostname id'",
      "' hostname'",
      "hostname\0",
      "__proto__",
      "constructor",
      "",
      "   ",
      "'hostname",
      'hostname "',
      "hostname \\",
    ]) {
      const result = await run(child, command);
      expect(result.success, command).toBe(false);
      expect(result.message, command).toStartWith("Cannot run");
    }
    expect(await run(child, "id -u")).toMatchObject({
      code: "command.not-allowed",
      message: 'Cannot run "id": it is not allowed, see --allow-run',
    });
    expect(child.logs()).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "without being allowed there is no such action, and log is apart",
  async () => {
    await using plain = await openChild(PLUGIN);
    expect(plain.runner.offer.transitions).toEqual(["pid"]);
    expect(await run(plain, "true")).toMatchObject({ success: false, code: "assignment.unknown" });
    await using logging = await openAllowing([], { rest: { log: true } });
    expect(logging.runner.offer.transitions).toEqual(["pid", "log"]);
    expect(await run(logging, "true")).toMatchObject({ code: "assignment.unknown" });
    const told = await logging.runner.run(act("log", { msg: "two\nlines" }), never);
    expect(told.success).toBe(true);
    expect(logging.logs()).toMatchObject([
      { level: "info", message: "two\nlines", auditId: told.auditId },
    ]);
    const empty = await logging.runner.run(act("log", {}), never);
    expect(empty).toMatchObject({ code: "assignment.bad-params" });
  },
  TIMEOUT_MS,
);

test(
  "a plugin that has an action of that name is told so at its start",
  async () => {
    const source = PLUGIN.replace('"pid"', '"log"');
    const failure = await openChild(source, { builtins: allowing([], { log: true }) }).catch(
      (cause) => cause,
    );
    expect(failure).toMatchObject({ code: "plugin.duplicate-handler" });
    expect(failure.message).toContain('the agent\'s own "log"');
  },
  TIMEOUT_MS,
);

test.each([
  ["command: is no text", { command: 7 }],
  ["command: is no text", {}],
  ["command: is longer than", { command: `true ${"x".repeat(200_000)}` }],
  ["wait_for_shutdown: is no boolean", { command: "true", wait_for_shutdown: "perhaps" }],
  ["shutdown_signal: is none of", { command: "true", shutdown_signal: "sigsegv" }],
  ["shutdown_timeout: is below 0", { command: "true", shutdown_timeout: -1 }],
  ["does not know nope", { command: "true", nope: 1 }],
])(
  "arguments are refused: %s",
  async (problem, args) => {
    await using child = await openAllowing(["true"]);
    const { message, code } = await child.runner.run(act("run_process", args), never);
    expect(code).toBe("assignment.bad-params");
    expect(message).toContain(problem);
  },
  TIMEOUT_MS,
);

test(
  "a command gets what the plugin's process has of the environment, and nobody's input",
  async () => {
    await using child = await openAllowing(["sh", "cat"], {
      env: { PATH: process.env.PATH ?? "", COLOUR: "blue" },
    });
    await run(child, "sh -c env");
    const names = child.logs().map(({ message }) => message.split("=")[0] ?? "");
    expect(names.filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name)).sort()).toEqual([
      "COLOUR",
      "PATH",
    ]);
    expect(await run(child, "cat")).toMatchObject({ success: true });
    await run(child, "sh -c 'ls /proc/self/fd | wc -l'");
    expect(child.logs().at(-1)?.message.trim()).toBe("4"); // the three, and the one ls reads
  },
  TIMEOUT_MS,
);

test(
  "output without end is told in part, and holds nobody up",
  async () => {
    await using child = await openAllowing(["sh"]);
    const { runner, logs } = child;
    const flood = run(
      child,
      "sh -c 'yes a long line of output | head -c 60000000; echo; echo over'",
    );
    const began = performance.now();
    expect(await runner.run(act("pid"), never)).toMatchObject({ success: true });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await flood).toMatchObject({ success: true });
    expect(logs().length).toBeLessThan(60_000);
    expect(logs().some(({ message }) => /lines of its output were dropped/.test(message))).toBe(
      true,
    );
  },
  TIMEOUT_MS,
);

test(
  "a line without end is cut into pieces, and what is no text is shown as such",
  async () => {
    await using child = await openAllowing(["head", "printf"]);
    await run(child, "head -c 1000000 /dev/zero");
    expect(Math.max(...child.logs().map(({ message }) => message.length))).toBeLessThan(200_000);
    await run(child, "printf '\\377\\376x'");
    expect(child.logs().at(-1)?.message).toBe("\uFFFD\uFFFDx");
  },
  TIMEOUT_MS,
);

test(
  "output is a pipe, that can be opened by name, and none is left open",
  async () => {
    await using child = await openAllowing(["sh"]);
    const descriptors = () => readdirSync(`/proc/${child.pid()}/fd`).length;
    await run(child, "sh -c 'echo one > /dev/stdout; echo two | tee /dev/stderr >/dev/null'");
    expect(child.logs().map(({ message, level }) => [level, message])).toEqual([
      ["info", "one"],
      ["warn", "two"],
    ]);
    const before = descriptors();
    for (let i = 0; i < 10; i += 1) await run(child, "sh -c 'exit 0'");
    while (descriptors() > before) await Bun.sleep(5); // those of the last one are just being closed
  },
  TIMEOUT_MS,
);
