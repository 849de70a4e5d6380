"""What a conversion reads and where it writes: a file, a folder with its tree, or a folder that is one recording."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..adapter.domain import Domain
from ..adapter.installed import find_domain, installed_domains
from ..errors import MediaError, MissingFile, OutputError
from .pipeline import Job


def jobs_of(domain: Domain, source: Path, target: Path) -> list[Job]:
    """A job for a file, or for each file and recording of a folder.

    Raises:
        MissingFile: no such input, or nothing in the folder that the domain converts.
        OutputError: the output would overwrite an input, lies inside the input folder, or is one file for several.
    """
    if not source.exists():
        raise MissingFile(f"there is no file or folder {source}")
    if source.is_dir():
        return _jobs_of_folder(domain, source, target)
    if target.is_dir():
        target /= source.name
    if target.exists() and source.samefile(target):
        raise OutputError(f"the output {target} is the input itself; give it another name or folder")
    return [Job(source, target)]


def _jobs_of_folder(domain: Domain, source: Path, target: Path) -> list[Job]:
    _refuse_within(source, target)
    chosen = parts_below(source, domain)
    if not chosen:
        raise MissingFile(
            f"the folder {source} holds nothing that the domain {domain.name} converts "
            f"(files found: {len(files_below(source))}{_of_other_media(domain, files_below(source))})"
        )
    if names_file(target) and not target.is_dir():
        chosen = [source] if source in chosen else chosen
        if len(chosen) > 1:
            raise OutputError(
                f"the folder {source} holds {len(chosen)} files to convert, but {target} ends as one file does; "
                "name a folder to write into"
            )
        return [Job(chosen[0], target)]
    if target.exists() and not target.is_dir():
        raise OutputError(f"{source} is a folder, but the output {target} is a file; name a folder to write into")
    jobs = [Job(path, target / path.relative_to(source)) for path in chosen]
    if target.resolve() in source.resolve().parents:
        _refuse_overwriting(jobs)
    return jobs


def _refuse_within(source: Path, target: Path) -> None:
    inside, outside = target.resolve(), source.resolve()
    if inside == outside:
        raise OutputError(f"the output folder {target} is the input folder; choose another one")
    if outside in inside.parents:
        raise OutputError(f"the output {target} lies inside the input folder {source}; choose a place outside it")


def _refuse_overwriting(jobs: list[Job]) -> None:
    # Only an output folder above the input's can name an input: in/in/x would be written over in/x's tree.
    sources = {job.source.resolve() for job in jobs}
    for job in jobs:
        if job.target.resolve() in sources:
            raise OutputError(f"the output {job.target} is one of the inputs; choose another output folder")


def left_beside(domain: Domain, source: Path, jobs: Sequence[Job]) -> list[Path]:
    """What else the domain would convert of a folder of which one recording alone goes into a file."""
    if [job.source for job in jobs] != [source] or jobs[0].target.is_dir():
        return []
    return [part for part in parts_below(source, domain) if part != source] if source.is_dir() else []


def is_there(target: Path) -> bool:
    """Whether an output exists: a file, or a folder that holds something."""
    # os.path.lexists would also count a dangling link, which holds nothing worth keeping.
    return any(target.iterdir()) if target.is_dir() else target.exists()


def parts_below(folder: Path, domain: Domain) -> list[Path]:
    """What the domain converts of `folder` and all below it, sorted: files, and folders that are one recording."""
    files = files_below(folder)
    recordings = {place: domain.recording(place) for place in {path.parent for path in files}}
    inside = {part for parts in recordings.values() for part in parts}
    whole = [place for place, parts in recordings.items() if parts]
    return sorted([*whole, *(path for path in files if path not in inside and domain.convertible(path))])


def files_below(folder: Path) -> list[Path]:
    """Every file below `folder`, sorted by path, without hidden ones and without following linked folders."""

    def refuse(error: OSError) -> None:
        raise MissingFile(f"the folder {error.filename} cannot be read: {error.strerror or error}") from error

    found = []
    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found)


def check_medium(domain: Domain, source: Path) -> None:
    """Refuse a file whose name is that of another medium's files: asked where it could not be converted, since it may
    all the same hold what the domain converts.

    Raises:
        MediaError: another medium's; the message says what the model translates.
    """
    others = _media_of(source)
    served = {domain.name, *(each.name for each in compatible_media(domain))}
    if domain.convertible(source) or not others or served & {each.name for each in others}:
        return
    # A medium that borrows models of another (footage) takes that one's files (pictures) for parts of its own.
    owners = [each for each in others if not any(each.from_compatible(other) for other in others if other is not each)]
    own, other = medium_of(domain), " or ".join(map(medium_of, owners or others))
    raise MediaError(
        f"{source} is named as a file of {other}, but the model translates {own} (domain {domain.name}); "
        f"give it {own}, or name a model for {other}"
    )


def _of_other_media(domain: Domain, files: Sequence[Path]) -> str:
    """How many of the files are other media's, in words."""
    counts = Counter(medium_of(other) for file in files for other in _media_of(file)[:1] if other.name != domain.name)
    return "".join(f", {count} of them {medium}" for medium, count in counts.items())


def _media_of(file: Path) -> list[Domain]:
    """The installed media that know a file by the ending of its name."""
    media = [kind() for kind in _media()]
    return [each for each in media if each.convertible(file) and not each.convertible(Path("a"))]


def medium_of(domain: Domain) -> str:
    """What a domain's files hold, in words."""
    return domain.medium or f"files of the domain {domain.name}"


def compatible_media(domain: Domain) -> list[Domain]:
    """Every other installed medium that can use models of this one."""
    adopted = (kind.from_compatible(domain) for kind in _media() if not isinstance(domain, kind))
    return [each for each in adopted if each is not None]


def names_file(path: Path) -> bool:
    """Whether a name ends as that of a file does, to any installed medium: night.mov, but not night, nor night.v2."""
    ending = "".join(path.suffixes)
    if not ending:
        return False
    media = [kind() for kind in _media()]
    return any(each.convertible(Path(f"a{ending}")) and not each.convertible(Path("a")) for each in media)


def _media() -> list[type[Domain]]:
    return [find_domain(entry.name) for entry in installed_domains() if entry.broken is None]
