// Goal: a machine that starts before its server is there soon after it, however long that took, and
// says at once that it waits. Method: the adapter behind a wire that is down, before a real server.
import { expect, test } from "bun:test";
import { ServantError } from "../../../src/core/errors.ts";
import { offer } from "../../contract/dialects/dialect.ts";
import { adapterTo } from "../../contract/dialects/puda.ts";
import { Link } from "../../support/faults/link.ts";
import { natsServer, RunningNats } from "../../support/nats.ts";

const program = await natsServer();

/** What the second call may take once the server is there, in milliseconds. */
const SOON_MS = 3_000;

test.skipIf(program === undefined)(
  "a machine that finds no server tells so at once, and then waits for it",
  async () => {
    await using server = await RunningNats.start(program ?? "");
    const wire = await Link.to(server.port);
    await wire.down();
    const { backend, close } = await adapterTo(wire.port);
    const { signal } = new AbortController();
    const failure = await backend.register(offer, signal).catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(ServantError);
    expect(failure).toMatchObject({ code: "backend.unreachable", retryAfterMs: 1_000 });
    const second = backend.register(offer, signal);
    expect(await Promise.race([second, Bun.sleep(1_500).then(() => "waits")])).toBe("waits");
    await wire.up();
    const since = performance.now();
    expect(await second).toBe("rig-alone");
    expect(performance.now() - since).toBeLessThan(SOON_MS);
    await close();
    await wire.down();
  },
  20_000,
);
