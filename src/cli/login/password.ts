/** Where a command gets a password from: the prompt, standard input, or the command line. */
import { ServantError } from "../../core/errors.ts";
import { warn } from "../output.ts";
import type { Prompt } from "./prompt.ts";

/** More is no password. */
const INPUT_MAX_CHARS = 4_096;

export interface PasswordOptions {
  /** Seen by everybody on the machine, and kept in the shell's history. */
  readonly password?: string;
  /** It is the first line of standard input. */
  readonly passwordStdin?: boolean;
}

/**
 * The password as the options have it; undefined when a person is to be asked.
 *
 * @throws {ServantError} `usage.invalid`
 */
export async function givenPassword({
  password,
  passwordStdin = false,
}: PasswordOptions): Promise<string | undefined> {
  if (passwordStdin && password !== undefined) {
    throw new ServantError("usage.invalid", "Cannot take both --password and --password-stdin");
  }
  if (passwordStdin) return await firstLine(Bun.stdin.stream());
  if (password !== undefined && process.stdin.isTTY) {
    warn("--password is seen by others and kept in the shell's history: leave it out to be asked");
  }
  return password;
}

/** Asks for it. */
export async function askedPassword(prompt: Prompt, question = "Password: "): Promise<string> {
  return await prompt.secret(question, "pipe the password to --password-stdin");
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n") || text.length > INPUT_MAX_CHARS) break;
  }
  const [line = ""] = text.split(/\r?\n/, 1);
  if (line === "" || line.length > INPUT_MAX_CHARS) {
    throw new ServantError("usage.invalid", "Cannot read a password from standard input");
  }
  return line;
}
