// Goal: what the servant sends is what the public backend expects, and what any backend answers
// becomes a directive or a failure of the right class. Method: the adapter against a real socket.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type DynosOptions, dynosBackend } from "../../src/adapters/dynos-http.ts";
import { type AuditId, emptyResult, failedResult } from "../../src/core/assignment.ts";
import { atom } from "../../src/core/atom.ts";
import { keyOf } from "../../src/core/entry.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { Backend, Directive, Intake, Offer } from "../../src/core/ports.ts";
import { domain } from "../../src/core/vocabulary.ts";
import { systemClock } from "../../src/system/clock.ts";
import { Connection } from "../../src/wire/connection.ts";
import { HostileBackend } from "../support/hostile-backend.ts";

const offer: Offer = {
  transitions: ["move", "pick"],
  fluents: ["robot_at"],
  domainModules: ["dynos_warehouse.warehouse"],
  vocabulary: domain("none", {}),
  startState: [atom("robot_at", ["room_one"])],
  startGoal: [atom("holding", ["box_a"])],
};
const signal = new AbortController().signal;
let peer: HostileBackend;

beforeEach(() => {
  peer = new HostileBackend();
});
afterEach(() => peer.stop());

function adapter(options: Partial<DynosOptions> = {}) {
  return dynosBackend(new Connection({ url: peer.url }), {
    clock: systemClock,
    pollIntervalMs: 20,
    quickPoll: true,
    assignmentMaxBytes: 1_048_576,
    ...options,
  });
}

async function registered(backend: Backend): Promise<Backend> {
  await backend.register(offer, signal);
  return backend;
}

const openIntake: Intake = {
  actions: true,
  beliefs: true,
  paused: false,
  startsNow: () => true,
  changed: () => new Promise(() => {}),
};

async function firstDirective(backend: Backend, type?: Directive["type"]): Promise<Directive> {
  for await (const directive of backend.directives(openIntake, signal)) {
    if (type === undefined || directive.type === type) return directive;
  }
  throw new Error("the directives ended");
}

const auditId = "a1" as AuditId;
const delivery = (via: string, result = emptyResult(auditId, true)) =>
  ({ key: keyOf(auditId), kind: "action", result, via }) as const;

describe("register()", () => {
  test("sends the offer, then start and goal, with the CSRF header", async () => {
    expect(await adapter().register(offer, signal)).toBe("servant-1");
    expect(peer.received.map(({ path, body }) => [path, body])).toEqual([
      [
        "/servant/register",
        {
          transitions: ["move", "pick"],
          beliefs: ["robot_at"],
          domain_modules: ["dynos_warehouse.warehouse"],
          anonymous_actions: [],
        },
      ],
      ["/start", { start: ["robot_at(room_one)"] }],
      ["/goal", { goal: ["holding(box_a)"] }],
    ]);
    for (const { headers } of peer.received) {
      expect(headers.get("x-requested-with")).toBe("dynos");
      expect(headers.get("authorization")).toBeNull();
    }
  });

  test("sends neither start nor goal when they are empty, nor a second time", async () => {
    const backend = adapter();
    await backend.register({ ...offer, startState: [], startGoal: [] }, signal);
    expect(peer.received).toHaveLength(1);
    const again = await registered(adapter());
    await again.register(offer, signal);
    expect(peer.requests("/start")).toHaveLength(1);
    expect(peer.requests("/goal")).toHaveLength(1);
  });

  test("prefixes the session and sends the token when it has them", async () => {
    const connection = new Connection({ url: peer.url, session: "s-1", token: "t".repeat(20) });
    const backend = dynosBackend(connection, {
      clock: systemClock,
      pollIntervalMs: 20,
      quickPoll: true,
      assignmentMaxBytes: 100,
    });
    await backend.register(offer, signal);
    expect(backend.origin).toBe(`${peer.url}/s/s-1`);
    expect(peer.received[0]?.path).toBe("/s/s-1/servant/register");
    expect(peer.received[0]?.headers.get("authorization")).toBe(`Bearer ${"t".repeat(20)}`);
  });

  test("tells once that the session ends soon", async () => {
    const told: number[] = [];
    const reply = (seconds: string) =>
      Response.json({ servant_id: "s" }, { headers: { "X-Session-Expires-In": seconds } });
    peer.registrations.push(...["3600", "soon", "3599", "60"].map(reply));
    const backend = adapter({ onSessionEnding: (inS) => told.push(inS) });
    for (let round = 0; round < 4; round++) await backend.register(offer, signal);
    expect(told).toEqual([3_599]);
  });

  const failures = [
    [401, "backend.unauthorized"],
    [404, "backend.session-gone"],
    [410, "backend.session-gone"],
    [408, "backend.unavailable"],
    [429, "backend.unavailable"],
    [500, "backend.unavailable"],
    [503, "backend.unavailable"],
    [400, "backend.rejected"],
    [403, "backend.rejected"],
    [302, "backend.unavailable"],
  ] as const;
  for (const [status, code] of failures) {
    test(`an answer of ${status} is ${code} and tells the detail`, async () => {
      peer.registrations.push(Response.json({ detail: "because" }, { status }));
      const failure = await adapter()
        .register(offer, signal)
        .catch((cause: unknown) => cause);
      expect(failure).toBeInstanceOf(ServantError);
      expect((failure as ServantError).code).toBe(code);
      expect((failure as ServantError).message).toContain(`HTTP ${status}, because`);
    });
  }

  test("an answer without a servant id is a malformed answer", async () => {
    peer.registrations.push(Response.json({}), new Response("<html>"));
    for (let round = 0; round < 2; round++) {
      const failure = await adapter()
        .register(offer, signal)
        .catch((cause: unknown) => cause);
      expect((failure as ServantError).code).toBe("backend.malformed-answer");
    }
  });
});

describe("directives()", () => {
  test("polls with Prefer: wait on one connection, no wait after an assignment", async () => {
    const backend = await registered(adapter({ pollIntervalMs: 10_000, quickPoll: false }));
    for (let count = 0; count < 20; count++) peer.assign(`a${count}`, { start: "x" });
    let seen = 0;
    for await (const directive of backend.directives(openIntake, signal)) {
      expect(directive).toEqual({
        type: "assign",
        via: "servant-1",
        assignment: {
          kind: "action",
          auditId: `a${seen}` as AuditId,
          transition: "work",
          params: { start: "x" },
        },
      });
      seen += 1;
      if (seen === 20) break;
    }
    expect(peer.requests("/next_assignment")[0]?.headers.get("prefer")).toBe("wait=25");
    expect(peer.connections).toBe(1);
  });

  test('"None" and null stand for a parameter that is absent', async () => {
    const backend = await registered(adapter());
    peer.assign("a1", { position: "None", other: null, kept: "x" });
    const directive = await firstDirective(backend);
    expect(directive).toMatchObject({ assignment: { params: { kept: "x" } } });
    expect(JSON.stringify(directive)).not.toContain("position");
  });

  test("asks at once after a poll that was held, waits after one that was not", async () => {
    const backend = await registered(adapter({ pollIntervalMs: 300, quickPoll: false }));
    peer.polls.push(async () => {
      await Bun.sleep(350);
      return new Response(null, { status: 204 });
    });
    let idle = 0;
    for await (const directive of backend.directives(openIntake, signal)) {
      if (directive.type === "idle") idle += 1;
      if (idle === 3) break;
    }
    const [held, afterHeld, afterEmpty] = peer
      .requests("/next_assignment")
      .map((each) => each.atMs);
    expect((afterHeld ?? 0) - (held ?? 0)).toBeGreaterThanOrEqual(340);
    expect((afterHeld ?? 0) - (held ?? 0)).toBeLessThan(640);
    expect((afterEmpty ?? 0) - (afterHeld ?? 0)).toBeGreaterThanOrEqual(290);
  });

  test("wants an answer at once after a failure, to learn that the link works again", async () => {
    const backend = await registered(adapter());
    peer.polls.push(new Response(null, { status: 503 }));
    await expect(firstDirective(backend)).rejects.toMatchObject({ code: "backend.unavailable" });
    let idle = 0;
    for await (const _directive of backend.directives(openIntake, signal)) {
      idle += 1;
      if (idle === 2) break;
    }
    const asked = peer.requests("/next_assignment").map(({ headers }) => headers.get("prefer"));
    expect(asked.slice(0, 3)).toEqual(["wait=25", "wait=0", "wait=25"]);
  });

  test("an abort ends a held poll", async () => {
    const backend = await registered(adapter());
    const stop = new AbortController();
    peer.polls.push(() => new Promise<Response>(() => {}));
    const ended = (async () => {
      for await (const _directive of backend.directives(openIntake, stop.signal)) break;
    })().catch((cause: unknown) => cause);
    await peer.until("a poll", () => peer.requests("/next_assignment").length === 1);
    stop.abort();
    expect(((await ended) as ServantError).code).toBe("backend.unreachable");
  });

  const shapes: [string, string][] = [
    ["not JSON", "<html>oops</html>"],
    ["null", "null"],
    ["an array", "[1,2]"],
    ["a number", "7"],
    ["an object without an audit id", '{"transition_name":"move"}'],
    ["an unknown kind without an audit id", '{"kind":"dance"}'],
    ["an empty body", ""],
    ["an empty audit id", '{"transition_name":"move","audit_id":""}'],
    ["cut JSON", '{"audit_id":"a1","transition_'],
  ];
  for (const [name, body] of shapes) {
    test(`${name} is malformed, and the next poll works`, async () => {
      const backend = await registered(adapter());
      peer.polls.push(new Response(body, { status: 200 }));
      peer.assign("after");
      const seen: Directive[] = [];
      for await (const directive of backend.directives(openIntake, signal)) {
        seen.push(directive);
        if (directive.type === "assign") break;
      }
      expect(seen.map(({ type }) => type)).toEqual(["malformed", "assign"]);
    });
  }

  const unreadable: [string, unknown][] = [
    ["an unknown kind", { kind: "dance", audit_id: "a1" }],
    ["a transition that is no text", { transition_name: 7, audit_id: "a1" }],
    ["params that are a list", { transition_name: "move", params_json: [1], audit_id: "a1" }],
    ["a belief without a fluent", { kind: "belief", audit_id: "a1" }],
  ];
  for (const [name, body] of unreadable) {
    test(`${name} with an audit id is an invalid assignment, to be answered`, async () => {
      const backend = await registered(adapter());
      peer.polls.push(Response.json(body));
      expect(await firstDirective(backend)).toMatchObject({
        type: "assign",
        assignment: { kind: "invalid", auditId: "a1", code: "assignment.malformed" },
      });
    });
  }

  test("an assignment over the limit is invalid under its own audit id, wherever it stands", async () => {
    const backend = await registered(adapter({ assignmentMaxBytes: 1_000 }));
    const filler = "x".repeat(5_000_000);
    const decoy = { audit_id: "decoy", text: `"audit_id":"decoy2" ${filler}` };
    const first = { audit_id: 'fir"st', transition_name: "move", params_json: decoy };
    const last = { transition_name: "move", params_json: decoy, audit_id: "last" };
    for (const body of [first, last]) peer.polls.push(Response.json(body));
    for (const body of [first, last]) {
      expect(await firstDirective(backend)).toMatchObject({
        assignment: { kind: "invalid", auditId: body.audit_id, code: "assignment.too-large" },
      });
    }
  });

  test("an assignment that nests too deep to be written is invalid, named or not", async () => {
    const backend = await registered(adapter());
    for (const id of ['"audit_id":"a1",', ""]) {
      const params = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`;
      peer.polls.push(new Response(`{${id}"transition_name":"move","params_json":${params}}`));
    }
    expect(await firstDirective(backend)).toMatchObject({
      assignment: { kind: "invalid", auditId: "a1", code: "assignment.malformed" },
    });
    expect((await firstDirective(backend)).type).toBe("malformed");
  });

  test("a small compressed answer never unfolds into a large one", async () => {
    const backend = await registered(adapter({ assignmentMaxBytes: 10_000 }));
    const bomb = Bun.gzipSync(JSON.stringify({ audit_id: "a1", text: "x".repeat(50_000_000) }));
    peer.polls.push(new Response(bomb, { headers: { "Content-Encoding": "gzip" } }));
    expect((await firstDirective(backend)).type).toBe("malformed");
  });
});

describe("deliver()", () => {
  test("an action's result has telemetry and observed state only when there are any", async () => {
    const backend = await registered(adapter());
    await backend.deliver(delivery("servant-1"), signal);
    const observed = [{ atom: atom("robot_at", ["x"]), holds: true }];
    const told = { ...emptyResult(auditId, false, "no"), telemetry: { metres: 3 }, observed };
    await backend.deliver(delivery("servant-1", told), signal);
    expect(peer.taken).toEqual([
      { audit_id: "a1", success: true, message: "" },
      {
        audit_id: "a1",
        success: false,
        message: "no",
        telemetry: { metres: 3 },
        observed_state: { "robot_at(x)": true },
      },
    ]);
  });

  test("a code travels in the telemetry and in the message", async () => {
    const backend = await registered(adapter());
    const result = failedResult(auditId, "handler.hung", "Cannot go on");
    await backend.deliver(delivery("servant-1", result), signal);
    expect(peer.taken[0]).toEqual({
      audit_id: "a1",
      success: false,
      message: "handler.hung: Cannot go on",
      telemetry: { code: "handler.hung" },
    });
  });

  test("a belief's result has the belief's members", async () => {
    const backend = await registered(adapter());
    const observed = [{ atom: atom("robot_at", ["x"]), holds: true }];
    const result = { ...emptyResult(auditId, true), observed, exclusive: ["robot_at"] };
    await backend.deliver({ ...delivery("servant-1", result), kind: "belief" }, signal);
    expect(peer.taken[0]).toEqual({
      audit_id: "a1",
      success: true,
      is_unchecked: false,
      observed_state: { "robot_at(x)": true },
      exclusive_fluents: ["robot_at"],
      message: "",
    });
  });

  test("goes to the servant that received it, then to the present one after 404", async () => {
    const backend = await registered(adapter());
    peer.results.push(new Response(null, { status: 404 }));
    await backend.deliver(delivery("servant-0"), signal);
    expect(peer.requests("/result").map(({ path }) => path)).toEqual([
      "/servant/servant-0/result",
      "/servant/servant-1/result",
    ]);
  });

  test("stays for the next registration when the present one is gone", async () => {
    const backend = await registered(adapter());
    peer.results.push(new Response(null, { status: 404 }));
    const failure = await backend.deliver(delivery("servant-1"), signal).catch((c: unknown) => c);
    expect((failure as ServantError).code).toBe("backend.session-gone");
    expect(peer.requests("/result")).toHaveLength(1);
  });

  test("is unclaimed when neither servant knows it", async () => {
    const backend = await registered(adapter());
    for (let count = 0; count < 2; count++) peer.results.push(new Response(null, { status: 410 }));
    const failure = await backend.deliver(delivery("servant-0"), signal).catch((c: unknown) => c);
    expect((failure as ServantError).code).toBe("backend.result-unclaimed");
  });

  test("an answer without end costs no memory, whatever its status", async () => {
    const backend = await registered(adapter());
    for (const status of [200, 400]) {
      let sent = 0;
      const endless = new ReadableStream({
        pull(controller) {
          sent += 1;
          controller.enqueue(new Uint8Array(65_536));
        },
      });
      peer.results.push(new Response(endless, { status }));
      const outcome = await backend.deliver(delivery("servant-1"), signal).catch((c: unknown) => c);
      expect((outcome as ServantError | undefined)?.code).toBe(
        status === 200 ? undefined : "backend.rejected",
      );
      expect(sent * 65_536).toBeLessThan(64 * 1_048_576); // what sockets hold, not what is sent
    }
  });

  test("Retry-After is told", async () => {
    const backend = await registered(adapter());
    peer.results.push(new Response(null, { status: 503, headers: { "Retry-After": "7" } }));
    const failure = await backend.deliver(delivery("servant-1"), signal).catch((c: unknown) => c);
    expect((failure as ServantError).retryAfterMs).toBe(7_000);
  });
});
