// Goal: a link works once and for a minute, a session ends by itself, and neither the token nor a
// cookie is ever kept as it is. Method: a clock that the test moves, and a store that survives.
import { expect, test } from "bun:test";
import {
  Auth,
  CODE_LIFE_MS,
  CODES_MAX,
  SESSION_LIFE_MS,
  SESSIONS_MAX,
} from "../../src/local/auth.ts";
import { FakeClock } from "../support/fake-clock.ts";

const TOKEN = "the-token-0123456789-0123456789-0123456789";

/** What one agent leaves for the next. */
class Store {
  text: string | undefined;
  load(): string | undefined {
    return this.text;
  }
  async save(text: string): Promise<void> {
    this.text = text;
  }
}

function setting() {
  const store = new Store();
  const clock = new FakeClock();
  return { store, clock, auth: new Auth({ token: TOKEN, port: 8422, store, clock }) };
}

test("a code lets one browser in, once", async () => {
  const { auth } = setting();
  const { code } = auth.newCode();
  const session = await auth.redeem(code);
  expect(session).toMatch(/^[\w-]{43}$/);
  expect(session).not.toBe(code);
  expect(await auth.redeem(code)).toBeUndefined();
  expect(await auth.redeem("")).toBeUndefined();
  expect(auth.isSession(session ?? "")).toBe(true);
  expect(auth.isSession(code)).toBe(false);
  expect(auth.isToken(session ?? "")).toBe(false);
});

test("a code is of no use after a minute, nor after a clock was set back", async () => {
  const { auth, clock } = setting();
  const [early, late, odd] = [auth.newCode(), auth.newCode(), auth.newCode()];
  await clock.stall(CODE_LIFE_MS - 1);
  expect(await auth.redeem(early.code)).toBeDefined();
  clock.setWall(0);
  expect(await auth.redeem(odd.code)).toBeUndefined();
  clock.setWall(late.endsAtMs);
  expect(await auth.redeem(late.code)).toBeUndefined();
});

test("a session ends, and outlives a restart of the agent but not a new token", async () => {
  const { auth, clock, store } = setting();
  const session = (await auth.redeem(auth.newCode().code)) ?? "";
  const key = auth.pageKey(session);
  const after = (token: string, port = 8422) => new Auth({ token, port, store, clock });
  expect(after(TOKEN).isSession(session)).toBe(true);
  expect(after(TOKEN).isPageKey(key, session)).toBe(true);
  // Another token, or another port: whoever took our port while we were away has seen both.
  for (const other of [after(`${TOKEN}x`), after(TOKEN, 8423)]) {
    expect(other.isSession(session)).toBe(false);
    expect(other.isPageKey(key, session)).toBe(false);
  }
  for (const secret of [session, TOKEN, key]) expect(store.text).not.toContain(secret);
  await clock.stall(SESSION_LIFE_MS);
  expect(auth.isSession(session)).toBe(false);
});

test("a page's key is good with its own session, and neither with another nor in its place", async () => {
  const { auth } = setting();
  const mine = (await auth.redeem(auth.newCode().code)) ?? "";
  const other = (await auth.redeem(auth.newCode().code)) ?? "";
  const key = auth.pageKey(mine);
  expect(key).toMatch(/^[\w-]{43}$/);
  expect(auth.isPageKey(key, mine)).toBe(true);
  for (const wrong of ["", mine, TOKEN, auth.pageKey(other), key.slice(1), key.repeat(99)]) {
    expect(auth.isPageKey(wrong, mine), wrong).toBe(false);
  }
  expect([auth.isSession(key), auth.isToken(key)]).toEqual([false, false]);
});

test("of codes and sessions beyond their number the oldest are out", async () => {
  const { auth } = setting();
  const codes = Array.from({ length: CODES_MAX + 1 }, () => auth.newCode().code);
  expect(await auth.redeem(codes[0] ?? "")).toBeUndefined();
  expect(await auth.redeem(codes[1] ?? "")).toBeDefined();
  const sessions: string[] = [];
  for (let n = 0; n <= SESSIONS_MAX; n++) {
    sessions.push((await auth.redeem(auth.newCode().code)) ?? "");
  }
  expect(sessions.map((each) => auth.isSession(each)).indexOf(true)).toBe(1);
});

test("what is stored and cannot be read lets nobody in, and the next session is saved all the same", async () => {
  for (const text of ["", "{}", '[["a"],[1,2],null]', '["x', '[["a","b"]]']) {
    const { clock, store } = setting();
    store.text = text;
    const auth = new Auth({ token: TOKEN, port: 1, store, clock });
    expect(auth.isSession("a"), text).toBe(false);
    expect(await auth.redeem(auth.newCode().code), text).toBeDefined();
  }
});

test("a full disk keeps no browser out", async () => {
  const clock = new FakeClock();
  const store = { load: () => undefined, save: () => Promise.reject(new Error("ENOSPC")) };
  const auth = new Auth({ token: TOKEN, port: 1, store, clock });
  expect(auth.isSession((await auth.redeem(auth.newCode().code)) ?? "")).toBe(true);
});
