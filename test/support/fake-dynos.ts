/** A DYNOS backend on a real socket that answers what a test tells it to. */
import type { Json } from "../../src/core/json.ts";

export interface Heard {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: Json | undefined;
}
/** `null` is a 204; a Response goes out as it is. */
export type Answer = Json | Response;
export type Answers = Readonly<
  Record<string, Answer | ((heard: Heard) => Answer | Promise<Answer>)>
>;

export interface FakeDynos extends AsyncDisposable {
  readonly url: string;
  readonly heard: readonly Heard[];
}

/** Serves `answers` by "METHOD /path" (without query); anything else is a 404 with a detail. */
export function fakeDynos(answers: Answers): FakeDynos {
  const heard: Heard[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const text = await request.text();
      const one: Heard = {
        method: request.method,
        path: pathname + search,
        headers: request.headers,
        body: text === "" ? undefined : (JSON.parse(text) as Json),
      };
      heard.push(one);
      const answer = answers[`${request.method} ${pathname}`];
      if (answer === undefined) return Response.json({ detail: `no ${pathname}` }, { status: 404 });
      const given = typeof answer === "function" ? await answer(one) : answer;
      if (given instanceof Response) return given;
      return given === null ? new Response(null, { status: 204 }) : Response.json(given);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    heard,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
