/** The answer to `/`: the page, which knows nothing by itself and shows nothing to strangers. */
import type { PageBundle } from "./page-bundle.ts";

let bundle: Promise<PageBundle> | undefined;

/** The same for everybody, under whatever status: what it shows comes from the other routes. */
export async function pageAnswer(status: number): Promise<Response> {
  bundle ??= import("./page-bundle.ts").then(({ pageBundle }) => pageBundle());
  const { html, policy } = await bundle;
  return new Response(html, {
    status,
    headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy },
  });
}
