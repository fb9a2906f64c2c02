/** Declares `agent login`, `logout`, `whoami` and `hash-password`. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { roles } from "../../core/gateway.ts";
import { nonEmpty, wholeFrom } from "../arguments.ts";
import type { Done } from "../call/add-call.ts";
import type { HashOptions } from "./hash-password.ts";
import type { LoginOptions } from "./login.ts";
import type { WhoOptions } from "./whoami.ts";

const EXIT_CODES = "Exit codes as of `agent --help`; 77: not logged in, or not with this password.";

export function addLoginCommands(program: Command, done: Done): void {
  addLogin(program, done);
  addHashPassword(program, done);
  program
    .command("logout")
    .description("revoke the login, here and at its gateway")
    .option("--json", "print JSON, for programs")
    .addHelpText(
      "after",
      `
The address of the gateway is kept, for the next login. When the gateway cannot be told, the login
is forgotten here all the same, and it says so.

Examples:
  agent logout`,
    )
    .action(async (options: WhoOptions) => {
      done(await (await import("./logout.ts")).logout(options));
    });
  program
    .command("whoami")
    .description("show who is logged in where, from the config file; asks nobody")
    .option("--json", "print JSON, for programs")
    .addHelpText("after", `\n${EXIT_CODES}\n\nExamples:\n  agent whoami --json`)
    .action(async (options: WhoOptions) => {
      done(await (await import("./whoami.ts")).whoami(options));
    });
}

function addLogin(program: Command, done: Done): void {
  program
    .command("login")
    .description("log in to a session gateway; `session`, `call` and `connect` then go there")
    .argument("[url]", "the gateway (default: the last one, else the hosted one)", nonEmpty)
    .option("--to <url>", "the same", nonEmpty)
    .option("-u, --user <name>", "who logs in (default: asks)", nonEmpty)
    .option("--password <password>", "seen by others: rather leave it out, to be asked")
    .option("--password-stdin", "the password is the first line of standard input")
    .option("--json", "print JSON, for programs")
    .addHelpText(
      "after",
      `
The token is kept in ~/.dynos/config.json (DYNOS_CONFIG_PATH names another file), for its owner
alone; it is sent to this gateway and to no other. A gateway with a certificate of a private
authority: NODE_EXTRA_CA_CERTS names the authority's file.

${EXIT_CODES}

Examples:
  agent login https://plan.example.com
  agent login https://plan.example.com -u alice --password-stdin < password.txt
  agent login`,
    )
    .action(async (url: string | undefined, options: LoginOptions) => {
      done(await (await import("./login.ts")).login(url, options));
    });
}

function addHashPassword(program: Command, done: Done): void {
  program
    .command("hash-password")
    .description("print the hash of a password, for the users file of a gateway")
    .option("--password <password>", "seen by others: rather leave it out, to be asked")
    .option("--password-stdin", "the password is the first line of standard input")
    .option("--rounds <n>", "how slow guessing is: 4 to 20, each twice the one before", rounds, 12)
    .option("--json <user>", "print the whole entry of this user instead", nonEmpty)
    .addOption(new Option("--role <role>", "of that entry").choices(roles))
    .option("--display-name <name>", "of that entry (default: the user's name)", nonEmpty)
    .option(
      "--into <file>",
      "write the entry into this users file, made if there is none",
      nonEmpty,
    )
    .addHelpText(
      "after",
      `
A gateway reads its users file again by itself. Who is in the file already gets another password,
keeps role and name unless they are given, and is logged out.

Examples:
  agent hash-password --json alice --role admin --into login.json
  agent hash-password --json bob
  agent hash-password`,
    )
    .action(async (options: HashOptions) => {
      done(await (await import("./hash-password.ts")).hashPassword(options));
    });
}

function rounds(text: string): number {
  const value = wholeFrom(4)(text);
  if (value > 20) throw new InvalidArgumentError("Give 4 to 20: more takes hours.");
  return value;
}
