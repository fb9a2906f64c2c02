/** Objects: made, changed, deleted, listed, nested. */
import type { Hono } from "hono";
import type { Json, JsonObject } from "../../core/json.ts";
import { ObjectFields, ObjectQuery } from "../../wire/direct.ts";
import { CreateObject } from "../../wire/dynos.ts";
import { firstOf } from "../brief.ts";
import { describeObject, objectTree } from "../object-tree.ts";
import type { Parts } from "../parts.ts";
import { bodyOf, queryOf } from "./request.ts";

export function objectRoutes(app: Hono, { world, log }: Parts): void {
  app.get("/object_types", (context) =>
    context.json(
      [...world.vocabulary.types.values()].map(({ name, fields }) => ({
        name,
        value_fields: fields,
      })),
    ),
  );

  app.get("/objects", (context) => {
    const { type, scope } = queryOf(context, ObjectQuery);
    if (type !== undefined) world.vocabulary.type(type); // an unknown type is an error, not []
    const objects = world
      .objects()
      .filter((object) => type === undefined || object.type === type)
      .filter(({ parent }) => scope !== "public" || parent === undefined);
    return context.json(objects.map(describeObject));
  });

  app.get("/object_tree", (context) => context.json(objectTree(world.objects())));

  app.get("/objects_modified_at", (context) =>
    context.json({ modified_at: world.objectsChangedAtMs / 1_000 }),
  );

  app.post("/objects", async (context) => {
    const { type, name, ...rest } = await bodyOf(context, CreateObject);
    const { fields, parent, dropped } = sorted(type, rest as Record<string, Json>);
    const wanted = { name, type, fields, ...(parent === undefined ? {} : { parent }) };
    const { object, created, mergedInto } = world.createObject(wanted);
    if (created) log("info", `object ${name} of type ${type} created`, {});
    const merged = `${name} is at the place of ${mergedInto}: use that name`;
    const warnings = [...(mergedInto === undefined ? [] : [merged]), ...dropped];
    return context.json({
      status: "ok",
      object: {
        ...describeObject(object),
        created,
        ...(mergedInto === undefined ? {} : { merged_into: mergedInto }),
        ...warning(warnings),
      },
    });
  });

  app.put("/objects/:name", async (context) => {
    const name = context.req.param("name");
    const given = await bodyOf(context, ObjectFields);
    const { fields, dropped } = sorted(world.requireObject(name).type, given);
    const object = world.updateObject(name, fields);
    log("info", `object ${name} changed`, { fields: Object.keys(fields) });
    return context.json({ ...describeObject(object), ...warning(dropped) });
  });

  app.delete("/objects/:name", (context) => {
    const object = world.requireObject(context.req.param("name"));
    const deleted = world.deleteObject(object.name, { withParts: false });
    log("info", `object ${object.name} deleted`, {});
    return context.json({ ...describeObject(object), deleted });
  });

  app.delete("/objects/:name/cascade", (context) => {
    const object = world.requireObject(context.req.param("name"));
    const deleted = world.deleteObject(object.name, { withParts: true });
    log("info", `object ${object.name} deleted, with ${deleted.length - 1} parts`, {});
    return context.json({ ...describeObject(object), deleted });
  });

  /** What a client gave, by what it is: declared fields, the parent, and what is left out. */
  function sorted(type: string, given: Readonly<Record<string, Json>>) {
    const declared = world.vocabulary.type(type).fields;
    const { parent, ...others } = given;
    const isField = Object.hasOwn(declared, "parent") || typeof parent !== "string";
    const fields = isField ? given : others;
    const unknown = Object.keys(fields).filter((field) => !Object.hasOwn(declared, field));
    return {
      fields,
      parent: isField ? undefined : parent,
      dropped: unknown.length === 0 ? [] : [`${type} declares no ${firstOf(unknown)}: left out`],
    };
  }
}

function warning(reasons: readonly string[]): JsonObject {
  return reasons.length === 0 ? {} : { warning: reasons.join("; ") };
}
