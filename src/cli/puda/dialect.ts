/** PUDA over NATS, as `agent connect` speaks it. Loaded only when it is spoken. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { pudaBackend } from "../../adapters/puda-nats.ts";
import { messageOf, ServantError } from "../../core/errors.ts";
import { NatsLink } from "../../nats/connect.ts";
import { natsTarget } from "../../nats/target.ts";
import { hostHealthReader } from "../../system/host-health.ts";
import { openSecret } from "../../system/secret-file.ts";
import { noSeal, type Seal, sealOf } from "../../wire/puda-seal.ts";
import { machineId, machineInboxes } from "../../wire/puda-subjects.ts";
import type { Dialect } from "../dialect.ts";
import type { ConnectOptions } from "../options.ts";
import { Clusters } from "./clusters.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws {ServantError} `usage.invalid`, `machine.bad-id`, `nats.bad-servers`, `key.invalid` */
export function pudaDialect(options: ConnectOptions, env: Environment): Dialect {
  const target = natsTarget(
    {
      servers: options.to === undefined ? [] : [options.to],
      user: options.natsUser,
      credsFile: options.natsCreds,
      caFile: options.natsCa,
    },
    env,
  );
  const id = chosenId(options.machineId ?? env.MACHINE_ID);
  const seal = chosenSeal(options.payloadKey ?? env.PUDA_KEY_FILE);
  // It loads from here on, long before the plugin has.
  const link = new NatsLink(target, `servant-agent ${id}`, machineInboxes(id));
  return {
    secrets: [target.password, target.token],
    call(method) {
      const problem = `Cannot call orchestrator.${method}: a PUDA commander has none`;
      return Promise.reject(new ServantError("usage.invalid", problem));
    },
    open({ bus, clock, stateDir, version }) {
      const clusters = new Clusters(join(stateDir, "puda-clusters.json"));
      const origin = clusters.originOf(id, target.servers);
      // Connected, it knows the cluster's other addresses.
      bus.listen(({ type }) => {
        if (type === "servant.registered") clusters.learn(origin, link.addresses);
      });
      const backend = pudaBackend({
        ...{ id, link, seal, bus, clock, version },
        origin,
        owner: {
          host: hostname(),
          folder: stateDir,
          token: openSecret(join(stateDir, "machine-owner")),
        },
        health: hostHealthReader(),
        takesImplicitRuns: options.implicitRuns,
        checksAddress: options.checkAddress,
        answersRepeats: options.answerRepeats,
        commandMaxAgeMs: options.commandMaxAge * 1_000,
      });
      return { backend, close: () => backend.close() };
    },
  };
}

function chosenId(text: string | undefined): string {
  if (text !== undefined && text !== "") return machineId(text);
  throw new ServantError(
    "usage.invalid",
    "Cannot serve without a machine id: give --machine-id, such as --machine-id balance",
  );
}

function chosenSeal(path: string | undefined): Seal {
  if (path === undefined || path === "") return noSeal;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const problem = `Cannot read the key file "${path}": ${messageOf(cause)}`;
    throw new ServantError("key.invalid", problem, { cause });
  }
  return sealOf(text);
}
