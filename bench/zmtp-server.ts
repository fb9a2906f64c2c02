/** Our REP in a process of its own, for `bench/zmtp.ts`: echoes on the endpoints of its arguments. */
import { parseEndpoint } from "../src/adapters/zmtp/endpoint.ts";
import { serveRep } from "../src/adapters/zmtp/rep.ts";
import { systemClock } from "../src/system/clock.ts";

await serveRep({
  endpoints: process.argv.slice(2).map(parseEndpoint),
  clock: systemClock,
  onRequest: ({ frames, answer }) => void answer(frames),
});
process.stdout.write("listening\n");
