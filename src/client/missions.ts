/** The missions that a backend keeps: made, read and changed, and carried out by its orchestrator. */
import type { JsonObject } from "../core/json.ts";
import { JsonRecord, MissionAnswer, MissionsAnswer } from "./answers.ts";
import type { Block, Mission } from "./mission.ts";
import { encoded } from "./requests.ts";
import { RemoteWorld } from "./world.ts";

export interface MissionEdit {
  readonly op: "insert_before" | "insert_after" | "replace" | "remove";
  readonly index: number;
  readonly block?: Block | JsonObject;
}

export class RemoteMissions extends RemoteWorld {
  /** The missions that there are. Our backend's alone. */
  async listMissions(): Promise<readonly JsonObject[]> {
    return (await this.requests.ask(MissionsAnswer, "GET", "/missions")).missions;
  }

  /** Its name and blocks. `unsafe` lets a host of DYNOS run the mission's own code; ours never does. */
  async loadMission(
    name: string,
    { unsafe = false }: { readonly unsafe?: boolean } = {},
  ): Promise<JsonObject> {
    const path = `/missions/${encoded(name)}/load${unsafe ? "?unsafe=true" : ""}`;
    return (await this.requests.ask(MissionAnswer, "POST", path, { body: {} })).mission;
  }

  /** Saves the goal as a mission; one of the same name is replaced. */
  forkMission(name: string): Promise<JsonObject> {
    return this.requests.ask(JsonRecord, "POST", "/fork", { body: { name } });
  }

  /** Saves a mission; one of the same name is replaced. Our backend's alone. */
  saveMission({ name, blocks }: Mission): Promise<JsonObject> {
    const body = { blocks: blocks.map(blockData) };
    return this.requests.ask(JsonRecord, "PUT", `/missions/${encoded(name)}`, { body });
  }

  /** Changes one block of a saved mission. */
  patchMission(name: string, { op, index, block }: MissionEdit): Promise<JsonObject> {
    const body = { op, index, block: block === undefined ? null : blockData(block) };
    return this.requests.ask(JsonRecord, "PATCH", `/missions/${encoded(name)}/blocks`, { body });
  }

  async deleteMission(name: string): Promise<void> {
    await this.remove(`/missions/${encoded(name)}`);
  }
}

/** A block as it is sent. */
export function blockData(block: Block | JsonObject): JsonObject {
  const own = (block as Partial<Block>).toJSON;
  return own === undefined ? (block as JsonObject) : (block as Block).toJSON();
}
