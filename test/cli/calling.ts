/** Runs `agent call` as a person would, against a backend that answers what a test tells it to. */
import { join } from "node:path";
import { type Answers, fakeDynos } from "../support/fake-dynos.ts";

export const MAIN = join(import.meta.dir, "..", "..", "src", "main.ts");
export const ENV = { ...process.env, DYNOS_CONFIG_PATH: "/nonexistent/config.json", NO_COLOR: "1" };

/** Runs a command to its end. */
export async function command(
  args: readonly string[],
  { env = {}, stdin }: { readonly env?: Record<string, string>; readonly stdin?: string } = {},
) {
  const child = Bun.spawn([process.execPath, MAIN, ...args], {
    env: { ...ENV, ...env },
    stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

export function call(args: readonly string[], to?: string) {
  return command(["call", ...args, ...(to === undefined ? [] : ["--to", to])]);
}

/** The same, and what the backend was asked. */
export async function callOn(answers: Answers, args: readonly string[]) {
  await using backend = fakeDynos(answers);
  const run = await call(args, backend.url);
  return { ...run, bodies: backend.heard.map(({ method, body }) => [method, body]) };
}
