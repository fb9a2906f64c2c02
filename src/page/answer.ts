/** The answer to `/`: a page, which knows nothing by itself and shows nothing to strangers. */
import type { PageBundle, PageName } from "./bundle.ts";

const bundles = new Map<PageName, Promise<PageBundle>>();

/** The same for everybody, under whatever status: what it shows comes from the other routes. */
export async function pageAnswer(name: PageName, status = 200): Promise<Response> {
  const bundling = bundles.get(name) ?? import("./bundle.ts").then((made) => made.pageBundle(name));
  bundles.set(name, bundling);
  const { html, policy } = await bundling;
  return new Response(html, {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": policy,
      "Cache-Control": "no-store",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
    },
  });
}
