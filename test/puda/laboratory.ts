/** A NATS server, a machine of bytes and a commander of ours, for one test. */
import { CommandService, type CommandServiceOptions, type Notice } from "../../src/puda/index.ts";
import { sealOf } from "../../src/wire/puda-seal.ts";
import { type NatsOptions, natsServer, RunningNats } from "../support/nats.ts";
import { WireMachine } from "../support/wire-machine.ts";

export interface Laboratory {
  readonly server: RunningNats;
  readonly machine: WireMachine;
  readonly service: CommandService;
  /** What the commander told. */
  readonly notices: Notice[];
}

export interface LaboratoryOptions extends Omit<CommandServiceOptions, "servers"> {
  readonly nats?: NatsOptions;
}

/** With a machine `rig1`; tests end without it where no server can be had. */
export async function inLaboratory(
  check: (laboratory: Laboratory) => Promise<void>,
  { nats = { isSynced: false }, ...options }: LaboratoryOptions = {},
): Promise<void> {
  const program = await natsServer();
  if (program === undefined) return;
  await using server = await RunningNats.start(program, nats);
  const seal = options.labKey === undefined ? undefined : sealOf(options.labKey);
  await using machine = await WireMachine.start(server.url, "rig1", seal);
  const notices: Notice[] = [];
  const onNotice = (notice: Notice) => void notices.push(notice);
  await using service = await CommandService.connect({
    servers: [server.url],
    onNotice,
    ...options,
  });
  await check({ server, machine, service, notices });
}
