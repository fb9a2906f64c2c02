/** A handler that does nothing: what remains is the agent's own cost. */
import { action } from "servant-agent";
import { move } from "servant-agent/domains/warehouse";

export class Null {
  @action(move)
  nothing() {
    return { success: true };
  }
}
