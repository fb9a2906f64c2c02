/** Holds what the house style says of imports, names and sizes. */
import { expect, test } from "bun:test";
import { basename, join } from "node:path";

const root = join(import.meta.dir, "..");

/** Which rooms each room may import, beside itself and core. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  wire: [],
  agent: [],
  planner: [],
  domains: [],
  sdk: [],
  stubs: [],
  system: [],
  nats: ["wire"],
  adapters: ["wire", "nats"],
  client: ["wire"],
  puda: ["wire", "nats"],
  gateway: ["wire"],
  local: ["wire"],
  page: ["wire"],
  runner: ["wire"],
  backend: ["wire", "planner", "domains"],
};
/** These may connect rooms; every other room is handed what it needs. */
const CONNECTS = ["cli", "main.ts"];
/** These get the outside world as ports. */
const PURE = ["core", "agent", "planner", "stubs"];
const IMPURE =
  /\bBun\b|["'](?:node:|bun:?)[^"']*["']|\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bsetTimeout\b|\bsetInterval\b|\bprocess\./;
/** Packages that pure rooms may import. */
const PURE_PACKAGES = ["zod"];
const LINES_MAX = 500;
const NAMELESS = /^(?:utils?|helpers?|common|managers?|misc|shared|lib)$/;

interface Source {
  readonly path: string;
  readonly text: string;
  /** The text without comments: what the compiler sees. */
  readonly code: string;
  readonly imports: readonly string[];
}

const sources = await Promise.all(
  ["src", "plugins", "test", "scripts", "bench"]
    .flatMap((folder) =>
      [...new Bun.Glob("**/*.{ts,tsx,mjs}").scanSync({ cwd: root })].filter((path) =>
        path.startsWith(`${folder}/`),
      ),
    )
    .filter((path) => !path.startsWith("test/fixtures/"))
    .sort()
    .map(read),
);
const inSrc = sources.filter(({ path }) => path.startsWith("src/"));

async function read(path: string): Promise<Source> {
  const text = await Bun.file(join(root, path)).text();
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
  const imports = [
    ...code.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g),
    ...code.matchAll(/\brequire\(\s*["']([^"']+)["']/g),
  ].map((match) => match[1] ?? "");
  return { path, text, code, imports };
}

/** `agent` of `src/agent/outbox.ts`, `main.ts` of `src/main.ts`. */
function roomOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** The room a relative import leads to; undefined when it leads out of `src`. */
function roomAt(from: string, specifier: string): string | undefined {
  const target = join(from, "..", specifier);
  return target.startsWith("src/") ? roomOf(target) : undefined;
}

test("every room is known", () => {
  const rooms = new Set(inSrc.map(({ path }) => roomOf(path)));
  const unknown = [...rooms].filter((room) => !(room in MAY_IMPORT) && !CONNECTS.includes(room));
  expect(unknown).toEqual([]);
});

test("a room imports only itself, core and what lies under it", () => {
  const broken = inSrc.flatMap(({ path, imports }) => {
    const room = roomOf(path);
    if (CONNECTS.includes(room)) return [];
    const allowed = [room, "core", ...(MAY_IMPORT[room] ?? [])];
    return imports
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => roomAt(path, specifier) ?? specifier)
      .filter((target) => !allowed.includes(target))
      .map((target) => `${path} imports ${target}`);
  });
  expect(broken).toEqual([]);
});

// Commands reach into rooms only by what they were made for; rooms meet in one file.
test("only compose and the commands connect rooms", () => {
  const broken = sources
    .filter(({ path }) => !path.startsWith("test/") && !path.startsWith("bench/"))
    .flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => specifier.startsWith("."))
        .filter((specifier) => ["cli", "main.ts"].includes(roomAt(path, specifier) ?? ""))
        .filter(() => !CONNECTS.includes(roomOf(path)))
        .map((specifier) => `${path} imports ${specifier}`),
    );
  expect(broken).toEqual([]);
});

test("core, agent, planner and stubs are pure: the world comes in through ports", () => {
  const broken = inSrc
    .filter(({ path }) => PURE.includes(roomOf(path)))
    .flatMap(({ path, code, imports }) => [
      ...code
        .split("\n")
        .filter((line) => IMPURE.test(line))
        .map((line) => `${path}: ${line.trim()}`),
      ...imports
        .filter((specifier) => !specifier.startsWith(".") && !PURE_PACKAGES.includes(specifier))
        .map((specifier) => `${path} imports ${specifier}`),
    ]);
  expect(broken).toEqual([]);
});

test('a plugin imports only "servant-agent" and its own files', () => {
  const broken = sources
    .filter(({ path }) => path.startsWith("plugins/"))
    .flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => !/^servant-agent(?:\/|$)|^node:/.test(specifier))
        .filter((specifier) => !join(path, "..", specifier).startsWith("plugins/"))
        .map((specifier) => `${path} imports ${specifier}`),
    );
  expect(broken).toEqual([]);
});

test("nothing escapes the type checker", () => {
  const hatch = /(?::|\bas|<|\|)\s*any\b(?![\w-])|biome-ignore\s+\S*noExplicitAny/;
  const broken = sources
    .filter(({ path }) => path !== "test/tidy.test.ts")
    .flatMap(({ path, text, code }) => [
      ...(/@ts-(?:ignore|nocheck)/.test(text) ? [`${path}: @ts-ignore`] : []),
      ...code
        .split("\n")
        .filter((line) => hatch.test(line.replace(/(["'`]).*?\1/g, '""')))
        .map((line) => `${path}: ${line.trim()}`),
    ]);
  expect(broken).toEqual([]);
});

test(`a file over ${LINES_MAX} lines says why in its first comment`, () => {
  const broken = sources
    .filter(({ text }) => text.split("\n").length > LINES_MAX)
    .filter(
      ({ text }) => !/^\s*(?:\/\*[\s\S]*?\*\/|(?:\/\/.*\n)+)/.exec(text)?.[0].includes("long"),
    )
    .map(({ path }) => path);
  expect(broken).toEqual([]);
});

test("files and folders are kebab-case and named for what they hold", () => {
  const broken = sources
    .map(({ path }) => path)
    .filter((path) => {
      const parts = path
        .split("/")
        .map((part) => part.replace(/\.(?:d|test)?\.?(?:ts|tsx|mjs)$/, ""));
      return parts.some((part) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part) || NAMELESS.test(part));
    });
  expect(broken).toEqual([]);
});

test("a source file begins with what it is for", () => {
  const broken = inSrc.filter(({ text }) => !/^(?:\/\*\*|\/\/)/.test(text)).map(({ path }) => path);
  expect(broken.map((path) => basename(path))).toEqual([]);
});
