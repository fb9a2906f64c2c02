/** The smallest plugin: one transition of its own. Try `agent run plugins/hello.ts:Hello`. */
import {
  type ActionContext,
  action,
  fluent,
  objectType,
  type RefOf,
  transition,
} from "servant-agent";

const person = objectType("person");
person("world");
const greeted = fluent("greeted", { who: person });
const greet = transition("greet", { params: { who: person }, adds: ({ who }) => [greeted(who)] });

export class Hello {
  @action(greet)
  sayHello({ who }: { who: RefOf<typeof person> }, ctx: ActionContext) {
    ctx.log.info(`Hello, ${who}!`);
  }

  static getStartGoal() {
    return ["greeted(world)"];
  }
}
