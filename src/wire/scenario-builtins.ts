/**
 * The actions that scenario-execution itself brings and that an agent may do, where it is told to:
 * their names and arguments, as `paramsOf` makes them.
 */
import * as z from "zod/mini";

export const LOG = "log";
export const RUN_PROCESS = "run_process";

/** What allows each: for whoever is refused it. */
export const ALLOWED_BY: ReadonlyMap<string, string> = new Map([
  [LOG, "--allow-builtin log"],
  [RUN_PROCESS, "--allow-run COMMAND"],
]);

const text = z.string("is no text");

const strict = {
  error: ({ code, keys }: { readonly code?: string | undefined; readonly keys?: unknown }) =>
    code === "unrecognized_keys" ? `does not know ${String(keys)}` : undefined,
};

export const LogArguments = z.strictObject({ msg: text }, strict);
export type LogArguments = z.infer<typeof LogArguments>;

/** The members of its `signal`, as this system calls them. */
const SIGNALS = {
  sighup: "SIGHUP",
  sigint: "SIGINT",
  sigkill: "SIGKILL",
  sigusr1: "SIGUSR1",
  sigusr2: "SIGUSR2",
  sigterm: "SIGTERM",
} as const;
export type StopSignal = (typeof SIGNALS)[keyof typeof SIGNALS];
const names = Object.keys(SIGNALS) as readonly (keyof typeof SIGNALS)[];

/** No system starts a program with a longer word. */
const COMMAND_MAX_CHARS = 128 * 1024;

const RUN_ARGUMENTS = z.strictObject(
  {
    command: text.check(z.maxLength(COMMAND_MAX_CHARS, `is longer than ${COMMAND_MAX_CHARS}`)),
    /** False: it is done when the process has started, which then goes on. */
    wait_for_shutdown: z._default(z.boolean("is no boolean"), true),
    shutdown_signal: z.pipe(
      z._default(z.enum(names, `is none of ${names.join(", ")}`), "sigterm"),
      z.transform((name): StopSignal => SIGNALS[name]),
    ),
    /** Seconds. */
    shutdown_timeout: z._default(
      z.number("is no number of seconds").check(z.gte(0, "is below 0")),
      10,
    ),
    /** Set by the agent, never by a client: see `heldBy`. */
    holder: z.optional(text),
  },
  strict,
);
export type RunArguments = z.infer<typeof RUN_ARGUMENTS>;

const LET_GO = z.strictObject({ release: text }, strict);
export type LetGo = z.infer<typeof LET_GO>;

/** Of `run_process`: a command to run, or the end of one that still runs. */
export const RunProcessArguments = {
  safeParse: (value: unknown) =>
    typeof value === "object" && value !== null && "release" in value
      ? LET_GO.safeParse(value)
      : RUN_ARGUMENTS.safeParse(value),
};
