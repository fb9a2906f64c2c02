// Goal: a web page that a person looks at cannot reach the backend on this machine and move a robot,
// neither by its origin nor by a name that points here. Method: the headers a browser would send.
import { expect, test } from "bun:test";
import { harness } from "../backend/harness.ts";
import { startHost } from "../support/running.ts";

test("a request with a foreign Origin is refused and changes nothing", async () => {
  await using http = harness();
  for (const origin of ["https://evil.example", "http://127.0.0.1:1", "null", "file://"]) {
    const headers = { Origin: origin, "Content-Type": "text/plain" };
    const body = JSON.stringify({ goal: ["robot_at(room_one)"] });
    const answer = await fetch(`${http.url}/goal`, { method: "POST", headers, body });
    expect(answer.status, origin).toBe(403);
    expect(await answer.json()).toMatchObject({ code: "request.foreign" });
    expect((await http.get("/state", { Origin: origin })).status, origin).toBe(403);
  }
  expect((await http.get("/goal")).body).toEqual({ goal: [] } as never);
});

test("programs, which send no Origin, and the backend's own pages are served", async () => {
  await using http = harness();
  expect((await http.get("/state")).status).toBe(200);
  expect((await http.get("/state", { Origin: http.url })).status).toBe(200);
});

test("agent host on loopback is asked for by a loopback name only", async () => {
  const { host, url } = await startHost();
  const { port } = new URL(url);
  const status = async (name: string) =>
    (await fetch(`${url}/health`, { headers: { Host: name } })).status;
  expect(await status(`rebound.example:${port}`)).toBe(403);
  expect(await status("rebound.example")).toBe(403);
  for (const name of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) {
    expect(await status(name), name).toBe(200);
  }
  host.kill();
  expect(await host.exited).toBe(0);
});
