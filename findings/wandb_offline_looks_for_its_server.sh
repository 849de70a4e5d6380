#!/usr/bin/env bash
# A run logged with wandb.init(mode="offline"), and one with WANDB_MODE=offline in the environment. Guess: the two are the same,
# and no address is asked for. wandb 0.31.0 asks for its server's with mode="offline" all the same, for its reports of errors:
# behind a proxy one sees CONNECT api.forge.coreweave.com:443. WANDB_ERROR_REPORTING=false, or WANDB_MODE, ends it.
# Exits with 1 when that changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q wandb==0.31.0
cd "$place"
export HOME="$place"
"$place/venv/bin/python" - <<'PYTHON'
import os
import socket
import subprocess
import sys
import threading

RUN = """
import time
import wandb
run = wandb.init(mode="offline", project="x")
run.log({"loss": 1.0})
time.sleep(3)
run.finish()
"""


def asked_for(**more):
    """What a run asks a proxy for, which answers nothing."""
    asked, proxy = [], socket.create_server(("127.0.0.1", 0))

    def listen():
        while True:
            connection, _ = proxy.accept()
            asked.append(connection.recv(200).split(b"\r\n")[0].decode())
            connection.close()

    threading.Thread(target=listen, daemon=True).start()
    address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
    environment = {**os.environ, "HTTPS_PROXY": address, "HTTP_PROXY": address, **more}
    subprocess.run([sys.executable, "-c", RUN], env=environment, check=True, capture_output=True)
    return asked


os.environ.pop("WANDB_MODE", None)
offline, silent, by_mode = asked_for(), asked_for(WANDB_ERROR_REPORTING="false"), asked_for(WANDB_MODE="offline")
print(f"mode: {offline}; without reports of errors: {silent}; WANDB_MODE: {by_mode}")
same = bool(offline) and all("api.forge.coreweave.com" in line for line in offline) and not silent and not by_mode
print("as described" if same else "CHANGED")
sys.exit(not same)
PYTHON
