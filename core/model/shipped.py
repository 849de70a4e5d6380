"""Models by name: those that are shipped, run folders and files."""

from __future__ import annotations

import os
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from ..adapter.domain import Domain
from ..errors import ArgumentError, MissingFile, UnknownName, show
from ..registry import suggestion
from ..settings.arguments import expect_path
from .averages import check_length
from .model_file import Model, load_model
from .of_run import LATEST, is_checkpoint, load_checkpoint, load_from_run, with_length

if TYPE_CHECKING:
    from torch import nn

_SHIPPED_IN = "unpaired.models"
_SUFFIX = ".safetensors"


def shipped_models() -> tuple[str, ...]:
    """Names of the models that come with the package, sorted."""
    names = (item.name for item in files(_SHIPPED_IN).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def shipped_file(name: str) -> Path:
    """The file of the shipped model of that name, be it there or not; its card lies beside it, as .md."""
    return Path(str(files(_SHIPPED_IN) / f"{name}{_SUFFIX}"))


def load_model_named(
    name_or_path: str | os.PathLike[str],
    domain: type[Domain] | None = None,
    ema_length: float | None = None,
    generator: type[nn.Module] | None = None,
) -> Model:
    """The model that `load` would make a translator of. Raises MissingFile, UnknownName, ModelFileError or ConfigError.

    name_or_path: a run folder, a model file, the name of a shipped model; RUN@latest, RUN@best or RUN@STEP; or the
    folder of a checkpoint. ema_length: of the average of the generators, for a run's; None takes the one it has.
    """
    expect_path("name_or_path", name_or_path, "a run folder, a model file, or the name of a shipped model")
    if domain is not None and not (isinstance(domain, type) and issubclass(domain, Domain)):
        raise ArgumentError(f"domain is {show(domain)}; expected a class of a medium, or None")
    if generator is not None:
        from torch import nn

        if not (isinstance(generator, type) and issubclass(generator, nn.Module)):
            raise ArgumentError(f"generator is {show(generator)}; expected a class of torch modules, or None")
    if ema_length is not None:
        check_length(ema_length)
        return with_length(_load(name_or_path, domain, generator), name_or_path, ema_length)
    return _load(name_or_path, domain, generator)


def _load(
    name_or_path: str | os.PathLike[str], domain: type[Domain] | None, generator: type[nn.Module] | None
) -> Model:
    path, name = Path(name_or_path), os.fspath(name_or_path)
    if path.is_dir():
        if is_checkpoint(path):
            return load_checkpoint(path, domain, generator)
        if not (path / LATEST).is_file():
            raise MissingFile(f"{path} holds no {LATEST}; give a run folder that has saved its model, or a file")
        return load_model(path / LATEST, domain, generator)
    if path.exists():
        return load_model(path, domain, generator)
    run, at, which = name.rpartition("@")
    if at and run and Path(run).is_dir():
        return load_from_run(Path(run), which, domain, generator)
    shipped = shipped_models()
    if name in shipped:
        with as_file(files(_SHIPPED_IN) / f"{name}{_SUFFIX}") as file:
            return load_model(file, domain, generator)
    listed = f"shipped models: {', '.join(shipped) or 'none'}"
    if len(path.parts) != 1 or path.suffix:
        raise MissingFile(f"there is no model at {path}; give a run folder, a {_SUFFIX} file, or a name ({listed})")
    raise UnknownName(
        f"no model named {show(name)}{suggestion(name, list(shipped))}, and no such file or folder; {listed}"
    )
