"""Remote actions as scenario-execution's own client runs them, worked by the lines of JSON that come in.

Each has a context and a REQ socket of its own, one lock for all that it asks, and a heartbeat every second from the
end of `setup` on. One answer line for each line that came; see scenario-client.ts.
"""

import json
import sys
import threading
import time
import uuid

import msgpack
import zmq

SETUP_TIMEOUT_S = 10.0
UPDATE_TIMEOUT_S = 3.0
LONG_TIMEOUT_S = 30.0
HEARTBEAT_TIMEOUT_S = 2.0
HEARTBEAT_EVERY_S = 1.0


class Remote:
    """One `remote(...)` modifier."""

    def __init__(self, url, key, action_id=None):
        self.id = action_id or str(uuid.uuid4())
        self.key = key
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.unwatched = threading.Event()
        self.told = []  # of each update in the background: its status, and how long it took in ms
        self.beats = {"answered": 0, "late": 0}
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.REQ)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.REQ_RELAXED, 1)
        self.socket.connect(url)

    def exchange(self, frames, timeout_s):
        with self.lock:
            self.socket.setsockopt(zmq.SNDTIMEO, int(timeout_s * 1000))
            self.socket.setsockopt(zmq.RCVTIMEO, int(timeout_s * 1000))
            self.socket.send_multipart(frames)
            return self.socket.recv()

    def ask(self, cmd, payload, timeout_s):
        return self.exchange([msgpack.packb({"cmd": cmd, "payload": payload})], timeout_s)

    def init(self, args=None, output_dir="/out"):
        payload = {"action_id": self.id, "plugin_key": self.key, "init_args": args or {}, "output_dir": output_dir}
        return self.ask("init", payload, SETUP_TIMEOUT_S)

    def setup(self):
        payload = {"action_id": self.id, "tick_period": 0.1, "output_dir": "/out"}
        answer = self.ask("setup", {**payload, "scenario_file_directory": "/scenarios"}, SETUP_TIMEOUT_S)
        threading.Thread(target=self.beat, daemon=True).start()
        return answer

    def execute(self, args=None):
        return self.ask("execute", {"action_id": self.id, "exec_args": args or {}}, LONG_TIMEOUT_S)

    def update(self):
        return self.ask("update", {"action_id": self.id}, UPDATE_TIMEOUT_S)

    def terminate(self, status="INVALID"):
        return self.ask("terminate", {"action_id": self.id, "new_status": status}, LONG_TIMEOUT_S)

    def reset(self):
        return self.ask("reset", {"action_id": self.id}, LONG_TIMEOUT_S)

    def heartbeat(self):
        return self.ask("heartbeat", {}, HEARTBEAT_TIMEOUT_S)

    def send(self, frames, timeout_s=UPDATE_TIMEOUT_S):
        """These frames, in hex, whatever they are."""
        return self.exchange([bytes.fromhex(frame) for frame in frames], timeout_s)

    def beat(self):
        while not self.over.wait(HEARTBEAT_EVERY_S):
            try:
                self.heartbeat()
                self.beats["answered"] += 1
            except zmq.Again:
                self.beats["late"] += 1

    def watch(self, every_s):
        """Updates on and on, in the background; `told` is what it was answered."""
        self.unwatched.clear()
        threading.Thread(target=self.keep_updating, args=(every_s,), daemon=True).start()

    def keep_updating(self, every_s):
        while not self.unwatched.wait(every_s):
            begun = time.perf_counter()
            try:
                status = word(self.update())
            except zmq.Again:
                status = "late"
            self.told.append((status, (time.perf_counter() - begun) * 1e3))

    def unwatch(self):
        self.unwatched.set()

    def close(self):
        """Like the plain client at its end: nothing is said."""
        self.over.set()
        self.unwatched.set()
        with self.lock:
            self.socket.close()
        self.context.term()


def word(body):
    answer = msgpack.unpackb(body, strict_map_key=True)
    return answer.get("action_status") or answer.get("message") or answer["status"]


remotes = {}


def do(work, name, args):
    if work == "open":
        remotes[name] = Remote(**args)
        return remotes[name].id
    remote = remotes[name]
    if work == "told":
        told, remote.told = remote.told, []
        return {"updates": told, "beats": remote.beats}
    if work == "measure":  # round trips of update, in us
        return [measured(remote) for _ in range(args["times"])]
    begun = time.perf_counter()
    body = getattr(remote, work)(**args)
    if body is None:
        return None
    return {"hex": body.hex(), "says": msgpack.unpackb(body), "ms": (time.perf_counter() - begun) * 1e3}


def measured(remote):
    begun = time.perf_counter()
    msgpack.unpackb(remote.update())
    return round((time.perf_counter() - begun) * 1e6, 1)


if __name__ == "__main__":
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = {"answer": do(order["do"], order["name"], order["args"])}
        except Exception as cause:
            answer = {"error": repr(cause)}
        print(json.dumps(answer), flush=True)
