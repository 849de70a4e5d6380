"""How long `import unpaired` and `unpaired --help` take, beside a bare interpreter: medians of fresh processes.

python benchmarks/startup.py [--rounds 9]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import unpaired": [sys.executable, "-c", "import unpaired"],
    "unpaired --help": [sys.executable, "-m", "unpaired.apps.main", "--help"],
    "import torch": [sys.executable, "-c", "import torch"],
}


def main() -> None:
    """Print the medians in seconds as JSON; the commands take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(args.rounds):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - start)
    print(json.dumps({name: round(statistics.median(values), 3) for name, values in times.items()}, indent=2))


if __name__ == "__main__":
    main()
