/**
 * Vocabularies of Python packages as they are published, and of one of our own, imported by the
 * compiled program into a folder that a running backend reads.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAtom } from "../../src/core/atom.ts";
import { not, or } from "../../src/core/condition.ts";
import type { Domain } from "../../src/core/domain.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { adaptiveResampling } from "../../src/domains/adaptive-resampling.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { DomainFile } from "../../src/wire/domain.ts";
import { type AgentRun, agent, root } from "../support/binary.ts";
import { type Project, project } from "../support/project.ts";
import { peerPython, pythonWith, VERSIONS } from "../support/python.ts";
import { PATIENCE_MS, start, startHost } from "../support/running.ts";

const fixtures = join(root, "test", "fixtures", "domains");
const pythons = new Map<string, string>();
for (const version of VERSIONS) {
  const found = await peerPython(version);
  if (found !== undefined) pythons.set(version, found.python);
}
// The first of all: of this one, fluents do not know their names.
const nameless = await pythonWith("dynos-core-0.1.2", [
  ...["dynos-client==0.1.2", "dynos-core==0.1.2", "dynos-warehouse-domain==0.1.2"],
]);
if (nameless !== undefined) pythons.set("0.1.2 without names", nameless);
const newest = pythons.get("0.2.2") ?? "";

let home: Project;
beforeAll(async () => {
  home = await project();
});
afterAll(() => home[Symbol.asyncDispose]());

/** The program with a home of its own, and our package where Python looks. */
function domainCommand(...args: string[]): Promise<AgentRun> {
  return run({}, ...args);
}
function run(env: Record<string, string>, ...args: string[]): Promise<AgentRun> {
  const surroundings = {
    ...{ HOME: home.path, XDG_STATE_HOME: "", STATE_DIRECTORY: "" },
    PYTHONPATH: fixtures,
  };
  return agent(["domain", ...args], { env: { ...surroundings, ...env }, cwd: home.path });
}
const shelf = () => join(home.path, ".local", "state", "servant-agent", "domains");

async function printed(module: string, python: string): Promise<Domain> {
  const { code, stdout, stderr } = await domainCommand(
    "import",
    module,
    "--python",
    python,
    "--print",
  );
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  const { uses: _, ...domain } = DomainFile.parse(JSON.parse(stdout));
  return domain;
}
const sorted = <D extends { readonly name: string }>(defs: readonly D[]) =>
  [...defs].sort((a, b) => (a.name < b.name ? -1 : 1));

describe.each([...pythons])("with the packages of %s", (version, python) => {
  test("the warehouse that is published is the one that is brought along", async () => {
    const { types, fluents, transitions, objects } = await printed(
      "dynos_warehouse.warehouse",
      python,
    );
    expect(sorted(types)).toEqual(sorted(warehouse.types));
    expect(transitions).toEqual(warehouse.transitions);
    expect(sorted(objects)).toEqual(sorted(warehouse.objects));
    // The keep-out came with 0.2.2.
    const known =
      version !== "0.2.2" ? ({ name }: { name: string }) => name !== "no_entry" : () => true;
    expect(sorted(fluents)).toEqual(sorted(warehouse.fluents.filter(known)));
  });

  test("a package of one's own comes over whole, and what cannot is told", async () => {
    const { code, stdout, stderr } = await domainCommand(
      "import",
      "my_lab.plain",
      "--python",
      python,
      "--print",
    );
    expect(code).toBe(0);
    expect(stderr).toContain("the module prints this");
    expect(stderr).toContain('note: left out transition "weigh": its parameter "grams" is a float');
    const { types, fluents, transitions, objects } = DomainFile.parse(JSON.parse(stdout));
    expect(types).toEqual([
      {
        name: "bench",
        fields: { height: "number", label: "string", steady: "boolean", corners: "json" },
      },
      { name: "probe", fields: {} },
    ]);
    const bench = { name: "bench", type: "bench" };
    expect(fluents).toEqual([
      { name: "arm_free", args: [], default: true },
      { name: "on", args: [bench, { name: "probe", type: "probe" }], default: false },
      { name: "_hidden", args: [bench], default: false },
    ]);
    expect(transitions).toEqual([
      {
        name: "carry",
        params: [
          { name: "probe", type: "probe" },
          { name: "start", type: "bench" },
          { name: "end", type: "bench" },
          { name: "by", type: "bench", optional: true },
        ],
        preconditions: ["arm_free", "on(?start, ?probe)"].map(holding),
        adds: [parseAtom("on(?end, ?probe)")],
        removes: [parseAtom("on(?start, ?probe)")],
        cost: 2.5,
      },
      {
        ...{ name: "reset", params: [], preconditions: [], removes: [] },
        adds: ["on(bench_one, probe_one)", "_hidden(bench_two)"].map(parseAtom),
      },
    ]);
    expect(objects).toEqual([
      {
        ...{ name: "bench_one", type: "bench" },
        fields: {
          height: 3,
          corners: [
            [0, 1],
            [2, 3],
          ],
        },
      },
      { name: "bench_two", type: "bench", fields: { label: "by the window", steady: true } },
      { name: "probe_one", type: "probe", fields: {} },
    ]);
  });
});

const holding = (text: string) => ({ atom: parseAtom(text), holds: true });
const withDomains = VERSIONS.filter((version) => pythons.has(version));

test.each(withDomains)("adaptive resampling of %s builds on our Sentry", async (version) => {
  const python = pythons.get(version) ?? "";
  const domain = await printed("dynos_adaptive_resampling.domain", python);
  expect(domain.types).toEqual([]);
  expect(domain.fluents).toEqual(adaptiveResampling.fluents);
  expect(domain.transitions).toEqual(adaptiveResampling.transitions);
});

test.skipIf(newest === "")("conditions and conditional effects come over", async () => {
  const { transitions, types } = await printed("my_lab.rules", newest);
  expect(types.map(({ name }) => name)).toEqual(["bench", "probe"]); // zone is the Sentry's
  const [wipe, chart] = transitions;
  const seen = parseAtom("at(?seen_from)");
  expect(wipe).toMatchObject({
    preconditions: [
      or(parseAtom("dusty(?bench)"), not(parseAtom("clean(?bench)"))),
      { not: { and: [holding("arm_free"), { atom: seen, holds: false }] } },
    ],
    adds: ["clean(?bench)"],
    removes: ["dusty(?bench)"],
    effects: [
      { when: holding("on(?bench, probe_one)"), adds: ["arm_free"], removes: [] },
      { when: not(parseAtom("on(?bench, probe_one)")), adds: [], removes: ["arm_free"] },
    ],
  } as object);
  expect(chart?.preconditions).toEqual([holding("full_coverage_of(?zone)")]);
});

describe.skipIf(newest === "")("an import that fails says why and keeps nothing", () => {
  test.each([
    ["my_lab.raising", 1, "no licence for this laboratory"],
    ["my_lab.leaving", 1, "python ended with 3"],
    ["my_lab.broken", 1, "<class 'str'> is no object type"],
    ["my_lab.empty", 1, "no types, fluents, transitions or objects"],
    ["my_lab.stray", 2, 'transitions[0].removes[0]: "?bnech" in "lit(?bnech)" is no parameter'],
    ["my_lab.missing", 1, "does not have it: No module named 'my_lab.missing'"],
    ["dynos_sentry.sentry", 2, 'this program brings it, as "sentry"'],
    ["my_lab/plain", 2, "as Python imports it"],
    ["--help;x", 2, "unknown option"],
  ])("%s", async (module, code, says) => {
    const failed = await domainCommand("import", module, "--python", newest);
    expect([failed.code, failed.stderr]).toEqual([code, expect.stringContaining(says)]);
    expect(existsSync(shelf()) ? readdirSync(shelf()) : []).toEqual([]);
  });

  test("no Python, and one without dynos-core", async () => {
    const none = await domainCommand("import", "my_lab.plain", "--python", "no-such-python");
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('no "no-such-python"')]);
    const bare = await domainCommand("import", "my_lab.plain", "--python", "/usr/bin/python3");
    expect([bare.code, bare.stderr]).toEqual([1, expect.stringContaining("has no dynos-core")]);
  });

  test("a module that never ends is ended with all that it started", async () => {
    const PIDS = join(home.path, "pids");
    const args = ["import", "my_lab.hanging", "--python", newest, "--timeout", "3"];
    const failed = await run({ PIDS }, ...args);
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining("took over 3 s")]);
    const pids = (await Bun.file(PIDS).text()).split(" ").map(Number);
    expect(pids).toHaveLength(2);
    const untilMs = performance.now() + PATIENCE_MS;
    while (pids.some(isAlive) && performance.now() < untilMs) await Bun.sleep(20);
    expect(pids.filter(isAlive)).toEqual([]);
  }, 30_000);

  test("a folder that cannot be written to", async () => {
    await using full = await project({ domains: "a file in its place" });
    const args = ["import", "my_lab.plain", "--python", newest, "--domain-path"];
    const failed = await domainCommand(...args, join(full.path, "domains"));
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining("Cannot write")]);
    expect(readdirSync(full.path)).toEqual(["domains"]);
  });
});

function isAlive(pid: number): boolean {
  try {
    // A zombie waits for its parent, which is not ours to hurry: it runs no more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe.skipIf(newest === "")("a servant whose vocabulary no backend has built in", () => {
  test("is refused with the command that helps, and taken after it, without a restart", async () => {
    await using state = await project();
    const path = join(state.path, "domains");
    await Bun.write(join(path, ".keep"), "");
    const options = ["--domain-path", path, "--state-dir", state.path];
    using first = await startHost(...options);
    const { host, url } = first;
    const dynos = join(newest, "..", "dynos");
    const node = `${join(fixtures, "lab_node.py")}:LabNode`;
    const connect = () =>
      start([dynos, "connect", node, "--to", url], { PYTHONPATH: fixtures, COLUMNS: "1000" });

    const refused = connect();
    expect(await refused.exited).not.toBe(0);
    expect(refused.output()).toContain(`agent domain import my_lab.plain --domain-path ${path}`);
    const { code, stdout } = await domainCommand(
      ...["import", "my_lab.plain", "--python", newest, "--domain-path", path, "--json"],
    );
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({ path: join(path, "my_lab.plain.json"), transitions: 2 }),
    ]);

    const servant = connect();
    await servant.until(/Entering poll loop/);
    const post = async (route: string, body: JsonObject) => {
      const response = await fetch(url + route, { method: "POST", body: JSON.stringify(body) });
      return (await response.json()) as JsonObject;
    };
    await post("/goal", { goal: ["on(bench_two, probe_one)"] });
    const { results } = await post("/execute", {});
    expect(results).toMatchObject([{ success: true }]);
    servant.kill();
    expect(await servant.exited).toBe(0);

    // The world is still understood by the next life of the backend.
    host.kill();
    expect(await host.exited).toBe(0);
    using next = await startHost(...options);
    const kept = (await (await fetch(`${next.url}/state`)).json()) as { state: string[] };
    expect(kept.state).toEqual(["arm_free", "hands_free", "on(bench_two, probe_one)"]);
    next.host.kill();
    expect(await next.host.exited).toBe(0);
  }, 60_000);
});
