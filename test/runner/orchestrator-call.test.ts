import { afterAll, expect, test } from "bun:test";
import { callOrchestrator } from "../../src/cli/orchestrator-call.ts";
import type { ServantError } from "../../src/core/errors.ts";
import type { Json } from "../../src/core/json.ts";
import { Connection } from "../../src/wire/connection.ts";

const asked: string[] = [];
const backend = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    asked.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
    return Response.json({ status: "ok", goal: ["seen"] });
  },
});
afterAll(() => backend.stop(true));
const connection = new Connection({ url: `http://127.0.0.1:${backend.port}` });
const call = (method: string, ...args: Json[]) => callOrchestrator(connection, method, args);

async function failure(method: string, ...args: Json[]): Promise<ServantError> {
  return await call(method, ...args).then(
    (answer) => {
      throw new Error(`it answered ${JSON.stringify(answer)}`);
    },
    (cause: ServantError) => cause,
  );
}

test("callOrchestrator() makes one request of a handler's call", async () => {
  expect(await call("health")).toMatchObject({ status: "ok" });
  expect(await call("setGoal", ["seen"])).toBeNull();
  expect(asked).toEqual(["GET /health ", 'POST /goal {"goal":["seen"]}']);
});

test.each(["token", "constructor", "__proto__", "execute", ""])(
  "callOrchestrator() lets no handler call %j",
  async (method) => {
    expect(await failure(method)).toMatchObject({ code: "usage.invalid" });
  },
);

test("callOrchestrator() keeps the code of a request that failed", async () => {
  const nobody = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const gone = new Connection({ url: `http://127.0.0.1:${nobody.port}` });
  await nobody.stop(true);
  const refused = await callOrchestrator(gone, "health", []).catch((cause) => cause);
  expect(refused).toMatchObject({ code: "backend.unreachable" });
});

test("callOrchestrator() takes arguments of any kind without a fault of the agent's", async () => {
  for (const args of [[], [null], [3], [{}], ["x", "y", "z"], [[[]]]] as Json[][]) {
    for (const method of ["createObject", "listObjects", "setStart", "setGoal", "getGoal"]) {
      const code = await call(method, ...args).then(
        () => undefined,
        (cause: ServantError) => cause.code,
      );
      expect({ method, args, code }).not.toEqual({ method, args, code: "agent.internal" });
      if (code !== undefined) expect(code).toMatch(/^(usage|backend|atom|request)\./);
    }
  }
});
