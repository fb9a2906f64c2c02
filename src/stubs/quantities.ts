/**
 * Physical quantities: what a schema says of its unit, and which type of osc.types that is. On the
 * wire a quantity is a bare number of its SI unit, so a handler has to take that unit.
 */

export interface Quantity {
  /** The type in osc.types. */
  readonly type: string;
  /** Its SI unit there, which a default is written in. */
  readonly unit: string;
  /** As people write that unit. */
  readonly si: string;
}

/** By unit: the type, and the unit's name there. */
const SI: Readonly<Record<string, readonly [type: string, unit: string]>> = {
  m: ["length", "m"],
  s: ["time", "s"],
  "m/s": ["speed", "mps"],
  "m/s^2": ["acceleration", "mpss"],
  "m/s^3": ["jerk", "mpspsps"],
  rad: ["angle", "rad"],
  "rad/s": ["angular_rate", "radps"],
  "rad/s^2": ["angular_acceleration", "radpsps"],
  kg: ["mass", "kg"],
  K: ["temperature", "K"],
  Pa: ["pressure", "Pa"],
  cd: ["luminous_intensity", "cd"],
  lm: ["luminous_flux", "lm"],
  lx: ["illuminance", "lx"],
  A: ["electrical_current", "A"],
  mol: ["amount_of_substance", "mol"],
};

/** Other units of the same quantities: a scenario's `5mm` would come as 0.005. */
const OTHERS: Readonly<Record<string, string>> = {
  m: "nm um µm μm mm cm dm km in inch ft feet mi mile",
  s: "ns us µs μs ms sec min minute minutes h hour hours d day days",
  "m/s": "mm/s cm/s km/s km/h kmh kph mph mm/min m/min",
  "m/s^2": "mm/s^2 cm/s^2 km/h/s g0",
  "m/s^3": "mm/s^3",
  rad: "mrad deg degree degrees ° grad turn",
  "rad/s": "deg/s °/s rpm",
  "rad/s^2": "deg/s^2 °/s^2",
  kg: "ug µg μg mg g t ton lb",
  K: "°C C degC celsius °F F fahrenheit",
  Pa: "hPa kPa MPa mbar bar atm psi",
  A: "uA µA μA mA kA",
  mol: "nmol umol µmol μmol mmol kmol",
};

const siOf = new Map(
  Object.entries(OTHERS).flatMap(([si, others]) =>
    others.split(" ").map((unit) => [unit, si] as const),
  ),
);

/** `m/s²`, `m/s2` and `m / s^2` are one. */
function plainUnit(unit: string): string {
  return unit
    .replace(/\s+/g, "")
    .replaceAll("²", "^2")
    .replaceAll("³", "^3")
    .replace(/(?<=\/s)(?=[23]$)/, "^");
}

export type UnitMeaning =
  | { readonly is: "quantity"; readonly quantity: Quantity }
  /** A unit that OSC2 has a quantity for, which is sent in another one. */
  | { readonly is: "not-si"; readonly si: string }
  /** OSC2 knows nothing of it: nobody can write it in a scenario. */
  | { readonly is: "unknown" };

export function meaningOf(unit: string): UnitMeaning {
  const plain = plainUnit(unit);
  const known = Object.hasOwn(SI, plain) ? SI[plain] : undefined;
  if (known !== undefined) {
    return { is: "quantity", quantity: { type: known[0], unit: known[1], si: plain } };
  }
  const si = siOf.get(plain);
  return si === undefined ? { is: "unknown" } : { is: "not-si", si };
}
