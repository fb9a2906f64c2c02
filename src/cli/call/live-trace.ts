/** `agent call live-trace`: plans, steps and changes of the state, as they happened. */
import type { TraceEntry } from "../../client/answers.ts";
import { isJsonObject } from "../../core/json.ts";
import { type Paint, printable } from "../output.ts";
import { withBackend } from "./context.ts";
import { timedLine, type WatchOptions, watch } from "./watch.ts";

export type LiveTraceOptions = WatchOptions & {
  /** Only these kinds, such as `plan_start,plan_end`. */
  readonly kind?: readonly string[];
};

export function liveTrace(options: LiveTraceOptions): Promise<number> {
  const { kind: kinds } = options;
  return withBackend(options, (context) => {
    const { paint } = context.out;
    return watch(context, options, {
      async ask() {
        const traces = await context.orchestrator.getTraces();
        return kinds === undefined ? traces : traces.filter(({ kind }) => kinds.includes(kind));
      },
      stampOf: ({ ts }) => ts,
      lineOf: (trace) => timedLine(trace.ts, marked(trace, paint), trace.summary, paint),
    });
  });
}

/** The end of what failed is red; what merely changed steps back. */
function marked({ kind, data }: TraceEntry, paint: Paint): string {
  const name = `[${printable(kind)}]`;
  if (isJsonObject(data) && data.success === false) return paint.red(name);
  return kind === "state_change" ? paint.dim(name) : paint.bold(name);
}
