/** How a measurement reads: `g=1.5 stable=true`; a number by itself has no name. */
export function measuredText(value: Readonly<Record<string, unknown>>): string {
  const members = Object.entries(value).map(([name, each]) => [name, JSON.stringify(each)]);
  const [[name, only] = [], ...others] = members;
  if (name === "value" && others.length === 0) return `${only}`;
  return members.map((each) => each.join("=")).join(" ");
}
