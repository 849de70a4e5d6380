#!/usr/bin/env bash
# A program that starts Ray on its machine, and an actor that it starts there. Guess: both are scheduled alike, as two processes
# are that one starts. With ray 2.60.0 the actor is nicer by 15 (so are all workers): beside any other work on the machine it gets
# a small share of a core, so that a conversion by two actors hardly moves where two processes would. RAY_worker_niceness=0, set
# before Ray starts, ends it. Exits with 1 when that changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q ray==2.60.0
cd "$place"
cat > nice.py <<'PYTHON'
import os

import ray


@ray.remote
class Actor:
    def niceness(self):
        return os.nice(0)


ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
actor = Actor.remote()
print(ray.get(actor.niceness.remote()) - os.nice(0))
ray.shutdown()
PYTHON
export RAY_USAGE_STATS_ENABLED=0
plain=$("$place/venv/bin/python" nice.py | tail -1)
asked=$(RAY_worker_niceness=0 "$place/venv/bin/python" nice.py | tail -1)
echo "an actor is nicer than its driver by $plain; with RAY_worker_niceness=0 by $asked"
[ "$plain" = 15 ] && [ "$asked" = 0 ] && echo "as described" || { echo "CHANGED"; exit 1; }
