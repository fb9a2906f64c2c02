/** Where the local door shall listen, from the command line. */
import { resolve } from "node:path";
import { ServantError } from "../core/errors.ts";
import type { Place } from "../local/listener.ts";
import type { LocalOptions } from "./options.ts";

/** Undefined with `--no-local`. @throws {ServantError} `usage.invalid` */
export function localPlace({
  local,
  port,
  localPort,
  bind,
  tlsCert,
  tlsKey,
}: LocalOptions): Place | undefined {
  const elsewhere = { port, localPort, bind, tlsCert, tlsKey };
  const named = Object.entries(elsewhere).find(([, value]) => value !== undefined)?.[0];
  if (typeof local !== "string") {
    if (local === false && named !== undefined) throw conflict("--no-local", named);
    if (local === false) return undefined;
    const at = { port: port ?? localPort, bind: bind ?? "127.0.0.1", tlsCert, tlsKey };
    return { ...at, isWished: named !== undefined };
  }
  const path = /^unix:(.+)$/.exec(local)?.[1];
  if (path === undefined) {
    throw new ServantError("usage.invalid", `Cannot use --local "${local}": write it unix:PATH`);
  }
  if (named !== undefined) throw conflict("--local", named);
  return { socket: resolve(path), bind: "", isWished: true };
}

function conflict(one: string, other: string): ServantError {
  const flag = other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return new ServantError("usage.invalid", `Cannot use ${one} together with --${flag}`);
}
