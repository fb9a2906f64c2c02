/** The gateway's metrics, read by Prometheus' own Python reader. */
import { expect, test } from "bun:test";
import { GatewayScene } from "../gateway/gateway-scene.ts";
import { pythonWith } from "../support/python.ts";

const python = await pythonWith("prometheus", ["prometheus-client==0.21.1"]);
const READ = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = text_string_to_metric_families(sys.stdin.read())
print(json.dumps({f.name: [f.type, len(f.samples)] for f in families}))
`;

test.skipIf(python === undefined)("Prometheus' own reader takes the metrics", async () => {
  await using scene = new GatewayScene();
  const bob = await scene.logIn("bob");
  const { session_id: id } = await scene.create(bob);
  await scene.ask(`/s/${id}/health`, { token: bob });
  const text = await (await scene.ask("/metrics", { from: "127.0.0.1" })).text();
  const reader = Bun.spawn([python ?? "", "-c", READ], { stdin: new Blob([text]) });
  const families = (await new Response(reader.stdout).json()) as Record<string, unknown>;
  expect(await reader.exited).toBe(0);
  expect(families).toMatchObject({
    gateway_sessions: ["gauge", 2],
    gateway_sessions_memory_bytes: ["gauge", 1],
    gateway_logins: ["counter", 4],
    gateway_proxy_answers: ["counter", 1],
    gateway_proxy_duration_seconds: ["histogram", 15],
  });
});
