/** What the backend can be asked, for programs and for people, and the page. Made when it is first asked for. */
import type { Hono } from "hono";

export interface Described {
  readonly version: string;
  /** Absent: whoever looks is shown what can be asked. */
  readonly page?: (() => Promise<Response>) | undefined;
}

export function descriptionRoutes(app: Hono, { version, page }: Described): void {
  app.get("/", async (context) => (page === undefined ? context.redirect("/docs") : await page()));

  app.get("/openapi.json", async (context) => {
    const { backendOpenApi } = await import("../api.ts");
    return context.json(backendOpenApi(version));
  });

  app.get("/docs", async () => {
    const [{ backendOpenApi }, { apiPage }] = await Promise.all([
      import("../api.ts"),
      import("../../wire/api-page.ts"),
    ]);
    return apiPage("/openapi.json", backendOpenApi(version));
  });
}
