/** One decoder under fuzz: what it is fed, and what must hold whatever that is. */
import { expect } from "bun:test";
import fc from "fast-check";
import { isServantError } from "../../src/core/errors.ts";

export interface Decoder {
  readonly name: string;
  /** Its part of all cases, in thousandths. */
  readonly share: number;
  /** Feeds it so many cases; resolves to how many it has seen. */
  run(cases: number): Promise<number>;
}

/** `holds` throws when what must hold does not; it is called once for each case. */
export function decoder<T>(
  name: string,
  share: number,
  input: fc.Arbitrary<T>,
  holds: (input: T) => void | Promise<void>,
): Decoder {
  return {
    name,
    share,
    async run(cases) {
      let seen = 0;
      const property = fc.asyncProperty(input, async (value) => {
        seen += 1;
        await holds(value);
      });
      await fc.assert(property, { numRuns: cases });
      return seen;
    },
  };
}

/** What it gives, or undefined when it throws a ServantError; any other error is a finding. */
export function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (cause) {
    if (isServantError(cause)) return undefined;
    throw cause;
  }
}

/**
 * Nothing grows without bound on its way through: so many characters come out for each that went
 * in (an escaped control character takes six), and some more for what it says itself.
 */
export function expectBounded(output: unknown, inputChars: number): void {
  const text = JSON.stringify(output) ?? "";
  expect(text.length).toBeLessThanOrEqual(inputChars * 12 + 2_000);
}

/** An object of the input that named its own prototype would change what others read from it. */
export function expectPlain(value: object): void {
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
}
