/** An HTTP interface as OpenAPI 3.1, made from the table of its routes. */
import * as z from "zod/mini";
import type { ErrorCode } from "../core/errors.ts";

type MediaType = `${string}/${string}`;

/** One route, as data: what answers it and what describes it are made from the same table. */
export interface RouteSpec {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `{name}` stands for one part of the path. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly query?: z.ZodMiniObject;
  readonly body?: z.ZodMiniType;
  /** What it answers with: a schema of its JSON, another media type, nothing, or a websocket. */
  readonly answer: z.ZodMiniType | MediaType | "204" | "101";
  /** The same in another media type, when `Accept` asks for it. */
  readonly orAs?: MediaType;
  /** What else it may say that is no failure, by status: in the form of its answer, 204 without. */
  readonly also?: Readonly<Record<number, string | Other>>;
  readonly failures?: readonly ErrorCode[];
  /** Absent: as the whole says. Empty: open to all. */
  readonly security?: readonly Document[];
}

/** An answer of another form. */
export interface Other {
  readonly description: string;
  readonly answer: z.ZodMiniType;
}

export interface ApiSpec {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  /** By operation id. */
  readonly routes: Readonly<Record<string, RouteSpec>>;
  /** The body of every failure. */
  readonly failure: z.ZodMiniType;
  readonly statusOf: (code: ErrorCode) => number;
  readonly security?: readonly Document[];
  readonly securitySchemes?: Document;
}

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

export function openApi(api: ApiSpec): OpenApi {
  const { title, version, description, routes, failure, security = [], securitySchemes } = api;
  const paths: Record<string, Record<string, Operation>> = {};
  for (const [name, spec] of Object.entries(routes)) {
    const method = spec.method.toLowerCase();
    paths[spec.path] = { ...paths[spec.path], [method]: operation(name, spec, api) };
  }
  return {
    openapi: "3.1.0",
    info: { title, version, description },
    paths,
    security,
    components: {
      ...(securitySchemes === undefined ? {} : { securitySchemes }),
      schemas: { Failure: schemaOf(failure) },
    },
  };
}

function operation(operationId: string, spec: RouteSpec, { statusOf }: ApiSpec): Operation {
  const { path, summary, security, query, body, failures = [] } = spec;
  const parameters = [...pathParameters(path), ...queryParameters(query)];
  const byStatus = Map.groupBy(failures, (code) => String(statusOf(code)));
  return {
    operationId,
    summary,
    ...(security === undefined ? {} : { security }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { content: json(schemaOf(body, "input")) } }),
    responses: {
      ...success(spec),
      ...Object.fromEntries([...byStatus].map(([status, codes]) => [status, failed(codes)])),
    },
  };
}

function success({ answer, orAs, also = {} }: RouteSpec): Record<string, Outcome> {
  if (answer === "101") return { 101: { description: "It is a websocket now" } };
  if (answer === "204") return { 204: { description: "Done" } };
  const content: Content = {
    ...(typeof answer === "string" ? { [answer]: {} } : json(schemaOf(answer))),
    ...(orAs === undefined ? {} : { [orAs]: {} }),
  };
  const others = Object.entries(also).map(([status, other]): [string, Outcome] => {
    if (typeof other === "object") {
      const { description, answer: form } = other;
      return [status, { description, content: json(schemaOf(form)) }];
    }
    return [status, { description: other, ...(status === "204" ? {} : { content }) }];
  });
  return { 200: { description: "Done", content }, ...Object.fromEntries(others) };
}

function failed(codes: readonly ErrorCode[]): Outcome {
  const content = json({ $ref: "#/components/schemas/Failure" });
  return { description: codes.map((code) => `\`${code}\``).join(", "), content };
}

function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: RouteSpec["query"]): Parameter[] {
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
    unrepresentable: "any", // a member that may hold anything
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
