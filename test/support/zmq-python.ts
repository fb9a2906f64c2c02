/** pyzmq, which is libzmq, as a peer: what scenario-execution itself speaks. */
import { pythonWith } from "./python.ts";

/** Undefined, with a warning, when it cannot be had (CI: an error). */
export function zmqPython(): Promise<string | undefined> {
  return pythonWith("zmq-27.3.0", ["pyzmq==27.3.0", "msgpack==1.2.4"]);
}
