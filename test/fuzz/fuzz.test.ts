// Goal: nothing that anybody can send, type or leave in a file crashes the agent or grows in its
// memory: every decoder gives a defined value or a ServantError. Method: hostile input of seeds that
// fast-check prints with a failure; `FUZZ_RUNS=1000000 npm test -- test/fuzz` for more of it.
import { expect, test } from "bun:test";
import { child } from "./child.ts";
import { journal } from "./journal.ts";
import { local } from "./local.ts";
import { scenario } from "./scenario.ts";
import { texts } from "./texts.ts";
import { wire } from "./wire.ts";
import { zmtp } from "./zmtp.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 100_000);
const decoders = [...wire, ...texts, ...child, ...journal, ...local, ...scenario, ...zmtp];
const shares = decoders.reduce((sum, { share }) => sum + share, 0);
let seen = 0;

for (const { name, share, run } of decoders) {
  test(`${name}: no input crashes the decoder or outgrows its bounds`, async () => {
    seen += await run(Math.ceil((RUNS * share) / shares));
  }, 600_000);
}

test(`${RUNS} cases ran in all`, () => {
  expect(seen).toBeGreaterThanOrEqual(RUNS);
});
