/** Which names OSC2, the client and Python leave to us. */

/** Every word of the client's grammar, 1.8.0: units of SI are words of it, too. */
const OSC_WORDS = wordsOf(`
  A K SI action actor and as bool call cd cover def default do elapsed emit enum event every
  expression extend external factor fall false float global hard if import in inherits int is it keep
  kg list m modifier mol not of offset on one_of only or parallel rad range record remove_default
  rise s sample scenario serial string struct true type uint undefined unit until var wait with`);
const PYTHON_WORDS = wordsOf(`
  False None True and as assert async await break class continue def del elif else except finally for
  from global if import in is lambda nonlocal not or pass raise return try while with yield`);
/** What the client gives an action itself. */
const GIVEN = wordsOf("self name associated_actor");
/** Units that our declarations use: a parameter of that name would be found in a unit's place. */
const UNITS_USED = wordsOf("mps mpss mpspsps radps radpsps Pa lm lx");
/** What osc.types, osc.helpers and osc.remote declare, of 1.8.0: most scenarios import them. */
const DECLARED = wordsOf(`
  acceleration acceleration_6d amount_of_substance angle angular_acceleration angular_rate
  celestial_position_2d common compare decrement electrical_current failure_is_running
  failure_is_success geodetic_position_2d illuminance increment inverter jerk key_value length log
  luminous_flux luminous_intensity mass orientation_3d orientation_acceleration_3d
  orientation_rate_3d osc_actor pose_2d pose_3d position position_2d position_3d pressure
  process_log_check random remote repeat retry run_process running_is_failure running_is_success
  signal speed success_is_failure success_is_running temperature time timeout
  translational_acceleration_3d translational_velocity_3d velocity_6d`);
/** Libraries that the client or its modifier bring. */
const LIBRARIES = wordsOf("helpers remote robotics standard types");

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/** What a name would stand for. */
export type Role = "action" | "actor" | "parameter" | "field" | "member" | "type" | "library";

/** Why it cannot be the name of such a thing; undefined when it can. */
export function nameProblem(name: string, role: Role): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    return "is no name in OSC2: it takes letters, digits and _, a letter first";
  }
  if (OSC_WORDS.has(name)) return "is a word of OSC2";
  const isFound = role === "parameter" || role === "field";
  if (isFound && UNITS_USED.has(name)) return "is a unit of osc.types";
  if (role === "parameter" && PYTHON_WORDS.has(name)) return "is a word of Python";
  if (role === "parameter" && GIVEN.has(name)) return "is what the client calls one of its own";
  const isGlobal = role === "action" || role === "actor" || role === "type";
  if (isGlobal && DECLARED.has(name)) return "is declared by a library of scenario-execution";
  if (role === "library" && LIBRARIES.has(name)) return "is a library of scenario-execution";
  if (role === "library" && PYTHON_WORDS.has(name)) return "is a word of Python";
  return undefined;
}

/** `half open` and `HalfOpen` as `half_open`; empty when nothing of it can be in a name. */
export function snakeCase(text: string): string {
  return text
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^[_0-9]+|_+$/g, "")
    .toLowerCase();
}

/** `arm.move_to` as `ArmMoveTo`. */
export function pascalCase(text: string): string {
  return text
    .split(/[._]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}
