/**
 * Makes `dist/agent`, the only thing a user runs: `npm run build [-- --target bun-linux-arm64]
 * [--outfile path]`. The flags were measured: a lazy entry, split and compiled to bytecode, prints
 * its version in about the time the runtime itself needs to start.
 */
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import manifest from "./package.json" with { type: "json" };
import { pageBundle, pageNames } from "./src/page/bundle.ts";

const { values } = parseArgs({
  options: { target: { type: "string" }, outfile: { type: "string" } },
});
const outfile = resolve(values.outfile ?? join(import.meta.dir, "dist", "agent"));
await mkdir(dirname(outfile), { recursive: true });
// Built aside and moved into place, so that an agent that runs from there is not disturbed. The
// source maps are inside the binary too: the ones beside it go with the folder.
const aside = await mkdtemp(join(dirname(outfile), ".build-"));
const built = join(aside, basename(outfile));

const started = performance.now();
// Beforehand: a build inside of a build waits for itself.
const finished = await Promise.all(
  pageNames.map(async (name) => [name, await pageBundle(name)] as const),
);
const pages = `const pages = ${JSON.stringify(Object.fromEntries(finished))};
export const pageBundle = async (name) => pages[name];`;
/** The binary has no pages to bundle: it carries these. */
const finishedPages: Bun.BunPlugin = {
  name: "finished pages",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/src\/page\/bundle\.ts$/ }, () => ({ contents: pages, loader: "js" }));
  },
};
const result = await Bun.build({
  entrypoints: [join(import.meta.dir, "src", "main.ts")],
  format: "esm",
  plugins: [finishedPages],
  splitting: true, // each command is a chunk of its own, read when it is used
  bytecode: true,
  // Identifiers stay: stacks and class names in messages are read by people.
  minify: { whitespace: true, syntax: true, identifiers: false },
  sourcemap: "linked",
  throw: false,
  define: { AGENT_VERSION: JSON.stringify(manifest.version) },
  compile: {
    outfile: built,
    ...(values.target === undefined ? {} : { target: values.target as Bun.Build.CompileTarget }),
    // The current folder belongs to whoever starts the agent: nothing in it may run or leak in.
    autoloadDotenv: false,
    autoloadBunfig: false,
    // A plugin's own dependencies and path aliases, though, must resolve as they do elsewhere.
    autoloadPackageJson: true,
    autoloadTsconfig: true,
  },
});
for (const log of result.logs) console.error(log);
if (result.success) await rename(built, outfile);
await rm(aside, { recursive: true });
if (!result.success) process.exit(1);

const took = Math.round(performance.now() - started);
const mebibytes = (Bun.file(outfile).size / 2 ** 20).toFixed(0);
console.log(`built ${outfile} (${manifest.version}, ${mebibytes} MiB) in ${took} ms`);
