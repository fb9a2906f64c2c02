// Goal: PUDA's machines keep the promises that the servant relies on, as every other dialect.
// Method: the same suites as the others, before a real NATS server.
import { afterAll, expect, test } from "bun:test";
import { MemoryDisk } from "../support/memory-journal.ts";
import { natsServer, RunningNats } from "../support/nats.ts";
import { backendRules } from "./backend-port.ts";
import { type Assign, deliveryOf, Follower, type Peer, until } from "./dialects/dialect.ts";
import { Life } from "./dialects/life.ts";
import { pudaOn } from "./dialects/puda.ts";
import { servantRules } from "./servant-rules.ts";

const program = await natsServer();
if (program === undefined) test.skip("PUDA over NATS: there is no nats-server", () => {});
else {
  const server = await RunningNats.start(program);
  afterAll(() => server[Symbol.asyncDispose]());
  const dialect = pudaOn(server);
  backendRules(dialect);
  servantRules(dialect);

  test("a command is settled when its delivery resolves, and not before", async () => {
    const peer = await dialect.start();
    await peer.assign();
    const { backend, close } = await peer.open();
    const follower = (await new Follower(backend).register()).follow();
    const directive = await follower.assigned();
    expect(await peer.unsettled()).toHaveLength(1);
    await backend.deliver(deliveryOf(directive), new AbortController().signal);
    expect(await peer.unsettled()).toEqual([]);
    await follower.stop();
    await close();
    await peer[Symbol.asyncDispose]();
  });

  test("streams that are lost are made again, and what was finished meanwhile is settled", async () => {
    const peer = await dialect.start();
    const life = await Life.begin(peer, new MemoryDisk());
    await peer.assign();
    const auditId = await life.started();
    await peer.loseStreams();
    await life.runner.end(auditId);
    await until("it is settled", () => life.ledger.undelivered === 0, 30_000);
    await until("there are streams", async () => await peer.hasStreams());
    await peer.assign({ start: "next" });
    await life.runner.end(await life.started(2));
    await life.end();
    await peer[Symbol.asyncDispose]();
  }, 90_000);

  test("a command that its machine died with comes again under the same audit id", async () => {
    const peer = await pudaOn(server, { ackWaitMs: 1_000 }).start();
    await peer.assign({ start: "a" });
    const [first, second] = [await taken(peer), await taken(peer)];
    expect(second.assignment).toEqual(first.assignment);
    await peer[Symbol.asyncDispose]();
  }, 20_000);
}

/** What a machine receives that dies with it. */
async function taken(peer: Peer): Promise<Assign> {
  const { backend, close } = await peer.open();
  const follower = (await new Follower(backend).register()).follow();
  const directive = await follower.assigned();
  await follower.stop();
  await close();
  return directive;
}
