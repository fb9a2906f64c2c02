"""pyzmq's part in bench/zmtp.ts.

    serve echo|dict URL           a REP of one thread; `dict` unpacks each request and packs an answer from a dict
    ask ROUNDS PER_ROUND URL...   asks each in turn, round by round; prints JSON: URL to microseconds
"""

import json
import sys
import time

import msgpack
import zmq

ACTION = "57312a6d-da83-4554-9559-4e7cfcebb3bf"
UPDATE = msgpack.packb({"cmd": "update", "payload": {"action_id": ACTION}})
WARM_UP = 200


def serve(kind, url):
    rep = zmq.Context().socket(zmq.REP)
    rep.bind(url)
    states = {ACTION: {"status": "ok", "action_status": "running"}}
    print("listening", flush=True)
    while True:
        body = rep.recv()
        if kind == "dict":
            request = msgpack.unpackb(body, strict_map_key=True)
            body = msgpack.packb(states[request["payload"]["action_id"]])
        rep.send(body)


def ask(rounds, per_round, urls):
    context = zmq.Context()
    peers = {url: context.socket(zmq.REQ) for url in urls}
    took = {url: [] for url in urls}
    for url, req in peers.items():
        req.setsockopt(zmq.REQ_RELAXED, 1)
        req.setsockopt(zmq.LINGER, 0)
        req.connect(url)
        for _ in range(WARM_UP):
            req.send(UPDATE)
            req.recv()
    for _ in range(rounds):
        for url, req in peers.items():
            for _ in range(per_round):
                begun = time.perf_counter()
                req.send(UPDATE)
                req.recv()
                took[url].append(round((time.perf_counter() - begun) * 1e6, 1))
    print(json.dumps(took))


if sys.argv[1] == "serve":
    serve(*sys.argv[2:4])
else:
    ask(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
