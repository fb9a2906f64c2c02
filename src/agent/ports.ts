/** What the running servant is handed by whoever composes it. */
import type { Ledger } from "../core/ledger.ts";
import type { Backend, Bus, Clock, Runner } from "../core/ports.ts";

export interface Ports {
  readonly backend: Backend;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly runner: Runner;
  readonly ledger: Ledger;
}
