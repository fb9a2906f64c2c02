/** Shows the whole thing at work: a simulated robot carries a box to another room. */
import { join } from "node:path";
import { ensureBinary, root } from "./binary.ts";

const plugin = join(root, "plugins", "warehouse.ts:WarehouseNode");
const demo = Bun.spawn([await ensureBinary(), "run", plugin, "--goal", "box_at(room_two, box_a)"], {
  cwd: root,
  stdio: ["inherit", "inherit", "inherit"],
});
process.exit(await demo.exited);
