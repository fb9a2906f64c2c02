// Goal: what is written of the door is what it does. Method: the page is made from the schemas.
import { expect, test } from "bun:test";
import { localApiText, path } from "../../scripts/local-api.ts";

test("docs/local-api.md is as the schemas say: `npm run docs` writes it", async () => {
  expect(await Bun.file(path).text()).toBe(localApiText());
});
