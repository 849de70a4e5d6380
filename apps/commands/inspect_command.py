"""`unpaired inspect`: contents of a folder, a file, a run or a model, and what they mean for training."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import unpaired
from unpaired import BrokenFile, Domain, Inventory, MissingFile
from unpaired.apps.command_line import Parser, quiet_libraries, refuse
from unpaired.apps.run_settings import read_domain
from unpaired.core import remark
from unpaired.core.adapter import missing_files, readiness, recognise, told, usable_media
from unpaired.core.settings import read_yaml
from unpaired.core.shards import are_shards

DESCRIPTION = """Say what a folder, a file, a run or a model holds: what is usable, what is broken and why, and what
it means for training.

  unpaired inspect photos                 one folder
  unpaired inspect clips                  of footage: codecs, cuts, duplicates, static footage
  unpaired inspect voices                 of sound: minutes, pitch, noise, silence, clipping
  unpaired inspect photos paintings       two folders, also against one another
  unpaired inspect datasets/horse2zebra   the same for the trainA and trainB inside
  unpaired inspect 'day-{0000..0099}.tar' shards: 500 of their samples, evenly spread
  unpaired inspect runs/monet             a run, a model file, or a shipped model by name"""

_LISTED = 20
_SHOWN_IN_LINES = {"examples": 3, "odd ones": 3, "each": 20}


def parser() -> Parser:
    """The options of `unpaired inspect`."""
    made = Parser("unpaired inspect", DESCRIPTION, ("domain",))
    made.add_argument("place", metavar="DIR_OR_FILE")
    made.add_argument("other", metavar="DIR_B", nargs="?", help="the folder of the other domain")
    made.add_argument("--domain", metavar="NAME", help="the medium (default: by the names of the files)")
    made.add_argument("--json", action="store_true", help="print JSON, with every broken file")
    return made


def main(args: argparse.Namespace) -> int:
    """Print the report."""
    name = args.domain or _medium_of([Path(place) for place in (args.place, args.other) if place])
    domain = read_domain({"name": name, **args.settings.get("domain", {})}, args.faults)
    refuse(args.faults)
    assert domain is not None
    with quiet_libraries():
        report = _report(Path(args.place), Path(args.other) if args.other else None, domain)
    if args.domain is None:
        for folder in report.get("folders", []):
            folder["warnings"] += _hints(Path(folder["folder"]), domain)
    print(json.dumps(report, indent=2, ensure_ascii=False) if args.json else "\n".join(_lines(report)))
    return 0


def _medium_of(places: Sequence[Path]) -> str:
    """The medium that files or folders are inspected as, where nobody says: that of most names, and of numbered files
    the one to which they are a recording."""
    if shards := [place for place in places if are_shards(place)]:
        from unpaired.core.adapter import names_in_shards

        return recognise(name for place in shards for name in names_in_shards(place))
    given = [unpaired.InputFiles(place) for place in places]
    for medium in usable_media() if any(each.pattern for each in given) else ():
        if any(each.recording(medium, each.path) for each in given if each.pattern):
            return medium.name
    return recognise(path for each in given for path in each.files)


def _hints(folder: Path, domain: Domain) -> list[str]:
    """That a folder may be one recording to another medium than the one it was taken for."""
    from unpaired.core.conversion import compatible_media

    others = [other for other in compatible_media(domain) if folder.is_dir() and other.recording(folder)]
    said = "The files are numbered like the parts of one recording: --domain {} looks at them as one."
    return [remark("one recording", said.format(other.name)) for other in others]


def _report(place: Path, other: Path | None, domain: Domain) -> dict[str, Any]:
    from unpaired.core.model import shipped_file

    shipped = shipped_file(str(place))
    if other is None and not place.exists() and shipped.is_file():
        return _of_model(shipped)
    if not are_shards(place) and not unpaired.InputFiles(place).exists:
        raise MissingFile(missing_files(place))
    if other is None and (place.suffix in (".safetensors", ".onnx") or (place / "config.yaml").is_file()):
        return _of_model(place)
    if other is None and not are_shards(place) and (place.is_file() or domain.recording(place)):
        return {"file": str(place), "facts": dict(domain.describe(place))}
    if other is None and (place / "trainA").is_dir() and (place / "trainB").is_dir():
        place, other = place / "trainA", place / "trainB"
    found = _scan(place, domain)
    if other is None:
        return {"folders": [_of_folder(found)], "verdict": readiness({"the folder": found})}
    counterpart = _scan(other, domain)
    together = list(domain.compare(found, counterpart))
    verdict = readiness({"A": found, "B": counterpart}, together)
    return {"folders": [_of_folder(found), _of_folder(counterpart)], "together": together, "verdict": verdict}


def _scan(place: Path, domain: Domain) -> Inventory:
    if not are_shards(place):
        return domain.scan(place, thorough=True)
    from unpaired.core.adapter import scan_shards

    return scan_shards(domain, place)


def _of_folder(found: Inventory) -> dict[str, Any]:
    return {
        "folder": str(found.folder),
        "usable": len(found.files),
        "facts": dict(found.facts),
        "broken": [{"file": str(each.path), "reason": each.reason} for each in found.broken],
        "warnings": list(found.warnings),
    }


def _of_model(place: Path) -> dict[str, Any]:
    from unpaired.core.model import read_header
    from unpaired.core.training import verdict_of

    run = place if place.is_dir() else None
    model = place / "model.safetensors" if run else place
    report: dict[str, Any] = {}
    if run:
        report["run"] = str(run)
        report["settings"] = read_yaml(run / "config.yaml")
        report["checkpoints"] = sorted(each.name for each in (run / "checkpoints").glob("step-*"))
        report["verdict"] = verdict_of(run).naming(run)
    if model.exists() or not run:
        report["model"] = str(model)
        report["facts"] = read_header(model)
        report["facts"]["bytes"] = model.stat().st_size
    return report


# -- for people -------------------------------------------------------------------------------------
def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    for folder in report.get("folders", []):
        yield f"{folder['folder']}: {folder['usable']} usable, {len(folder['broken'])} broken"
        yield from _facts(folder["facts"])
        broken = list(told([BrokenFile(Path(each["file"]), each["reason"]) for each in folder["broken"]]))
        yield from (f"  broken: {line}" for line in broken[:_LISTED])
        if len(broken) > _LISTED:
            yield f"  and {len(broken) - _LISTED} more reasons (--json lists all files)"
        yield from (f"  note: {warning}" for warning in folder["warnings"])
    yield from (f"together: {sentence}" for sentence in report.get("together", []))
    if "verdict" in report:
        yield f"verdict: {report['verdict']}"
    for key in ("file", "run", "model"):
        if key in report:
            yield f"{key}: {report[key]}"
    if networks := report.get("settings", {}).get("networks"):
        from unpaired.core.model import settings_that_count

        counting = settings_that_count(networks, report.get("facts", {}))
        report = {**report, "settings": {**report["settings"], "networks": counting}}
    yield from _facts({key: report[key] for key in ("checkpoints", "settings") if key in report})
    if "folders" not in report:
        yield from _facts(_without_checksums(report.get("facts", {})))


def _without_checksums(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Their number in place of the checksums of a model's tensors, which tell people nothing."""
    checksums = facts.get("checksums")
    return {**facts, "checksums": f"of {len(checksums)} tensors"} if isinstance(checksums, Mapping) else dict(facts)


def _facts(facts: Mapping[str, Any], indent: str = "  ") -> Iterator[str]:
    for key, value in facts.items():
        if isinstance(value, Mapping) and any(isinstance(each, Mapping | list) and each for each in value.values()):
            yield f"{indent}{key}:"
            yield from _facts(value, indent + "  ")
        elif key in _SHOWN_IN_LINES:
            shown = _SHOWN_IN_LINES[key]
            yield from (f"{indent}  {each}" for each in value[:shown])
            if len(value) > shown:
                yield f"{indent}  and others (--json lists {len(value)})"
        elif value not in ("", None, [], {}):
            yield f"{indent}{key}: {_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(each)}" for key, each in value.items() if each not in ("", None, [], {}))
    if isinstance(value, list | tuple):
        shown = ", ".join(_text(item) for item in value[:_LISTED])
        return shown + (f", and {len(value) - _LISTED} more" if len(value) > _LISTED else "")
    return f"{value:.6g}" if isinstance(value, float) else str(value)
