/** What a machine answered, as a program reads it. */
import { isJsonObject, type Json } from "../core/json.ts";
import type { ResponseMessage } from "../wire/puda.ts";

export interface Answer {
  readonly isSuccess: boolean;
  /** Of an error, such as `EXECUTION_ERROR`; a machine may have codes of its own. */
  readonly code: string | null;
  readonly message: string | null;
  readonly data: Readonly<Record<string, Json>> | null;
  /** As the machine wrote it, UTC. */
  readonly completedAt: string | null;
  readonly runId: string;
  readonly step: number;
}

export function toAnswer(message: ResponseMessage, runId: string, step: number): Answer {
  const { status, code, message: said, data, completed_at } = message.response;
  return {
    isSuccess: status.toLowerCase() === "success",
    code: code ?? null,
    message: said ?? null,
    data: dataOf(data ?? null),
    completedAt: completed_at ?? null,
    runId,
    step,
  };
}

function dataOf(data: Json): Answer["data"] {
  return data === null || isJsonObject(data) ? data : { result: data };
}

/** `EXECUTION_ERROR: the pan is open`, of what failed. */
export function failureOf({ code, message }: Answer): string {
  return [code, message].filter((each) => each !== null && each !== "").join(": ") || "no reason";
}
