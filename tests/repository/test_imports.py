"""Who may import what, and what stays unimported until it is used."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import unpaired

MEDIA = {"PIL", "cv2", "av", "soundfile", "librosa", "torchaudio", "tifffile", "skimage", "pyworld", "sounddevice"}
ELSEWHERE = {"unpaired", "api", "apps", "core", "domains"}
HEAVY = {
    "torch", "torchvision", "torchaudio", "numpy", "cv2", "PIL", "openvino", "onnx", "onnxruntime", "lightning_fabric",
    "scipy", "soundfile", "librosa", "pyworld", "sounddevice", "av", "tensorboard", "wandb", "mlflow", "pandas",
}  # fmt: skip

PUBLIC_NAMES = [
    "AdapterError", "ArgumentError", "ArrayDomain", "ArraySettings", "Audio", "BrokenFile", "Callback",
    "CallbackError", "ComparisonReport", "ConfigError", "ConversionReport", "ConversionSettings", "CycleSettings",
    "Domain", "DomainSettings", "EmaReport", "Image", "InputFiles", "Interrupted", "Inventory", "MediaError",
    "MissingDependency",
    "MissingFile", "ModelFileError", "NetworkSettings", "NumericsError", "OutputError", "Reader", "ResourceError",
    "Sample", "Tensors", "TrainingEstimate", "TrainingSettings", "Translator", "UnknownName", "UnpairedError", "Video",
    "Warp", "Writer", "choose_ema_length", "compare", "distill", "evaluate", "export_int8", "export_model",
    "export_onnx", "import_checkpoint", "list_runs", "load",
    "plan_training", "review", "train", "train_seeds", "write_shards",
]  # fmt: skip
"""The public face, as reviewed: a change here is a change users see, and needs a line in CHANGELOG.md."""


def _imports(path: Path) -> Iterator[tuple[int, str, int]]:
    """Every import anywhere in a file: (dots, module, line)."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", node.lineno


def _resolved(path: Path, dots: int, module: str, repository: Path) -> str:
    """The dotted name a relative import means, as if the root folders were packages of `unpaired`."""
    package = path.parent.relative_to(repository).parts
    base = ("unpaired", *package)[: len(package) + 2 - dots]
    return ".".join([*base, module] if module else base)


def _sources(repository: Path, folder: str) -> list[Path]:
    return sorted((repository / folder).rglob("*.py"))


def test_the_core_knows_no_medium_and_nothing_outside_itself(repository: Path) -> None:
    for path in _sources(repository, "core"):
        for dots, module, line in _imports(path):
            where = f"{path.relative_to(repository)}:{line} imports {module}"
            if dots:
                assert _resolved(path, dots, module, repository).startswith("unpaired.core"), where
                continue
            top = module.split(".")[0]
            assert top not in MEDIA, where
            assert top not in ELSEWHERE, f"{where}; inside core, imports are relative"
            if top == "torchvision":
                may = "monitoring" in path.parts or path.name == "pages.py"
                assert may, f"{where}; only core/monitoring and core/pages may, to encode pictures for people"


def test_domains_know_only_the_core_and_themselves(repository: Path) -> None:
    for path in _sources(repository, "domains"):
        for dots, module, line in _imports(path):
            where = f"{path.relative_to(repository)}:{line} imports {module}"
            if dots:
                target = _resolved(path, dots, module, repository)
                allowed = target.startswith("unpaired.core") or target.startswith("unpaired.domains")
                assert allowed, where
                continue
            assert module.split(".")[0] not in ELSEWHERE, f"{where}; inside domains, imports are relative"


@pytest.mark.parametrize("folder", ["apps", "benchmarks", "tests"])
def test_programs_import_the_package_by_its_absolute_name(repository: Path, folder: str) -> None:
    for path in _sources(repository, folder):
        for dots, module, line in _imports(path):
            where = f"{path.relative_to(repository)}:{line} imports {'.' * dots}{module}"
            assert dots == 0 or folder == "tests", f"{where}; use unpaired...."
            assert dots or module.split(".")[0] not in ELSEWHERE - {"unpaired"}, f"{where}; use unpaired...."


def test_programs_use_no_private_name(repository: Path) -> None:
    for path in _sources(repository, "apps"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unpaired"):
                parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
                private = [p for p in parts if p.startswith("_") and not p.startswith("__")]
                assert not private, f"{path.name}:{node.lineno} takes {private}"


def _taken(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """Everything of ours that a program takes: (module, name in it, line); of a whole module, the names it looks up."""
    whole = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            whole |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name, node.lineno) for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in whole:
            yield whole[node.value.id], node.attr, node.lineno


def test_programs_take_public_names_alone(repository: Path) -> None:
    """Names of `unpaired`, of other programs, and those in the tables of packages that the reference describes."""
    documented = (repository / "docs/reference/packages.md").read_text()
    for path in _sources(repository, "apps"):
        for module, name, line in _taken(ast.parse(path.read_text())):
            if module.partition(".")[0] != "unpaired" or module.startswith("unpaired.apps") or name == "apps":
                continue
            where = f"{path.relative_to(repository)}:{line} takes {module}.{name}"
            package = importlib.import_module(module)
            assert name in (*package.__all__, "__version__"), f"{where}, which is not public"
            assert module == "unpaired" or f"## `{module}`" in documented, f"{where}; docs/reference/packages.md"


def test_every_table_of_names_holds_what_is_there(repository: Path) -> None:
    pages = "".join(page.read_text() for page in (repository / "docs/reference").glob("*.md"))
    for package in re.findall(r"^## `(unpaired[\w.]*)`", pages, re.M):
        module = importlib.import_module(package)
        for name in module.__all__:
            assert getattr(module, name) is not None
            assert re.search(rf"[`.]{name}\b", pages), f"{package}.{name} is not in the reference"


def test_the_public_names_are_the_reviewed_ones() -> None:
    assert sorted(unpaired.__all__) == PUBLIC_NAMES


def test_every_public_name_is_there_and_documented() -> None:
    for name in PUBLIC_NAMES:
        value = getattr(unpaired, name)
        assert value.__doc__, f"unpaired.{name} has no docstring"
        assert name in dir(unpaired)


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Imag"):
        unpaired.Imag  # noqa: B018


def _loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after `statement`."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{n.split('.')[0] for n in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "statement",
    [
        "import unpaired",
        "import unpaired.core.settings.faults, unpaired.core.errors, unpaired.core.adapter.domain",
        "import unpaired.core.settings.mapping",
        "import unpaired.core.registry",
        "import unpaired.apps.main",
        "import unpaired; unpaired.Domain, unpaired.TrainingSettings, unpaired.UnpairedError, unpaired.Callback",
    ],
)
def test_light_imports_stay_light(statement: str) -> None:
    heavy = _loaded_by(statement) & HEAVY
    assert not heavy, f"{statement} loads {sorted(heavy)}"


def test_a_conversion_begins_without_torch() -> None:
    assert "torch" not in _loaded_by("import unpaired.core.conversion.translator")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_the_command_line_answers_without_torch(arguments: list[str]) -> None:
    statement = (
        "import sys\nfrom unpaired.apps.main import main\n"
        f"sys.argv = ['unpaired', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code, ended.code"
    )
    heavy = _loaded_by(statement) & HEAVY
    assert not heavy, f"unpaired {' '.join(arguments)} loads {sorted(heavy)}"
