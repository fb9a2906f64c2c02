// Goal: a size on the command line is what a person means by it, or refused.
import { expect, test } from "bun:test";
import { bytesFrom } from "../../src/cli/arguments.ts";

test("bytesFrom() reads bytes and their binary units", () => {
  const read = bytesFrom(1_000);
  expect([read("1000"), read("64KiB"), read("500mib"), read("1GiB")]).toEqual([
    1_000, 65_536, 524_288_000, 1_073_741_824,
  ]);
  for (const wrong of ["", "999", "1GB", "1.5GiB", "-1", "1 GiB", "GiB", "0x400"]) {
    expect(() => read(wrong), wrong).toThrow("at least 1000 bytes");
  }
});
