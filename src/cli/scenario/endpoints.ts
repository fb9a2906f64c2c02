/** Where scenarios may connect to, from the command line. */
import { resolve } from "node:path";
import {
  type Endpoint,
  endpointUrl,
  isOpenToOthers,
  parseEndpoint,
} from "../../adapters/zmtp/endpoint.ts";
import { ServantError } from "../../core/errors.ts";
import type { ServeOptions } from "../options.ts";

/** The port that a scenario's `remote("host")` means. */
export const SCENARIO_PORT = 7613;

type Options = Pick<ServeOptions, "listen" | "port" | "socket" | "socketMode" | "insecureBind">;

/**
 * At least one. Beyond this machine only where that was asked for in so many words.
 *
 * @throws {ServantError} `local.bad-address`, `scenario.insecure-bind`, `usage.invalid`
 */
export function chosenEndpoints(options: Options): Endpoint[] {
  const { listen, port, socket, socketMode, insecureBind } = options;
  const chosen = [
    ...listen.map(parseEndpoint),
    ...(port === undefined ? [] : [onLoopback(port)]),
    ...(socket === undefined ? [] : [parseEndpoint(`ipc://${resolve(socket)}`)]),
  ];
  if (socketMode !== undefined && !chosen.some(({ transport }) => transport === "ipc")) {
    // Whoever asks for it believes that permissions guard what a port lets everybody do.
    const problem = "Cannot use --socket-mode: there is no socket file, name one with --socket";
    throw new ServantError("usage.invalid", problem);
  }
  if (chosen.length === 0) return [onLoopback(SCENARIO_PORT)];
  const open = chosen.find(isOpenToOthers);
  if (open !== undefined && insecureBind !== true) {
    const problem = `Cannot listen on "${endpointUrl(open)}": it is open to other machines`;
    throw new ServantError("scenario.insecure-bind", problem);
  }
  return chosen;
}

function onLoopback(port: number): Endpoint {
  return { transport: "tcp", hostname: "127.0.0.1", port };
}
