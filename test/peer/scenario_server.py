"""The plainest server of scenario-execution's remote actions: `scenario_server.py dict|echo URL...`.

One REP of pyzmq, one thread, msgpack, and a dict that knows what each action does. Like the reference server it
answers one request at a time, whoever sent it, and what an action does it does there: with `seconds` among its
arguments, `execute` takes so long. `echo` answers with what it was asked, which is the floor.
"""

import sys
import time

import msgpack
import zmq

PLUGINS = {"probe.ok": "success", "probe.fail": "failure", "probe.wait": "running", "probe.block": "success"}

actions = {}


def ok():
    return {"status": "ok"}


def init(action_id, plugin_key, init_args=None, output_dir=None):
    if plugin_key not in PLUGINS:
        raise KeyError(f"No action plugin found for key '{plugin_key}'")
    actions[action_id] = {"key": plugin_key, "args": init_args or {}, "status": "running"}
    return ok()


def setup(action_id, tick_period=None, output_dir=None, scenario_file_directory=""):
    actions[action_id]["tick_period"] = tick_period or 0.1
    return ok()


def execute(action_id, exec_args=None):
    action = actions[action_id]
    args = {**action["args"], **(exec_args or {})}
    time.sleep(args.get("seconds", 0))
    action["status"] = PLUGINS[action["key"]]
    return ok()


def update(action_id):
    return {"status": "ok", "action_status": actions[action_id]["status"]}


def terminate(action_id, new_status="INVALID"):
    if new_status not in ("SUCCESS", "FAILURE"):
        actions[action_id]["status"] = "failure"
    return ok()


def reset(action_id=None):
    if action_id:
        actions.pop(action_id, None)
    else:
        actions.clear()
    return ok()


def heartbeat():
    return ok()


COMMANDS = {each.__name__: each for each in (init, setup, execute, update, terminate, reset, heartbeat)}


def answer(body):
    try:
        request = msgpack.unpackb(body, strict_map_key=True)
        command = COMMANDS.get(request.get("cmd", ""))
        if command is None:
            raise KeyError(f"Unknown command: '{request.get('cmd', '')}'")
        return msgpack.packb(command(**request.get("payload", {})))
    except Exception as cause:
        return msgpack.packb({"status": "error", "message": str(cause)})


def main(kind, *urls):
    rep = zmq.Context().socket(zmq.REP)
    rep.setsockopt(zmq.LINGER, 0)
    for url in urls:
        rep.bind(url)
    while True:
        body = rep.recv()
        rep.send(body if kind == "echo" else answer(body))


if __name__ == "__main__":
    main(*sys.argv[1:])
