/**
 * The Python module beside the library: a class for each action, so that the client can read a
 * scenario that uses it. Nothing of a class but its constructor runs when its action is remote.
 */
import type { Declaration, Library } from "./declare.ts";
import { pascalCase } from "./words.ts";

/** Names of the module that no class may take. */
const OWN_NAMES = ["ActionError", "BaseAction", "RemoteAction", "False", "None", "True"];

/** Which class stands for which action. */
export function classNames({ actions }: Library): ReadonlyMap<string, string> {
  const taken = new Set(OWN_NAMES);
  return new Map(
    actions.map(({ name }) => {
      const own = pascalCase(name);
      let free = own;
      for (let count = 2; taken.has(free); count += 1) free = `${own}${count}`;
      taken.add(free);
      return [name, free] as const;
    }),
  );
}

/** The module `package`; `origin` says where it comes from, on one line. */
export function pythonText(library: Library, packageName: string, origin: string): string {
  const names = classNames(library);
  const classes = library.actions.map((action) => classText(action, names.get(action.name) ?? ""));
  return `# ${origin}
"""The actions of osc.${library.name}, which run elsewhere: nothing of this does anything."""

from scenario_execution.actions.base_action import ActionError, BaseAction


def get_library():
    """Where the client finds the declarations."""
    return "${packageName}", "${library.name}.osc"


class RemoteAction(BaseAction):
    """An action that another process does: here it can only be refused."""

    def setup(self, **kwargs):
        """Before anything of the scenario runs; nobody calls it of a remote action."""
        self._refuse()

    def update(self):
        self._refuse()

    def _refuse(self):
        raise ActionError(
            f"'{self.name}' does not run here: add remote(\\"HOST:PORT\\"), "
            "as the last line of its with: block",
            action=self,
        )


${classes.join("\n\n")}`;
}

function classText({ name, actor, description, fields }: Declaration, className: string): string {
  const own = actor === undefined ? ["self"] : ["self", "associated_actor"];
  const parameters = [...own, ...fields.map((field) => field.name)];
  // The client refuses an action of an actor unless both name it; what the constructor takes of the
  // rest would be what it was when the tree was built.
  const init = `    def __init__(self, associated_actor):
        super().__init__()

`;
  return `class ${className}(RemoteAction):
    """${docText(description ?? name)}"""

${actor === undefined ? "" : init}    def execute(${parameters.join(", ")}):
        self._refuse()
`;
}

/** Within three quotes. */
function docText(text: string): string {
  return text.replace(/[\\"]/g, "\\$&");
}
