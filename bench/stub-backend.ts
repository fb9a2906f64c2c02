/**
 * A backend as plain as can be, for measuring servants: it hands out what is queued and notes when
 * each result came back. Runs as its own process; the bench talks to its /control routes.
 *
 * `bun bench/stub-backend.ts [--hold]` prints its port; with `--hold` it honours `Prefer: wait`.
 */

interface Handed {
  readonly queuedAtMs: number;
  handedAtMs?: number;
  doneAtMs?: number;
}

const holds = process.argv.includes("--hold");
const HOLD_MAX_MS = 25_000;
const queue: string[] = [];
const story = new Map<string, Handed>();
const waiting = new Set<() => void>();
let registeredAtMs = 0;
let polls = 0;
/** Every POST of a result, of what was handed out here and of what an earlier life left. */
let results = 0;
const connections = new Set<string>();
let count = 0;

const now = () => performance.timeOrigin + performance.now();

function enqueue(amount: number): string[] {
  const ids: string[] = [];
  for (let index = 0; index < amount; index++) {
    count += 1;
    const id = `bench-${count}`;
    ids.push(id);
    queue.push(id);
    story.set(id, { queuedAtMs: now() });
  }
  for (const wake of waiting) wake();
  return ids;
}

function assignment(id: string): Response {
  const handed = story.get(id);
  if (handed !== undefined) handed.handedAtMs = now();
  return Response.json({
    kind: "action",
    transition_name: "move",
    params_json: { start: "room_one", end: "room_two" },
    audit_id: id,
  });
}

async function poll(request: Request): Promise<Response> {
  polls += 1;
  const ready = queue.shift();
  if (ready !== undefined) return assignment(ready);
  if (!holds || !request.headers.get("prefer")?.includes("wait=")) {
    return new Response(null, { status: 204 });
  }
  await new Promise<void>((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      waiting.delete(wake);
      resolve();
    };
    const timer = setTimeout(wake, HOLD_MAX_MS);
    waiting.add(wake);
    request.signal.addEventListener("abort", wake, { once: true });
  });
  const next = request.signal.aborted ? undefined : queue.shift();
  return next === undefined
    ? new Response(null, { status: 204, headers: { "Preference-Applied": "wait" } })
    : assignment(next);
}

async function result(request: Request): Promise<Response> {
  const { audit_id } = (await request.json()) as { audit_id: string };
  const handed = story.get(audit_id);
  if (handed !== undefined) handed.doneAtMs ??= now();
  results += 1;
  return Response.json({ status: "ok" });
}

async function control(url: URL): Promise<Response> {
  if (url.pathname === "/control/enqueue") {
    return Response.json(enqueue(Number(url.searchParams.get("n") ?? 1)));
  }
  const done = [...story.values()].filter((each) => each.doneAtMs !== undefined).length;
  if (url.pathname === "/control/story") return Response.json(Object.fromEntries(story));
  return Response.json({
    done,
    polls,
    results,
    connections: connections.size,
    registeredAtMs,
    pid: process.pid,
  });
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request, self): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname.startsWith("/control/")) return await control(url);
    const address = self.requestIP(request);
    if (address !== null) connections.add(`${address.address}:${address.port}`);
    if (url.pathname.endsWith("/next_assignment")) return await poll(request);
    if (url.pathname.endsWith("/result")) return await result(request);
    if (url.pathname === "/servant/register") {
      registeredAtMs = now();
      return Response.json({ servant_id: "bench" });
    }
    return Response.json({ status: "ok" });
  },
});
console.log(String(server.port));
