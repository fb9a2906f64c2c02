/**
 * What the type checker must accept and refuse of a plugin. It runs nowhere: an expected error that
 * does not come is an error of the project's own check.
 */
import {
  type ActionContext,
  action,
  BeliefResult,
  belief,
  Reconcile,
  reconcile,
  type SafeContext,
  safe,
  z,
} from "servant-agent";
import {
  type Box,
  boxA,
  boxAt,
  handsFree,
  move,
  pick,
  place,
  type Room,
  robotAt,
  roomOne,
} from "servant-agent/domains/warehouse";

boxAt(roomOne, boxA);
handsFree();
// @ts-expect-error the room comes first
boxAt(boxA, roomOne);
// @ts-expect-error an argument is missing
boxAt(roomOne);
// @ts-expect-error there is none
handsFree(roomOne);
// @ts-expect-error an object is not its name
robotAt("room_one");

export class Fits {
  @action(move, { timeoutMs: 60_000, uses: ["wheels"] })
  async drive({ end }: { start: Room; end: Room }, ctx: ActionContext) {
    ctx.log.info("driving", { end: end.name });
    return { success: true, telemetry: { metres: 3.2 }, observed: [robotAt(end)] };
  }
  @action(move)
  part({ end }: { end: Room }) {
    return end.name !== "";
  }
  @action(pick)
  nothing() {}
  @action("weigh", { params: z.object({ grams: z.number() }) })
  weigh({ grams }: z.infer<typeof weight>) {
    return { success: grams > 0, observed: { "weighed(box_a)": true } };
  }
  @belief(robotAt)
  async where(ctx: ActionContext) {
    ctx.log.debug(ctx.transition);
    return BeliefResult.sole(robotAt(roomOne));
  }
}

export class Careful extends Fits {
  @action(place, { onInterrupted: "rerun", progressTimeoutMs: 5, hangTimeoutMs: 60_000 })
  async lower(_params: { room: Room; box: Box }, ctx: ActionContext) {
    if (ctx.paused) await ctx.untilResumed();
  }
  @reconcile(move)
  look({ end }: { start: Room; end: Room }, ctx: ActionContext) {
    ctx.log.info(`is it in ${end.name}?`);
    return Reconcile.partly("half way");
  }
  @reconcile("weigh", { params: z.object({ grams: z.number() }) })
  async weighed({ grams }: z.infer<typeof weight>) {
    return grams > 0 ? Reconcile.done() : Reconcile.notDone();
  }
  @safe()
  async halt(ctx: SafeContext) {
    ctx.log.warn("halting");
  }
}

const weight = z.object({ grams: z.number() });

export class Wrong {
  // @ts-expect-error a room is not a box
  @action(move)
  otherType(_params: { end: Box }) {}

  // @ts-expect-error the transition has no such parameter
  @action(move)
  otherName(_params: { target: Room }) {}

  // @ts-expect-error a parameter is a reference, not text
  @action(move)
  asText(_params: { end: string }) {}

  // @ts-expect-error a number is no result
  @action(move)
  number() {
    return 1;
  }

  // @ts-expect-error success is a boolean
  @action(move)
  text() {
    return { success: "yes" };
  }

  // @ts-expect-error there is no such option
  @action(move, { timeout: 5 })
  option() {}

  // @ts-expect-error it fails or runs again; who can tell brings @reconcile
  @action(move, { onInterrupted: "reconcile" })
  interrupted() {}

  // @ts-expect-error a room is not a box
  @reconcile(move)
  lookElsewhere(_params: { end: Box }) {
    return Reconcile.done();
  }

  // @ts-expect-error a boolean leaves it open what is done
  @reconcile(move)
  maybe() {
    return true;
  }

  // @ts-expect-error it belongs to no assignment
  @safe()
  halt(ctx: ActionContext) {
    ctx.log.info(ctx.auditId);
  }

  // @ts-expect-error the schema says number
  @action("weigh", { params: z.object({ grams: z.number() }) })
  schema(_params: { grams: string }) {}

  // @ts-expect-error a name alone says nothing of its parameters
  @action("weigh")
  nameAlone() {}

  // @ts-expect-error a belief returns a BeliefResult
  @belief(robotAt)
  look() {
    return true;
  }

  // @ts-expect-error a transition is not observed
  @belief(move)
  transition() {
    return BeliefResult.unchecked();
  }

  // @ts-expect-error only methods are handlers
  @action(move)
  field = 3;
}
