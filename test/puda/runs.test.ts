// Goal: whatever becomes of a sequence, no run stays open on a machine. A machine that is left with one
// refuses every other commander.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { groupsOf, readBatch } from "../../src/puda/batch.ts";
import type { StepResult } from "../../src/puda/index.ts";
import type { Command } from "../../src/wire/puda.ts";
import { until } from "../support/proxied.ts";
import { type Answering, WireMachine } from "../support/wire-machine.ts";
import { inLaboratory } from "./laboratory.ts";

/** How long an answer that never comes is waited for, milliseconds: those that come must not take it. */
const PATIENCE_MS = 1_000;
const steps = ["tare", "weigh", "print"].map((name) => ({ machine: "rig1", name }));
const started = ["immediate start 0", "queue tare 1", "queue weigh 2"];
const told = ({ name, answer, failure }: StepResult) =>
  `${name} ${answer?.isSuccess ?? failure?.code}`;

/** Succeeds but for one command. */
const but =
  (name: string, answering: Answering) =>
  (command: Command): Answering =>
    command.name === name ? answering : null;

test("a batch goes one step after another within one run, and completes it", async () => {
  await inLaboratory(async ({ machine, service }) => {
    const seen: string[] = [];
    const result = await service.sendQueueCommands(steps, {
      onStart: ({ name }) => void seen.push(`… ${name}`),
      onStep: (each) => void seen.push(told(each)),
    });
    expect(result).toMatchObject({ isSuccess: true, total: 3, notCompleted: {} });
    expect(seen).toEqual([
      ...["… tare", "tare true", "… weigh", "weigh true", "… print", "print true"],
    ]);
    expect(machine.received).toEqual([...started, "queue print 3", "immediate complete 0"]);
    expect(new Set(machine.commands.map(({ runId }) => runId))).toEqual(new Set([result.runId]));
  });
});

test("W21: a batch stops at the first error and completes its run", async () => {
  await inLaboratory(async ({ machine, service }) => {
    machine.answer(but("weigh", { code: "EXECUTION_ERROR" }));
    const result = await service.sendQueueCommands(steps);
    expect([result.isSuccess, ...result.steps.map(told)]).toEqual([
      false,
      "tare true",
      "weigh false",
    ]);
    expect(machine.received).toEqual([...started, "immediate complete 0"]);
  });
});

test("W21: a batch whose step is not answered in time completes its run", async () => {
  await inLaboratory(async ({ machine, service }) => {
    machine.answer(but("weigh", "silence"));
    const result = await service.sendQueueCommands(steps, { timeoutMs: PATIENCE_MS });
    expect(result.steps.map(told)).toEqual(["tare true", "weigh command.unanswered"]);
    expect(machine.received).toEqual([...started, "immediate complete 0"]);
  });
});

test("W21: a batch that is aborted completes its run, and tells how far it came", async () => {
  await inLaboratory(async ({ machine, service }) => {
    const abort = new AbortController();
    machine.answer(but("weigh", "silence"));
    const running = service.sendQueueCommands(steps, { signal: abort.signal });
    await until(() => machine.received.length === 3);
    abort.abort();
    const result = await running;
    expect(result).toMatchObject({ isSuccess: false, notCompleted: {} });
    expect(result.steps.length).toBe(2);
    expect(machine.received).toEqual([...started, "immediate complete 0"]);
  });
});

test("W21: when the second machine refuses to start, the first one's run is completed", async () => {
  await inLaboratory(async ({ machine, server, service }) => {
    await using second = await WireMachine.start(server.url, "rig2");
    second.answer(but("start", { code: "RUN_ID_MISMATCH" }));
    const both = [...steps, { machine: "rig2", name: "tare" }];
    await expect(service.sendQueueCommands(both)).rejects.toMatchObject({ code: "run.refused" });
    expect(machine.received).toEqual(["immediate start 0", "immediate complete 0"]);
    expect(second.received).toEqual(["immediate start 0"]); // another's run is not completed
  });
});

test("W21: a start without an answer may have worked: that run is completed too", async () => {
  await inLaboratory(
    async ({ machine, service }) => {
      machine.answer(but("start", "silence"));
      await expect(service.startRun(["rig1"], { runId: "r1" })).rejects.toMatchObject({
        code: "command.unanswered",
      });
      expect(machine.received).toEqual(["immediate start 0", "immediate complete 0"]);
      machine.answer(() => null);
      expect(await service.startRun(["rig1"], { runId: "r1" })).toBe("r1"); // nothing is left of it
    },
    { immediateTimeoutMs: PATIENCE_MS },
  );
});

test("a machine that does not confirm the end of a run is told of", async () => {
  await inLaboratory(
    async ({ machine, service, notices }) => {
      machine.answer(but("complete", "silence"));
      const result = await service.sendQueueCommands(steps);
      expect(result).toMatchObject({ isSuccess: true });
      expect(Object.keys(result.notCompleted)).toEqual(["rig1"]);
      expect(notices).toMatchObject([{ type: "run.not-completed", machine: "rig1" }]);
    },
    { immediateTimeoutMs: PATIENCE_MS },
  );
});

test("a machine of the first generation, which knows no runs, takes a batch", async () => {
  await inLaboratory(async ({ machine, service }) => {
    machine.answer(but("start", { code: "UNKNOWN_COMMAND" }));
    const result = await service.sendQueueCommands(steps);
    expect(result).toMatchObject({ isSuccess: true, notCompleted: {} });
    expect(machine.received).toEqual([...started, "queue print 3"]);
  });
});

test("a run that a machine ended by itself is completed all the same", async () => {
  await inLaboratory(async ({ machine, service }) => {
    machine.answer(but("complete", { code: "RUN_ID_MISMATCH" }));
    expect((await service.sendQueueCommands(steps)).notCompleted).toEqual({});
  });
});

test("commands with one step number go to their machines at the same time", async () => {
  await inLaboratory(async ({ machine, server, service }) => {
    await using second = await WireMachine.start(server.url, "rig2");
    machine.answer(async ({ name }) => {
      if (name === "weigh") await until(() => second.received.includes("queue weigh 1"));
      return null;
    });
    const weigh = { name: "weigh", step: 1 };
    const result = await service.sendQueueCommands([
      { ...weigh, machine: "rig1" },
      { ...weigh, machine: "rig2" },
      { machine: "rig2", name: "print", step: 2 },
    ]);
    expect(result.isSuccess).toBe(true);
    expect(second.received).toEqual([
      ...["immediate start 0", "queue weigh 1", "queue print 2", "immediate complete 0"],
    ]);
  });
});

test("readBatch() reads a plain list and a protocol file, null parameters included", () => {
  const plain = readBatch('[{"machine": "b", "name": "tare"}, {"machine_id": "b", "name": "w"}]');
  expect(groupsOf(plain.commands).flat()).toEqual([
    { machine: "b", name: "tare", params: {}, step: 1 },
    { machine: "b", name: "w", params: {}, step: 2 },
  ]);
  const protocol = readBatch({
    project_id: "p",
    protocol_id: "q",
    user_id: "u",
    username: "n",
    description: "two steps",
    timestamp: "2026-11-21T11:20:56Z",
    commands: [
      { name: "w", params: null, step_number: "5", version: "1.0", machine_id: "b" },
      { name: "t", params: { a: 1 }, kwargs: { a: 2 }, step_number: 3, machine_id: "b" },
    ],
  });
  expect(groupsOf(protocol.commands).flat()).toEqual([
    { machine: "b", name: "t", params: { a: 2 }, step: 3 },
    { machine: "b", name: "w", params: {}, step: 5 },
  ]);
});

test("readBatch() says what is wrong with a batch", () => {
  const wrong = [
    ["{", /JSON|expected|property/i],
    ["[]", /no commands/],
    ['"x"', /no list of commands/],
    ['[{"machine": "b"}]', /commands\.0\.name/],
    ['[{"name": "w"}]', /commands\.0: it names no machine_id/],
    ['[{"machine": "b", "name": "w", "params": [1]}]', /commands\.0\.params/],
    ['[{"machine": "b", "name": "w", "parms": {"a": 1}}]', /commands\.0\.parms: .*"params"/],
    ['[{"machine": "b.c", "name": "w"}]', /dot/],
    ['[{"machine":"b","name":"w","step":1},{"machine":"b","name":"v","step":1}]', /step number 1/],
  ] as const;
  for (const [text, reason] of wrong) {
    expect(() => groupsOf(readBatch(text).commands)).toThrow(reason);
  }
});

test("groupsOf() loses no command, keeps each step's order and rises", () => {
  const commands = fc.array(
    fc.record({
      machine: fc.constantFrom("a", "b", "c"),
      name: fc.constantFrom("x", "y"),
      step: fc.option(fc.nat(5), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(commands, (given) => {
      let groups: ReturnType<typeof groupsOf>;
      try {
        groups = groupsOf(given);
      } catch (cause) {
        expect(String(cause)).toContain("have the step number");
        return;
      }
      expect(groups.flat().length).toBe(given.length);
      const numbers = groups.map((group) => group[0]?.step ?? -1);
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      for (const group of groups) {
        expect(new Set(group.map(({ machine }) => machine)).size).toBe(group.length);
      }
    }),
  );
});
