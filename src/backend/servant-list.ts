/** The servants that a backend knows: who offers what, and who is forgotten when there are too many. */
import { ServantError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { RegisteredServant, type ServantOffer } from "./servant.ts";
import type { Keep } from "./store.ts";

/** Registrations kept; beyond it lost ones are forgotten. */
export const SERVANTS_MAX = 1_000;
/** One that polls is never silent for so long between two polls, in milliseconds. */
const IDLE_MS = 1_000;
/** When one that found no place may ask again, in milliseconds. */
const FULL_RETRY_MS = 5_000;

export class ServantList {
  readonly #keep: Keep;
  readonly #byId = new Map<string, RegisteredServant>();
  #order = 0;

  /** A servant that is kept is still known after a restart: a Python one ends at its first 404. */
  constructor(keep: Keep) {
    this.#keep = keep;
  }

  /** @throws {ServantError} `servant.unknown` */
  get(id: string): RegisteredServant {
    const servant = this.#byId.get(id);
    if (servant !== undefined) return servant;
    throw new ServantError("servant.unknown", `Cannot find servant "${id.slice(0, 100)}"`);
  }

  list(): readonly RegisteredServant[] {
    return [...this.#byId.values()];
  }

  /** The newest servant that offers the transition and is not lost. */
  providerOf(transition: string): RegisteredServant | undefined {
    return this.#newest(({ offer }) => offer.transitions.includes(transition));
  }

  observerOf(fluent: string): RegisteredServant | undefined {
    return this.#newest(({ offer }) => offer.fluents.includes(fluent));
  }

  protected add(offer: ServantOffer, id: string, clock: Clock): RegisteredServant {
    this.#order += 1;
    const servant = new RegisteredServant(id, offer, this.#order, clock);
    this.#byId.set(id, servant);
    const { transitions, fluents } = offer;
    this.#keep.put("servant", id, { transitions, fluents });
    return servant;
  }

  /**
   * When there are too many, forgets the one that is lost longest, or as good as lost, and returns
   * it; a live one never.
   *
   * @throws {ServantError} `servant.too-many`
   */
  protected makeRoom(): RegisteredServant | undefined {
    if (this.#byId.size < SERVANTS_MAX) return undefined;
    const gone = this.list().filter(
      ({ handedOut, silentMs }) => handedOut.length === 0 && silentMs > IDLE_MS,
    );
    const [longest] = gone.sort((a, b) => b.silentMs - a.silentMs);
    if (longest === undefined) {
      const reason = `Cannot register: ${SERVANTS_MAX} servants are connected`;
      throw new ServantError("servant.too-many", reason, { retryAfterMs: FULL_RETRY_MS });
    }
    this.#byId.delete(longest.id);
    this.#keep.remove("servant", longest.id);
    return longest;
  }

  #newest(offers: (servant: RegisteredServant) => boolean): RegisteredServant | undefined {
    return this.list()
      .filter((servant) => !servant.isLost && offers(servant))
      .reduce<RegisteredServant | undefined>(
        (best, each) => (best !== undefined && best.order > each.order ? best : each),
        undefined,
      );
  }
}
