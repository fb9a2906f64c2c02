// The line to a real server: what is refused, what is cut, and what comes back by itself.
import { afterEach, beforeAll, expect, test } from "bun:test";
import { NatsLink } from "../../src/nats/connect.ts";
import { type NatsChoice, natsTarget } from "../../src/nats/target.ts";
import { throwAwayCertificates } from "../support/certificates.ts";
import { type NatsOptions, natsServer, RunningNats } from "../support/nats.ts";
import { until } from "../support/proxied.ts";

let program: string | undefined;
beforeAll(async () => {
  program = await natsServer();
}, 120_000);
const open: NatsLink[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((link) => link.close()));
});

function linkTo(server: Pick<RunningNats, "url">, choice: NatsChoice = {}): NatsLink {
  const link = new NatsLink(natsTarget({ servers: [server.url], ...choice }, {}), "test");
  open.push(link);
  return link;
}

async function withServer(
  options: NatsOptions,
  check: (server: RunningNats) => Promise<void>,
): Promise<void> {
  if (program === undefined) return;
  await using server = await RunningNats.start(program, options);
  await check(server);
}

const text = (data: Uint8Array) => new TextDecoder().decode(data);

test("a link asks, answers and listens", async () => {
  await withServer({ maxPayload: 4096 }, async (server) => {
    const link = linkTo(server);
    await link.open();
    link.subscribe("echo", (message) => message.respond(message.data));
    expect(text((await link.request("echo", "hello")).data)).toBe("hello");
    expect(link.maxPayload).toBe(4096);
    await expect(link.request("nobody")).rejects.toMatchObject({ code: "nats.no-responders" });
  });
});

test("W4: what waits when the server dies hears so at once; after its restart there is one connection and one listener", async () => {
  await withServer({}, async (server) => {
    const link = linkTo(server);
    await link.open();
    let heard = 0;
    link.subscribe("mute", () => {
      heard += 1;
    });
    const asked = link.request("mute", "", { timeoutMs: 60_000 });
    await until(() => heard === 1);
    const told = asked.catch((cause) => cause); // heard before it is brought about
    await server.kill();
    expect(await told).toMatchObject({ code: "backend.unreachable" });
    await expect(link.request("mute")).rejects.toMatchObject({ code: "backend.unreachable" });
    await server.restart();
    await link.up();
    link.subscribe("echo", (message) => message.respond("1"));
    link.subscribe("echo", (message) => message.respond("2")); // takes the first one's place
    expect(text((await link.request("echo")).data)).toBe("2");
    link.publish("mute", "again");
    await until(() => heard === 2);
    expect(link.nth).toBe(2);
    expect((await link.request("$SYS.REQ.USER.INFO")).data.length).toBeGreaterThan(0);
  });
});

test("a link says that nobody listens, and may be opened later", async () => {
  await withServer({}, async (server) => {
    await server.stop();
    const link = linkTo(server);
    await expect(link.open()).rejects.toMatchObject({ code: "backend.unreachable" });
    await server.restart();
    await link.open();
    expect(link.isUp).toBe(true);
  });
});

test("a link logs in by user and token, and a wrong login is told as one", async () => {
  await withServer({ login: { user: "ana", password: "pass" } }, async (server) => {
    await linkTo(server, { user: "ana", password: "pass" }).open();
    const wrong = linkTo(server, { user: "ana", password: "wrong" });
    await expect(wrong.open()).rejects.toMatchObject({ code: "backend.unauthorized" });
  });
  await withServer({ login: { token: "abc" } }, async (server) => {
    await linkTo(server, { token: "abc" }).open();
  });
});

test("a link speaks TLS with the lab's own authority, and says what is missing without", async () => {
  using tls = throwAwayCertificates();
  await withServer({ tls }, async (server) => {
    await linkTo(server, { caFile: tls.ca }).open();
    const stranger = linkTo(server);
    await expect(stranger.open()).rejects.toThrow(/--nats-ca or NATS_CA/);
    const plain = linkTo({ url: server.url.replace("tls:", "nats:") });
    await expect(plain.open()).rejects.toThrow(/is it tls:\/\//);
  });
});
