/** Which backend a command means, its session named as people name it. */
import type { Environment } from "../client/config-file.ts";
import { isSessionId } from "../client/session-names.ts";
import { resolveTarget, type TargetChoice } from "../client/target.ts";
import type { Target } from "../wire/connection.ts";
import { warn } from "./output.ts";

/**
 * A session that was named by its label, or by the beginning of its id, is looked up at the gateway. Without
 * a token nobody can be asked: the name goes out as it is.
 *
 * @throws {ServantError} `session.unknown`, `session.ambiguous`, what `resolveTarget` throws, `backend.*`
 */
export async function namedTarget(
  choice: TargetChoice,
  env: Environment,
  tell: (line: string) => void = warn,
): Promise<Target> {
  const target = resolveTarget(choice, env, undefined, tell);
  const { token, url } = target;
  const { session: name } = choice;
  if (name === undefined || token === undefined || isSessionId(name)) return target;
  const { SessionManager } = await import("../client/session-manager.ts");
  const gateway = new SessionManager(url, { token, warn: tell });
  return { ...target, session: (await gateway.find(name)).session_id };
}
