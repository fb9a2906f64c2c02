/** Reads what a journal says of its machine, beside an agent that writes it. */
import { Database } from "bun:sqlite";
import { foldMachine, isMachineFact, type Machine } from "../core/machine.ts";
import { asServantError } from "./journal-file.ts";
import { JournalStore } from "./journal-store.ts";

/** @throws {ServantError} `journal.damaged`, `state.unwritable` */
export function readMachine(path: string): Machine {
  let db: Database | undefined;
  try {
    db = new Database(path, { strict: true, readonly: true });
    const store = new JournalStore(db);
    const machine = store.machineFacts().filter(isMachineFact).reduce(foldMachine, {});
    store.close();
    return machine;
  } catch (cause) {
    throw asServantError(cause, `read journal "${path}"`, "state.unwritable");
  } finally {
    db?.close();
  }
}
