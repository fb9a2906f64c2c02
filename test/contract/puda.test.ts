// Goal: PUDA's machines keep the promises that the servant relies on, as every other dialect.
// Method: the same suites as the others, before a real NATS server.
import { afterAll, test } from "bun:test";
import { natsServer, RunningNats } from "../support/nats.ts";
import { backendRules } from "./backend-port.ts";
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
}
