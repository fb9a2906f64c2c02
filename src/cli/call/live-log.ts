/** `agent call live-log`: what the backend has logged, and what it goes on to log. */
import { printable } from "../output.ts";
import { withBackend } from "./context.ts";
import { timedLine, type WatchOptions, watch } from "./watch.ts";

export type LiveLogOptions = WatchOptions & { readonly wall?: boolean };

export function liveLog(options: LiveLogOptions): Promise<number> {
  const { follow = false, wall = false } = options;
  return withBackend(options, (context) => {
    const { paint } = context.out;
    return watch(
      context,
      { ...options, follow: follow || wall },
      {
        ask: () => context.orchestrator.getLogs(),
        stampOf: ({ timestamp }) => timestamp,
        lineOf({ level, message, timestamp }) {
          const name = `[${printable(level.toUpperCase())}]`;
          const colour = /^(err|crit|fatal)/i.test(level) ? paint.red : paint.yellow;
          const mark = /^(info|debug)$/i.test(level) ? paint.dim(name) : colour(name);
          return timedLine(timestamp, mark, message, paint);
        },
      },
    );
  });
}
