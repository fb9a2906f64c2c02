/** The compiled program, run as a user runs it. */
import { ensureBinary } from "../../scripts/binary.ts";

export { binary, ensureBinary, root } from "../../scripts/binary.ts";

export interface AgentRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let built: Promise<string> | undefined;

/** Runs `dist/agent` to its end; builds it first when it is missing or older than its source. */
export async function agent(
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly stdin?: string;
  } = {},
): Promise<AgentRun> {
  built ??= ensureBinary();
  const child = Bun.spawn([await built, ...args], {
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdin: new Blob([options.stdin ?? ""]),
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
