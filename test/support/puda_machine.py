"""A machine of the public PUDA packages: `puda_machine.py N|C|S URL ID [KEY_FILE [CA_FILE]]`.

N is puda 0.0.21, C is puda-comms 0.0.14, S is puda-comms 0.0.2. Its commands do next to nothing, so that what is
seen is the package. With RIG=bare it has no telemetry of its own, for measurements.
"""

import asyncio
import os
import sys
import time

version, url, machine_id = sys.argv[1:4]
key_file, ca_file = (*sys.argv[4:], "", "")[:2]

if version == "N":
    from puda import EdgeNatsClient, EdgeRunner, command, tlm_stream
    from puda.machine_state import machine_state
elif version == "C":
    from puda_comms import EdgeNatsClient, EdgeRunner
else:
    from puda_comms import MachineClient
    from puda_comms.models import CommandResponse, CommandResponseCode, CommandResponseStatus

if version != "N":

    def command(method):
        return method


class Rig:
    """A rig that is not there."""

    @command
    def noop(self):
        """Does nothing."""

    @command
    def echo(self, **given):
        """Gives back what it is given."""
        return given

    @command
    def add(self, a: float, b: float = 1):
        """Adds two numbers."""
        return a + b

    @command
    def wait(self, seconds: float):
        """Takes its time."""
        print(f"waits {seconds}", flush=True)
        time.sleep(seconds)
        return {"waited": seconds}

    @command
    def fail(self, why: str = "on purpose"):
        """Fails."""
        raise RuntimeError(why)

    @command
    def pause(self):
        """Nothing moves."""

    @command
    def resume(self):
        """Nothing moved."""

    @command
    def cancel(self):
        """Nothing to stop."""

    if version == "N" and os.environ.get("RIG") != "bare":

        @tlm_stream(0.1)
        def weight(self):
            """What lies on the pan."""
            return {"g": 1.5}

        @machine_state
        def fields(self):
            return {"homed": True}


async def serve_runner():
    named = {} if version == "C" else {"ca_file": ca_file or None, "e2e_key_file": key_file or None}
    client = EdgeNatsClient(servers=[url], machine_id=machine_id, **named)

    async def telemetry():
        if version == "C":
            await client.publish_heartbeat()

    runner = EdgeRunner(client, Rig(), telemetry)
    await runner.connect()
    await runner.run()


async def serve_client():
    rig = Rig()
    client = MachineClient(servers=[url], machine_id=machine_id)
    loop = asyncio.get_running_loop()

    async def answer(message):
        name, params = message.command.name, message.command.params
        if name == "noop":
            return CommandResponse(status=CommandResponseStatus.SUCCESS)
        if not hasattr(rig, name):
            return CommandResponse(
                status=CommandResponseStatus.ERROR,
                code=CommandResponseCode.UNKNOWN_COMMAND,
                message=f"no command {name}",
            )
        try:
            data = await loop.run_in_executor(None, lambda: getattr(rig, name)(**params))
        except Exception as cause:  # the application's part in S: what the later runner does
            return CommandResponse(
                status=CommandResponseStatus.ERROR,
                code=CommandResponseCode.EXECUTION_ERROR,
                message=str(cause),
            )
        data = data if data is None or isinstance(data, dict) else {"result": data}
        return CommandResponse(status=CommandResponseStatus.SUCCESS, data=data)

    while not await client.connect():
        await asyncio.sleep(1)
    await client.subscribe_queue(answer)
    await client.subscribe_immediate(answer)
    await client.publish_state({"state": "idle", "run_id": None})
    while True:
        await client.publish_heartbeat()
        await asyncio.sleep(1)


try:
    asyncio.run(serve_client() if version == "S" else serve_runner())
except KeyboardInterrupt:
    pass
