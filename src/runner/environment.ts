/** The environment a plugin gets: the agent's, without what could steer or betray the agent. */

type Environment = Readonly<Record<string, string | undefined>>;

const STEERING = /^(BUN_|NODE_|DYNOS_|NOTIFY_SOCKET$)/;
const SECRET = /TOKEN|SECRET|PASSWORD|KEY/i;

/** Names in `keep` pass whatever they look like. */
export function childEnvironment(
  env: Environment,
  keep: readonly string[],
): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const isKept = keep.includes(name) || !(STEERING.test(name) || SECRET.test(name));
    if (value !== undefined && isKept) passed[name] = value;
  }
  return passed;
}
