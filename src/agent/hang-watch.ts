/**
 * Asks a busy child each second whether its event loop still turns. One that has not answered for
 * too long is hung: nothing but its end can stop what its handler does.
 */
import { ServantError } from "../core/errors.ts";
import type { ChildLife, LifeOptions } from "./child-life.ts";
import type { Task } from "./task.ts";

const PING_INTERVAL_MS = 1_000;
/** In how many steps an answer is waited for, at least. */
const STEPS = 10;
/** No step is longer, in milliseconds: after a patient action the next one is watched as usual. */
const STEP_MAX_MS = 1_500;

export interface HangWatch {
  /** The child was given work. */
  busy(): void;
  /** It answered; `started` is the last work that had started by then. */
  answered(started: number): void;
}

export function hangWatch(
  life: ChildLife,
  { clock, hangTimeoutMs }: Pick<LifeOptions, "clock" | "hangTimeoutMs">,
): HangWatch {
  let isWatching = false;
  let isAnswered = true;
  /** The last work that had started when the event loop was last seen to turn. */
  let provenUpTo = 0;

  /** What may block longer says so; the most patient of those that run decides. */
  const patienceMs = () => {
    const running = life.tasks.filter(({ hasStarted }) => hasStarted);
    if (running.length === 0) return hangTimeoutMs;
    return Math.max(...running.map((task) => task.hangTimeoutMs ?? hangTimeoutMs));
  };

  /** True when it answered, or ended. Patience is asked anew each time: an action may start. */
  const answers = async (): Promise<boolean> => {
    isAnswered = false;
    life.ping();
    for (let waitedMs = 0; waitedMs < patienceMs(); ) {
      const stepMs = Math.min(Math.ceil(patienceMs() / STEPS), STEP_MAX_MS);
      const from = clock.monotonic();
      await clock.sleep(stepMs, life.gone);
      if (isAnswered || life.isDoomed) return true;
      // An agent that itself stood still (stopped, suspended) judges nobody: it starts anew, and
      // reads first what waits for it.
      waitedMs = clock.monotonic() - from > 2 * stepMs ? 0 : waitedMs + stepMs;
    }
    return false;
  };

  /**
   * Which one blocks cannot be seen from outside. One that had started when the loop last turned
   * has shown that it awaits; a handler mostly blocks in what it does first. So those that started
   * since are hung, and all of them when there is none: the others are only cut off, which may
   * make them run again, and a hung one must not come back as such.
   */
  const suspects = (): readonly Task[] => {
    const running = life.tasks.filter(({ hasStarted }) => hasStarted);
    const recent = running.filter(({ id }) => id > provenUpTo);
    return recent.length > 0 ? recent : running;
  };

  const watch = async () => {
    while (life.tasks.length > 0 && !life.isDoomed) {
      await clock.sleep(Math.min(PING_INTERVAL_MS, patienceMs()), life.gone);
      if (life.tasks.length === 0 || life.isDoomed || (await answers())) continue;
      const silent = `no answer from its event loop for ${patienceMs() / 1000} s`;
      // What begins once it is told to end is cut off: it is not what the silence came from. Only
      // when no start was heard of by now, the last of its output may tell of one.
      const known = suspects();
      const culprits = known.length > 0 ? () => known : suspects;
      life.kill(new ServantError("handler.hung", `Cannot go on: ${silent}`), culprits);
    }
    isWatching = false;
  };

  return {
    busy() {
      if (isWatching) return;
      isWatching = true;
      void watch();
    },
    answered(started) {
      isAnswered = true;
      provenUpTo = Math.max(provenUpTo, started);
    },
  };
}
