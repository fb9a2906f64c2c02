/** The gateway's door, as people with a token, with another's, and with none find it. */
import { expect, test } from "bun:test";
import { RunningGateway } from "../support/gateway.ts";

test("who logs in gets a session of their own, and is out after the logout", async () => {
  await using gateway = await RunningGateway.start();
  const token = await gateway.logIn("bob");
  const { session_id: id, owner_username: owner } = await gateway.createSession(token);
  expect(owner).toBe("bob");
  const health = await gateway.ask(`/s/${id}/health`, { token });
  expect(await health.json()).toMatchObject({ status: "ok" });
  const goal = ["box_at(room_two, box_a)"];
  await gateway.ask(`/s/${id}/goal`, { token, json: { goal } });
  expect(await (await gateway.ask(`/s/${id}/goal`, { token })).json()).toMatchObject({ goal });
  expect((await gateway.ask("/auth/logout", { token, method: "POST" })).status).toBe(200);
  expect((await gateway.ask(`/s/${id}/health`, { token })).status).toBe(401);
});
