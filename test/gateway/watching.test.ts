// Goal: who watches a gateway is told what is so, in a form that programs read, and others are told nothing.
// Method: the whole gateway on a machine of the test's own; metrics are read as strictly as Prometheus does.
import { expect, test } from "bun:test";
import * as z from "zod/mini";
import { SessionUses } from "../../src/wire/gateway.ts";
import { readPrometheus } from "../support/prometheus.ts";
import { GatewayScene } from "./gateway-scene.ts";

test("an admin sees what every session uses; others are refused, and that is written down", async () => {
  await using scene = new GatewayScene();
  const [alice, bob] = [await scene.logIn("alice"), await scene.logIn("bob")];
  const own = await scene.create(alice);
  const theirs = await scene.create(bob);
  const place = scene.sessions.enter(theirs.session_id);
  const answer = await scene.ask("/admin/sessions", { token: alice });
  expect(answer.headers.get("cache-control")).toBe("no-store");
  const { sessions } = z.parse(SessionUses, await answer.json());
  expect(sessions).toMatchObject([
    { session_id: own.session_id, owner_username: "alice", in_flight: 0 },
    { session_id: theirs.session_id, in_flight: 1, memory_bytes: 1_000, cpu_s: 0.5 },
  ]);
  place.leave();
  const refused = await scene.ask("/admin/sessions", { token: bob });
  expect([refused.status, await refused.json()]).toMatchObject([
    403,
    { code: "session.not-allowed" },
  ]);
  expect((await scene.ask("/admin/sessions")).status).toBe(401);
  expect(scene.audited).toContainEqual(
    expect.objectContaining({ what: "refused", who: "bob", request: "GET /admin/sessions" }),
  );
});

test("pages need no token, and are the same for everybody", async () => {
  await using scene = new GatewayScene();
  expect(await (await scene.ask("/")).text()).toBe("the page of the gateway");
  const { session_id: id } = await scene.create(await scene.logIn("bob"));
  const [known, unknown] = await Promise.all(
    [id, "nobodys"].map(async (each) => await (await scene.ask(`/page/${each}`)).text()),
  );
  expect(known).toBe("the page of the backend");
  expect(unknown).toBe("the page of the backend");
});

test("metrics are what Prometheus takes, and say what is so", async () => {
  await using scene = new GatewayScene();
  const bob = await scene.logIn("bob");
  const { session_id: id } = await scene.create(bob);
  const { session_id: dead } = await scene.create(bob);
  scene.machine.of(dead).end(false);
  scene.answer = () => new Response("", { status: 502 });
  await scene.ask(`/s/${id}/health`, { token: bob });
  await scene.machine.clock.advance(2_000);
  const text = await (await scene.ask("/metrics", { from: "127.0.0.1" })).text();
  const families = readPrometheus(text);
  expect(families.get("gateway_sessions")?.samples).toEqual(
    new Map([
      ['gateway_sessions{status="running"}', 1],
      ['gateway_sessions{status="dead"}', 1],
    ]),
  );
  const { samples, type } = families.get("gateway_sessions_memory_bytes") ?? {};
  expect([type, samples?.get("gateway_sessions_memory_bytes")]).toEqual(["gauge", 1_000]);
  const passedOn = families.get("gateway_proxy_answers_total");
  expect(passedOn?.samples.get('gateway_proxy_answers_total{status="502"}')).toBe(1);
  expect(families.get("gateway_proxy_duration_seconds")?.type).toBe("histogram");
});

test.each([
  "a 1\n",
  "# HELP a b\n# TYPE a gauge\na 1",
  "# HELP a b\n# TYPE a gauge\na{b=c} 1\n",
  "# HELP a b\n# TYPE a gauge\na 1\na 2\n",
  "# HELP a b\n# TYPE a gauge\nb 1\n",
  '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
])("what is no Prometheus text is refused: %j", (text) => {
  expect(() => readPrometheus(text)).toThrow();
});
