/** Logins, by the number of hashes that are tried: the time that they take is bcrypt's own. */
import { expect, test } from "bun:test";
import { isServantError } from "../../src/core/errors.ts";
import { FAILURES_MAX, FAILURES_MS, Guesses } from "../../src/gateway/guesses.ts";
import { Logins, WAITING_MAX, WAITING_MAX_OF_ONE } from "../../src/gateway/login.ts";
import { Users } from "../../src/gateway/users.ts";
import { FakeClock } from "../support/fake-clock.ts";

const REST = "7bAUO.HbOD8uUXd.cPvuSOBwrlJn2JhhXivYqYoX6mPfbkgJ1SEGm";
const HERE = "192.0.2.1";

/** Bcrypt as the logins see it: the right password is the name itself, when a test lets it answer. */
class Scene {
  readonly clock = new FakeClock();
  readonly tried: string[] = [];
  readonly users: Users;
  readonly logins: Logins;
  /** Hashes that wait for `answer`, when they do. */
  readonly waiting: (() => void)[] = [];
  isHeld = false;
  mostAtOnce = 0;
  #atOnce = 0;

  constructor(atOnce = 2) {
    const users = { alice: { password_hash: `$2b$09$${REST}` } };
    const text = JSON.stringify({ users });
    this.users = new Users({ path: "login.json", readIfChanged: () => text });
    const verify = async (password: string, hash: string) => {
      this.tried.push(hash);
      this.#atOnce += 1;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
      if (this.isHeld) await new Promise<void>((resolve) => this.waiting.push(resolve));
      this.#atOnce -= 1;
      return password === "right";
    };
    const guesses = new Guesses(this.clock);
    this.logins = new Logins({ passwords: { atOnce, verify }, users: this.users, guesses });
  }

  /** `ok`, or the code of the refusal and its wait in seconds. */
  async logIn(
    username: string,
    password: string,
    { from = HERE, gone = new AbortController().signal } = {},
  ): Promise<string> {
    try {
      const user = await this.logins.logIn({ username, password }, from, gone);
      return `ok ${user.username}`;
    } catch (cause) {
      if (!isServantError(cause)) throw cause;
      const { code, retryAfterMs } = cause;
      return retryAfterMs === undefined ? code : `${code} ${retryAfterMs / 1_000}`;
    }
  }

  async letAll(): Promise<void> {
    while (this.waiting.length > 0) {
      for (const each of this.waiting.splice(0)) each();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

test("a name that nobody has costs as much as one that somebody has, and is never let in", async () => {
  const scene = new Scene();
  expect(await scene.logIn("alice", "wrong")).toBe("login.wrong");
  expect(await scene.logIn("eve", "right")).toBe("login.wrong"); // the decoy's own password, even
  expect(await scene.logIn("__proto__", "wrong")).toBe("login.wrong");
  expect(await scene.logIn("alice", "right")).toBe("ok alice");
  expect(scene.tried.map((hash) => hash.slice(0, 7))).toEqual(new Array(4).fill("$2b$09$"));
});

test("no hash is tried for what no implementation of bcrypt reads alike", async () => {
  const scene = new Scene();
  const unusable = ["", "x".repeat(73), "ä".repeat(37), "right\0", "x".repeat(2 ** 20)];
  for (const password of unusable) {
    for (const name of ["alice", "eve"]) {
      expect(await scene.logIn(name, password)).toBe("request.malformed");
    }
  }
  expect(scene.tried).toEqual([]);
  // Nor is it a guess: its owner is not slowed down.
  expect(await scene.logIn("alice", "right")).toBe("ok alice");
  expect(await scene.logIn("alice", "ä".repeat(36))).toBe("login.wrong");
});

test("who guesses waits and costs nothing, also with the right password; others are let in", async () => {
  const scene = new Scene();
  for (let count = 0; count < FAILURES_MAX; count += 1) {
    expect(await scene.logIn(count % 2 === 0 ? "alice" : "eve", "wrong")).toBe("login.wrong");
    await scene.clock.advance(1_000);
  }
  const tried = scene.tried.length;
  const left = (FAILURES_MS - FAILURES_MAX * 1_000) / 1_000;
  for (const name of ["alice", "eve", "bob"]) {
    expect(await scene.logIn(name, "right")).toBe(`login.too-many ${left}`);
  }
  expect(scene.tried).toHaveLength(tried);
  expect(await scene.logIn("alice", "right", { from: "198.51.100.7" })).toBe("ok alice");
  await scene.clock.advance(left * 1_000);
  expect(await scene.logIn("alice", "right")).toBe("ok alice");
});

test("whoever slips before they get it right has all their tries again", async () => {
  const scene = new Scene();
  for (let round = 0; round < 5; round += 1) {
    for (let count = 1; count < FAILURES_MAX; count += 1) {
      expect(await scene.logIn("alice", "wrong")).toBe("login.wrong");
    }
    expect(await scene.logIn("alice", "right")).toBe("ok alice");
  }
});

test("a burst of guesses at once gets no further than the same one after another", async () => {
  const scene = new Scene();
  scene.isHeld = true;
  const all = Array.from({ length: 40 }, () => scene.logIn("alice", "wrong"));
  await scene.letAll();
  const outcomes = await Promise.all(all);
  // Two are tried at once: the one beside the tenth has begun already.
  expect(scene.tried.length).toBeLessThanOrEqual(FAILURES_MAX + 1);
  expect(outcomes.filter((each) => each === "login.wrong").length).toBe(scene.tried.length);
  expect(scene.mostAtOnce).toBe(2);
});

test("the queue is bounded, and no one address fills it", async () => {
  const scene = new Scene(1);
  scene.isHeld = true;
  const crowd = Array.from({ length: 200 }, () => scene.logIn("alice", "right"));
  const outcome = async (login: Promise<string>) =>
    await Promise.race([login, new Promise<string>((resolve) => setImmediate(resolve, "waits"))]);
  const refused = (await Promise.all(crowd.map(outcome))).filter((each) => each !== "waits");
  expect(refused).toEqual(new Array(200 - 1 - WAITING_MAX_OF_ONE).fill("login.too-many 2"));
  const others = Array.from({ length: WAITING_MAX - WAITING_MAX_OF_ONE + 1 }, (_, at) =>
    scene.logIn("alice", "right", { from: `198.51.100.${at}` }),
  );
  const told = await Promise.all(others.map(outcome));
  expect(told.filter((each) => each === "waits")).toHaveLength(WAITING_MAX - WAITING_MAX_OF_ONE);
  expect(told.at(-1)).toBe("login.too-many 2");
  await scene.letAll();
  expect(await Promise.all(others.slice(0, -1))).toEqual(
    new Array(WAITING_MAX - WAITING_MAX_OF_ONE).fill("ok alice"),
  );
  expect(scene.mostAtOnce).toBe(1);
});

test("nothing is tried for a client that has gone meanwhile", async () => {
  const scene = new Scene(1);
  scene.isHeld = true;
  const first = scene.logIn("alice", "right");
  const client = new AbortController();
  const second = scene.logIn("alice", "right", { gone: client.signal });
  client.abort();
  await scene.letAll();
  expect(await Promise.all([first, second])).toEqual(["ok alice", "login.wrong"]);
  expect(scene.tried).toHaveLength(1);
});

test("a turn is handed on when bcrypt itself fails", async () => {
  const scene = new Scene(1);
  const { users, clock } = scene;
  let count = 0;
  const verify = async () => {
    count += 1;
    if (count === 1) throw new Error("out of memory");
    return true;
  };
  const logins = new Logins({
    passwords: { atOnce: 1, verify },
    users,
    guesses: new Guesses(clock),
  });
  const { signal } = new AbortController();
  const asked = { username: "alice", password: "right" };
  const both = [logins.logIn(asked, HERE, signal), logins.logIn(asked, HERE, signal)];
  const [first, second] = await Promise.allSettled(both);
  expect([first?.status, second?.status]).toEqual(["rejected", "fulfilled"]);
});
