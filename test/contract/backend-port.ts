/**
 * The rules of the `Backend` port, one test each, for whatever dialect stands behind it. A new one
 * joins with one `Dialect`.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { AuditId, Result } from "../../src/core/assignment.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import {
  type Ability,
  type Assign,
  type Dialect,
  deliveryOf,
  Follower,
  type Opened,
  offer,
  type Peer,
  until,
} from "./dialects/dialect.ts";

/** How long nothing must happen before it counts as never, in milliseconds. */
const QUIET_MS = 250;
/** An abort, or room, must be heeded so soon, in milliseconds. */
const PROMPTLY_MS = 2_000;
/** A process must be gone so soon: it starts, compiles the adapter, registers and stops. */
const LEAVING_MS = 10_000;

const HARD_PARAMS: JsonObject = {
  text: 'Grüße an 実験室 \u{1f9ea}\n\t"quoted" \\ \u0001',
  numbers: [9_007_199_254_740_991, -9_007_199_254_740_991, 1e300, 1.5e-7, -0.1, 0],
  nested: { a: [1, [2, { b: null, c: [] }], {}], d: { e: { f: { g: true } } } },
  "a key with, commas": "and \u2028 separators",
  empty: "",
};

export function backendRules(dialect: Dialect): void {
  /** A rule for those that can; the others say why not, and docs/dialects.md with them. */
  const ruleFor = (ability: Ability, name: string, check: () => Promise<void>) => {
    const reason = dialect.cannot[ability];
    if (reason === undefined) test(name, check);
  };

  describe(`the Backend port, ${dialect.name}`, () => {
    let peer: Peer;
    let opened: Opened[];
    let followers: Follower[];

    beforeEach(async () => {
      opened = [];
      followers = [];
      peer = await dialect.start();
    });
    afterEach(async () => {
      await Promise.all(followers.map((each) => each.stop()));
      await Promise.all(opened.map((each) => each.close()));
      await peer[Symbol.asyncDispose]();
    });

    async function connect(): Promise<Follower> {
      const one = await peer.open();
      opened.push(one);
      const follower = await new Follower(one.backend).register();
      followers.push(follower);
      return follower.follow();
    }
    const answered = (ticket: string, count = 1) =>
      until(`answer ${count}`, async () => (await peer.answers(ticket)).length >= count);

    describe("an assignment", () => {
      test("comes under the name of the registration, with an audit id of its own", async () => {
        const follower = await connect();
        const ids = new Set<AuditId>();
        for (const nth of [1, 2, 3]) {
          const ticket = await peer.assign();
          const directive = await follower.assigned(nth);
          expect(directive).toMatchObject({ assignment: { kind: "action", transition: "move" } });
          expect(directive.via).toBe(follower.via);
          ids.add(directive.assignment.auditId);
          await deliver(follower, directive);
          await answered(ticket);
        }
        expect(ids.has("" as AuditId)).toBe(false);
        expect(ids.size).toBe(3);
      });

      ruleFor(
        "json",
        "brings its parameters as they were given, whatever JSON they are",
        async () => {
          const follower = await connect();
          await peer.assign(HARD_PARAMS);
          const { assignment } = await follower.assigned();
          expect(assignment).toMatchObject({ kind: "action", params: HARD_PARAMS });
        },
      );

      ruleFor(
        "repeat",
        "that is handed out twice has one audit id, and may be answered twice",
        async () => {
          const follower = await connect();
          const ticket = await peer.assign({ start: "a" });
          const first = await follower.assigned();
          await peer.repeat?.(ticket);
          // Whether it comes again before it is answered is the dialect's business.
          await deliver(follower, first);
          await answered(ticket);
          await peer.repeat?.(ticket);
          const second = await follower.assigned(2);
          expect(second.assignment).toEqual(first.assignment);
          await deliver(follower, second);
          await answered(ticket, 2);
          const [one, two] = await peer.answers(ticket);
          expect(two).toEqual(one);
        },
      );

      ruleFor("unreadable", "that cannot be read hurts no other", async () => {
        const follower = await connect();
        await peer.sendNonsense?.();
        await peer.sendUnreadable?.();
        const ticket = await peer.assign();
        await until("the sound one", () => sound(follower).length === 1);
        const [good] = sound(follower);
        if (good === undefined) throw new Error("it went away");
        await deliver(follower, good);
        await answered(ticket);
        expect(follower.failures).toEqual([]);
        // It may be answered by the adapter itself; where it comes here, it says what was wrong.
        for (const each of follower.seen) {
          if (each === good || each.type !== "assign") continue;
          expect(each.assignment).toMatchObject({ kind: "invalid", code: "assignment.malformed" });
        }
      });

      ruleFor("belief", "may ask for a belief", async () => {
        const follower = await connect();
        await peer.ask?.();
        const { assignment } = await follower.assigned();
        expect(assignment).toMatchObject({ kind: "belief", fluent: "robot_at" });
      });

      test("stays where it is while there is no room, and comes when there is", async () => {
        const follower = await connect();
        follower.intake.set(false, false);
        await quiet();
        const ticket = await peer.assign();
        await quiet();
        expect(follower.seen).toEqual([]);
        follower.intake.set(true, true);
        const since = performance.now();
        const directive = await follower.assigned();
        expect(performance.now() - since).toBeLessThan(PROMPTLY_MS);
        await deliver(follower, directive);
        await answered(ticket);
      });
    });

    describe("a cancel", () => {
      ruleFor("cancel", "names what is in hand, though there is no room", async () => {
        const follower = await connect();
        const ticket = await peer.assign();
        const { assignment } = await follower.assigned();
        follower.intake.set(false, false);
        await peer.cancel?.(ticket);
        expect((await follower.told("cancel")).auditId).toBe(assignment.auditId);
      });

      ruleFor(
        "cancel",
        "of what was not handed out keeps it from coming, or names it",
        async () => {
          const follower = await connect();
          follower.intake.set(false, false);
          await quiet();
          const ticket = await peer.assign();
          await peer.cancel?.(ticket);
          follower.intake.set(true, true);
          await quiet();
          const cancelled = follower.seen.flatMap((each) =>
            each.type === "cancel" ? each.auditId : [],
          );
          const came = sound(follower).map(({ assignment }) => assignment.auditId);
          expect(came.filter((each) => !cancelled.includes(each))).toEqual([]);
        },
      );
    });

    ruleFor("pause", "a pause is told, and no action comes until the resume", async () => {
      const follower = await connect();
      await peer.pause?.();
      await follower.told("pause");
      const refused = await peer.assign();
      await quiet();
      expect(sound(follower)).toEqual([]);
      await peer.resume?.();
      await follower.told("resume");
      const ticket = await peer.assign({ start: "after" });
      await until("the next one", () => sound(follower).length > 0);
      const [directive] = sound(follower);
      if (directive === undefined) throw new Error("it went away");
      // What came during the pause is refused for good, or still waits: never both.
      const isRefused = (await peer.answers(refused)).length > 0;
      expect(directive.assignment).toMatchObject({ params: isRefused ? { start: "after" } : {} });
      await deliver(follower, directive);
      await answered(isRefused ? ticket : refused);
    });

    describe("a lost link", () => {
      if (dialect.cannot.link !== undefined) {
        test("calls off what came over it, and the next one works", async () => {
          const follower = await connect();
          await peer.assign();
          const { assignment } = await follower.assigned();
          await peer.wire.down();
          expect((await follower.told("cancel")).auditId).toBe(assignment.auditId);
          await peer.wire.up();
          const ticket = await peer.assign();
          await deliver(follower, await follower.assigned(2));
          await answered(ticket);
          expect(follower.failures).toEqual([]);
        });
      }

      ruleFor(
        "link",
        "is a transient failure, and a new call goes on where the last one ended",
        async () => {
          const follower = await connect();
          await peer.assign();
          await deliver(follower, await follower.assigned());
          await peer.wire.down();
          await until("the failure is told", () => follower.failures.length > 0);
          const ticket = await peer.assign();
          await peer.wire.up();
          const second = await follower.assigned(2);
          await deliver(follower, second);
          await answered(ticket);
          expect(follower.failures.map(({ kind }) => kind)).not.toContain("permanent");
          expect(follower.seen.filter(({ type }) => type === "assign")).toHaveLength(2);
        },
      );

      ruleFor("link", "keeps a result from being taken, and it goes out afterwards", async () => {
        const follower = await connect();
        const ticket = await peer.assign();
        const directive = await follower.assigned();
        await peer.wire.down();
        await until("the failure is told", () => follower.failures.length > 0);
        const first = failed(follower, directive);
        expect(await soon(first)).toBeOneOf(UNDECIDED);
        expect(await peer.answers(ticket)).toEqual([]);
        await peer.wire.up();
        if ((await first) !== undefined) await delivered(follower, directive);
        expect(await peer.answers(ticket)).toHaveLength(1);
      });

      ruleFor(
        "link",
        "a result that arrived, of which nobody heard, is sent again and stays one answer",
        async () => {
          const follower = await connect();
          const ticket = await peer.assign();
          const directive = await follower.assigned();
          peer.wire.isMute = true;
          const first = failed(follower, directive);
          await answered(ticket);
          expect(await soon(first)).toBe("open");
          await peer.wire.down();
          expect(await soon(first)).toBeOneOf(UNDECIDED);
          peer.wire.isMute = false;
          await peer.wire.up();
          if ((await first) !== undefined) await delivered(follower, directive);
          const answers = await peer.answers(ticket);
          expect(answers.length).toBeGreaterThanOrEqual(1);
          if (dialect.takesOnce) expect(answers).toHaveLength(1);
          for (const each of answers) expect(each).toEqual(answers[0] ?? each);
        },
      );

      ruleFor("link", "does not lose the result of an earlier registration", async () => {
        const follower = await connect();
        const ticket = await peer.assign();
        const directive = await follower.assigned();
        const { via } = follower;
        await peer.wire.down();
        await until("the failure is told", () => follower.failures.length > 0);
        await peer.wire.up();
        await follower.register();
        expect(directive.via).toBe(via);
        await delivered(follower, directive);
        expect(await peer.answers(ticket)).toMatchObject([{ success: true }]);
      });

      ruleFor("link", "does not lose what an earlier process received", async () => {
        const before = await connect();
        const ticket = await peer.assign();
        const directive = await before.assigned();
        await before.stop();
        await opened[0]?.close();
        const after = await connect();
        await delivered(after, directive);
        expect(await peer.answers(ticket)).toMatchObject([{ success: true }]);
      });
    });

    describe("a result", () => {
      test("is with the other side when its delivery resolves, as it was told", async () => {
        const follower = await connect();
        const ticket = await peer.assign();
        const directive = await follower.assigned();
        const telemetry = { grams: 1.5, ü: [null] };
        await deliver(follower, directive, { telemetry });
        const told = dialect.cannot.details === undefined ? { telemetry } : {};
        expect(await peer.answers(ticket)).toMatchObject([{ success: true, ...told }]);
      });

      test("of a failure is one, with its message", async () => {
        const follower = await connect();
        const ticket = await peer.assign();
        const directive = await follower.assigned();
        await deliver(follower, directive, { success: false, message: "the arm is jammed" });
        const [answer] = await peer.answers(ticket);
        expect(answer?.success).toBe(false);
        if (dialect.cannot.details === undefined) {
          expect(answer?.message).toContain("the arm is jammed");
        }
      });

      test("goes out after the directives have ended, as a stopping servant does it", async () => {
        const follower = await connect();
        const ticket = await peer.assign();
        const directive = await follower.assigned();
        await follower.stop();
        await deliver(follower, directive);
        expect(await peer.answers(ticket)).toMatchObject([{ success: true }]);
      });

      ruleFor(
        "refuse",
        "that is refused for good is told apart from one refused for now",
        async () => {
          const follower = await connect();
          const ticket = await peer.assign();
          const directive = await follower.assigned();
          for (const kind of ["transient", "permanent"] as const) {
            peer.refuse?.(kind);
            expect((await failed(follower, directive))?.kind).toBe(kind);
          }
          await deliver(follower, directive);
          expect(await peer.answers(ticket)).toHaveLength(1);
        },
      );
    });

    describe("registering", () => {
      test("twice gives directives to the later one, and loses nothing", async () => {
        const follower = await connect();
        await follower.register();
        const ticket = await peer.assign();
        await deliver(follower, await follower.assigned());
        await answered(ticket);
      });

      ruleFor("forget", "is asked for by a failure of the kind gone", async () => {
        const follower = await connect();
        peer.forget?.();
        await until("it is told", () => follower.failures.length > 0);
        expect(follower.failures[0]?.kind).toBe("gone");
        await follower.register();
        follower.follow();
        const ticket = await peer.assign();
        await deliver(follower, await follower.assigned());
        await answered(ticket);
      });

      ruleFor("link", "that nobody answers ends with the abort of its signal", async () => {
        await peer.wire.down();
        const one = await peer.open();
        opened.push(one);
        const stop = new AbortController();
        const outcome = one.backend.register(offer, stop.signal).catch((cause: unknown) => cause);
        stop.abort();
        const ended = await Promise.race([outcome, Bun.sleep(PROMPTLY_MS).then(() => "late")]);
        expect(ended).toBeInstanceOf(ServantError);
      });
    });

    describe("the abort of its signal", () => {
      test("ends the directives promptly, with and without room", async () => {
        for (const hasRoom of [true, false]) {
          const follower = await connect();
          follower.intake.set(hasRoom, hasRoom);
          await quiet();
          const since = performance.now();
          await follower.stop();
          expect(performance.now() - since).toBeLessThan(PROMPTLY_MS);
        }
      });

      test("leaves no connection behind", async () => {
        const one = await peer.open();
        opened.push(one);
        for (let round = 0; round < 10; round += 1) {
          const follower = (await new Follower(one.backend).register()).follow();
          await peer.assign();
          const directive = await follower.assigned();
          await follower.stop();
          await deliver(follower, directive);
        }
        // What is kept for the next request, and what the last round has just let go of.
        await until("few are left", () => peer.wire.connections <= 3, PROMPTLY_MS);
      });

      test("lets a process end by itself", async () => {
        const port = peer.wire.port;
        if (port === undefined) return; // in memory: there is nothing that could hold it
        const leaving = join(import.meta.dir, "dialects", "leaving.ts");
        const command = [process.execPath, leaving, dialect.module, String(port)];
        const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
        const code = await Promise.race([child.exited, Bun.sleep(LEAVING_MS).then(() => "stays")]);
        child.kill("SIGKILL");
        expect(await child.stdout.text()).toBe("followed, stopped\n");
        expect(code).toBe(0);
      });
    });
  });
}

const quiet = () => Bun.sleep(QUIET_MS);

/** While the link is lost a delivery fails for now, or waits for the link by itself. */
const UNDECIDED = ["transient", "open"];

/** What a delivery has come to by now. */
async function soon(outcome: Promise<ServantError | undefined>): Promise<string> {
  const kind = outcome.then((failure) => failure?.kind ?? "taken");
  return await Promise.race([kind, quiet().then(() => "open")]);
}

/** What is to be run. */
function sound({ seen }: Follower): Assign[] {
  return seen.flatMap((each) =>
    each.type === "assign" && each.assignment.kind === "action" && !("refusal" in each)
      ? [each]
      : [],
  );
}

/** Delivers it at the first try. */
async function deliver(
  { backend }: Follower,
  directive: Assign,
  more: Partial<Result> = {},
): Promise<void> {
  await backend.deliver(deliveryOf(directive, more), new AbortController().signal);
}

/** What its delivery fails with; undefined when it does not. */
async function failed(follower: Follower, directive: Assign): Promise<ServantError | undefined> {
  try {
    await deliver(follower, directive);
    return undefined;
  } catch (cause) {
    expect(cause).toBeInstanceOf(ServantError);
    return cause as ServantError;
  }
}

/** Delivers it over transient failures, as the outbox does. */
async function delivered(follower: Follower, directive: Assign): Promise<void> {
  await until("it is delivered", async () => {
    const failure = await failed(follower, directive);
    if (failure !== undefined && failure.kind !== "transient") throw failure;
    return failure === undefined;
  });
}
