/**
 * What the type checker must accept and refuse of a plugin. It runs nowhere: an expected error that
 * does not come is an error of the project's own check.
 */
import {
  type ActionContext,
  action,
  and,
  BeliefResult,
  belief,
  domain,
  fluent,
  not,
  objectType,
  optional,
  or,
  Reconcile,
  type RefOf,
  reconcile,
  type SafeContext,
  safe,
  step,
  transition,
  when,
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

const weight = z.object({ grams: z.number() });

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

interface Weight {
  readonly grams: number;
}

export class Measures {
  setup({ events, telemetry }: SafeContext) {
    const close = telemetry.stream("weight", (): Weight => ({ grams: 1 }), 500);
    telemetry.stream("temperature", async () => (this === undefined ? null : 21.5), 500);
    // @ts-expect-error text is no measurement
    telemetry.stream("name", () => "heavy", 500);
    // @ts-expect-error how often?
    telemetry.stream("weight", () => 1);
    events.alert("overload", "high", { grams: 250 });
    events.media("http://camera/1.png");
    // @ts-expect-error there is no such level
    events.log("loud", "hello");
    close();
  }
  @action("weigh", { params: weight, description: "Weighs." })
  weigh(_params: z.infer<typeof weight>, { telemetry }: ActionContext) {
    telemetry.stream("weight", () => 1, 500);
  }
  // @ts-expect-error a description is text
  @action("tare", { params: weight, description: 7 })
  tare() {}
}

const lab = objectType("lab", { level: "number", door: "string" });
const sample = objectType("sample");
const home = lab("home", { level: 3 });
const inLab = fluent("in_lab", { lab });
const kept = fluent("kept", { sample }, { where: lab });
const carry = transition("carry", {
  params: { what: sample, from: lab, to: lab, by: optional(lab) },
  preconditions: ({ what, from, to }) => [
    and(kept(what, from), not(kept(what, to)), or(inLab(from), not(inLab(to)))),
  ],
  effects: ({ what, from, to }) => [
    when(inLab(from), { adds: [kept(what, to)], removes: [kept(what, from)] }),
  ],
  cost: 2,
});
export const laboratory = domain("laboratory", { transitions: [carry], fluents: [inLab] });

step(carry, { what: sample.ref("s1"), from: home, to: lab.ref("far") });
step(carry, { what: sample.ref("s1"), from: home, to: home, by: home });
// @ts-expect-error a sample is not a lab
step(carry, { what: sample.ref("s1"), from: home, to: sample.ref("s2") });
// @ts-expect-error where to?
step(carry, { what: sample.ref("s1"), from: home });
// @ts-expect-error there is no such parameter
step(carry, { what: sample.ref("s1"), from: home, to: home, with: home });
// @ts-expect-error an optional parameter has its type too
step(carry, { what: sample.ref("s1"), from: home, to: home, by: sample.ref("s2") });
// @ts-expect-error a level is a number
lab("high", { level: "4" });
// @ts-expect-error labs have no such field
lab("high", { floor: 4 });
// @ts-expect-error there is no such kind of value
objectType("crate", { weight: "kilograms" });
// @ts-expect-error which of them comes first?
fluent("near", { a: lab, b: lab });
// @ts-expect-error an argument is of an object type
fluent("near", { a: "lab" });
// @ts-expect-error an atom is no text
and("in_lab(home)");
// @ts-expect-error a fluent by itself is no atom
not(inLab);
// @ts-expect-error a condition of what?
when(lab, { adds: [] });
// @ts-expect-error an effect is an atom
when(inLab(home), { adds: [not(inLab(home))] });

transition("wrong", {
  params: { what: sample, where: optional(lab) },
  // @ts-expect-error a sample is not a lab
  preconditions: ({ what }) => [inLab(what)],
  // @ts-expect-error what may be left out cannot be relied on
  adds: ({ where }) => [inLab(where)],
  // @ts-expect-error the transition has no such parameter
  removes: ({ which }) => [kept(which, home)],
  // @ts-expect-error a cost is a number
  cost: "2",
  // @ts-expect-error a step needs its parameters
  script: ({ what }) => [step(carry, { what })],
});
// @ts-expect-error a fluent changes nothing
domain("wrong", { transitions: [inLab] });

export class Carrier {
  @action(carry)
  go({ to, by }: { to: RefOf<typeof lab>; by?: RefOf<typeof lab> | undefined }) {
    return to.name !== by?.name;
  }
}
export class CarelessCarrier {
  // @ts-expect-error it may be left out
  @action(carry)
  go({ by }: { by: RefOf<typeof lab> }) {
    return by.name !== "";
  }
}
