// The sample of each page type-checks as a project of its own, against the source.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../../scripts/binary.ts";
import { project } from "../support/project.ts";

test.each([
  ["client.md", "tidy.ts"],
  ["commander.md", "weigh.ts"],
])("the sample of %s type-checks", async (file, sample) => {
  const page = await Bun.file(join(root, "docs", file)).text();
  const [, name = "", text = ""] = /```ts\n\/\/ (\S+)\n([\s\S]*?)```/.exec(page) ?? [];
  await using folder = await project({
    [name]: text,
    "tsconfig.json": JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        typeRoots: [join(root, "node_modules", "@types")],
        paths: {
          "servant-agent/client": [join(root, "src", "client", "index.ts")],
          "servant-agent/puda": [join(root, "src", "puda", "index.ts")],
          "servant-agent/domains/warehouse": [join(root, "src", "domains", "warehouse.ts")],
        },
      },
      include: ["*.ts"],
    }),
  });
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const { stdout } = Bun.spawnSync([tsc, "-p", folder.path], { cwd: folder.path });
  expect({ name, output: stdout.toString() }).toEqual({ name: sample, output: "" });
});
