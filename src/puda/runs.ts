/**
 * The runs that this commander has started. A machine takes commands of one run alone, and refuses
 * every other start until it is told that the run is over: what was started is always completed.
 */
import { isServantError, messageOf, ServantError } from "../core/errors.ts";
import { type Answer, failureOf } from "./answer.ts";
import type { ImmediateCommand, SendOptions } from "./command-service.ts";

type Send = (command: ImmediateCommand, options: SendOptions) => Promise<Answer>;

/** The first generation of machines knows no runs: it takes commands of any. */
const KNOWS_NO_RUNS = "UNKNOWN_COMMAND";
/** The run is over already: a machine ends it by itself when a command fails. */
const IS_OVER = ["RUN_ID_MISMATCH", KNOWS_NO_RUNS];

/** How long the end of a run that was never known to start is waited for; it is sent all the same. */
const IN_DOUBT_MS = 1_000;

export class OpenRuns {
  readonly #send: Send;
  /** Which machines each was started on, or may have been. */
  readonly #open = new Map<string, Set<string>>();

  constructor(send: Send) {
    this.#send = send;
  }

  get ids(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** @throws {ServantError} `run.refused`, or what the start ended with; then nothing is left started */
  async start(
    machines: readonly string[],
    { runId = crypto.randomUUID(), ...options }: SendOptions & { runId?: string | undefined },
  ): Promise<string> {
    if (this.#open.has(runId)) {
      throw new ServantError("run.refused", `Cannot start the run "${runId}": it is started`);
    }
    const started = new Set<string>();
    this.#open.set(runId, started);
    try {
      // In one order everywhere: of two commanders that want the same machines one gets all.
      for (const machine of [...new Set(machines)].sort()) {
        await this.#startOn(machine, runId, started, options);
      }
      return runId;
    } catch (cause) {
      await this.complete(runId, { timeoutMs: IN_DOUBT_MS });
      throw cause;
    }
  }

  /** What was not confirmed, by machine. */
  async complete(runId: string, options: SendOptions): Promise<Record<string, string>> {
    const machines = this.#open.get(runId) ?? [];
    this.#open.delete(runId);
    const told = [...machines].map(async (machine): Promise<[string, string][]> => {
      const problem = await this.#completeOn(machine, runId, options);
      return problem === undefined ? [] : [[machine, problem]];
    });
    return Object.fromEntries((await Promise.all(told)).flat());
  }

  async #startOn(machine: string, runId: string, started: Set<string>, options: SendOptions) {
    started.add(machine); // until it is known to be otherwise: a start may be in doubt
    try {
      const answer = await this.#send({ machine, name: "start", runId }, options);
      if (answer.isSuccess) return;
      started.delete(machine);
      if (answer.code === KNOWS_NO_RUNS) return;
      const problem = `Cannot start a run on "${machine}": ${failureOf(answer)}`;
      throw new ServantError("run.refused", problem);
    } catch (cause) {
      const wasNeverSent = isServantError(cause) && cause.kind === "usage";
      if (wasNeverSent) started.delete(machine);
      throw cause;
    }
  }

  async #completeOn(machine: string, runId: string, options: SendOptions) {
    try {
      const answer = await this.#send({ machine, name: "complete", runId }, options);
      const isOver = answer.isSuccess || IS_OVER.includes(answer.code ?? "");
      return isOver ? undefined : failureOf(answer);
    } catch (cause) {
      return messageOf(cause);
    }
  }
}
