// Goal: every method of the public RemoteOrchestrator and every `dynos call` subcommand with every
// option, of each version that people have, works unchanged. Method: a script in that version's
// Python asks `agent host`, looks at each answer, and tells by introspection what it left out.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../support/binary.ts";
import { type PeerPython, peerPython, VERSIONS } from "../support/python.ts";
import { start, startHost } from "../support/running.ts";

const scripts = join(root, "test", "fixtures", "peer");
const GATEWAY = {
  from_session_manager: "opens a session of the gateway",
  reset: "restarts a session of the gateway",
};
const BACKEND = "imports a package that is not public";

interface Report {
  /** What ran and answered rightly. */
  readonly done: readonly string[];
  /** What cannot run, and why. */
  readonly cannot_run: Readonly<Record<string, string>>;
  /** What the client has and the script does not know. */
  readonly forgotten: readonly string[];
}

describe.each([...VERSIONS])("dynos-client %s", async (version) => {
  const peer = await peerPython(version);

  test.skipIf(peer === undefined)(
    "every method and every subcommand",
    async () => {
      const [methods, subcommands] = await Promise.all([
        report(peer, "every_method.py"),
        report(peer, "every_subcommand.py"),
      ]);
      expect(methods).toMatchObject({ cannot_run: GATEWAY, forgotten: [] });
      expect(methods.done).toContain("execute_blocks");
      const broken = version === "0.1.5" ? { "live-log": BACKEND, "live-trace": BACKEND } : {};
      expect(subcommands).toMatchObject({ cannot_run: broken, forgotten: [] });
      expect(subcommands.done).toContain("geojson --allow-anywhere");
    },
    60_000,
  );
});

/** Runs a script to its end against a backend of its own; what it printed. */
async function report(peer: PeerPython | undefined, script: string): Promise<Report> {
  using backend = await startHost();
  const child = start([peer?.python ?? "", join(scripts, script), backend.url]);
  expect([await child.exited, child.output()]).toEqual([0, expect.stringMatching(/^\{.*\}\s*$/)]);
  expect(backend.host.output()).not.toContain(`"level":"error"`);
  return JSON.parse(child.output());
}
