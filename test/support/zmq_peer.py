"""Sockets of pyzmq, worked by the lines of JSON that come in: one answer line for each. See zmq-peer.ts."""

import hashlib
import json
import sys

import zmq

context = zmq.Context()
sockets = {}


def made(frame):
    """A frame as it is asked for: text, hexadecimal, or so many bytes of one kind."""
    if "hex" in frame and not isinstance(frame, str):
        return bytes.fromhex(frame["hex"])
    return frame.encode() if isinstance(frame, str) else bytes([frame["fill"]]) * frame["size"]


def told(frame):
    """A frame as it is told: its text when it is short, else what tells it from others."""
    if len(frame) <= 1000:
        return frame.decode("latin-1")
    return {"size": len(frame), "sha256": hashlib.sha256(frame).hexdigest()}


def open_socket(name, type, url=None, bind=None, options=()):
    socket = sockets[name] = context.socket(getattr(zmq, type))
    socket.setsockopt(zmq.LINGER, 0)
    for option, value in options:
        socket.setsockopt(getattr(zmq, option), value)
    if bind is None:
        socket.connect(url)
        return None
    socket.bind(bind)
    return socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()


def send(name, frames):
    sockets[name].send_multipart([made(frame) for frame in frames], copy=True)


def receive(name, within_ms):
    if not sockets[name].poll(within_ms):
        return None
    return [told(frame) for frame in sockets[name].recv_multipart()]


def echo(name, times):
    for _ in range(times):
        sockets[name].send_multipart(sockets[name].recv_multipart())


def close(name):
    sockets.pop(name).close()


def storm(url, clients, rounds):
    """So many REQ at once, each with a request of its own in each round; how many answers were theirs."""
    crowd = [context.socket(zmq.REQ) for _ in range(clients)]
    right = 0
    for req in crowd:
        req.setsockopt(zmq.LINGER, 0)
        req.setsockopt(zmq.RCVTIMEO, 20_000)
        req.connect(url)
    for round in range(rounds):
        words = [f"{nth} of {round}".encode() for nth in range(clients)]
        for req, word in zip(crowd, words):
            req.send(word)
        right += sum(req.recv() == word for req, word in zip(crowd, words))
    for req in crowd:
        req.close()
    return right


WORK = {"open": open_socket, "send": send, "receive": receive, "echo": echo, "close": close, "storm": storm}

for line in sys.stdin:
    order = json.loads(line)
    try:
        answer = {"answer": WORK[order.pop("do")](**order)}
    except Exception as cause:
        answer = {"error": repr(cause)}
    print(json.dumps(answer), flush=True)
