/** Passwords against their hashes, off the main thread. */

/** Tries a password against a bcrypt hash (`$2b$`, `$2a$`, `$2y$`). */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  return await Bun.password.verify(password, hash, "bcrypt");
}
