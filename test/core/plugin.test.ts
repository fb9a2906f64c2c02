import { expect, test } from "bun:test";
import { ServantError } from "../../src/core/errors.ts";
import { actionRules, handlerMarks, type PluginClass, readPlugin } from "../../src/core/plugin.ts";
import { holding, move, pick, place, robotAt } from "../../src/domains/warehouse.ts";
import {
  action,
  BeliefResult,
  belief,
  Reconcile,
  type Registrar,
  reconcile,
  safe,
  script,
} from "../../src/sdk/index.ts";

class Cart {
  readonly name: string = "made";
  @action(move, { timeoutMs: 5 })
  drive() {
    return true;
  }
  @belief(robotAt)
  where() {
    return BeliefResult.unchecked();
  }
}

function read(cls: PluginClass) {
  return readPlugin(cls, cls.name);
}

/** A class with nothing but a static `register`. */
function registering<O>(register: (orchestrator: O, cli: object) => unknown): PluginClass {
  return Object.assign(class Runnable {}, { register });
}

async function failure(cls: PluginClass): Promise<ServantError> {
  try {
    await read(cls);
  } catch (cause) {
    if (cause instanceof ServantError) return cause;
    throw cause;
  }
  throw new Error(`${cls.name} was read`);
}

test("readPlugin() reads a class that simply has handlers", async () => {
  const { offer, actions, beliefs } = await read(Cart);
  expect(offer.transitions).toEqual(["move"]);
  expect(offer.fluents).toEqual(["robot_at"]);
  expect([offer.domainModules, offer.startState, offer.startGoal]).toEqual([[], [], []]);
  expect(actions.get("move")?.instance).toBeInstanceOf(Cart);
  expect(beliefs.get("robot_at")?.instance).toBe(actions.get("move")?.instance as object);
});

test("readPlugin() takes with the handlers the vocabulary that they use", async () => {
  const { vocabulary } = (await read(Cart)).offer;
  expect(vocabulary.name).toBe("Cart");
  expect(vocabulary.transitions.map(({ name }) => name)).toEqual(["move"]);
  expect(vocabulary.fluents.map(({ name }) => name)).toEqual(["robot_at"]);
  expect(vocabulary.types.map(({ name }) => name)).toEqual(["room"]);
});

test("readPlugin() lets a class register others by itself", async () => {
  const Fleet = registering((orchestrator: Registrar, cli: object) => {
    expect(cli).toEqual({});
    orchestrator.registerClass(Cart);
  });
  expect((await read(Fleet)).offer.transitions).toEqual(["move"]);
});

const bound = Object.assign(new Cart(), { name: "bound" });
type SnakeRegistrar = {
  register_class(cls: unknown, construct?: boolean | { auto_construct?: boolean }): SnakeRegistrar;
  bind_instance(instance: object): SnakeRegistrar;
};

test.each<[string, (orchestrator: Registrar & SnakeRegistrar) => unknown, string]>([
  ["registerClass", (o) => o.registerClass(Cart), "made"],
  ["registerClass twice", (o) => o.registerClass(Cart).registerClass(Cart), "made"],
  ["bindInstance", (o) => o.bindInstance(bound), "bound"],
  [
    "autoConstruct false, then bindInstance",
    (o) => o.registerClass(Cart, { autoConstruct: false }).bindInstance(bound),
    "bound",
  ],
  [
    "bindInstance, then autoConstruct false",
    (o) => o.bindInstance(bound).registerClass(Cart, { autoConstruct: false }),
    "bound",
  ],
  ["registerClass, then bindInstance", (o) => o.registerClass(Cart).bindInstance(bound), "bound"],
  ["bindInstance, then registerClass", (o) => o.bindInstance(bound).registerClass(Cart), "bound"],
  ["register_class", (o) => o.register_class(Cart), "made"],
  [
    "register_class(cls, false), then bind_instance",
    (o) => o.register_class(Cart, false).bind_instance(bound),
    "bound",
  ],
  [
    "register_class with auto_construct false",
    (o) => o.register_class(Cart, { auto_construct: false }).bind_instance(bound),
    "bound",
  ],
  ["register_class with no options", (o) => o.register_class(Cart, {}), "made"],
])("readPlugin() runs handlers on the object of %s", async (_name, register, name) => {
  const { actions } = await read(registering(register));
  expect(actions.get("move")?.instance).toMatchObject({ name });
});

test("readPlugin() constructs nothing under autoConstruct false", async () => {
  let made = 0;
  class Arm {
    constructor() {
      made += 1;
    }
    @action(pick)
    lift() {}
  }
  const Runnable = registering((orchestrator: Registrar) => {
    orchestrator.registerClass(Arm, { autoConstruct: false });
  });
  const { code, message } = await failure(Runnable);
  expect({ code, made }).toEqual({ code: "plugin.load-failed", made: 0 });
  expect(message).toContain('"Arm"');
  expect(message).toContain("bind one");
});

test("readPlugin() takes a bound subclass for a class registered without an object", async () => {
  class Truck extends Cart {}
  const Runnable = registering((orchestrator: Registrar) => {
    orchestrator.registerClass(Cart, { autoConstruct: false }).bindInstance(new Truck());
  });
  expect((await read(Runnable)).actions.get("move")?.instance).toBeInstanceOf(Truck);
});

test("readPlugin() asks for start, goal and modules under both spellings", async () => {
  class Camel extends Cart {
    static getStartState = (cli: object) => [robotAt.def.name, JSON.stringify(cli) === "{}" && "x"];
    static async getStartGoal() {
      return ["robot_at( room_two )"];
    }
    static getDomainModules() {
      return ["dynos_warehouse.warehouse"];
    }
  }
  class Snake extends Cart {
    static get_start_state() {
      return ["robot_at", "x"];
    }
    static get_start_goal = () => ["robot_at(room_two)"];
    static get_domain_modules = () => ["dynos_warehouse.warehouse"];
  }
  for (const cls of [Camel, Snake]) {
    const { startState, startGoal, domainModules } = (await read(cls)).offer;
    expect(startState.map(String)).toEqual(["robot_at", "x"]);
    expect(startGoal.map(String)).toEqual(["robot_at(room_two)"]);
    expect(domainModules).toEqual(["dynos_warehouse.warehouse"]);
  }
});

test.each<[string, unknown, string]>([
  ["a text", "robot_at(room_one)", "it must return a list"],
  ["a record", { "robot_at(room_one)": true }, "it must return a list"],
  ["a number in a list", [3], "not a number"],
  ["an object in a list", [{ atom: "x" }], "not a object"],
  ["what is no atom", ["robot_at(room one"], "Cannot read atom"],
])("readPlugin() refuses a start state that is %s", async (_name, state, says) => {
  class Runnable extends Cart {
    static getStartState = () => state;
  }
  const { code, message } = await failure(Runnable);
  expect(code).toBe("plugin.load-failed");
  expect(message).toStartWith("Cannot use Runnable.getStartState: ");
  expect(message).toContain(says);
});

test("readPlugin() refuses domain modules that are no text", async () => {
  class Runnable extends Cart {
    static getDomainModules = () => [undefined];
  }
  expect(await failure(Runnable)).toMatchObject({ code: "plugin.load-failed" });
});

test("readPlugin() takes no answer for an empty one", async () => {
  class Runnable extends Cart {
    static getStartState() {}
    static getStartGoal = () => null;
    static getDomainModules = "not a method";
  }
  expect((await read(Runnable)).offer.startState).toEqual([]);
});

test.each<[string, PluginClass, string]>([
  ["an ordinary class", class Plain {}, '"Plain"'],
  ["one that registers nothing", registering(() => {}), '"Runnable"'],
  [
    "one that binds an object without handlers",
    registering((orchestrator: Registrar) => orchestrator.bindInstance({})),
    '"Runnable"',
  ],
])("readPlugin() refuses %s for its lack of handlers", async (_name, cls, says) => {
  const { code, message } = await failure(cls);
  expect(code).toBe("plugin.no-handlers");
  expect(message).toContain(says);
});

test("readPlugin() says which methods share a transition or a fluent", async () => {
  class Twice extends Cart {
    @script(move)
    roll() {}
  }
  const { code, message } = await failure(Twice);
  expect(code).toBe("plugin.duplicate-handler");
  expect(message).toContain('transition "move": "drive" and "roll"');
  class Looking extends Cart {
    @belief(robotAt)
    look() {
      return BeliefResult.unchecked();
    }
  }
  expect((await failure(Looking)).message).toContain('fluent "robot_at": "where" and "look"');
});

test("readPlugin() refuses a second safe method, and a second reconcile method", async () => {
  class Wary extends Cart {
    @safe()
    halt() {}
    @safe()
    stop() {}
  }
  expect(await failure(Wary)).toMatchObject({
    code: "plugin.duplicate-handler",
    message: 'Cannot register two @safe methods: "halt" and "stop"',
  });
  class Looking extends Cart {
    @reconcile(move)
    look() {
      return Reconcile.done();
    }
    @reconcile(move)
    peer() {
      return Reconcile.done();
    }
  }
  expect((await failure(Looking)).message).toBe(
    'Cannot register two @reconcile methods for transition "move": "look" and "peer"',
  );
});

test("readPlugin() refuses a reconcile method without its action, or against its word", async () => {
  class Lost extends Cart {
    @reconcile(pick)
    look() {
      return Reconcile.done();
    }
  }
  expect(await failure(Lost)).toMatchObject({
    code: "plugin.load-failed",
    message: 'Cannot use @reconcile on "look": no @action does "pick"',
  });
  class Torn {
    @action(move, { onInterrupted: "rerun" })
    drive() {}
    @reconcile(move)
    look() {
      return Reconcile.done();
    }
  }
  expect(await failure(Torn)).toMatchObject({
    code: "plugin.load-failed",
    message: 'Cannot do "move" with both onInterrupted "rerun" and its @reconcile "look": keep one',
  });
});

test("actionRules() says of each action what was asked for, as JSON can carry it", async () => {
  class Robot {
    @action(move, { timeoutMs: Number.POSITIVE_INFINITY, hangTimeoutMs: 9, uses: ["wheels"] })
    drive() {}
    @action(pick, {
      onInterrupted: "rerun",
      progressTimeoutMs: 8,
      hangTimeoutMs: Number.POSITIVE_INFINITY,
    })
    lift() {}
    @action(place)
    lower() {}
    @reconcile(place)
    look() {
      return Reconcile.partly();
    }
    @safe()
    halt() {}
  }
  const plugin = await readPlugin(Robot, "Robot");
  const rules = actionRules(plugin);
  expect(rules).toEqual({
    move: { onInterrupted: "fail", hangTimeoutMs: 9, uses: ["wheels"] },
    pick: {
      onInterrupted: "rerun",
      progressTimeoutMs: 8,
      hangTimeoutMs: Number.MAX_SAFE_INTEGER,
    },
    place: { onInterrupted: "reconcile" },
  });
  expect(JSON.parse(JSON.stringify(rules))).toEqual(rules);
  expect(plugin.safe?.mark.method).toBe("halt");
});

test("readPlugin() refuses one transition in two registered classes", async () => {
  class Other {
    @action(move)
    go() {}
  }
  const Fleet = registering((orchestrator: Registrar) => {
    orchestrator.registerClass(Cart).registerClass(Other);
  });
  expect(await failure(Fleet)).toMatchObject({ code: "plugin.duplicate-handler" });
});

test("readPlugin() gives a subclass its parent's handlers, overridden ones once", async () => {
  class Robot extends Cart {
    @action(pick)
    lift() {}
    @action(place)
    lower() {}
  }
  class Better extends Robot {
    override drive() {
      return false;
    }
    @action(pick, { timeoutMs: 7 })
    override lift() {}
    @action(place, { timeoutMs: 8 })
    override lower() {}
    @belief(holding)
    held() {
      return BeliefResult.unchecked();
    }
  }
  const { actions, offer } = await read(Better);
  expect([...offer.transitions].sort()).toEqual(["move", "pick", "place"]);
  expect([...offer.fluents].sort()).toEqual(["holding", "robot_at"]);
  expect(actions.get("pick")?.mark).toMatchObject({ method: "lift", options: { timeoutMs: 7 } });
  expect(actions.get("place")?.mark).toMatchObject({ method: "lower", options: { timeoutMs: 8 } });
  expect(actions.get("move")?.mark).toMatchObject({ method: "drive", options: { timeoutMs: 5 } });
  expect(handlerMarks(Robot)).toHaveLength(4);
  expect(handlerMarks(Cart)).toHaveLength(2);
});

test("readPlugin() lets one method perform two transitions", async () => {
  class Arm {
    @action(pick)
    @action(place)
    move() {}
  }
  expect([...(await read(Arm)).offer.transitions].sort()).toEqual(["pick", "place"]);
});

test.each<[string, PluginClass, string]>([
  [
    "whose constructor throws",
    class Broken extends Cart {
      constructor() {
        super();
        throw new Error("no serial port");
      }
    },
    'Cannot construct class "Broken": no serial port',
  ],
  [
    "whose register throws",
    class Broken extends Cart {
      static async register() {
        throw "not today";
      }
    },
    "Cannot register Broken: not today",
  ],
  [
    "whose getStartGoal throws",
    class Broken extends Cart {
      static getStartGoal() {
        throw new Error("no map");
      }
    },
    "Cannot use Broken.getStartGoal: no map",
  ],
  [
    "that binds nothing",
    registering((orchestrator: { bindInstance(instance: unknown): void }) =>
      orchestrator.bindInstance(undefined),
    ),
    "Cannot register Runnable: bindInstance takes an object of a class",
  ],
  ["that is no class", (() => true) as unknown as PluginClass, "Cannot construct class"],
])("readPlugin() tells of a class %s", async (_name, cls, says) => {
  const { code, message } = await failure(cls);
  expect({ code, message: message.slice(0, says.length) }).toEqual({
    code: "plugin.load-failed",
    message: says,
  });
});
