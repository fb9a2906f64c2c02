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
import { CLOSE } from "../src/local/client-frame.ts";
import { cookieName } from "../src/local/guard.ts";
import {
  BODY_MAX_BYTES,
  LOG_READERS_MAX,
  REQUESTS_MAX,
  SOCKET_LIMITS,
} from "../src/local/limits.ts";
import { type CallerKind, RATES } from "../src/local/rate.ts";
import { READERS_MAX, SUBSCRIBES_MAX_PER_S } from "../src/local/stream.ts";
import * as wire from "../src/wire/local.ts";
import { DEFAULT_LOCAL_PORT, LOCAL_FILE, TOKEN_FILE } from "../src/wire/local-files.ts";
import { schemaOf } from "../src/wire/openapi.ts";
import { PAGE_KEY_HEADER, PAGE_KEY_PROTOCOL } from "../src/wire/page-key.ts";
import { CBOR_PROTOCOL, JSON_PROTOCOL } from "../src/wire/stream-protocols.ts";
import { root } from "./binary.ts";
import { exampleOf } from "./local-api-examples.ts";

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

/** What is told of besides the routes' own bodies, in the order in which they come. */
const FRAMES = {
  Hello: { schema: wire.Hello, told: "The agent's first frame." },
  ClientFrame: {
    schema: wire.ClientFrame,
    told: `What a client may send, ${SUBSCRIBES_MAX_PER_S} times a second at most; what is absent excludes nothing. To go on where\nit left off, it sends the last \`seq\` that it has as \`since\`.`,
  },
  Subscribed: { schema: wire.Subscribed, told: "The answer to it: what comes next passes it." },
  Lines: { schema: wire.Lines, told: "The lines of a moment, oldest first." },
  Gap: {
    schema: wire.Gap,
    told:
      "Lines that this reader will not get: it read too slowly, or they are no longer kept. Other lines of the same\n" +
      "numbers may come all the same.",
  },
};

export function localApiText(): string {
  return `${[
    "# The local door\n\nWritten by `npm run docs` from the schemas in `src/wire/local.ts`: change them, not this.",
    coming(),
    "## Routes",
    table(["route", "what it does"], Object.values(api).map(routeRow)),
    ...Object.values(api).map(route),
    stream(),
    ...Object.entries(FRAMES).map(([name, { schema, told }]) =>
      [`### ${name}`, told, exampleOf(name), members(schema)].join("\n\n"),
    ),
    "### Why it closes",
    table(["code", "why"], closings()),
    "## Failures",
    "Every answer from 400 on is a `Failure`, but for 413 (empty: what is too large is not read on), the 503 of\n" +
      `\`/ready\` and the 401 of the page.\n\n${exampleOf("Failure")}\n\n${members(wire.Failure)}`,
    table(["status", "code", "what to do"], failures()),
    limits(),
  ]
    .filter((part) => part !== "")
    .join("\n\n")}\n`;
}

function coming(): string {
  const seconds = CODE_LIFE_MS / 1_000;
  const hours = SESSION_LIFE_MS / 3_600_000;
  const url = `http://127.0.0.1:${DEFAULT_LOCAL_PORT}`;
  return `\`agent connect\` and \`agent run\` listen on \`127.0.0.1:${DEFAULT_LOCAL_PORT}\` (\`--port\`, \`--bind\` with
\`--tls-cert --tls-key\`, \`--local unix:PATH\`, \`--no-local\`). Where exactly stands in \`STATE_DIR/${LOCAL_FILE}\`, which is
there while the agent runs; \`agent status\` names the folder:

${members(wire.LocalFile)}

**Programs** send the text of \`STATE_DIR/${TOKEN_FILE}\` as \`Authorization: Bearer\`, with the request that opens the
websocket too. It stays the same over restarts.

\`\`\`sh
curl -H "Authorization: Bearer $(cat STATE_DIR/${TOKEN_FILE})" ${url}/v1/status
curl -H "Authorization: Bearer $(cat STATE_DIR/${TOKEN_FILE})" --unix-socket PATH http://localhost/v1/status
\`\`\`

**Browsers** never see the token. \`agent open\` asks \`POST /v1/open\` for a link that lets one browser in, once, within
${seconds} s. \`GET /open\` answers it with the cookie \`${cookieName({ port: DEFAULT_LOCAL_PORT })}\` (named with the port; \`HttpOnly\`,
\`SameSite=Strict\`) and the key that belongs to it, both good for ${hours} h, on this port alone. The page keeps the key in
\`localStorage\` and shows it with each request, as \`${PAGE_KEY_HEADER}\`; its websocket offers it as a subprotocol,
\`${PAGE_KEY_PROTOCOL}<key>\`, beside \`${JSON_PROTOCOL}\`. The cookie alone, which browsers hand to every port of a host, opens the
empty page and the description of the routes. Both count only along with what a browser says of itself: an
\`Origin\` that is this door's, or \`Sec-Fetch-Site: same-origin\`. Programs have no use for them.

Requests with another site's \`Origin\`, or for a name that is neither a loopback one nor in the certificate, are
refused with 403 whatever they carry; a stranger gets 401 for whatever is not open to all, and is not told whether it exists. Why:
[decisions/0012-local-door.md](decisions/0012-local-door.md). Answers may have more members one day.`;
}

function stream(): string {
  return `## The stream

Frames of the websocket at \`/v1/stream\`: JSON text (\`${JSON_PROTOCOL}\`, or no subprotocol), or CBOR with the
subprotocol \`${CBOR_PROTOCOL}\`, where what a plugin logged as bytes is bytes, not \`{"$base64": ...}\`. A frame has one
member, which names its kind. Without a word from the client every line comes from now on; the address may say the first
subscription (\`/v1/stream?level=warn&source=plugin&since=10m\`). Why it is so:
[decisions/0011-log-stream.md](decisions/0011-log-stream.md).

\`\`\`python
import json, websockets.sync.client as client

token = open("STATE_DIR/${TOKEN_FILE}").read().strip()
headers = {"Authorization": f"Bearer {token}"}
with client.connect("ws://127.0.0.1:${DEFAULT_LOCAL_PORT}/v1/stream", additional_headers=headers) as stream:
    for frame in map(json.loads, stream):
        for line in frame.get("lines", []):
            print(line["seq"], line["level"], line["message"])
\`\`\``;
}

function closings(): string[][] {
  const why: Record<keyof typeof CLOSE, string> = {
    goingAway: "the agent is stopping",
    unsupported: "text where this subprotocol is binary, or the other way round",
    invalid: "what came is neither JSON nor CBOR",
    policy: "a subscription that cannot be read, is ahead of the agent, or comes too often",
    failed: "a fault of the agent's own",
    tryLater: "too many readers",
  };
  const own = Object.entries(CLOSE).map(([name, code]) => [
    String(code),
    why[name as keyof typeof CLOSE],
  ]);
  return [...own, ["1002", "it breaks the websocket protocol"], ["1009", "a frame over the limit"]];
}

const ASKING: Readonly<Record<CallerKind, string>> = {
  open: "of `/health` and `/ready`",
  stranger: "without token or session",
  visitor: "with a session's cookie alone",
  token: "with the token",
  session: "with cookie and key of a session",
};

function routeRow({ method, path: at, summary, isOpen }: Spec): string[] {
  return [`\`${method} ${at}\``, `${summary}${isOpen ? " Open to all." : ""}`];
}

/** Of a route what its row in the table does not say; nothing when that is all. */
function route(spec: Spec): string {
  const { method, path: at, query = spec.address, body, answer, orAs, failures: codes = [] } = spec;
  const example = exampleOf(at);
  const form = [
    ...(typeof answer === "string" && answer !== "101" ? [`\`${answer}\``] : []),
    ...(orAs === undefined ? [] : [`\`${orAs}\``]),
  ].join(" or ");
  const others = Object.entries(spec.also ?? {}).map(([status, why]) => `${status}: ${why}.`);
  const shape = typeof answer === "string" ? "" : members(answer);
  const parts = [
    ...(query === undefined ? [] : [`In the address:\n\n${members(query, "input")}`]),
    ...(body === undefined ? [] : [`Body, which may be left out:\n\n${members(body, "input")}`]),
    ...(shape === "" && example === ""
      ? []
      : [[`Answer: ${form}`.replace(/: $/, ":"), example, shape]]),
    ...(others.length === 0 ? [] : [`Also ${others.join(" ")}`]),
    ...(codes.length === 0 ? [] : [`Fails with ${codes.map(failing).join(", ")}.`]),
  ]
    .flat()
    .filter((part) => part !== "");
  return parts.length === 0 ? "" : `### ${method} ${at}\n\n${parts.join("\n\n")}`;
}

function failing(code: ErrorCode): string {
  return `${statusOf(code)} \`${code}\``;
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
    "agent.internal",
    ...Object.values(api).flatMap(({ failures: own = [] }: Spec) => own),
  ]);
  return [...codes]
    .map((code) => [String(statusOf(code)), `\`${code}\``, catalogue[code].hint])
    .sort(([a = ""], [b = ""]) => a.localeCompare(b));
}

function limits(): string {
  const rates = Object.entries(RATES).map(([kind, { perSecond, burst }]) => [
    `requests ${ASKING[kind as CallerKind]}`,
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
