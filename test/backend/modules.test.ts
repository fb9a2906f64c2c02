/** Domain modules that a servant asks for and the backend has not been given: looked for, kept. */
import { expect, test } from "bun:test";
import { memoryStore } from "../../src/backend/memory-store.ts";
import { type DomainLibrary, learntModules } from "../../src/backend/modules.ts";
import type { Domain } from "../../src/core/domain.ts";
import { ServantError } from "../../src/core/errors.ts";
import { domain, fluent, objectType, transition } from "../../src/core/vocabulary.ts";
import { warehouse } from "../../src/domains/warehouse.ts";
import { harness } from "./harness.ts";

const bench = objectType("bench");
bench("bench_one");
const clean = fluent("clean", { bench });
const wipe = transition("wipe", { params: { bench }, adds: (p) => [clean(p.bench)] });
const lab = domain("lab", { modules: ["my_lab.domain"], transitions: [wipe] });

class Shelf implements DomainLibrary {
  readonly known = new Map<string, readonly Domain[]>();
  asked: string[] = [];
  /** Nobody is answered before so many have asked. */
  together = 1;
  readonly #all = Promise.withResolvers<void>();
  find = async (module: string) => {
    if (this.asked.push(module) >= this.together) this.#all.resolve();
    await this.#all.promise;
    if (module === "broken") throw new ServantError("domain.invalid", "Cannot use it: torn");
    // A folder is read anew for each that asks.
    return this.known.get(module)?.map((each) => (each === warehouse ? each : { ...each }));
  };
  importCommand(module: string) {
    return module.includes("/") ? undefined : `agent domain import ${module}`;
  }
}
const asking = (...modules: string[]) => ({ transitions: ["wipe"], domain_modules: modules });

test("a module that nobody knows is refused with the command that would help", async () => {
  await using http = harness({ library: new Shelf() });
  const refused = await http.post("/servant/register", asking("my_lab.domain"));
  expect(refused.status).toBe(422);
  expect(refused.body.detail).toContain("run: agent domain import my_lab.domain");
  expect(refused.body.code).toBe("domain.unknown");
  const path = await http.post("/servant/register", asking("../lab"));
  expect([path.status, String(path.body.detail).includes("import")]).toEqual([422, false]);
  expect((await http.get("/health")).body.servants).toBe(0);
});

test("what is found is known from then on, without a restart and over one", async () => {
  const shelf = new Shelf();
  const store = memoryStore();
  {
    await using http = harness({ library: shelf, store });
    expect((await http.post("/servant/register", asking("my_lab.domain"))).status).toBe(422);
    shelf.known.set("my_lab.domain", [warehouse, lab]);
    expect((await http.post("/servant/register", asking("my_lab.domain"))).status).toBe(200);
    expect((await http.post("/goal", { goal: ["clean(bench_one)"] })).status).toBe(200);
    expect((await http.post("/plan", {})).body).toMatchObject({ reason: "plan_found" });
    shelf.asked = [];
    await http.post("/servant/register", asking("my_lab.domain", "lab", "warehouse"));
    expect(shelf.asked).toEqual([]);
    expect((await http.get("/health")).body.domains).toEqual(["warehouse", "lab"]);
  }
  expect(learntModules(store)).toEqual(["my_lab.domain"]);
});

test("two servants that ask at once get the same", async () => {
  const shelf = new Shelf();
  shelf.known.set("my_lab.domain", [lab]);
  shelf.together = 8;
  await using http = harness({ library: shelf });
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => http.post("/servant/register", asking("my_lab.domain"))),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect((await http.get("/health")).body.domains).toEqual(["warehouse", "lab"]);
});

test("one that is there and cannot be used, or contradicts what is known, is refused", async () => {
  const shelf = new Shelf();
  const room = { name: "room", fields: { colour: "string" } } as const;
  shelf.known.set("other", [{ ...lab, name: "other", types: [...lab.types, room] }]);
  await using http = harness({ library: shelf });
  expect((await http.post("/servant/register", asking("broken"))).status).toBe(422);
  expect((await http.post("/servant/register", asking("other"))).status).toBe(409);
  expect((await http.get("/health")).body).toMatchObject({ domains: ["warehouse"], servants: 0 });
});
