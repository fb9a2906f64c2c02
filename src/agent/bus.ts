/** Hands events to whoever listens. Listeners report; none of them can hold up the agent. */
import type { AgentEvent } from "../core/events.ts";
import type { Bus } from "../core/ports.ts";

/** Listeners hear of each event what `cleaned` leaves of it. */
export function openBus(cleaned: (event: AgentEvent) => AgentEvent = (event) => event): Bus {
  const listeners = new Set<(event: AgentEvent) => void>();
  return {
    publish(told) {
      const event = cleaned(told);
      for (const listener of listeners) {
        try {
          listener(event);
        } catch {
          listeners.delete(listener); // a broken report must not break what it reports on
        }
      }
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
