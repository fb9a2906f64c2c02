import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { Clusters } from "../../src/cli/puda/clusters.ts";
import { Folder } from "../support/servant.ts";

test("Clusters know a cluster again by any address that once led to it, for each machine apart", () => {
  using folder = new Folder();
  const path = `${folder.path}/clusters.json`;
  const first = new Clusters(path);
  const origin = first.originOf("arm", ["a:4222", "b:4222"]);
  expect(origin).toBe("puda:arm@a:4222");
  first.learn(origin, ["a:4222", "b:4222", "c:4222"]);
  const again = new Clusters(path);
  expect(again.originOf("arm", ["c:4222"])).toBe(origin);
  expect(again.originOf("arm", ["x:1", "b:4222"])).toBe(origin);
  expect(again.originOf("arm", ["x:1"])).toBe("puda:arm@x:1");
  expect(again.originOf("leg", ["a:4222"])).toBe("puda:leg@a:4222");
});

test("Clusters begin anew where the file cannot be read, and keep no more than so many", () => {
  using folder = new Folder();
  const path = `${folder.path}/clusters.json`;
  writeFileSync(path, "{ torn");
  const clusters = new Clusters(path);
  expect(clusters.originOf("arm", ["a:1"])).toBe("puda:arm@a:1");
  for (let nth = 0; nth < 40; nth += 1)
    clusters.learn(`puda:arm@${nth}:1`, [`${nth}:1`, `${nth}:2`]);
  const again = new Clusters(path);
  expect(again.originOf("arm", ["39:2"])).toBe("puda:arm@39:1");
  expect(again.originOf("arm", ["0:2"])).toBe("puda:arm@0:2");
});
