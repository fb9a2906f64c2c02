/** Where a ZeroMQ socket is, as its users write it: `tcp://127.0.0.1:7613`, `ipc:///run/arm.sock`. */
import { ServantError } from "../../core/errors.ts";
import { isLoopback } from "../../wire/connection.ts";

export type Endpoint =
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "ipc"; readonly path: string };

const TCP = /^tcp:\/\/(?:\[(?<v6>[0-9a-f:.]+)\]|(?<name>[^[\]:/]+)):(?<port>\d{1,5}|\*)$/i;
const PORT_MAX = 65_535;

/**
 * Reads an endpoint. `*` is any address, or any free port.
 *
 * @throws {ServantError} `local.bad-address`
 */
export function parseEndpoint(text: string): Endpoint {
  if (text.startsWith("ipc://")) {
    const path = text.slice("ipc://".length);
    if (path === "" || path === "*") throw badEndpoint(text, "name the socket file");
    // A name without a file has no permissions: whoever is on the machine could connect.
    if (path.startsWith("@")) throw badEndpoint(text, "it is no file");
    return { transport: "ipc", path };
  }
  const { v6, name, port: digits } = TCP.exec(text)?.groups ?? {};
  const hostname = v6 ?? name;
  const port = digits === "*" ? 0 : Number(digits);
  if (hostname === undefined || port > PORT_MAX) {
    throw badEndpoint(text, "write tcp://127.0.0.1:7613 or ipc:///run/arm.sock");
  }
  return { transport: "tcp", hostname: hostname === "*" ? "0.0.0.0" : hostname, port };
}

/** As a client is told. */
export function endpointUrl(endpoint: Endpoint): string {
  if (endpoint.transport === "ipc") return `ipc://${endpoint.path}`;
  const { hostname, port } = endpoint;
  return `tcp://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** Other machines may reach it. */
export function isOpenToOthers(endpoint: Endpoint): boolean {
  return endpoint.transport === "tcp" && !isLoopback(endpoint.hostname);
}

function badEndpoint(text: string, why: string): ServantError {
  return new ServantError("local.bad-address", `Cannot use "${text}": ${why}`);
}
