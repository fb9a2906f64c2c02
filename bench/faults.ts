/**
 * Fifteen faults on our servant and on the public Python servant 0.2.2, side by side, each on a
 * hostile backend of its own: `npm run faults -- [--only NAME] [--json]`. Prints the table of
 * docs/reliability.md; what counts as survived, lost, doubled and a death: `Verdict`, which
 * test/support/faults/scene.ts works out. Ends with 1 when ours does not survive a fault.
 */
import { parseArgs } from "node:util";
import { type Fault, faults, suffer } from "../test/support/faults/faults.ts";
import type { Verdict } from "../test/support/faults/scene.ts";
import { type Make, ourMake, pythonMake } from "../test/support/faults/servants.ts";

/** How long anything that has to happen may take, in milliseconds. */
const PATIENCE_MS = 12_000;
/** The longest that one fault may take on one servant, in milliseconds. */
const LIMIT_MS = 90_000;

// Ctrl-C ends the servants too: see `running` of test/support/faults/servants.ts.
process.once("SIGINT", () => process.exit(130));

const { values } = parseArgs({
  options: { only: { type: "string" }, json: { type: "boolean", default: false } },
});
const chosen = faults.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) {
  const names = faults.map(({ name }) => `  ${name}`).join("\n");
  console.error(`Cannot find fault "${values.only}"; there are:\n${names}`);
  process.exit(2);
}

/** A servant that does not survive it in time has not survived it. */
async function limited(make: Make, fault: Fault): Promise<Verdict> {
  const late = Promise.withResolvers<Verdict>();
  const { name } = fault;
  const problems = [`not over after ${LIMIT_MS / 1_000} s`];
  const overdue = {
    fault: name,
    servant: make.name,
    survived: false,
    lost: 0,
    doubled: 0,
    deaths: 0,
  };
  const timer = setTimeout(() => late.resolve({ ...overdue, problems }), LIMIT_MS);
  const verdict = await Promise.race([suffer(make, fault, PATIENCE_MS), late.promise]);
  clearTimeout(timer);
  return verdict;
}

function cell({ survived, lost, doubled, deaths, problems }: Verdict): string {
  if (survived) return "survived";
  const deathsOf = deaths === 1 ? "1 death" : `${deaths} deaths`;
  const harm = [
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(doubled > 0 ? [`${doubled} doubled`] : []),
    ...(deaths > 0 ? [deathsOf] : []),
  ];
  return [...harm, ...problems].join(", ");
}

const python = await pythonMake();
const makes = [...(python === undefined ? [] : [python]), await ourMake()];
const table = new Map<Make, Verdict[]>(makes.map((make) => [make, []]));
const skipped: string[] = [];
for (const fault of chosen) {
  if (fault.unplayable !== undefined) {
    skipped.push(`${fault.name}: ${fault.unplayable}`);
    continue;
  }
  await Promise.all(
    makes.map(async (make) => {
      const verdict = await limited(make, fault);
      table.get(make)?.push(verdict);
      console.error(`${fault.name} | ${make.name}: ${cell(verdict)}`);
    }),
  );
}

const totals = makes.map((make) => {
  const verdicts = table.get(make) ?? [];
  const sum = (of: (verdict: Verdict) => number) =>
    verdicts.reduce((all, each) => all + of(each), 0);
  return {
    servant: make.name,
    version: make.version,
    faults: verdicts.length,
    survived: sum(({ survived }) => Number(survived)),
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    deaths: sum(({ deaths }) => deaths),
  };
});

if (values.json) {
  console.log(JSON.stringify({ totals, verdicts: [...table.values()].flat(), skipped }, null, 2));
} else {
  const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
  row(["fault", ...totals.map(({ servant, version }) => `${servant} ${version}`)]);
  row(["---", ...makes.map(() => "---")]);
  for (const [index, { fault }] of (table.get(makes[0] as Make) ?? []).entries()) {
    row([fault, ...[...table.values()].map((of) => cell(of[index] as Verdict))]);
  }
  row(["survived", ...totals.map(({ survived, faults: all }) => `${survived} of ${all}`)]);
  row([
    "lost / doubled / deaths",
    ...totals.map(({ lost, doubled, deaths }) => `${lost} / ${doubled} / ${deaths}`),
  ]);
  for (const each of skipped) console.log(`SKIPPED ${each}`);
}
const ours = totals.at(-1);
process.exit(ours !== undefined && ours.survived === ours.faults ? 0 : 1);
