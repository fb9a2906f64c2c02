/** A Python package that makes a plugin's actions known to scenario-execution, as its files. */
import { fingerprint } from "../core/fingerprint.ts";
import type { Library } from "./declare.ts";
import { oscText } from "./write-osc.ts";
import { classNames, pythonText } from "./write-python.ts";

/** The client that its declarations are held to. */
export const CLIENT = "scenario-execution>=1.8";

/** Text by path. The same library makes the same bytes. */
export type Files = Readonly<Record<string, string>>;

/** What scenarios import as `osc.arm` comes in the package `arm_stubs`. */
export function packageNameOf(library: string): string {
  return `${library}_stubs`;
}

/** The files of the package of a library; `plugin` is what it was made of, on one line. */
export function packageOf(library: Library, plugin: string): Files {
  const origin = `Made from ${plugin} by \`agent scenario stub\`: make it again instead of editing it.`;
  const module = packageNameOf(library.name);
  const code = {
    [`${module}/__init__.py`]: pythonText(library, module, origin),
    [`${module}/lib_osc/${library.name}.osc`]: oscText(library, origin),
  };
  return {
    "README.md": readme(library, plugin),
    "pyproject.toml": project(library, module, origin, fingerprint(JSON.stringify(code))),
    ...code,
  };
}

/** Its version says what is in it: pip installs another one over it, and leaves the same alone. */
function project(library: Library, module: string, origin: string, contents: string): string {
  const actions = [...classNames(library)].map(([name, cls]) => `"${name}" = "${module}:${cls}"`);
  return `# ${origin}
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "${module.replaceAll("_", "-")}"
version = "0.0.0+${contents}"
description = "Declares osc.${library.name}: actions that run elsewhere"
readme = "README.md"
requires-python = ">=3.9"
dependencies = ["${CLIENT}"]

[project.entry-points."scenario_execution.actions"]
${actions.join("\n")}

[project.entry-points."scenario_execution.osc_libraries"]
${library.name} = "${module}:get_library"

[tool.setuptools]
packages = ["${module}"]

[tool.setuptools.package-data]
${module} = ["lib_osc/*.osc"]
`;
}

function readme(library: Library, plugin: string): string {
  const { actions, name } = library;
  const example = exampleOf(library).map((line) => `    ${line}`.trimEnd());
  return `# osc.${name}

What the plugin ${plugin} does, declared for scenario-execution: ${actions.map((each) => `\`${each.name}\``).join(", ")}.
\`agent scenario stub\` makes this folder; make it again when the plugin has changed.

    pip install .

It has nothing but declarations: the actions run where the agent serves the plugin, and only with
the modifier \`remote\`, as the last line of \`with:\`.

${example.join("\n")}
`;
}

/** A scenario with the first action; `...` stands for what it needs. */
function exampleOf({ name, actions }: Library): string[] {
  const [action] = actions;
  const { actor, fields = [] } = action ?? {};
  const needed = fields.filter(({ isOptional }) => !isOptional);
  const own = action?.name.replace(/^.*\./, "");
  const call = `${actor === undefined ? "" : `my_${actor}.`}${own}`;
  return [
    `import osc.${name}`,
    "import osc.remote",
    "",
    "scenario example:",
    ...(actor === undefined ? [] : [`    my_${actor}: ${actor}`]),
    "    do serial:",
    `        ${call}(${needed.map((field) => `${field.name}: ...`).join(", ")}) with:`,
    '            remote("127.0.0.1:7613")',
  ];
}
