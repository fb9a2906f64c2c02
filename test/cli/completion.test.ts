import { expect, test } from "bun:test";
import { completionScript, shells } from "../../src/cli/completion.ts";
import { buildProgram } from "../../src/cli/program.ts";

const program = buildProgram("0.0.0", () => {});

/** What bash offers after these words, the last of them unfinished. */
function offered(words: readonly string[]): string[] {
  const script = `${completionScript("bash", program)}
    COMP_WORDS=(agent ${words.map((word) => `'${word}'`).join(" ")})
    COMP_CWORD=${words.length}
    _agent
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = Bun.spawnSync(["bash", "--norc", "-c", script]);
  expect(String(stderr)).toBe("");
  return String(stdout).trim().split("\n").sort();
}

test("bash completes commands, subcommands and their options", () => {
  expect(offered(["c"])).toEqual(["call", "cancel", "connect"]);
  expect(offered(["call", "pl"])).toEqual(["plan"]);
  expect(offered(["call", "plan", "--"])).toEqual(
    ["--help", "--json", "--relax", "--session", "--time-budget", "--timeout", "--to"].sort(),
  );
  expect(offered(["connect", "./a.ts:A", "--poll"])).toEqual(["--poll-interval"]);
  expect(offered(["host", "--le"])).toEqual(["--lease"]);
  expect(offered(["host", "--orph"])).toEqual([""]); // not for people
});

test.each(shells)("the script for %s names every command", (shell) => {
  const script = completionScript(shell, program);
  for (const name of ["connect", "run", "host", "call", "live-log", "trigger"]) {
    expect(script).toContain(name);
  }
});
