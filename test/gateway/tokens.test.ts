/** Tokens, on a clock that stands still until it is moved. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { memoryStore } from "../../src/backend/memory-store.ts";
import { ServantError } from "../../src/core/errors.ts";
import type { BackendStore } from "../../src/core/store.ts";
import {
  TOKEN_IDLE_MS,
  TOKEN_IN_HAND_MS,
  TOKENS_PER_USER,
  Tokens,
} from "../../src/gateway/tokens.ts";
import type { User } from "../../src/gateway/users.ts";
import { FakeClock } from "../support/fake-clock.ts";

const DAY_MS = 86_400_000;
/** So short that tests get to it; longer than a servant may have something in hand. */
const LIFE_MAX_MS = 30 * 3_600_000;

class Scene {
  readonly clock = new FakeClock();
  /** Nothing more can be written. */
  isFull = false;
  writes = 0;
  readonly #memory = memoryStore();
  readonly store: BackendStore = {
    ...this.#memory,
    write: async (changes) => {
      if (this.isFull) throw new ServantError("journal.full", "Cannot write: the disk is full");
      this.writes += 1;
      await this.#memory.write(changes);
    },
  };
  readonly users = new Map<string, User>();
  tokens = this.open();

  constructor() {
    for (const name of ["alice", "bob"]) this.setUser(name, `hash of ${name}`);
  }

  /** As after a restart of the gateway. */
  open(): Tokens {
    const users = { find: (name: string) => this.users.get(name) };
    const { clock, store } = this;
    this.tokens = new Tokens({ store, clock, users, lifeMaxMs: LIFE_MAX_MS });
    return this.tokens;
  }

  setUser(username: string, passwordHash: string, role: User["role"] = "user"): User {
    const user = { username, passwordHash, role, cost: 4 };
    this.users.set(username, user);
    return user;
  }

  issue(name: string): Promise<string> {
    return this.tokens.issue(this.users.get(name) as User);
  }

  /** Who shows it, at this moment; a use like any other. */
  who(token: string): string | undefined {
    const held = this.tokens.use(token);
    held?.release();
    return held?.person.username;
  }
}

test("a token is its user's; a forged, changed or cut one is nobody's", async () => {
  const scene = new Scene();
  const token = await scene.issue("alice");
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(scene.who(token)).toBe("alice");
  const forged = [token.slice(1), `${token}x`, token.toUpperCase(), "", "x".repeat(10_000)];
  for (const each of forged) expect(scene.who(each)).toBeUndefined();
  // Nor does what is on disk let anybody in.
  for (const { key } of scene.store.documents("token")) expect(scene.who(key)).toBeUndefined();
  expect(JSON.stringify(scene.store.documents("token"))).not.toContain(token);
});

// Goal: a token is good exactly while its last use is less than an hour ago and its login less than the
// limit, over restarts too. Method: random uses, pauses and restarts beside the two numbers by hand.
test("a token slides with its use, up to its limit", async () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant("use" as const) }),
    fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 3_700_000 }) }),
    fc.record({ type: fc.constant("restart" as const) }),
    fc.record({ type: fc.constant("sweep" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80, size: "max" }), async (steps) => {
      const scene = new Scene();
      const token = await scene.issue("alice");
      let usedMs = 0;
      let isGood = true;
      for (const each of steps) {
        const nowMs = scene.clock.monotonic();
        if (nowMs - usedMs >= TOKEN_IDLE_MS || nowMs >= LIFE_MAX_MS) isGood = false;
        if (each.type === "wait") await scene.clock.advance(each.ms);
        else if (each.type === "sweep") await scene.tokens.sweep();
        else if (each.type === "restart") {
          await scene.tokens.close();
          scene.open();
        } else {
          expect(scene.who(token)).toBe(isGood ? "alice" : undefined);
          if (isGood) usedMs = nowMs;
        }
      }
    }),
    { numRuns: 100 },
  );
});

test("a token that is used all the time ends at its limit, and what it has open with it", async () => {
  const scene = new Scene();
  const token = await scene.issue("alice");
  const open = scene.tokens.use(token);
  for (let usedMs = 0; usedMs < LIFE_MAX_MS; usedMs += TOKEN_IDLE_MS / 2) {
    expect(scene.who(token)).toBe("alice");
    await scene.clock.advance(TOKEN_IDLE_MS / 2);
  }
  expect(scene.who(token)).toBeUndefined();
  await scene.tokens.sweep();
  expect(open?.ended.aborted).toBe(true);
});

test("a crash forgets no more than a minute of use, and nothing of what is under way", async () => {
  const scene = new Scene();
  const [used, held] = [await scene.issue("alice"), await scene.issue("bob")];
  scene.tokens.use(held);
  await scene.clock.advance(TOKEN_IDLE_MS - 60_000);
  expect(scene.who(used)).toBe("alice");
  await scene.tokens.sweep();
  await scene.clock.advance(59_000);
  expect(scene.who(used)).toBe("alice"); // too soon to be written down
  await scene.tokens.sweep();
  scene.open(); // nobody closed the other one
  await scene.clock.advance(TOKEN_IDLE_MS - 60_000);
  expect([scene.who(used), scene.who(held)]).toEqual(["alice", "bob"]);
});

test("uses are written down now and then, not one by one", async () => {
  const scene = new Scene();
  const token = await scene.issue("alice");
  const before = scene.writes;
  for (let second = 0; second < 600; second += 1) {
    for (let count = 0; count < 5; count += 1) scene.who(token);
    await scene.clock.stall(1_000);
    await scene.tokens.sweep();
  }
  expect(scene.writes - before).toBeWithin(8, 11);
});

test("on a full disk people come in and go out; what could not be kept is kept later", async () => {
  const scene = new Scene();
  const old = await scene.issue("alice");
  scene.isFull = true;
  const token = await scene.issue("bob");
  expect(scene.who(token)).toBe("bob");
  expect(await scene.tokens.revoke(old).catch(() => "not kept")).toBe("not kept");
  expect(scene.who(old)).toBeUndefined();
  expect(await scene.tokens.sweep().catch(() => "not kept")).toBe("not kept");
  scene.isFull = false;
  await scene.tokens.sweep();
  scene.open();
  expect([scene.who(token), scene.who(old)]).toEqual(["bob", undefined]);
});

test("a request in flight keeps its token alive for hours, and its end counts as a use", async () => {
  const scene = new Scene();
  const token = await scene.issue("alice");
  const execution = scene.tokens.use(token);
  await scene.clock.advance(5 * TOKEN_IDLE_MS);
  await scene.tokens.sweep();
  expect(execution?.ended.aborted).toBe(false);
  execution?.release();
  execution?.release(); // twice is once
  await scene.clock.advance(TOKEN_IDLE_MS - 1);
  expect(scene.who(token)).toBe("alice");
  await scene.clock.advance(TOKEN_IDLE_MS);
  expect(scene.who(token)).toBeUndefined();
});

test("a servant with an assignment in hand is not logged out, over a restart either", async () => {
  const scene = new Scene();
  const token = await scene.issue("alice");
  const hand = (isFull: boolean) => {
    const held = scene.tokens.use(token);
    held?.hand("session/servant", isFull);
    held?.release();
  };
  hand(true);
  await scene.clock.advance(TOKEN_IN_HAND_MS / 2);
  await scene.tokens.close();
  scene.open();
  await scene.clock.advance(TOKEN_IN_HAND_MS / 2 - 1);
  await scene.tokens.sweep();
  expect(scene.who(token)).toBe("alice");
  hand(false);
  await scene.clock.advance(TOKEN_IDLE_MS);
  expect(scene.who(token)).toBeUndefined();
});

test("a token that nobody comes back for ends, whatever its servant had in hand", async () => {
  const scene = new Scene();
  const token = await scene.issue("alice");
  const held = scene.tokens.use(token);
  held?.hand("session/servant", true);
  held?.release();
  await scene.clock.advance(TOKEN_IN_HAND_MS);
  expect(scene.who(token)).toBeUndefined();
});

test("a logout ends one token and what it has open; the user's others go on", async () => {
  const scene = new Scene();
  const [one, other] = [await scene.issue("alice"), await scene.issue("alice")];
  const open = scene.tokens.use(one);
  await scene.tokens.revoke(one);
  expect(open?.ended.aborted).toBe(true);
  expect([scene.who(one), scene.who(other)]).toEqual([undefined, "alice"]);
  await scene.tokens.revoke("nobody's");
  expect([scene.open(), scene.who(one), scene.who(other)].slice(1)).toEqual([undefined, "alice"]);
});

test("who is removed or gets another password is out, also when nobody was there to see it", async () => {
  const scene = new Scene();
  const [alices, bobs] = [await scene.issue("alice"), await scene.issue("bob")];
  const open = scene.tokens.use(bobs);
  scene.users.delete("bob");
  expect(scene.tokens.use(bobs)).toBeUndefined();
  await scene.tokens.sweep();
  expect(open?.ended.aborted).toBe(true);
  scene.setUser("bob", "hash of bob"); // back again: the old login is not
  expect(scene.who(bobs)).toBeUndefined();
  scene.setUser("alice", "another hash");
  scene.open();
  expect(scene.who(alices)).toBeUndefined();
});

test("a role is that of the users file now", async () => {
  const scene = new Scene();
  const token = await scene.issue("alice");
  expect(scene.tokens.use(token)?.person.role).toBe("user");
  scene.setUser("alice", "hash of alice", "admin");
  expect(scene.tokens.use(token)?.person.role).toBe("admin");
});

test("a clock that is set back or forth throws nobody out, and keeps nobody in", async () => {
  for (const byMs of [-DAY_MS, DAY_MS, -1]) {
    const scene = new Scene();
    const token = await scene.issue("alice");
    scene.clock.setWall(scene.clock.now() + byMs);
    await scene.clock.advance(TOKEN_IDLE_MS - 1);
    await scene.tokens.sweep();
    expect(scene.who(token)).toBe("alice");
    await scene.clock.advance(TOKEN_IDLE_MS);
    expect(scene.who(token)).toBeUndefined();
  }
});

test("a user who logs in again and again loses the logins that were used least recently", async () => {
  const scene = new Scene();
  const bobs = await scene.issue("bob");
  const [servants, held, used] = [
    await scene.issue("alice"),
    await scene.issue("alice"),
    await scene.issue("alice"),
  ];
  scene.tokens.use(held);
  const servant = scene.tokens.use(servants);
  servant?.hand("session/servant", true);
  servant?.release();
  await scene.clock.advance(1);
  const tokens: string[] = [];
  for (let count = 0; count < TOKENS_PER_USER; count += 1) {
    tokens.push(await scene.issue("alice"));
    await scene.clock.stall(1);
    if (count === 500) expect(scene.who(used)).toBe("alice");
  }
  expect([servants, held, used].map((each) => scene.who(each))).toEqual([
    "alice",
    "alice",
    "alice",
  ]);
  expect(tokens.slice(0, 4).map((each) => scene.who(each))).toEqual([
    ...[undefined, undefined, undefined],
    "alice",
  ]);
  expect(scene.who(bobs)).toBe("bob");
  expect(scene.store.documents("token")).toHaveLength(TOKENS_PER_USER + 1);
});
