#!/usr/bin/env bash
# A program that trains or converts with PyTorch imports silero-vad, to find pauses. Guess: an import leaves PyTorch as it was, and
# the detector, which is small, runs in one thread of its own. With silero-vad 6.2.3 and torch 2.12.1 the import of any part of it
# sets the number of PyTorch's threads to 1 for the whole process, so that all that is computed from then on has one core; its
# path "without torch" (the ONNX graph of sequences) does so too. Setting the number again afterwards helps. Exits with 1 when
# that changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.12.1 silero-vad==6.2.3 numpy==2.4.6 onnxruntime==1.32.0
cd "$place"
cat > threads.py <<'PYTHON'
import importlib
import sys

import torch

torch.set_num_threads(2)
importlib.import_module(sys.argv[1])
after = torch.get_num_threads()
torch.set_num_threads(2)
print(after, torch.get_num_threads())
PYTHON
for module in silero_vad silero_vad.sequence_vad silero_vad.utils_vad json; do
    echo "threads of PyTorch, which were 2, after importing $module, and set again: $("$place/venv/bin/python" threads.py "$module")"
done | tee seen.txt
[ "$(grep -c "silero.*: 1 2$" seen.txt)" = 3 ] && grep -q "json.*: 2 2$" seen.txt && echo "as described" || { echo "CHANGED"; exit 1; }
