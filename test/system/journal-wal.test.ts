// Goal: no durable commit is lost in silence because the head of its write-ahead log is broken.
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyOf } from "../../src/core/entry.ts";
import { openJournal } from "../../src/system/journal.ts";
import { walDamage } from "../../src/system/journal-wal.ts";
import { action, id } from "../support/fake-ports.ts";

const HEADER_BYTES = 32;

test("walDamage() sees every changed bit of the head, and garbage in its place", async () => {
  const folder = mkdtempSync(join(tmpdir(), "journal-wal-"));
  try {
    const path = join(folder, "journal.sqlite");
    const journal = openJournal(path, { origin: "http://home" });
    const assignment = action("a1");
    const fact = { atMs: 1, key: keyOf(id("a1")), assignment, via: "servant-1" };
    await journal.append([{ type: "accepted", ...fact }]);
    const log = readFileSync(`${path}-wal`);
    await journal.close();
    const damaged = join(folder, "damaged");
    const damageOf = (bytes: Uint8Array) => {
      writeFileSync(damaged, bytes);
      return walDamage(damaged);
    };
    expect(damageOf(log)).toBeUndefined();
    for (let bit = 0; bit < HEADER_BYTES * 8; bit += 1) {
      const flipped = Buffer.from(log);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(damageOf(flipped), `bit ${bit}`).toContain("head");
    }
    for (const byte of [0x00, 0x5a, 0xff]) {
      expect(damageOf(Buffer.from(log).fill(byte, 0, 8_192)), `${byte}`).toContain("head");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
