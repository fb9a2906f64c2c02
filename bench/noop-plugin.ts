/** A command without a planning domain that does nothing: what remains is the agent's own cost. */
import { action, z } from "servant-agent";

export class Noop {
  @action("noop", { params: z.object({}) })
  noop() {}
}
