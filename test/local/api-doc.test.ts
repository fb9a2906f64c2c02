// Goal: what is written of the door is what it does. Method: the page is made from the schemas.
import { expect, test } from "bun:test";
import { localApiText, path } from "../../scripts/local-api.ts";
import { examples } from "../../scripts/local-api-examples.ts";

test("docs/local-api.md is as the schemas say: `npm run docs` writes it", async () => {
  expect(await Bun.file(path).text()).toBe(localApiText());
});

test.each(Object.entries(examples))("the example of %s is one", (_, { schema, value }) => {
  expect(schema.parse(value)).toEqual(value);
});
