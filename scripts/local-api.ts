/**
 * Writes `docs/local-api.md` from the schemas and the table of routes: `npm run docs`. A test holds
 * that what lies there is up to date.
 */
import { join } from "node:path";
import type * as z from "zod/mini";
import { catalogue, type ErrorCode } from "../src/core/errors.ts";
import { statusOf } from "../src/local/answers.ts";
import { api, type Spec } from "../src/local/api.ts";
import { CODE_LIFE_MS, SESSION_LIFE_MS } from "../src/local/auth.ts";
import {
  BODY_MAX_BYTES,
  LOG_READERS_MAX,
  REQUESTS_MAX,
  SOCKET_LIMITS,
} from "../src/local/limits.ts";
import { schemaOf } from "../src/local/openapi.ts";
import { RATES } from "../src/local/rate.ts";
import { READERS_MAX } from "../src/local/stream.ts";
import * as wire from "../src/wire/local.ts";
import { DEFAULT_LOCAL_PORT, LOCAL_FILE, TOKEN_FILE } from "../src/wire/local-files.ts";
import { root } from "./binary.ts";

export const path = join(root, "docs", "local-api.md");

/** A JSON schema, as far as ours use it. */
interface Shape {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
}

/** What is told of besides the routes' own bodies. */
const FRAMES = {
  Hello: wire.Hello,
  Lines: wire.Lines,
  Subscribed: wire.Subscribed,
  Gap: wire.Gap,
  ClientFrame: wire.ClientFrame,
};

export function localApiText(): string {
  return `${[
    "# The local door\n\nWritten by `npm run docs` from the schemas in `src/wire/local.ts`: change them, not this.",
    coming(),
    "## Routes",
    table(["route", "what it does"], Object.values(api).map(routeRow)),
    ...Object.values(api).map(route),
    "## The stream\n\nFrames of the websocket at `/v1/stream`: JSON text, or CBOR with the subprotocol " +
      `\`${wire.CBOR_PROTOCOL}\`. Why it is so: [decisions/0011-log-stream.md](decisions/0011-log-stream.md).`,
    ...Object.entries(FRAMES).map(([name, schema]) => `### ${name}\n\n${members(schema)}`),
    "## Failures",
    `Every answer from 400 on is a \`Failure\`.\n\n${members(wire.Failure)}`,
    table(["status", "code", "what to do"], failures()),
    limits(),
  ]
    .filter((part) => part !== "")
    .join("\n\n")}\n`;
}

function coming(): string {
  const minutes = CODE_LIFE_MS / 1_000;
  const hours = SESSION_LIFE_MS / 3_600_000;
  return `\`agent connect\` and \`agent run\` listen on \`127.0.0.1:${DEFAULT_LOCAL_PORT}\` (\`--port\`, \`--bind\` with
\`--tls-cert --tls-key\`, \`--local unix:PATH\`, \`--no-local\`); where exactly stands in \`STATE_DIR/${LOCAL_FILE}\`. Programs
send the text of \`STATE_DIR/${TOKEN_FILE}\` as \`Authorization: Bearer\`:

\`\`\`sh
curl -H "Authorization: Bearer $(cat STATE_DIR/${TOKEN_FILE})" http://127.0.0.1:${DEFAULT_LOCAL_PORT}/v1/status
\`\`\`

Browsers come in by the link that \`agent open\` prints, once, within ${minutes} s, and stay for ${hours} h. Requests with
another site's \`Origin\`, or for a name that is not this machine's, are refused whatever they carry. Why:
[decisions/0012-local-door.md](decisions/0012-local-door.md).`;
}

function routeRow({ method, path: at, summary, isOpen }: Spec): string[] {
  return [`\`${method} ${at}\``, `${summary}${isOpen ? " Open to all." : ""}`];
}

/** Of a route what its row in the table does not say; nothing when that is all. */
function route(spec: Spec): string {
  const { method, path: at, query = spec.address, body, answer, failures: codes = [] } = spec;
  const parts = [
    ...(query === undefined ? [] : [`In the address:\n\n${members(query, "input")}`]),
    ...(body === undefined ? [] : [`Body:\n\n${members(body, "input")}`]),
    ...(typeof answer === "string" ? [] : [`Answer:\n\n${members(answer)}`]),
    ...(codes.length === 0 ? [] : [`Fails with ${codes.map((code) => `\`${code}\``).join(", ")}.`]),
  ];
  return parts.length === 0 ? "" : `### ${method} ${at}\n\n${parts.join("\n\n")}`;
}

function members(schema: z.ZodMiniType, io: "input" | "output" = "output"): string {
  return table(["member", "type", ""], rows(schemaOf(schema, io) as Shape, ""));
}

function rows(shape: Shape, prefix: string): string[][] {
  const { properties = {}, required = [] } = shape;
  return Object.entries(properties).flatMap(([name, member]) => {
    const mark = required.includes(name) ? "" : "?";
    const label = `${prefix}${name}${mark}`;
    const inner = member.items?.properties === undefined ? member : member.items;
    const step = inner === member ? "." : "[].";
    const usual =
      member.default === undefined ? "" : `default \`${JSON.stringify(member.default)}\``;
    const told = [member.description, usual].filter(Boolean).join("; ");
    const row = [`\`${label}\``, typeText(member), told];
    return inner.properties === undefined
      ? [row]
      : [row, ...rows(inner, `${prefix}${name}${step}`)];
  });
}

function typeText({ type, enum: values, const: value, anyOf, items }: Shape): string {
  if (value !== undefined) return `\`${JSON.stringify(value)}\``;
  if (values !== undefined) return values.map((each) => `\`${each}\``).join(", ");
  if (anyOf !== undefined) return anyOf.map(typeText).join(" or ");
  if (type === "array") return `list of ${items?.properties ? "objects" : typeText(items ?? {})}`;
  return type ?? "any JSON";
}

function failures(): string[][] {
  const codes = new Set<ErrorCode>([
    "local.unauthorized",
    "request.foreign",
    "local.too-many",
    "route.unknown",
    ...Object.values(api).flatMap(({ failures: own = [] }: Spec) => own),
  ]);
  return [...codes]
    .map((code) => [String(statusOf(code)), `\`${code}\``, catalogue[code].hint])
    .sort(([a = ""], [b = ""]) => a.localeCompare(b));
}

function limits(): string {
  const rates = Object.entries(RATES).map(([kind, { perSecond, burst }]) => [
    `requests of ${kind === "open" ? "`/health` and `/ready`" : `a ${kind}`}`,
    `${perSecond} a second, ${burst} at once after a rest`,
  ]);
  return `## Limits\n\n${table(
    ["what", "how much"],
    [
      ...rates,
      ["requests under way", String(REQUESTS_MAX)],
      ["body", `${BODY_MAX_BYTES / 1_024} KiB`],
      ["readers of `/v1/stream`", String(READERS_MAX)],
      ["readers of `/v1/logs`", String(LOG_READERS_MAX)],
      ["frame of a client", `${SOCKET_LIMITS.maxPayloadLength / 1_024} KiB`],
      ["assignments on a page", String(wire.ASSIGNMENTS_PAGE_MAX)],
    ],
  )}`;
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
}

if (import.meta.main) {
  await Bun.write(path, localApiText());
  console.log(`wrote ${path}`);
}
