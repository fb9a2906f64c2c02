/** The C library, for the few kernel calls that the runtime does not offer. */
import { dlopen, type FFIFunction } from "bun:ffi";
import { ServantError } from "../core/errors.ts";

/** Loads functions by their declarations, whichever C library this system has. */
export function openLibc<const F extends Record<string, FFIFunction>>(functions: F) {
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const names =
    process.platform === "darwin"
      ? ["libSystem.B.dylib"]
      : ["libc.so.6", `libc.musl-${machine}.so.1`];
  for (const name of names) {
    try {
      return dlopen(name, functions).symbols;
    } catch {
      // not this C library: the next name
    }
  }
  throw new ServantError("agent.internal", "Cannot find this system's C library");
}
