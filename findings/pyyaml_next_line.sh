#!/usr/bin/env bash
# PyYAML writes U+0085 (NEL, next line) as it is with allow_unicode=True, and reads it back as a space or not at all.
#
# Guess: yaml.safe_load(yaml.safe_dump(text, allow_unicode=True)) is the text; allow_unicode changes how it looks alone.
# Behaviour: "a\x85b" comes back as "a b": the emitter takes NEL for printable, the scanner for a line break to be folded.
# U+2028 and U+2029, breaks in YAML 1.1 too, survive, and without allow_unicode all three do. NEL is what U+2026 (the
# ellipsis of Windows-1252, byte 85) becomes in text that was read as Latin-1. Seen with PyYAML 6.0.4.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pyyaml==6.0.4
"$work/venv/bin/python" - <<'PYTHON'
import sys

import yaml


def there_and_back(text, **options):
    return yaml.safe_load(yaml.safe_dump({"name": text}, **options))["name"]


print("PyYAML", yaml.__version__)
found = {}
for name, letter in {"NEL": "\x85", "LS": "\u2028", "PS": "\u2029"}.items():
    text = f"a{letter}b"
    found[name] = there_and_back(text), there_and_back(text, allow_unicode=True)
    print(f"{name}: wrote {text!r}, read {found[name][0]!r}; with allow_unicode {found[name][1]!r}")
as_it_is = {name: f"a{letter}b" for name, letter in {"NEL": "\x85", "LS": "\u2028", "PS": "\u2029"}.items()}
expected = {name: (text, "a b" if name == "NEL" else text) for name, text in as_it_is.items()}
sys.exit(found != expected)
PYTHON
