/** Declares the subcommands of `agent call` that ask, and those that change what there is. */
import { Argument, type Command } from "commander";
import { addCall, type Done } from "./add-call.ts";
import type { CallOptions } from "./context.ts";
import type { GeojsonOptions } from "./geojson.ts";
import type { ObjectsOptions, ScopedOptions } from "./show.ts";

export function addAskCommands(call: Command, done: Done): void {
  addQuestions(call, done);
  addChanges(call, done);
}

function addQuestions(call: Command, done: Done): void {
  addCall(call, "health", "say whether the backend is well", ["agent call health"]).action(
    async (options: CallOptions) => {
      done(await (await import("./show.ts")).health(options));
    },
  );
  addCall(call, "state", "list the atoms that hold", ["agent call state --json"])
    .option("--scope <scope>", "only this scope, such as public")
    .action(async (options: ScopedOptions) => {
      done(await (await import("./show.ts")).state(options));
    });
  addCall(call, "objects", "list the objects", ["agent call objects --type box"])
    .option("--type <type>", "only objects of this type")
    .option("--scope <scope>", "only this scope, such as public")
    .action(async (options: ObjectsOptions) => {
      done(await (await import("./show.ts")).objects(options));
    });
  addCall(call, "actions", "list the actions and who provides them", ["agent call actions"])
    .option("--scope <scope>", "only this scope, such as public")
    .action(async (options: ScopedOptions) => {
      done(await (await import("./show.ts")).actions(options));
    });
  const fluents = "list the fluents, who observes them and what holds of each";
  addCall(call, "fluents", fluents, ["agent call fluents"]).action(async (options: CallOptions) => {
    done(await (await import("./show.ts")).fluents(options));
  });
  addCall(call, "geojson", "print the map of objects and track, or write it to a file", [
    "agent call geojson",
    "agent call geojson -o survey.geojson",
  ])
    .option("-o, --output <file>", "write to this file under the current folder; never by a link")
    .option("--allow-anywhere", "the file may be in another folder")
    .action(async (options: GeojsonOptions) => {
      done(await (await import("./geojson.ts")).geojson(options));
    });
}

function addChanges(call: Command, done: Done): void {
  addCall(call, "create", "make an object", [
    "agent call create zone.json",
    'agent call create "Zone(name=site, coverage_width=170, vertices=[[-70, 41], [-70, 42]])"',
  ])
    .argument("<object>", "type and fields, such as Box(name=box_z); or a JSON file of them")
    .action(async (source: string, options: CallOptions) => {
      done(await (await import("./create.ts")).create(source, options));
    });
  addCall(call, "belief", "have a fluent observed, or say what an atom is", [
    "agent call belief robot_at",
    'agent call belief "robot_at(room_two)" true',
  ])
    .argument("<fluent>", "what to observe, such as robot_at; with a value, an atom")
    .addArgument(new Argument("[value]", "what the atom is").choices(["true", "false"]))
    .action(async (subject: string, value: "true" | "false" | undefined, options: CallOptions) => {
      done(await (await import("./belief.ts")).belief(subject, value, options));
    });
  addCall(call, "reset", "clear goal, plan, state and created objects", [
    "agent call reset",
  ]).action(async (options: CallOptions) => {
    done(await (await import("./show.ts")).reset(options));
  });
}
