/** The users file on disk: read when it is another one than before. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { messageOf, ServantError } from "../core/errors.ts";
import { fileMark } from "./file-mark.ts";

/** A users file beyond this is none, in bytes: 10,000 users fit. */
const FILE_MAX_BYTES = 4 * 2 ** 20;

export interface UsersFileOptions {
  /** Told when others may read it: the hashes are secrets. */
  readonly onLoose?: (path: string, mode: string) => void;
}

export class UsersFileOnDisk {
  readonly path: string;
  readonly #options: UsersFileOptions;
  /** Of the file that was read last, or could not be. */
  #seen = "";
  /** Of the file that the system would not let us read, and that this was told of. */
  #told = "";

  constructor(path: string, options: UsersFileOptions = {}) {
    this.path = path;
    this.#options = options;
  }

  /**
   * Its text when it changed since the last call, else undefined. Trouble is told once for each change.
   *
   * @throws {ServantError} `gateway.no-users`, `gateway.bad-users`
   */
  readIfChanged(): string | undefined {
    const mark = fileMark(this.path);
    if (mark === this.#seen) return undefined;
    this.#seen = mark;
    try {
      return this.#read();
    } catch (cause) {
      if (cause instanceof ServantError) throw cause;
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") {
        const problem = `Cannot let anybody in: there is no users file "${this.path}"`;
        throw new ServantError("gateway.no-users", problem, { cause });
      }
      // It may be so only now, as with too many open files: who was taken out is not to stay for that.
      this.#seen = "";
      if (this.#told === mark) return undefined;
      this.#told = mark;
      throw this.#bad(messageOf(cause), cause);
    }
  }

  #read(): string {
    // Without waiting: a pipe in its place would hold the gateway up for ever.
    const file = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = fstatSync(file);
      if (!found.isFile()) throw this.#bad("it is not a file");
      if (found.size > FILE_MAX_BYTES) throw this.#bad(`it is longer than ${FILE_MAX_BYTES} bytes`);
      const mode = (found.mode & 0o777).toString(8);
      if ((found.mode & 0o022) !== 0) {
        throw this.#bad(`others may write it (mode ${mode}): chmod 600 "${this.path}"`);
      }
      if ((found.mode & 0o004) !== 0) this.#options.onLoose?.(this.path, mode);
      return readFileSync(file, "utf8");
    } finally {
      closeSync(file);
    }
  }

  #bad(reason: string, cause?: unknown): ServantError {
    return new ServantError("gateway.bad-users", `Cannot use "${this.path}": ${reason}`, { cause });
  }
}
