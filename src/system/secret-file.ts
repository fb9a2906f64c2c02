/** A secret in a file of its owner alone: made once, never readable by anybody else. */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { messageOf, ServantError } from "../core/errors.ts";

/** Shorter ones could be guessed, longer ones are none of ours; in characters. */
const SECRET_CHARS = { least: 32, most: 256 } as const;

/**
 * The secret in this file; a new one where there is none, or what is there is none. A file that
 * others could read is made its owner's alone.
 *
 * @throws {ServantError} `state.unwritable`
 */
export function openSecret(path: string): string {
  try {
    return readSecret(path) ?? makeSecret(path);
  } catch (cause) {
    const reason = `Cannot keep a secret in "${path}": ${messageOf(cause)}`;
    throw new ServantError("state.unwritable", reason, { cause });
  }
}

/** Undefined where there is none. Throws what the system says when it may not be read. */
export function readSecret(path: string): string | undefined {
  let file: number;
  try {
    // Without waiting: a pipe in its place would hold the agent up for ever.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw new Error("it is not a file");
    if ((found.mode & 0o077) !== 0) fchmodSync(file, 0o600);
    const text = readFileSync(file, "utf8").trim();
    const isSecret = text.length >= SECRET_CHARS.least && text.length <= SECRET_CHARS.most;
    return isSecret && /^[\x21-\x7e]+$/.test(text) ? text : undefined;
  } finally {
    closeSync(file);
  }
}

/** A rename puts it in place whole: a torn secret would be another one. */
function makeSecret(path: string): string {
  const secret = crypto.getRandomValues(new Uint8Array(32)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
  const draft = `${path}.new`;
  unlinkIfThere(draft); // whatever it is, its mode is not ours
  const file = openSync(draft, "wx", 0o600);
  try {
    writeFileSync(file, `${secret}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  return secret;
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause;
  }
}
