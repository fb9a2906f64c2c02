/** `agent whoami`: who is logged in where, as the config file has it. */
import { loginOf, readConfigFile } from "../../client/config-file.ts";
import { openOutput, printable, warn } from "../output.ts";

export interface WhoOptions {
  readonly json?: boolean;
}

/** Of a token so much is shown, at both ends: enough to tell two apart, in characters. */
const SHOWN_CHARS = { start: 6, end: 4 } as const;

export async function whoami({ json = false }: WhoOptions): Promise<number> {
  const out = openOutput(process.stdout, process.env);
  const read = readConfigFile(process.env);
  for (const line of read.warnings) warn(line);
  const { backendUrl, username, role, token, defaultSession } = loginOf(read);
  const masked = maskedToken(token);
  if (json) {
    out.json({
      backend_url: backendUrl,
      username: username ?? null,
      role: role ?? null,
      token: masked,
      default_session: defaultSession ?? null,
    });
    return 0;
  }
  const rows = [
    ["gateway", backendUrl],
    ["name", username ?? "(unknown)"],
    ["role", role ?? "(unknown)"],
    ["token", masked],
    ["session", defaultSession ?? "(none: `agent session create`)"],
  ] as const;
  for (const [name, value] of rows)
    out.line(`${out.paint.dim(name.padEnd(8))} ${printable(value)}`);
  return 0;
}

/** `5fKx0q...9aZ1`: no token is so short that this tells it. */
export function maskedToken(token: string): string {
  const { start, end } = SHOWN_CHARS;
  if (token.length < 2 * (start + end)) return "...";
  return `${token.slice(0, start)}...${token.slice(-end)}`;
}
