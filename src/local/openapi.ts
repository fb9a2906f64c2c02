/** The door's description as OpenAPI 3.1, made from the table of its routes. */
import * as z from "zod/mini";
import type { ErrorCode } from "../core/errors.ts";
import { Failure } from "../wire/local.ts";
import { PAGE_KEY_HEADER, PAGE_KEY_PROTOCOL } from "../wire/page-key.ts";
import { statusOf } from "./answers.ts";
import type { Spec } from "./api.ts";

type Document = Readonly<Record<string, unknown>>;
type Content = Readonly<Record<string, { readonly schema?: Document }>>;

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Document;
}

interface Outcome {
  readonly description: string;
  readonly content?: Content;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  /** Absent: as the whole says. Empty: open to all. */
  readonly security?: readonly Document[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, Outcome>>;
}

export interface OpenApi {
  readonly openapi: "3.1.0";
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly security: readonly Document[];
  readonly components: Document;
}

/** Beside its own, any route that is not open may fail so. */
const ANY: readonly ErrorCode[] = ["local.unauthorized", "request.foreign", "local.too-many"];

export function openApi(api: Readonly<Record<string, Spec>>, version: string): OpenApi {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const [name, spec] of Object.entries(api)) {
    const method = spec.method.toLowerCase();
    paths[spec.path] = { ...paths[spec.path], [method]: operation(name, spec) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "servant-agent, the local door",
      version,
      description: "What the agent of this machine shows and may be asked for.",
    },
    paths,
    security: [{ token: [] }, { session: [], pageKey: [] }],
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "The text of STATE_DIR/token." },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "agent-session-8422",
          description: "For browsers, named with the port: `agent open` begins a session.",
        },
        pageKey: {
          type: "apiKey",
          in: "header",
          name: PAGE_KEY_HEADER,
          description:
            "Goes with the cookie; the page keeps it. A websocket of a browser offers it as the " +
            `subprotocol \`${PAGE_KEY_PROTOCOL}<key>\`, beside the one it speaks.`,
        },
      },
      schemas: { Failure: schemaOf(Failure) },
    },
  };
}

function operation(operationId: string, spec: Spec): Operation {
  const {
    path,
    summary,
    isOpen,
    isPublished,
    address,
    query = address,
    body,
    failures = [],
  } = spec;
  const codes = [...failures, ...ANY.filter((code) => !isOpen || code !== "local.unauthorized")];
  const parameters = [...pathParameters(path), ...queryParameters(query)];
  return {
    operationId,
    summary,
    ...(isOpen ? { security: [] } : {}),
    ...(isPublished ? { security: [{ token: [] }, { session: [] }] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { content: json(schemaOf(body, "input")) } }),
    responses: { ...success(spec), ...Object.fromEntries(codes.map(failure)) },
  };
}

function success({ answer, orAs, also = {} }: Spec): Record<string, Outcome> {
  if (answer === "101") return { 101: { description: "It is a websocket now" } };
  const content: Content = {
    ...(typeof answer === "string" ? { [answer]: {} } : json(schemaOf(answer))),
    ...(orAs === undefined ? {} : { [orAs]: {} }),
  };
  const others = Object.entries(also).map(([status, description]) => [
    status,
    status === "204" ? { description } : { description, content },
  ]);
  return { 200: { description: "Done", content }, ...Object.fromEntries(others) };
}

function failure(code: ErrorCode): [string, Outcome] {
  const content = json({ $ref: "#/components/schemas/Failure" });
  return [String(statusOf(code)), { description: `\`${code}\``, content }];
}

function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: Spec["query"]): Parameter[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(query, "input") as {
    properties?: Record<string, { description?: string }>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function json(schema: Document): Content {
  return { "application/json": { schema } };
}

/**
 * OpenAPI 3.1 takes JSON Schema as it is; the bounds of safe integers say nothing to a reader. An
 * answer may have more members one day: a client that was made from this must not mind.
 */
export function schemaOf(schema: z.ZodMiniType, io: "input" | "output" = "output"): Document {
  const made = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (io === "output" && jsonSchema.additionalProperties === false) {
        delete jsonSchema.additionalProperties;
      }
    },
  });
  const { $schema: _dialect, ...rest } = made;
  return rest;
}
