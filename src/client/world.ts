/**
 * The world of a backend: what there is, what holds, what happened. The half of an orchestrator that
 * carries nothing out.
 */
import * as z from "zod/mini";
import type { Atom } from "../core/atom.ts";
import { ServantError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { AnyObjectType, FieldValues, ObjectRef, ObjectType } from "../core/vocabulary.ts";
import type { Connection } from "../wire/connection.ts";
import { AtomsOf, toAtoms } from "../wire/dynos.ts";
import {
  Anything,
  JsonRecord,
  type LogEntry,
  LogsAnswer,
  Records,
  type TraceEntry,
  TracesAnswer,
} from "./answers.ts";
import { type ClientOptions, encoded, query, Requests } from "./requests.ts";

type ObjectFields = ObjectType["def"]["fields"];

export class RemoteWorld {
  protected readonly requests: Requests;

  constructor(backend: string | Connection, options: ClientOptions) {
    this.requests = new Requests(backend, options);
  }

  // --- what there is ---

  health(): Promise<JsonObject> {
    return this.requests.ask(JsonRecord, "GET", "/health", { outsideSession: true });
  }

  listActions(scope?: string): Promise<readonly JsonObject[]> {
    return this.requests.ask(Records, "GET", `/actions${query({ scope })}`);
  }

  listFluents(): Promise<readonly JsonObject[]> {
    return this.requests.ask(Records, "GET", "/fluents");
  }

  listObjects(type?: string, scope?: string): Promise<readonly JsonObject[]> {
    return this.requests.ask(Records, "GET", `/objects${query({ type, scope })}`);
  }

  listObjectTypes(): Promise<readonly JsonObject[]> {
    return this.requests.ask(Records, "GET", "/object_types");
  }

  // --- objects ---

  /**
   * Makes an object. The answer's `object` tells whether it was created or merged into one at the
   * same place. Of an object type without a name, one is made up.
   */
  createObject(type: string, name: string, fields?: JsonObject): Promise<JsonObject>;
  createObject<T extends string, F extends ObjectFields>(
    type: ObjectType<T, F>,
    name?: string,
    fields?: FieldValues<F>,
  ): Promise<JsonObject>;
  /** With `returnRef`, the reference to it: by the other's name when it was merged. */
  createObject<T extends string, F extends ObjectFields>(
    type: ObjectType<T, F>,
    name: string | undefined,
    fields: FieldValues<F>,
    options: { readonly returnRef: true },
  ): Promise<ObjectRef<T>>;
  async createObject(
    type: string | AnyObjectType,
    given?: string,
    fields: object = {},
    options?: { readonly returnRef: true },
  ): Promise<JsonObject | ObjectRef> {
    const typeName = typeof type === "string" ? type : type.def.name;
    const name = given ?? `${typeName}_${crypto.randomUUID().slice(0, 8)}`;
    if (name === typeName) {
      const problem = `Cannot create object "${name}": it may not have its type's name`;
      throw new ServantError("object.invalid", problem);
    }
    const body = { ...(fields as JsonObject), type: typeName, name };
    const answer = await this.requests.ask(JsonRecord, "POST", "/objects", { body });
    if (options === undefined || typeof type === "string") return answer;
    const made = (answer.object ?? answer) as JsonObject;
    return type.ref(String(made.merged_into ?? made.name ?? name));
  }

  /** Sets fields of an object; the others stay. */
  updateObject(name: string, fields: JsonObject): Promise<JsonObject> {
    return this.requests.ask(JsonRecord, "PUT", `/objects/${encoded(name)}`, { body: fields });
  }

  async deleteObject(name: string): Promise<JsonObject> {
    return (await this.remove(`/objects/${encoded(name)}`)) ?? {};
  }

  /** Deletes it and all that is a part of it. */
  async deleteObjectCascade(name: string): Promise<JsonObject> {
    return (await this.remove(`/objects/${encoded(name)}/cascade`)) ?? {};
  }

  /** Objects nested under their parents. */
  getObjectTree(): Promise<readonly JsonObject[]> {
    return this.requests.ask(Records, "GET", "/object_tree");
  }

  /** `modified_at`, in epoch seconds. */
  getObjectsModifiedAt(): Promise<JsonObject> {
    return this.requests.ask(JsonRecord, "GET", "/objects_modified_at");
  }

  /** A FeatureCollection of the objects that have a place, and of the track. */
  getGeojson(): Promise<JsonObject> {
    return this.requests.ask(JsonRecord, "GET", "/as_geojson");
  }

  // --- state and goal ---

  async getCurrentState(scope?: string): Promise<readonly Atom[]> {
    const path = `/state${query({ scope })}`;
    return toAtoms((await this.requests.ask(AtomsOf.state, "GET", path)).state);
  }

  async getGoal(): Promise<readonly Atom[]> {
    return toAtoms((await this.requests.ask(AtomsOf.goal, "GET", "/goal")).goal);
  }

  async setStart(atoms: readonly (Atom | string)[]): Promise<void> {
    await this.requests.ask(Anything, "POST", "/start", { body: { start: atoms } });
  }

  /** Takes a list, or the atoms one after the other. */
  async setGoal(...atoms: readonly (Atom | string | readonly (Atom | string)[])[]): Promise<void> {
    await this.requests.ask(Anything, "POST", "/goal", { body: { goal: atoms.flat() } });
  }

  /** Says what an atom is. */
  setBelief(atom: Atom, value: boolean): Promise<JsonObject> {
    return this.requests.ask(JsonRecord, "POST", "/belief/set", { body: { fluent: atom, value } });
  }

  /** Has a fluent observed by the servant that can; else tells what the state says. */
  queryBelief(fluent: string): Promise<JsonObject> {
    return this.requests.ask(JsonRecord, "POST", "/belief/query", { body: { fluent } });
  }

  pushBeliefBatch(
    observations: readonly { readonly fluent: string; readonly value: boolean }[],
  ): Promise<JsonObject> {
    const body = { observations: observations.map((each) => ({ ...each })) };
    return this.requests.ask(JsonRecord, "POST", "/belief/batch", { body });
  }

  // --- what happened ---

  /** What the backend has logged, oldest first. */
  async getLogs(): Promise<readonly LogEntry[]> {
    return (await this.requests.ask(LogsAnswer, "GET", "/logs")).logs;
  }

  /** What happened, for programs; oldest first. */
  async getTraces(): Promise<readonly TraceEntry[]> {
    return (await this.requests.ask(TracesAnswer, "GET", "/traces")).traces;
  }

  protected remove(path: string): Promise<JsonObject | null> {
    return this.requests.ask(z.nullable(JsonRecord), "DELETE", path);
  }
}
