// Goal: bad input is a 4xx that says what is bad, and the backend goes on.
// Method: each of it to the compiled binary, which must answer the next request as before.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Running, startHost } from "../support/running.ts";

let host: Running;
let url: string;
beforeAll(async () => {
  ({ host, url } = await startHost());
}, 60_000);
afterAll(async () => {
  expect((await fetch(`${url}/health`)).status).toBe(200);
  host.kill();
  expect(await host.exited).toBe(0);
});

type Body = string | ReadableStream<string>;
const MEGABYTE = "x".repeat(2 ** 20);
/** Without a length: it is known to be too long only after 16 MiB. */
const endless = () =>
  new ReadableStream<string>({
    start: (controller) => controller.enqueue('{"goal":["'),
    pull: (controller) => controller.enqueue(MEGABYTE),
  });
const goals = Array.from({ length: 10_000 }, (_, at) => `robot_at(room_${at})`);
const nested = `${'{"type":"order","children":['.repeat(10_000)}${"]}".repeat(10_000)}`;

const zone = (fields: object) =>
  JSON.stringify({
    ...{
      type: "zone",
      name: "z",
      coordinate_frame: "local_enu",
      coverage_width: 10,
      robot_width: 1,
    },
    ...{
      vertices: [
        [0, 0],
        [9, 0],
        [9, 9],
      ],
      ...fields,
    },
  });

test.each<[string, string, string | (() => Body), number, string]>([
  ["POST", "/goal", () => `{"goal":["${MEGABYTE.repeat(50)}"]}`, 413, "longer than 16777216"],
  ["POST", "/goal", () => endless(), 413, "longer than 16777216"],
  ["POST", "/goal", JSON.stringify({ goal: goals }), 413, "10000 atoms: 5000 at most"],
  ["POST", "/goal", '{"goal":["robot_at(room_ten)"]}', 422, 'nearest is "room_'],
  ["POST", "/goal", '{"goal":["robot_at"]}', 422, "has 1 arguments (location: room), not 0"],
  ["POST", "/goal", '{"goal":["robot_at(box_a)"]}', 422, '"box_a" is a box'],
  ["POST", "/goal", '{"goal":["robot_at((room_one))"]}', 400, "Cannot read atom"],
  ["POST", "/goal", '{"goal":[7]}', 400, "goal[0]"],
  ["POST", "/goal", "NaN", 400, "not JSON"],
  ["POST", "/objects", '{"type":"box","name":"b","weight":NaN}', 400, 'identifier "NaN"'],
  ["POST", "/objects", '{"type":"box","name":"b","weight":1e999}', 400, "number is too large"],
  ["POST", "/objects", '{"type":"box","name":"../../etc/passwd"}', 422, "letters, digits"],
  ["POST", "/objects", '{"type":"box","name":"box"}', 422, "name of a type"],
  ["POST", "/objects", '{"type":"crate","name":"b"}', 422, "Cannot find object type"],
  ["POST", "/objects", '{"type":"__proto__","name":"b"}', 422, "Cannot find object type"],
  [
    "POST",
    "/objects",
    zone({
      vertices: [
        [0, 0],
        [9, 9],
      ],
    }),
    422,
    "2 different vertices, not 3",
  ],
  [
    "POST",
    "/objects",
    zone({
      vertices: [
        [0, 0],
        [9, 9],
        [9, 0],
        [0, 9],
      ],
    }),
    422,
    "edges 1 and 3",
  ],
  [
    "POST",
    "/objects",
    zone({
      vertices: [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    }),
    422,
    "edges 1 and 3",
  ],
  ["POST", "/objects", zone({ vertices: "all" }), 422, "are no list"],
  ["POST", "/objects", zone({ coverage_width: 0 }), 422, "coverage_width is 0, not above 0"],
  ["POST", "/objects", zone({ robot_width: -1 }), 422, "robot_width is -1, not above 0"],
  ["POST", "/objects", zone({ coordinate_frame: "mars" }), 422, '"mars", not geographic'],
  ["PUT", "/objects/..%2f..%2fetc%2fpasswd", "{}", 422, "../../etc/passwd"],
  ["DELETE", "/objects/room_one", "", 409, "belongs to a domain"],
  ["POST", "/belief/set", '{"fluent":"robot_at(room_one)","value":NaN}', 400, "not JSON"],
  ["POST", "/belief/set", '{"fluent":"robot_at(room_one)","value":"no"}', 400, "value"],
  ["POST", "/belief/query", '{"fluent":"robot"}', 422, 'nearest is "robot_at"'],
  ["POST", "/missions/..%2fbackend/load", "", 400, "letters, digits"],
  ["POST", "/missions/tour/load", "", 422, 'Cannot find mission "tour"'],
  ["PUT", "/missions/deep", `{"blocks":[${nested}]}`, 400, "nests too deep"],
  ["PUT", "/missions/odd", '{"blocks":[{"type":"dance"}]}', 400, '"dance"'],
  ["POST", "/fork", '{"name":"a/b"}', 422, "there is no goal"],
  ["DELETE", "/objects", "", 405, "takes GET or POST"],
  ["GET", "/objects/box_a", "", 405, "takes PUT or DELETE"],
  ["GET", "/runs?status=runing", "", 400, '"running"'],
  ["GET", "/state?scope=pubic", "", 400, '"public"'],
  ["GET", "/cost/plan/steps?level=groups", "", 400, '"group"'],
  ["POST", "/trigger?wait=no", '{"action":"move"}', 400, '"false"'],
  ["POST", "/trigger", `{"action":"${MEGABYTE}"}`, 422, "xxx...xxx"],
  ["GET", "/objektives", "", 404, 'nearest is "/objects"'],
])("%s %s: %#", async (method, path, body, status, reason) => {
  const sent = typeof body === "string" ? body : body();
  const answer = await fetch(url + path, {
    method,
    ...(sent === "" ? {} : { body: sent }),
  });
  const { detail, code } = (await answer.json()) as { detail: string; code: string };
  expect([answer.status, detail]).toEqual([status, expect.stringContaining(reason)]);
  expect(code).toBeString();
  expect(detail.length).toBeLessThan(3_000);
  expect((await fetch(`${url}/health`)).status).toBe(200);
});
