#!/usr/bin/env bash
# A TCP socket that was made by socket.socket(AF_INET, SOCK_STREAM), as nearly everybody makes one, and given to
# asyncio (create_server(sock=...)) or to uvicorn (Server.run(sockets=[...])). Guess: connections have Nagle's algorithm
# switched off, as asyncio documents for TCP since Python 3.6 and as host and port give it.
# CPython 3.11 to 3.13 ask whether `socket.proto` is IPPROTO_TCP; it is 0 for such a socket and for what it accepts, so
# that TCP_NODELAY stays off. uvicorn 0.54.0 sends head and body of an answer apart: on a kept connection the body waits
# for the receipt of the head, 40 ms on Linux. uvicorn's own Config.bind_socket (--reload, --workers) makes such a socket.
# Exits with 1 when that changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q uvicorn==0.54.0
"$place/venv/bin/python" - <<'PYTHON'
import asyncio
import http.client
import socket
import statistics
import sys
import threading
import time

import uvicorn

seen = []


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def milliseconds(listener):
    """Median of an answer on a kept connection, and whether it is sent without delay."""
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    client, took = http.client.HTTPConnection("127.0.0.1", port), []
    for _ in range(20):
        began = time.perf_counter()
        client.request("GET", "/")
        client.getresponse().read()
        took.append(1000 * (time.perf_counter() - began))
    (accepted,) = {each.transport.get_extra_info("socket") for each in server.server_state.connections}
    undelayed = bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    server.should_exit = True
    client.close()
    thread.join()
    return undelayed, statistics.median(took)


for name, proto in {"without a protocol": 0, "IPPROTO_TCP": socket.IPPROTO_TCP}.items():
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, proto)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    undelayed, took = milliseconds(listener)
    seen.append(undelayed)
    print(f"socket {name}: TCP_NODELAY {undelayed}, an answer takes {took:.1f} ms")
same = seen == [False, True] and uvicorn.Config(app, port=0, log_level="error").bind_socket().proto == 0
print("as described" if same else "CHANGED")
sys.exit(not same)
PYTHON
