/** `agent open`: leads a browser to the agent's page, by a link that works once. */
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ServantError } from "../../core/errors.ts";
import { stateDirectory } from "../../system/state-dir.ts";
import { openOutput } from "../output.ts";
import { findAgent, type LocalCommandOptions } from "./find-agent.ts";

export type OpenOptions = LocalCommandOptions & { readonly browser: boolean };

const OPENERS: Partial<Record<NodeJS.Platform, string>> = { darwin: "open", linux: "xdg-open" };

export async function openPage(options: OpenOptions): Promise<number> {
  const agent = findAgent(options);
  if (agent.target.url === undefined) {
    const problem = `Cannot open agent ${agent.target.pid} in a browser: it has a socket file alone`;
    throw new ServantError("local.absent", problem);
  }
  const opening = await agent.open();
  const out = openOutput(process.stdout, process.env);
  if (options.json) out.json(opening);
  else out.line(opening.url);
  if (options.json || !options.browser || !out.isTerminal) return 0;
  const note = "this link works once, within a minute; `agent open` makes another";
  process.stderr.write(`agent: ${note}\n`);
  openBrowser(opening.url, stateDirectory(options.stateDir, process.env));
  return 0;
}

/**
 * The browser is given a file of ours that leads to the link, not the link: whatever stands on a
 * command line can be read by every user of the machine.
 */
function openBrowser(url: string, stateDir: string): void {
  const opener = process.env.BROWSER || OPENERS[process.platform];
  const program = opener === undefined ? null : Bun.which(opener);
  if (program === null) return; // the link is on the screen
  const path = join(stateDir, "open.html");
  rmSync(path, { force: true });
  const html = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${url}">`;
  writeFileSync(path, `${html}<a href="${url}">The agent</a>\n`, { mode: 0o600, flag: "wx" });
  chmodSync(path, 0o600);
  const stdio = ["ignore", "ignore", "ignore"] as const;
  Bun.spawn([program, path], { stdio: [...stdio] }).unref();
}
