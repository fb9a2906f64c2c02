/** Where vocabularies are found: brought along, in files, in folders that are read anew. */
import { describe, expect, test } from "bun:test";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { firstParty, Library } from "../../src/cli/domain/library.ts";
import type { Json } from "../../src/core/json.ts";
import { type Project, project } from "../support/project.ts";

const lab: Json = {
  name: "my_lab.domain",
  types: [{ name: "bench" }],
  fluents: [{ name: "clean", args: [{ name: "what", type: "bench" }] }],
  transitions: [
    { name: "wipe", params: [{ name: "what", type: "bench" }], adds: ["clean(?what)"] },
  ],
};
const hoist: Json = {
  name: "hoist",
  modules: ["my_hoist"],
  uses: ["warehouse"],
  transitions: [{ name: "hoist", params: [{ name: "what", type: "box" }], adds: ["hands_free"] }],
};
const inTypeScript = `import { domain, fluent, objectType, step, transition } from "servant-agent";
const door = objectType("door");
const open = fluent("open", { door });
const pull = transition("pull", {
  params: { door }, adds: (p) => [open(p.door)], cost: (_, scene) => scene.objects.length,
});
export default domain("doors", { transitions: [pull], checkObject: () => {} });
`;

function shelf(files: Readonly<Record<string, Json>>): Promise<Project> {
  const text = (content: Json) => (typeof content === "string" ? content : JSON.stringify(content));
  const all = Object.entries(files).map(([name, content]) => [name, text(content)]);
  return project(Object.fromEntries(all));
}
function library(...domainPath: string[]): Library {
  return new Library({ domainPath }, { HOME: "/nowhere" });
}
const namesIn = (domains: readonly { readonly name: string }[] | undefined) =>
  domains?.map(({ name }) => name);

test("what is brought along is there, by each of its names, and cannot be covered", async () => {
  await using files = await shelf({ "warehouse.json": { name: "warehouse" } });
  const own = library(files.path);
  expect(await own.open([])).toEqual([...firstParty]);
  for (const name of ["warehouse", "dynos_warehouse.warehouse"]) {
    expect(await own.find(name)).toEqual([firstParty[0] as (typeof firstParty)[number]]);
  }
  expect(namesIn(await own.find("dynos_adaptive_resampling.domain"))).toContain(
    "adaptive_resampling",
  );
});

test("a file is found by its name, or a document by what it says of itself", async () => {
  await using files = await shelf({
    "my_lab.domain.json": lab,
    "any.json": hoist,
    "doors.ts": inTypeScript,
    "notes.json": "no vocabulary",
    "types.d.ts": "this is no module",
  });
  const own = library(files.path);
  expect(namesIn(await own.find("my_lab.domain"))).toEqual(["my_lab.domain"]);
  expect(namesIn(await own.find("my_hoist"))).toEqual(["warehouse", "hoist"]);
  const [doors] = (await own.find("doors")) ?? [];
  expect([doors?.code?.pull?.cost, doors?.checkObject]).toEqual([
    expect.any(Function),
    expect.any(Function),
  ]);
  expect(await own.find("my_lab")).toBeUndefined();
  const opened = await own.open(["hoist", "warehouse", join(files.path, "doors.ts")]);
  expect(namesIn(opened)).toEqual(["warehouse", "hoist", "doors"]);
});

test("a folder is read anew: what came or changed a moment ago is there", async () => {
  await using files = await shelf({});
  const own = library(files.path);
  expect(await own.find("my_lab.domain")).toBeUndefined();
  await Bun.write(join(files.path, "my_lab.domain.json"), JSON.stringify(lab));
  await Bun.write(join(files.path, "doors.ts"), inTypeScript);
  expect(namesIn(await own.find("my_lab.domain"))).toEqual(["my_lab.domain"]);
  expect(namesIn(await own.find("doors"))).toEqual(["doors"]);
  await Bun.write(join(files.path, "doors.ts"), inTypeScript.replaceAll("pull", "push"));
  const [doors] = (await own.find("doors")) ?? [];
  expect(namesIn(doors?.transitions)).toEqual(["push"]);
  await rm(join(files.path, "my_lab.domain.json"));
  expect(await own.find("my_lab.domain")).toBeUndefined();
});

test("of two folders the first wins", async () => {
  await using one = await shelf({ "a.json": { name: "a", modules: ["first"] } });
  await using two = await shelf({ "a.json": { name: "a" }, "b.json": { name: "b" } });
  const own = library(one.path, two.path);
  expect((await own.lookUp("a")).path).toBe(join(one.path, "a.json"));
  expect((await own.lookUp("b")).path).toBe(join(two.path, "b.json"));
});

describe("a name that could be a path finds nothing", () => {
  test.each(["../secret", "a/b", "/etc/passwd", "..", ".", "", "a\0b", "x".repeat(5_000)])(
    "%j",
    async (name) => {
      await using files = await shelf({ "folder/inner.json": lab, ".hidden.json": lab });
      await Bun.write(join(files.path, "..", "secret.json"), JSON.stringify(lab));
      await mkdir(join(files.path, "a"), { recursive: true });
      await Bun.write(join(files.path, "a", "b.json"), JSON.stringify(lab));
      const own = library(files.path);
      expect(await own.find(name)).toBeUndefined();
      expect(own.importCommand(name)).toBeUndefined();
      await rm(join(files.path, "..", "secret.json"));
    },
  );
});

test("what is there and cannot be used is told, with its place", async () => {
  await using files = await shelf({
    "bad.json": { name: "bad", transitions: [{ name: "go", adds: ["at(?x"] }] },
    "worse.json": { ...(hoist as object), name: "worse", uses: ["sentri"] },
    "round.json": { name: "round", uses: ["square"] },
    "square.json": { name: "square", uses: ["round"] },
    "stray.json": { name: "stray", transitions: [{ name: "go", adds: ["att"] }] },
    "torn.json": "{",
    "deep.json": `{"name":"deep","objects":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
  });
  const own = library(files.path);
  const said = async (name: string) => await own.find(name).then(String, String);
  expect(await said("bad")).toContain('transitions[0].adds[0]: "at(?x" is no atom');
  expect(await said("worse")).toContain('uses "sentri", which nobody knows; nearest is "sentry"');
  expect(await said("round")).toContain("it uses itself: round > square > round");
  expect(await said("stray")).toContain('transitions[0].adds[0]: fluent "att" is not declared');
  expect(await said("torn")).toContain("torn.json");
  expect(await said("deep")).toContain("it nests too deep");
  expect(await own.open(["wherehouse"]).then(String, String)).toContain('nearest is "warehouse"');
  const missing = library(join(files.path, "nowhere"));
  expect(await missing.open([]).then(String, String)).toContain("Cannot find domain folder");
});

test("the command that would help names the folder, unless everybody looks there", () => {
  expect(library().importCommand("my_lab.domain")).toBe("agent domain import my_lab.domain");
  expect(library("/srv/my domains").importCommand("my_lab")).toBe(
    "agent domain import my_lab --domain-path '/srv/my domains'",
  );
  const service = new Library({ domainPath: [] }, { HOME: "/h", STATE_DIRECTORY: "/var/lib/x" });
  expect(service.importCommand("my_lab")).toBe(
    "agent domain import my_lab --domain-path /var/lib/x/domains",
  );
  for (const odd of ["$(reboot)", "a;b", "a b", "a..b", "-h"]) {
    expect(library().importCommand(odd)).toBeUndefined();
  }
});
