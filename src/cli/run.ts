/**
 * `agent run`: the embedded backend and a servant in one process. With a goal it plans, carries the
 * plan out and shows the state; without one it serves until it is stopped.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Backend, createBackend } from "../backend/backend.ts";
import { RemoteOrchestrator } from "../client/orchestrator.ts";
import type { Atom } from "../core/atom.ts";
import type { Domain } from "../core/domain.ts";
import { exitCodes, ServantError } from "../core/errors.ts";
import { parseGoalAtom } from "../core/expression.ts";
import type { Bus, Offer } from "../core/ports.ts";
import type { Secrets } from "../core/secrets.ts";
import { pageAnswer } from "../page/answer.ts";
import { systemClock } from "../system/clock.ts";
import { Connection } from "../wire/connection.ts";
import type { World } from "../wire/local.ts";
import { openLoggedBus, serve } from "./compose.ts";
import { dynosDialect } from "./dialect.ts";
import { Library } from "./domain/library.ts";
import { listen } from "./listen.ts";
import type { RunOptions } from "./options.ts";
import { durationText, type Output, openOutput, printable } from "./output.ts";
import { openRunDisplay, type RunDisplay, silentDisplay } from "./run-display.ts";
import { stopSignals } from "./stop-signals.ts";
import { wordsOf } from "./words-of.ts";
import { worldOf } from "./world-of.ts";

/** The name of the backend inside this process: its journal entries belong to it alone. */
const EMBEDDED_URL = "http://embedded.localhost";
/** The in-process backend holds polls, so this only paces what follows an answer. */
const POLL_INTERVAL_MS = 200;
/** The shell's exit code after Ctrl-C. */
const INTERRUPTED = 130;

export async function run(
  reference: string,
  options: RunOptions,
  version: string,
): Promise<number> {
  const goal = options.goal.map(parseGoalAtom);
  const out = openOutput(process.stdout, process.env);
  const display = options.json ? silentDisplay() : openRunDisplay(out);
  const logged = { ...options, logFormat: options.logFormat ?? (options.json ? "json" : "pretty") };
  const { bus, secrets } = openLoggedBus(logged, systemClock, (text) => display.log(text));
  const library = new Library(options);
  const domains = await library.open(options.domain);
  const backend = createBackend({
    domains,
    library,
    clock: systemClock,
    version,
    page: () => pageAnswer("backend"),
    observe: (progress) => display.observe(progress),
    log: (level, message, fields) => bus.publish({ type: "backend.log", level, message, fields }),
  });
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), "servant-agent-"));
  const server =
    options.backendPort === undefined
      ? undefined
      : listen(backend, { port: options.backendPort, bind: "127.0.0.1" });
  try {
    if (server !== undefined) display.log(`agent: backend on ${server.url}\n`);
    return await serveAndExecute(reference, options, {
      backend,
      bus,
      display,
      goal,
      out,
      secrets,
      stateDir,
      version,
      words: (offer) => wordsOf(offer, { asked: options.domain, domains, library, display }),
      world: () => worldOf(backend),
    });
  } finally {
    display.end();
    await backend.close();
    await server?.stop();
    if (options.stateDir === undefined) rmSync(stateDir, { recursive: true, force: true });
  }
}

interface Parts {
  readonly backend: Backend;
  readonly bus: Bus;
  readonly display: RunDisplay;
  readonly goal: readonly Atom[];
  readonly out: Output;
  readonly secrets: Secrets;
  readonly stateDir: string;
  readonly version: string;
  /** What the backend has to know of a plugin's vocabulary. */
  readonly words: (offer: Offer) => Promise<readonly Domain[]>;
  readonly world: () => Promise<World>;
}

async function serveAndExecute(
  reference: string,
  options: RunOptions,
  { backend, bus, display, goal, out, secrets, stateDir, version, words, world }: Parts,
): Promise<number> {
  const connection = new Connection({ url: EMBEDDED_URL }, (url, init) =>
    backend.fetch(new Request(url, init)),
  );
  const signals = stopSignals();
  signals.stop.addEventListener("abort", () => {
    display.log("agent: stopping, what has started is finished first (again: stop at once)\n");
  });
  const over = new AbortController();
  const stop = AbortSignal.any([signals.stop, over.signal]);
  const isRegistered = registered(bus);
  const offer = Promise.withResolvers<Offer>();
  const serving = serve(
    {
      ...options,
      reference,
      version,
      dialect: dynosDialect(connection, {
        pollIntervalMs: POLL_INTERVAL_MS,
        quickPoll: true,
        assignmentMaxBytes: Number.MAX_SAFE_INTEGER, // it comes from this very process
      }),
      world,
      bus,
      secrets,
      clock: systemClock,
      stateDirPath: stateDir,
      failuresMax: 0,
      reregister: true,
      async onOffer(offered) {
        for (const domain of await words(offered)) backend.addDomain(domain);
        offer.resolve(offered);
      },
    },
    { stop, hurry: signals.hurry },
  );
  await Promise.race([isRegistered, serving]);
  const hasGoal = goal.length > 0 || (await offer.promise).startGoal.length > 0;
  if (!hasGoal && !stop.aborted && options.backendPort === undefined) {
    over.abort();
    await serving;
    throw new ServantError("run.no-goal", `Cannot run "${reference}": it has no goal`);
  }
  if (stop.aborted || !hasGoal) {
    if (!stop.aborted) {
      tellDoor(options, stateDir, display);
      display.log("agent: no goal given: serving until stopped (Ctrl-C)\n");
    }
    await serving;
    return 0;
  }
  const orchestrator = new RemoteOrchestrator(connection, { signal: stop });
  if (out.isTerminal) tellDoor(options, stateDir, display);
  if (!options.json) out.line(`servant: ${describeOffer(reference, await offer.promise)}`);
  try {
    if (goal.length > 0) await orchestrator.setGoal(goal);
    const json = options.json === true;
    const code = await Promise.race([
      reachGoal(orchestrator, { display, out, json }),
      serving.then(() => exitCodes.permanent), // the servant ended first: its failure is thrown
    ]);
    return signals.stop.aborted ? INTERRUPTED : code;
  } catch (cause) {
    if (!signals.stop.aborted) throw cause;
    return INTERRUPTED;
  } finally {
    over.abort();
    await serving;
  }
}

/** A state folder of this run alone is where nobody would look for it. */
function tellDoor({ local, stateDir }: RunOptions, path: string, display: RunDisplay): void {
  if (stateDir !== undefined || local === false) return;
  display.log(`agent: to look at it or step in: agent open --state-dir ${path}\n`);
}

/** Plans, carries out, shows the state; the exit code says whether the goal was reached. */
async function reachGoal(
  orchestrator: RemoteOrchestrator,
  { display, out, json }: { display: RunDisplay; out: Output; json: boolean },
): Promise<number> {
  const goal = await orchestrator.getGoal();
  if (!json) out.line(`goal: ${goal.join(", ")}`);
  const startedAtMs = performance.now();
  const plan = await orchestrator.plan();
  const { reason = "no_plan_found", detail } = orchestrator.lastPlan() ?? {};
  const results = plan === null || plan.length === 0 ? [] : await orchestrator.executePlan();
  display.end();
  const state = await orchestrator.getCurrentState();
  const isReached = plan !== null && (results.at(-1)?.success ?? true);
  if (json) {
    out.json({ success: isReached, goal, plan, reason, detail: detail ?? null, results, state });
    return isReached ? 0 : exitCodes.permanent;
  }
  const took = durationText(performance.now() - startedAtMs);
  if (plan === null) {
    out.line(`${out.paint.red("no plan")} (${reason})${detail ? `: ${printable(detail)}` : ""}`);
  } else if (plan.length === 0) out.line("the goal already holds: nothing to do");
  else if (isReached) out.line(`${out.paint.green("done")}: the goal holds after ${took}`);
  else {
    const why = results.at(-1)?.message ?? "";
    out.line(`${out.paint.red("failed")} after ${took}${why && `: ${printable(why)}`}`);
  }
  out.line("state:");
  for (const atom of state) out.line(`  ${goal.includes(atom) ? out.paint.bold(atom) : atom}`);
  return isReached ? 0 : exitCodes.permanent;
}

/** `WarehouseNode, does move, pick, place, observes robot_at` */
function describeOffer(reference: string, { transitions, fluents }: Offer): string {
  const name = reference.slice(reference.lastIndexOf(":") + 1);
  const does = transitions.length === 0 ? "" : `, does ${transitions.join(", ")}`;
  return `${name}${does}${fluents.length === 0 ? "" : `, observes ${fluents.join(", ")}`}`;
}

function registered(bus: Bus): Promise<void> {
  return new Promise((resolve) => {
    const end = bus.listen((event) => {
      if (event.type !== "servant.registered") return;
      end();
      resolve();
    });
  });
}
