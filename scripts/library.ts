/**
 * Writes what other programs import at run time, on Node and on Bun: the client, the first-party
 * vocabularies and the commander of PUDA machines, as JavaScript in `dist/client`, `dist/domains` and `dist/puda`. They share one copy of the words a
 * vocabulary is written with, and carry all they need: nothing has to be installed beside them.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./binary.ts";

const dist = join(root, "dist");
for (const folder of ["client", "domains", "puda"]) {
  await rm(join(dist, folder), { recursive: true, force: true });
}
const src = join(root, "src");
const domains = ["adaptive-resampling", "sentry", "warehouse"];
const result = await Bun.build({
  entrypoints: [
    join(src, "client", "index.ts"),
    join(src, "puda", "index.ts"),
    ...domains.map((name) => join(src, "domains", `${name}.ts`)),
  ],
  root: src,
  outdir: dist,
  target: "node",
  format: "esm",
  splitting: true,
  naming: { entry: "[dir]/[name].js", chunk: "client/chunk-[hash].js" },
  throw: false,
});
for (const log of result.logs) console.error(log);
process.exit(result.success ? 0 : 1);
