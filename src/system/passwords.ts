/** Passwords against their hashes, off the main thread. */
import { availableParallelism } from "node:os";

/** Tries a password against a bcrypt hash (`$2b$`, `$2a$`, `$2y$`). */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  return await Bun.password.verify(password, hash, "bcrypt");
}

/** One processor at least stays for everything else; two at once are enough for people. */
export function passwordsAtOnce(): number {
  return Math.max(1, Math.min(2, availableParallelism() - 1));
}
