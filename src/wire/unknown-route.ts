/** What is said of a request that no route answers: which methods its path takes, or which path is near. */
import { nearest } from "../core/nearest.ts";

export interface Route {
  readonly method: string;
  /** As Hono has it: `/objects/:name`. */
  readonly path: string;
}
export interface Unknown {
  readonly status: 404 | 405;
  readonly detail: string;
  /** The methods that the path takes; none for a path that is not known. */
  readonly allowed: readonly string[];
}

/** `routes` may hold Hono's own: those for every method are not meant. */
export function unknownRoute(routes: readonly Route[], method: string, path: string): Unknown {
  const known = routes.filter((route) => route.method !== "ALL");
  const shown = path.slice(0, 200);
  const allowed = [
    ...new Set(known.filter((route) => isMeant(route.path, path)).map((route) => route.method)),
  ];
  if (allowed.length > 0) {
    const detail = `Cannot ${method} ${shown}: it takes ${allowed.join(" or ")}`;
    return { status: 405, detail, allowed };
  }
  const near = nearest(path, new Set(known.map((route) => route.path)));
  const hint = near === undefined ? "" : `; nearest is "${near}"`;
  const detail = `Cannot ${method} "${shown}": there is no such route${hint}`;
  return { status: 404, detail, allowed };
}

function isMeant(route: string, path: string): boolean {
  return new RegExp(`^${route.replace(/:\w+/g, "[^/]+")}$`).test(path);
}
