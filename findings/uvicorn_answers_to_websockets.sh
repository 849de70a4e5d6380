#!/usr/bin/env bash
# A WebSocket that an application refuses with a status and a sentence of its own (ASGI's "websocket.http.response",
# which uvicorn offers, and by which frameworks answer 401 or 404). Guess: uvicorn logs no error for it, as for any other
# answer of 401, and as for a refusal by "websocket.close" (403).
# uvicorn 0.54.0 with ws="websockets-sansio" (websockets 17.4) sends the answer whole, and then logs the error "ASGI
# callable returned without completing handshake.": handshake_complete is set by the other ways only. So whoever asks
# without a token writes errors into the log of a server that is right. Exits with 1 when that changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q uvicorn==0.54.0 websockets==17.4
"$place/venv/bin/python" - <<'PYTHON'
import logging
import sys
import threading
import time

import uvicorn
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

logged = []


class Keep(logging.Handler):
    def emit(self, record):
        logged.append((record.levelname, record.getMessage()))


async def app(scope, receive, send):
    await receive()
    if scope["path"] == "/closed":
        await send({"type": "websocket.close"})
        return
    assert "websocket.http.response" in scope["extensions"]
    await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b"no token"})


config = uvicorn.Config(app, port=0, lifespan="off", log_level="warning", ws="websockets-sansio")
logging.getLogger("uvicorn.error").addHandler(Keep())
server = uvicorn.Server(config)
thread = threading.Thread(target=server.run, daemon=True)
thread.start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
found = {}
for path in ("/closed", "/answered"):
    logged.clear()
    try:
        connect(f"ws://127.0.0.1:{port}{path}", proxy=None).__enter__()
    except InvalidStatus as refused:
        answer = refused.response.status_code, bytes(refused.response.body or b"")
    time.sleep(0.2)
    found[path] = answer, list(logged)
    print(path, *found[path])
server.should_exit = True
thread.join()
errors = [("ERROR", "ASGI callable returned without completing handshake.")]
same = found == {"/closed": ((403, b""), []), "/answered": ((401, b"no token"), errors)}
print("as described" if same else "CHANGED")
sys.exit(not same)
PYTHON
