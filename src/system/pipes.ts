/** Pipes for another process's output: what the runtime calls one is a socket, which has no `/dev/stdout`. */
import { FFIType, ptr } from "bun:ffi";
import { ServantError } from "../core/errors.ts";
import { openLibc } from "./libc.ts";

/** Both ends, as numbers of this process that no child inherits by itself. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** Undefined where this system has no such call. */
export function pipeOpener(): (() => Pipe) | undefined {
  if (process.platform !== "linux") return undefined;
  const { i32, ptr: pointer } = FFIType;
  const { pipe2 } = openLibc({ pipe2: { args: [pointer, i32], returns: i32 } });
  return () => {
    const ends = new Int32Array(2);
    if (pipe2(ptr(ends), O_CLOEXEC) !== 0) {
      throw new ServantError("agent.internal", "Cannot open a pipe: too many files are open");
    }
    const [read = -1, write = -1] = ends;
    return { read, write };
  };
}

const O_CLOEXEC = 0o2000000;
