/** The door's description as OpenAPI 3.1, made from the table of its routes. */
import type { ErrorCode } from "../core/errors.ts";
import { Failure } from "../wire/local.ts";
import { type OpenApi, openApi, type RouteSpec } from "../wire/openapi.ts";
import { PAGE_KEY_HEADER, PAGE_KEY_PROTOCOL } from "../wire/page-key.ts";
import { statusOf } from "./answers.ts";
import type { Spec } from "./api.ts";

/** Beside its own, any route that is not open may fail so. */
const ANY: readonly ErrorCode[] = ["local.unauthorized", "request.foreign", "local.too-many"];

export function localOpenApi(api: Readonly<Record<string, Spec>>, version: string): OpenApi {
  const routes = Object.entries(api).map(([name, spec]) => [name, routeOf(spec)]);
  return openApi({
    title: "servant-agent, the local door",
    version,
    description: "What the agent of this machine shows and may be asked for.",
    routes: Object.fromEntries(routes),
    failure: Failure,
    statusOf,
    security: [{ token: [] }, { session: [], pageKey: [] }],
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
  });
}

function routeOf({ isOpen, isPublished, address, ...spec }: Spec): RouteSpec {
  const { query = address, failures = [] } = spec;
  const any = ANY.filter((code) => !isOpen || code !== "local.unauthorized");
  const security = isOpen ? [] : isPublished ? [{ token: [] }, { session: [] }] : undefined;
  return {
    ...spec,
    failures: [...failures, ...any],
    ...(query === undefined ? {} : { query }),
    ...(security === undefined ? {} : { security }),
  };
}
