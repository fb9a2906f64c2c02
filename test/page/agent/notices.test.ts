import { expect, test } from "bun:test";
import { noticesOf } from "../../../src/page/agent/notices.ts";
import { bytesText, durationText, shortId, some } from "../../../src/page/parts/words.ts";
import type { Status } from "../../../src/wire/local.ts";
import { STATUS } from "../../local/harness.ts";

const calm: Status = {
  ...STATUS,
  state: "ready",
  reasons: [],
  link: { state: "up", origin: "http://b", since: STATUS.now, failures: 0, registrations: 1 },
};
const { paused: _paused, doubted: _doubted, ...ready } = calm;
const words = (status: Status) => noticesOf(status).map(({ word }) => word);

test("noticesOf() says the gravest first and every one that holds", () => {
  expect(words(ready)).toEqual(["Ready"]);
  expect(words({ ...ready, state: "paused", paused: "a person is near" })).toEqual(["Paused"]);
  const down = { ...calm.link, state: "down", failures: 3, reason: "no route" } as const;
  const both = { ...ready, state: "paused", paused: "x", doubted: "a crash", link: down } as const;
  expect(words(both)).toEqual(["Not ready", "Link lost", "Paused"]);
  expect(noticesOf({ ...ready, state: "not-ready", link: down })[0]).toMatchObject({
    word: "Link lost",
    text: "no route (3 failures).",
    sinceMs: Date.parse(calm.link.since),
  });
  const starting: Status = { ...ready, state: "not-ready", reasons: ["the plugin is not ready"] };
  expect(noticesOf(starting)).toMatchObject([
    { word: "Not ready", text: "the plugin is not ready" },
  ]);
  expect(words({ ...ready, state: "draining" })).toEqual(["Draining"]);
  expect(words({ ...ready, journal: { bytes: 1, isFull: true } })).toEqual(["Not ready"]);
});

test("durations, sizes and ids are short", () => {
  expect(
    [-1, Number.NaN, 0, 2.6, 94, 440, 9_949, 59_499, 59_500, 200_000, 7_500_000, 360_000_000].map(
      durationText,
    ),
  ).toEqual([
    "0 ms",
    "0 ms",
    "0 ms",
    "3 ms",
    "94 ms",
    "0.4 s",
    "9.9 s",
    "59 s",
    "1 min 0 s",
    "3 min 20 s",
    "2 h 5 min",
    "4 d 4 h",
  ]);
  expect([0, 999, 1_000, 4_404_019, 2 ** 31].map(bytesText)).toEqual([
    "0 B",
    "999 B",
    "1.0 KiB",
    "4.2 MiB",
    "2.0 GiB",
  ]);
  expect(["a1", "853ef0bb-9b62-4fe5-a8d2-477a9c46a2d7"].map(shortId)).toEqual(["a1", "853e…a2d7"]);
  expect([some(1, "line"), some(1_234, "line")]).toEqual(["1 line", "1,234 lines"]);
});
