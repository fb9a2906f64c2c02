/** `agent completion`: a script that lets a shell complete commands and options, from the program. */
import type { Command } from "commander";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

interface Place {
  /** The commands typed so far, such as `call plan`; empty at the start. */
  readonly path: string;
  readonly commands: readonly Command[];
  readonly words: readonly string[];
}

/** The script for a shell; it is to be evaluated in the shell's start-up file. */
export function completionScript(shell: Shell, program: Command): string {
  const places = placesOf(program, "");
  if (shell === "fish") return fishScript(places);
  const start = shell === "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "";
  return start + bashScript(places);
}

function placesOf(command: Command, path: string): Place[] {
  const commands = command.commands.filter((each) => each.name() !== "completion");
  const options = command.options
    .filter(({ hidden }) => !hidden)
    .flatMap(({ long, short }) => long ?? short ?? []);
  const here = { path, commands, words: [...commands.map((each) => each.name()), ...options] };
  const below = commands.flatMap((each) => placesOf(each, `${path} ${each.name()}`.trim()));
  return [...below, here]; // the longest path first
}

/** Words that are no option make up the path; whatever is not known completes as a file. */
function bashScript(places: readonly Place[]): string {
  const cases = places.map(({ path, words }) => {
    const pattern = path === "" ? "*" : `"${path} "*`;
    return `    ${pattern}) words="${[...words, "--help"].join(" ")}" ;;`;
  });
  return `_agent() {
  local current="\${COMP_WORDS[COMP_CWORD]}" typed="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) typed="$typed$word " ;; esac
  done
  case "$typed" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _agent agent
`;
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, words }) => {
    const seen = path.split(" ").filter((name) => name !== "");
    const condition =
      seen.length === 0
        ? "__fish_use_subcommand"
        : seen.map((name) => `__fish_seen_subcommand_from ${name}`).join("; and ");
    const options = words.filter((word) => word.startsWith("--"));
    return [
      ...commands.map((each) => {
        const what = each.description().replaceAll("'", "\\'");
        return `complete -c agent -n '${condition}' -a ${each.name()} -d '${what}'`;
      }),
      ...options.map((word) => `complete -c agent -n '${condition}' -l ${word.slice(2)}`),
    ];
  });
  return `${lines.join("\n")}\n`;
}
