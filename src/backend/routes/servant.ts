/** The servant's side of the protocol: register, ask for the next assignment, answer. */
import type { Context, Hono } from "hono";
import * as z from "zod/mini";
import { type AuditId, failedResult, type Result } from "../../core/assignment.ts";
import { isServantError, messageOf, ServantError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { suggestion } from "../../core/nearest.ts";
import {
  HOLDS_HEADER,
  parseHolds,
  parseTakes,
  RegisterRequest,
  TAKES_HEADER,
  takesText,
  toResult,
  WireResult,
} from "../../wire/dynos.ts";
import type { Parts } from "../parts.ts";
import type { Handout, Wish } from "../servant.ts";
import { bodyOf, preferredWaitMs } from "./request.ts";

/** Names that one servant may register. */
export const OFFERS_MAX = 10_000;
/** Of what a servant says of a step, as much is heeded. */
const MESSAGE_CHARACTERS_MAX = 64 * 1024;
/** What this backend heeds of a poll's wish. */
const HEEDED = takesText({ actions: true, beliefs: true, cancels: true });

export function servantRoutes(app: Hono, parts: Parts): void {
  const { world, servants, modules, unanswered, lateAnswers, keeper, log } = parts;
  app.post("/servant/register", async (context) => {
    const request = await bodyOf(context, RegisterRequest);
    const { vocabulary } = world;
    const transitions = [...request.transitions, ...request.anonymous_actions];
    const fluents = request.beliefs;
    if (transitions.length + fluents.length > OFFERS_MAX) {
      throw new ServantError("request.malformed", `Cannot register more than ${OFFERS_MAX} names`);
    }
    await modules.require(request.domain_modules);
    // What no vocabulary declares cannot be planned with, yet it can be triggered.
    for (const [what, names, known] of [
      ["transition", request.transitions, vocabulary.transitions],
      ["fluent", fluents, vocabulary.fluents],
    ] as const) {
      for (const name of names.filter((each) => !known.has(each))) {
        log(
          "warn",
          `no known domain has the ${what} "${name}"${suggestion(name, known.keys())}`,
          {},
        );
      }
    }
    const { id } = servants.register({ transitions, fluents });
    context.header(TAKES_HEADER, HEEDED);
    return context.json({ servant_id: id });
  });

  app.get("/servant/:id/next_assignment", async (context) => {
    const wish: Wish = {
      waitMs: preferredWaitMs(context.req.header("prefer")),
      takes: parseTakes(context.req.header(TAKES_HEADER)),
      holds: parseHolds(context.req.header(HOLDS_HEADER)),
    };
    const next = await servants.poll(context.req.param("id"), wish, context.req.raw.signal);
    if (wish.waitMs !== undefined) context.header("Preference-Applied", "wait");
    if (wish.takes !== undefined) context.header(TAKES_HEADER, HEEDED);
    if (next?.kind === "action") {
      unanswered.goesOut(next.auditId);
      await keeper.saved(); // before it moves anything: its answer may come in another life
    }
    return next === undefined ? context.body(null, 204) : context.json(describeHandout(next));
  });

  app.post("/servant/:id/result", async (context) => {
    const { id } = servants.get(context.req.param("id"));
    const { result, refusal } = await answerOf(context);
    const acceptance = servants.answer(id, result);
    if (refusal !== undefined && acceptance === "not-awaited") throw refusal;
    const isLate = acceptance === "late" && lateAnswers.take(result.auditId, result);
    if (acceptance === "taken") unanswered.answered(result.auditId, result);
    return context.json({ status: "ok", accepted: acceptance === "taken" || isLate });
  });
}

interface ReadAnswer {
  readonly result: Result;
  /** Why it is none, unless it speaks of a step that is open. */
  readonly refusal?: ServantError;
}

/**
 * The answer in a body. One that no JSON can be read from, or that cannot be written again, fails
 * the assignment that it names: else that would wait for ever.
 *
 * @throws {ServantError} `request.malformed` when it names none
 */
async function answerOf(context: Context): Promise<ReadAnswer> {
  try {
    const { audit_id: auditId, ...rest } = await bodyOf(context, Answer);
    return { result: readResult(auditId as AuditId, rest) };
  } catch (cause) {
    const [, auditId] = AUDIT_ID.exec(await context.req.text()) ?? [];
    if (auditId === undefined || !isServantError(cause)) throw cause;
    const result = failedResult(auditId as AuditId, "handler.bad-result", cause.message);
    return { result, refusal: cause };
  }
}

/** In a body that is no JSON: NaN among the telemetry, half of it lost. */
const AUDIT_ID = /"audit_id"\s*:\s*"([^"\\]{1,200})"/;
const Answer = z.looseObject({ audit_id: z.string().check(z.minLength(1)) });

/**
 * An answer as it came. One that says nothing useful about an assignment in hand fails it: to
 * refuse the request would end a Python servant and leave the step waiting for ever.
 */
function readResult(auditId: AuditId, rest: Readonly<Record<string, unknown>>): Result {
  const message = rest.message === null || rest.message === undefined ? "" : rest.message;
  const whole = typeof message === "string" ? message : JSON.stringify(message);
  const text = whole.slice(0, MESSAGE_CHARACTERS_MAX);
  try {
    return toResult(WireResult.parse({ ...rest, message: text, audit_id: auditId }));
  } catch (cause) {
    const reason = cause instanceof z.core.$ZodError ? z.prettifyError(cause) : messageOf(cause);
    return failedResult(auditId, "handler.bad-result", `Cannot read the answer: ${reason}`);
  }
}

function describeHandout(handout: Handout): JsonObject {
  const { kind, auditId: audit_id } = handout;
  if (kind === "cancel") return { kind, audit_id, reason: handout.reason };
  if (kind === "belief") return { kind, fluent_name: handout.fluent, audit_id };
  return { kind, transition_name: handout.transition, params_json: handout.params, audit_id };
}
