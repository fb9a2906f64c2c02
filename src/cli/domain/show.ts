/** `agent domain show`: one vocabulary, in words or as the document that would make it. */
import { type Condition, conditionText } from "../../core/condition.ts";
import type {
  ConditionalEffect,
  Domain,
  FluentDef,
  ObjectDef,
  ObjectTypeDef,
  ParamDef,
  StepDef,
  TransitionDef,
} from "../../core/domain.ts";
import { toDocument } from "../../wire/domain.ts";
import { openOutput, type Paint } from "../output.ts";
import { Library } from "./library.ts";
import type { DomainOptions } from "./options.ts";

/** @throws {ServantError} `domain.not-found`, `domain.invalid` */
export async function show(name: string, options: DomainOptions): Promise<number> {
  const out = openOutput(process.stdout, process.env);
  const { domain, uses, path } = await new Library(options).lookUp(name);
  if (options.json) {
    out.json(toDocument({ ...domain, uses }));
    return 0;
  }
  out.line(`${out.paint.bold(domain.name)}  ${out.paint.dim(path ?? "built in")}`);
  if (domain.modules.length > 0) out.line(`modules: ${domain.modules.join(", ")}`);
  if (uses.length > 0) out.line(`uses: ${uses.join(", ")}`);
  for (const line of describe(domain, out.paint)) out.line(line);
  return 0;
}

function describe(domain: Domain, paint: Paint): string[] {
  const { types, fluents, transitions, objects } = domain;
  return [
    ...section("types", types.map(typeText), paint),
    ...section("fluents", fluents.map(fluentText), paint),
    ...section(
      "transitions",
      transitions.flatMap((def) => transitionLines(def, domain)),
      paint,
    ),
    ...section("objects", objects.map(objectText), paint),
  ];
}

function section(title: string, lines: readonly string[], paint: Paint): string[] {
  if (lines.length === 0) return [];
  return ["", paint.bold(title), ...lines.map((line) => `  ${line}`)];
}

function typeText({ name, fields }: ObjectTypeDef): string {
  const list = Object.entries(fields).map(([field, kind]) => `${field}: ${kind}`);
  return list.length === 0 ? name : `${name}(${list.join(", ")})`;
}

function fluentText({ name, args, default: isTrue, exclusive }: FluentDef): string {
  const only = exclusive ? "  one at a time" : "";
  return `${name}(${argsText(args)})${isTrue ? "  true unless set" : ""}${only}`;
}

function argsText(args: readonly ParamDef[]): string {
  return args
    .map(({ name, type, optional }) => `${name}${optional ? "?" : ""}: ${type}`)
    .join(", ");
}

/** What only code can say is named, not told. */
function transitionLines(def: TransitionDef, { code = {} }: Domain): string[] {
  const { name, params, preconditions, effects = [], cost, script = [] } = def;
  const ofCode = Object.keys(code[name] ?? {});
  const facts: readonly (readonly [string, string])[] = [
    ...preconditions.map((each) => ["needs", conditionText(each)] as const),
    ...changeFacts(def),
    ...effects.map((effect) => ["when", effectText(effect)] as const),
    ...script.map((step) => ["step", stepText(step)] as const),
    ...(cost === undefined ? [] : [["costs", String(cost)] as const]),
    ...(ofCode.length === 0 ? [] : [["code", ofCode.join(", ")] as const]),
  ];
  const lines = facts.map(([word, text]) => `  ${word.padEnd(8)}${text}`);
  return [`${name}(${argsText(params)})`, ...lines];
}

function changeFacts({ adds, removes }: Pick<TransitionDef, "adds" | "removes">) {
  return [
    ...(adds.length === 0 ? [] : [["adds", adds.join(", ")] as const]),
    ...(removes.length === 0 ? [] : [["removes", removes.join(", ")] as const]),
  ];
}

function effectText(effect: ConditionalEffect): string {
  const condition: Condition = effect.when;
  const changes = changeFacts(effect).map(([word, atoms]) => `${word} ${atoms}`);
  return `${conditionText(condition)}: ${changes.join("; ")}`;
}

function stepText({ transition, parameters }: StepDef): string {
  const list = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return `${transition}(${list.join(", ")})`;
}

function objectText({ name, type, fields }: ObjectDef): string {
  const list = Object.entries(fields).map(([field, value]) => `${field}=${JSON.stringify(value)}`);
  return `${name}: ${type}${list.length === 0 ? "" : `(${list.join(", ")})`}`;
}
