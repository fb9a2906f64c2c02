/** The websocket clients that people use, as commands: `URL PROTOCOL SUBSCRIBE LINES`. */
import { join } from "node:path";
import { pythonWith } from "./python.ts";

const fixtures = join(import.meta.dir, "..", "fixtures", "stream");

export interface ForeignClient {
  readonly name: string;
  /** Absent where it cannot be had. With TOKEN in its environment it is let in by an agent's door. */
  readonly command: readonly string[] | undefined;
}

export async function streamClients(): Promise<readonly ForeignClient[]> {
  const packages = ["websockets==15.0.1", "cbor2==5.6.5"];
  const python = await pythonWith("websockets-15.0.1", packages);
  const node = Bun.which("node") ?? undefined;
  return [
    {
      name: "ws on Node",
      command: node === undefined ? undefined : [node, join(fixtures, "client.mjs")],
    },
    {
      name: "websockets of Python",
      command: python === undefined ? undefined : [python, join(fixtures, "client.py")],
    },
  ];
}
