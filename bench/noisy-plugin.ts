/**
 * A handler that writes 10,000 log lines a second until it is called off, and notes in the file
 * CANCEL_NOTES when it began and when its signal aborted.
 */
import { appendFileSync } from "node:fs";
import { type ActionContext, action } from "servant-agent";
import { move } from "servant-agent/domains/warehouse";

const LINES_PER_S = 10_000;
const EVERY_MS = 10;
const notes = process.env.CANCEL_NOTES ?? "";
const nowMs = () => performance.timeOrigin + performance.now();

export class Noisy {
  @action(move)
  async chatter(_params: object, ctx: ActionContext) {
    appendFileSync(notes, `began ${nowMs()}\n`);
    const startedAtMs = performance.now();
    let lines = 0;
    const timer = setInterval(() => {
      // By the time that passed, so that a late timer makes up for it; half of each kind.
      const due = ((performance.now() - startedAtMs) * LINES_PER_S) / 1_000;
      for (; lines < due; lines += 1) {
        const text = `line ${lines} of a plugin that has a lot to say about what it does now`;
        if (lines % 2 === 0) ctx.log.info(text, { lines });
        else console.log(text);
      }
    }, EVERY_MS);
    await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve, { once: true }));
    const abortedAtMs = nowMs();
    clearInterval(timer);
    const perS = (lines / (performance.now() - startedAtMs)) * 1_000;
    appendFileSync(notes, `aborted ${abortedAtMs} ${Math.round(perS)}\n`);
    return { success: false, message: "called off" };
  }
}
