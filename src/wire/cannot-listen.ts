/** What it means that the system refuses to listen somewhere. */
import { ServantError } from "../core/errors.ts";

/** What the system's codes mean here. */
const WHY_NOT: Readonly<Record<string, string>> = {
  EACCES: "it is not allowed",
  ENAMETOOLONG: "its path is too long for a socket",
  ENOENT: "there is no such folder",
  ENOTDIR: "there is no such folder",
  EPERM: "it is not allowed",
  EROFS: "its folder cannot be written to",
};

/** Somebody else listens there. */
export function isTaken(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
}

/** What the system's refusal to bind an address means. */
export function cannotListen(where: string, cause: unknown): ServantError {
  if (cause instanceof ServantError) return cause;
  if (isTaken(cause)) {
    const reason = `Cannot listen on ${where}: it is taken`;
    return new ServantError("local.port-in-use", reason, { cause });
  }
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code.startsWith("ERR_")) {
    return new ServantError("local.bad-tls", `Cannot use TLS: ${cause}`, { cause });
  }
  const why = WHY_NOT[code] ?? "it is not an address of this machine";
  return new ServantError("local.bad-address", `Cannot listen on ${where}: ${why}`, { cause });
}
