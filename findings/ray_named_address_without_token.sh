#!/usr/bin/env bash
# A machine on which ray.init() has once started Ray for itself, and where `ray start --head` starts a cluster later; a program
# connects to it by its address. Guess: ray.init(address="127.0.0.1:PORT") and ray.init(address="auto") are two names of one thing.
# With ray 2.60.0 the first ray.init() leaves a token in ~/.ray/auth_token, for which `ray start` asks from then on. The address auto
# shows it and connects; the named one shows none and fails after 20 s with "Failed to connect", as though the cluster had
# crashed. RAY_AUTH_MODE=token, which a cluster without tokens does not mind, ends it. Exits with 1 when that changes.
set -euo pipefail
place=$(mktemp -d)
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q ray==2.60.0
export HOME="$place/home" RAY_USAGE_STATS_ENABLED=0 PATH="$place/venv/bin:$PATH"
unset RAY_AUTH_MODE RAY_AUTH_TOKEN RAY_AUTH_TOKEN_PATH RAY_ADDRESS
trap 'ray stop --force > /dev/null 2>&1; rm -rf "$place"' EXIT
mkdir "$HOME"
cd "$place"
cat > connect.py <<'PYTHON'
import sys

import ray

quiet = {"log_to_driver": False, "logging_level": "CRITICAL"}
if sys.argv[1] == "here":
    ray.init(num_cpus=1, include_dashboard=False, **quiet)
    ray.shutdown()
else:
    try:
        ray.init(address=sys.argv[1], **quiet)
        print("connected")
    except ConnectionError as error:
        print("failed:", str(error).split(" to Ray")[0])
PYTHON
python connect.py here > /dev/null 2>&1
echo "left at home: $(cd "$HOME" && find .ray -type f)"
port=$(python3 -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])")
ray start --head --port="$port" --node-ip-address=127.0.0.1 --num-cpus=1 --include-dashboard=false --disable-usage-stats > /dev/null 2>&1
auto=$(python connect.py auto 2> /dev/null | tail -1)
named=$(python connect.py "127.0.0.1:$port" 2> /dev/null | tail -1)
told=$(RAY_AUTH_MODE=token python connect.py "127.0.0.1:$port" 2> /dev/null | tail -1)
echo "auto: $auto; 127.0.0.1:PORT: $named; the same with RAY_AUTH_MODE=token: $told"
[ -f "$HOME/.ray/auth_token" ] && [ "$auto" = connected ] && [ "$named" = "failed: Failed to connect" ] && [ "$told" = connected ] \
    && echo "as described" || { echo "CHANGED"; exit 1; }
