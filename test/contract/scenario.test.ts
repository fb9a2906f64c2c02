// Goal: scenario-execution's actions keep the promises that the servant relies on, as every other dialect.
// Method: the same suites as the others, before libzmq as a stock client has it.
import { test } from "bun:test";
import { zmqPython } from "../support/zmq-python.ts";
import { backendRules } from "./backend-port.ts";
import { scenarioBy } from "./dialects/scenario.ts";
import { servantRules } from "./servant-rules.ts";

const python = await zmqPython();
if (python === undefined) test.skip("scenario-execution: there is no pyzmq", () => {});
else {
  const dialect = scenarioBy(python);
  backendRules(dialect);
  servantRules(dialect);
}
