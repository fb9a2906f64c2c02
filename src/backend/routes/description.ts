/** What the backend can be asked, for programs and for people. Made when it is first asked for. */
import type { Hono } from "hono";

export function descriptionRoutes(app: Hono, version: string): void {
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
