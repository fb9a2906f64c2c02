/** `agent call create`: makes an object, from a call as people type it or from a JSON file. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { messageOf, ServantError } from "../../core/errors.ts";
import { parseExpression } from "../../core/expression.ts";
import { isJsonObject, type JsonObject } from "../../core/json.ts";
import { nearest } from "../../core/nearest.ts";
import { printable } from "../output.ts";
import { type CallOptions, withBackend } from "./context.ts";

/** Longer files are not read, in bytes: no backend takes so much. */
const FILE_MAX_BYTES = 32 * 1024 * 1024;

export async function create(source: string, options: CallOptions): Promise<number> {
  const isFile = source.endsWith(".json") || existsSync(source);
  const { type, name, fields } = isFile ? fromFile(source) : fromExpression(source);
  return withBackend(options, async ({ orchestrator, out, json }) => {
    const answer = await orchestrator.createObject(type, name, fields);
    if (json) {
      out.json(answer);
      return 0;
    }
    const made = isJsonObject(answer.object) ? answer.object : answer;
    const canonical = String(made.merged_into ?? made.name ?? name);
    const verb = made.created === false ? "is there already" : "created";
    out.line(`${out.paint.green("✓")} ${printable(`${type} ${canonical}`)} ${verb}`);
    if (typeof made.warning === "string") {
      process.stderr.write(`agent: ${printable(made.warning)}\n`);
    }
    return 0;
  });
}

interface Wanted {
  readonly type: string;
  readonly name: string;
  readonly fields: JsonObject;
}

const FORM = "write it as Zone(name=site, width=3), every value with its name";

/** `Zone(name=x, ...)`: a type may be written as Python's class of it. */
function fromExpression(text: string): Wanted {
  const { name: type, args, named } = parseExpression(text);
  const { name, ...fields } = named;
  if (args.length > 0) throw bad(text, `a value has no name; ${FORM}`);
  if (name === undefined) {
    const typo = nearest("name", Object.keys(fields));
    const near = typo === undefined ? "" : ` (but ${typo}=...)`;
    throw bad(text, `it has no name=...${near}; ${FORM}`);
  }
  if (typeof name !== "string") throw bad(text, `its name is no text; ${FORM}`);
  return { type: type.toLowerCase(), name, fields };
}

function fromFile(path: string): Wanted {
  let parsed: unknown;
  try {
    const { size } = statSync(path);
    if (size > FILE_MAX_BYTES) throw new RangeError(`it has ${size} bytes`);
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw bad(path, messageOf(cause));
  }
  const { type, name, ...fields } = isJsonObject(parsed) ? parsed : ({} as JsonObject);
  if (typeof type !== "string" || typeof name !== "string" || type === "" || name === "") {
    throw bad(path, 'the file must hold an object with "type" and "name"');
  }
  return { type, name, fields };
}

function bad(source: string, reason: string): ServantError {
  const problem = `Cannot create object from "${source.slice(0, 200)}": ${reason}`;
  return new ServantError("usage.invalid", problem);
}
