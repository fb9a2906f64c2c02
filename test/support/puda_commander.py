"""The commander of the public PUDA packages, by lines of JSON: `puda_commander.py N|C|S URL [KEY_FILE [CA_FILE]]`.

A line asks, `{"id": 1, "do": "queue", "machine": "rig", "name": "noop", "run": "r", "step": 1}`, and a line answers,
`{"id": 1, "answer": ...}`, when it is done: several may be under way. What `watch` sees comes without an id.
"""

import asyncio
import json
import sys
import time

import nats

version, url = sys.argv[1:3]
key_file, ca_file = (*sys.argv[3:], "", "")[:2]

if version == "N":
    from puda import CommandService, e2e
    from puda.models import CommandRequest
else:
    from puda_comms import CommandService
    from puda_comms.models import CommandRequest

WHO = {} if version == "S" else {"user_id": "u-1", "username": "ana"}
encryption = e2e.Context(key_file or None) if version == "N" else None


def tell(**line):
    print(json.dumps(line), flush=True)


def opened(context, data):
    return (encryption.open_payload(context, data) if encryption else data).decode()


def request_of(each, machine):
    own = {} if version == "S" else {"machine_id": each.get("machine", machine)}
    if "kwargs" in each:
        own["kwargs"] = each["kwargs"]
    return CommandRequest(name=each["name"], params=each.get("params", {}), step_number=each["step"], **own)


def plain(response):
    if response is None or isinstance(response, dict):
        return response
    return response.model_dump(mode="json")


class Peer:
    def __init__(self, service, plain_nats):
        self.service = service
        self.nats = plain_nats

    def common(self, ask):
        given = {"run_id": ask.get("run", ""), **WHO}
        if version == "S":
            given["machine_id"] = ask["machine"]
        if "timeout" in ask:
            given["timeout"] = ask["timeout"]
        return given

    async def queue(self, ask):
        request = request_of(ask, ask["machine"])
        return plain(await self.service.send_queue_command(request=request, **self.common(ask)))

    async def immediate(self, ask):
        request = request_of(ask, ask["machine"])
        return plain(await self.service.send_immediate_command(request=request, **self.common(ask)))

    async def sequence(self, ask):
        requests = [request_of(each, ask["machine"]) for each in ask["commands"]]
        return plain(await self.service.send_queue_commands(requests=requests, **self.common(ask)))

    async def start(self, ask):
        return plain(await self.service.start_run(ask["machine"], ask["run"], **WHO))

    async def complete(self, ask):
        return plain(await self.service.complete_run(ask["machine"], ask["run"], **WHO))

    async def times(self, ask):
        """Milliseconds that each of so many commands took, one after another."""
        took = []
        for step in range(1, ask["count"] + 1):
            began = time.perf_counter()
            if await self.queue({**ask, "step": step, "timeout": 10}) is None:
                raise RuntimeError("no answer")
            took.append((time.perf_counter() - began) * 1000)
        return took

    async def ping(self, ask):
        """Each answer to one ping of a machine or, with none named, of the whole fleet."""
        subject = f"puda.{ask['machine']}.cmd.ping" if "machine" in ask else "puda.cmd.ping"
        inbox = self.nats.new_inbox()
        replies = await self.nats.subscribe(inbox)
        payload = ask.get("payload", "ping").encode()
        await self.nats.publish(subject, encryption.seal(subject, payload) if encryption else payload, reply=inbox)
        answers = []
        try:
            while len(answers) < ask.get("count", 1):
                message = await replies.next_msg(timeout=ask.get("timeout", 5))
                answers.append(json.loads(opened(inbox, message.data)))
        except asyncio.TimeoutError:
            pass
        await replies.unsubscribe()
        return answers

    async def kv(self, ask):
        bucket = await self.nats.jetstream().key_value(ask["bucket"])
        entry = await bucket.get(ask["key"])
        return json.loads(opened(f"kv:{ask['bucket']}:{ask['key']}", entry.value))

    async def watch(self, ask):
        """From now on each message of the subject is told."""

        async def heard(message):
            tell(subject=message.subject, payload=json.loads(opened(message.subject, message.data)))

        await self.nats.subscribe(ask["subject"], cb=heard)
        await self.nats.flush()


async def main():
    named = {} if version != "N" else {"ca_file": ca_file or None, "e2e_key_file": key_file or None}
    service = CommandService(servers=[url], **named)
    if not await service.connect():
        sys.exit("no connection")
    options = e2e.connect_kwargs([url], ca_file or None) if version == "N" else {}
    peer = Peer(service, await nats.connect(url, **options))
    tell(id=0, answer="ready")

    async def carry_out(ask):
        try:
            tell(id=ask["id"], answer=await getattr(peer, ask["do"])(ask))
        except Exception as cause:
            tell(id=ask["id"], error=f"{type(cause).__name__}: {cause}")

    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    under_way = set()
    while line := await reader.readline():
        task = asyncio.create_task(carry_out(json.loads(line)))
        under_way.add(task)
        task.add_done_callback(under_way.discard)


asyncio.run(main())
