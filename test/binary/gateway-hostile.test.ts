/** A gateway that is asked odd things, and one whose machine is not what it hopes for. */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import type { SessionUse } from "../../src/wire/gateway.ts";
import { RunningGateway } from "../support/gateway.ts";
import { rawServer } from "../support/raw-http.ts";

/** What an admin is told of the only session that there is. */
async function use(gateway: RunningGateway, token: string): Promise<SessionUse | undefined> {
  const answer = await gateway.ask("/admin/sessions", { token });
  return ((await answer.json()) as { sessions: SessionUse[] }).sessions[0];
}

test("a proxy that the environment names is told no secret, and no session is lost to it", async () => {
  await using proxy = await rawServer((socket) => socket.destroy());
  const url = `http://127.0.0.1:${proxy.port}`;
  const env = { HTTP_PROXY: url, http_proxy: url };
  await using gateway = await RunningGateway.start({ isPlain: true, env });
  const token = await gateway.logIn("alice");
  const { session_id: id } = await gateway.createSession(token);
  const before = await use(gateway, token);
  gateway.process.kill("SIGKILL");
  await gateway.process.exited;
  await gateway.start();
  while (!(await gateway.ask(`/s/${id}/health`, { token })).ok) await Bun.sleep(20);
  expect(proxy.heard).toEqual([]);
  expect((await use(gateway, token))?.pid).toBe(before?.pid as number);
}, 30_000);

test("who is no admin any more leaves others' sessions at once, and stays in their own", async () => {
  await using gateway = await RunningGateway.start({ isPlain: true });
  const [alice, bob] = [await gateway.logIn("alice"), await gateway.logIn("bob")];
  const polls = [];
  for (const owner of [alice, bob]) {
    const { session_id: id } = await gateway.createSession(owner);
    const register = { token: owner, json: { transitions: ["move"] } };
    const registered = await gateway.ask(`/s/${id}/servant/register`, register);
    const { servant_id } = (await registered.json()) as { servant_id: string };
    const path = `/s/${id}/servant/${servant_id}/next_assignment`;
    polls.push(gateway.ask(path, { token: alice, headers: { Prefer: "wait=3" } }));
  }
  while ((await use(gateway, alice))?.in_flight !== 1) await Bun.sleep(10);
  const users = readFileSync(gateway.usersPath, "utf8").replace('"role":"admin"', '"role":"user"');
  writeFileSync(gateway.usersPath, users);
  const [own, others] = await Promise.all(polls);
  expect([own?.status, others?.status]).toEqual([204, 401]);
}, 30_000);
