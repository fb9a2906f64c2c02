/** What the running servant is handed by whoever composes it. */
import type { Random } from "../core/backoff.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Backend, Bus, Clock, Runner } from "../core/ports.ts";

export interface Ports {
  readonly backend: Backend;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly runner: Runner;
  readonly ledger: Ledger;
  /** At least 0, below 1: spreads what a fleet would else do in the same instant. */
  readonly random: Random;
}
