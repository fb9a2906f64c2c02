/** The process of a session. */
import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";

/** How often a new process is asked whether it answers, and how long at most, in milliseconds. */
const LOOK_MS = 20;
const START_MAX_MS = 10_000;

export function startSession(how: {
  readonly command: readonly string[];
  readonly folder: string;
}) {
  return async ({ id, port }: { readonly id: string; readonly port: number }) => {
    const folder = join(how.folder, id);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const logPath = join(folder, "session.log");
    const log = openSync(logPath, "a", 0o600);
    const where = ["--port", `${port}`, "--bind", "127.0.0.1", "--state-dir", folder];
    const child = Bun.spawn([...how.command, "host", ...where], { stdio: ["ignore", log, log] });
    for (let waitedMs = 0; waitedMs < START_MAX_MS; waitedMs += LOOK_MS) {
      const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
      if (answer?.ok) break;
      await Bun.sleep(LOOK_MS);
    }
    const stop = async () => {
      child.kill();
      await child.exited;
    };
    return { logPath, stop };
  };
}
