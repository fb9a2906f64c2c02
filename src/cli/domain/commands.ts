/** Declares `agent domain`: its subcommands, their options and help. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { atLeast, collect, nonEmpty } from "../arguments.ts";
import type { ImportOptions } from "./import.ts";
import type { DomainOptions } from "./options.ts";

type Done = (code: number) => void;

/** Adds `domain` to the program; each subcommand hands its exit code to `done`. */
export function addDomainCommands(program: Command, done: Done): void {
  const domain = program
    .command("domain")
    .description("look at vocabularies, check them, import them from Python")
    .addHelpText(
      "after",
      `
A vocabulary is found by its name: the built-in ones first, then files in each --domain-path,
then in the folder "domains" of the agent's state folder, where imports go.

Examples:
  agent domain list
  agent domain show warehouse
  agent domain check ./my-lab.json
  agent domain import my_pkg.domain --python ./venv/bin/python
  agent domain schema > domain.schema.json`,
    );
  add(domain, "list", "list the vocabularies that there are", ["agent domain list"]).action(
    async (options: DomainOptions) => {
      done(await (await import("./list.ts")).list(options));
    },
  );
  add(domain, "show", "show one vocabulary; --json is a document that makes it", [
    "agent domain show warehouse",
    "agent domain show dynos_sentry.sentry --json",
    "agent domain show ./my-lab.ts --json > my-lab.json",
  ])
    .argument("<name>", "a name, a module, or a .json or .ts file", nonEmpty)
    .action(async (name: string, options: DomainOptions) => {
      done(await (await import("./show.ts")).show(name, options));
    });
  add(domain, "check", "tell every mistake of a vocabulary, and what cannot have been meant", [
    "agent domain check ./my-lab.json",
    "agent domain check domains/*.json --json",
  ])
    .argument("<files...>", ".json or .ts files")
    .action(async (files: string[], options: DomainOptions) => {
      done(await (await import("./check.ts")).check(files, options));
    });
  addImport(domain, done);
  domain
    .command("schema")
    .description("print the JSON Schema of vocabularies in JSON")
    .addHelpText("after", "\nExamples:\n  agent domain schema > domain.schema.json")
    .action(async () => {
      done((await import("./schema.ts")).schema());
    });
}

function addImport(domain: Command, done: Done): void {
  add(domain, "import", "make the vocabulary of a Python module known, by running it", [
    "agent domain import my_pkg.domain",
    "agent domain import my_pkg.domain --python ./venv/bin/python",
    "agent domain import my_pkg.domain --print",
  ])
    .argument("<module>", "as Python imports it: my_pkg.domain", pythonModule)
    .option("--python <program>", "the Python that has it", nonEmpty, "python3")
    .option("--timeout <s>", "how long importing it may take", atLeast(0.1), 60)
    .option("--print", "print the document and keep nothing")
    .addHelpText(
      "after",
      `
This RUNS THE MODULE'S CODE, as you and with your environment: import only what you trust. It is
the only command that starts Python; a backend that a servant registers with never does. What the
module prints is shown. The document goes to the first --domain-path, else to the folder "domains"
of the agent's state folder; a running backend finds it at the next registration.`,
    )
    .action(async (module: string, options: ImportOptions) => {
      done(await (await import("./import.ts")).importModule(module, options));
    });
}

function add(domain: Command, name: string, what: string, examples: readonly string[]): Command {
  return domain
    .command(name)
    .description(what)
    .addOption(
      new Option("--domain-path <dir>", "folder of vocabularies (repeatable)")
        .argParser(collect)
        .default([], "none"),
    )
    .option("--json", "print JSON, for programs")
    .addHelpText("after", `\nExamples:\n${examples.map((each) => `  ${each}`).join("\n")}`);
}

/** Spelled here so that `--help` need not load what finds vocabularies. */
function pythonModule(text: string): string {
  if (/^[A-Za-z_]\w{0,99}(\.[A-Za-z_]\w{0,99}){0,9}$/.test(text)) return text;
  throw new InvalidArgumentError("Give a module as Python imports it, such as my_pkg.domain.");
}
