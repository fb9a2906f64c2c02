/**
 * argv in, exit code out. It imports nothing before it knows what is asked for: a bare `--version`
 * costs what starting the runtime costs, and a plugin's process never loads the command line.
 */

/** Set by `build.ts`; absent when run from source. */
declare const AGENT_VERSION: string;

const args = process.argv.slice(2);

if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  // Not process.stdout: setting up that stream doubles the time.
  console.log(await version());
} else if (args[0] === "__plugin") {
  await guarded(async () => {
    await (await import("./cli/plugin-child.ts")).pluginChild();
    return undefined; // it ends when the agent lets go of it
  });
} else if (args[0] === "__minder") {
  (await import("./cli/process-minder.ts")).processMinder();
} else {
  await guarded(async () => {
    process.stderr.on("error", () => {}); // a log that nobody reads any more stops no vehicle
    for (const event of ["uncaughtException", "unhandledRejection"]) {
      process.on(event, (cause) => guarded(() => Promise.reject(cause)));
    }
    const { runProgram } = await import("./cli/program.ts");
    return runProgram(args, await version());
  });
}

async function version(): Promise<string> {
  if (typeof AGENT_VERSION === "string") return AGENT_VERSION;
  const { default: manifest } = await import("../package.json");
  return `${manifest.version}-dev`;
}

/** Runs to an exit code; ends the process with it once what was printed is out. */
async function guarded(run: () => Promise<number | undefined>): Promise<void> {
  let code: number | undefined;
  try {
    code = await run();
  } catch (cause) {
    code = (await import("./cli/failure.ts")).reportFailure(cause);
  }
  if (code === undefined) return;
  await Promise.all([process.stdout, process.stderr].map(flushed));
  process.exit(code);
}

/**
 * Resolves when the stream has handed everything on: an exit would cut it off. Only `end` tells;
 * the stream's own count is 0 and an empty write is done while megabytes wait for a slow pipe.
 */
async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  await new Promise<void>((resolve) => {
    stream.once("error", () => resolve()); // nobody reads it any more
    stream.end(resolve);
  });
}

export {};
