/**
 * A thousand servants lose our backend, and come back to it: how long until all of them are there.
 * The servants are the real agent and adapter in a few processes; the backend is the binary.
 */
import { parseArgs } from "node:util";
import { storm } from "../test/support/storm.ts";

const usage = `Usage: npm run storm -- [--servants N] [--outage S] [--forget]

Options:
  --servants N   how many (default 1000)
  --outage S     how long the backend is away, in seconds (default 90: every wait is at its longest)
  --forget       the backend forgets its servants: they register again
  --help         print this`;

/** All must be back within this time, in milliseconds. */
const TO_REACH_MS = 60_000;

const { values } = parseArgs({
  options: {
    servants: { type: "string", default: "1000" },
    outage: { type: "string", default: "90" },
    forget: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const report = await storm({
  servants: Number(values.servants),
  outageMs: Number(values.outage) * 1_000,
  isForgetful: values.forget,
  withinMs: 2 * TO_REACH_MS,
  tell: (line) => console.log(line),
});
console.log(JSON.stringify(report, null, 1));
const { backMs, live, asked, answered, ended, waiting } = report;
const isGood = backMs <= TO_REACH_MS && live === Number(values.servants) && ended.length === 0;
process.exit(isGood && answered === asked && waiting === 0 ? 0 : 1);
