"""Inputs and outputs of a conversion: a file, numbered files, a folder with its subfolders, or one recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..adapter.domain import Domain
from ..adapter.installed import find_domain, installed_domains
from ..adapter.patterns import Pattern, missing_files
from ..errors import MediaError, MissingFile, OutputError
from ..files import below, real_path
from .input_files import InputFiles
from .pipeline import Job


def jobs_of(domain: Domain, source: InputFiles, target: Path) -> Iterator[Job]:
    """A job for a file, or for each file and recording of a folder or a pattern, made as it is asked for: of an archive
    there are millions.

    Raises:
        MissingFile: no such input, or nothing in the folder that the domain converts.
        MediaError: files that are numbered in two ways.
        OutputError: the output would overwrite an input, lies inside the input folder, or is one file for several.
    """
    if not source.exists:
        raise MissingFile(missing_files(source.path))
    if source.pattern:
        return _jobs_of_pattern(domain, source, source.pattern, target)
    if source.is_folder:
        return _jobs_of_folder(domain, source, target)
    if target.is_dir():
        target /= source.path.name
    if target.exists() and source.path.exists() and source.path.samefile(target):
        raise OutputError(f"the output {target} is the input itself; give it another name or folder")
    return iter([Job(source.path, target)])


def _jobs_of_folder(domain: Domain, source: InputFiles, target: Path) -> Iterator[Job]:
    folder = source.path
    _refuse_within(folder, folder, target)
    chosen = source.parts(domain)
    if not chosen:
        raise MissingFile(
            f"the folder {folder} holds nothing that the domain {domain.name} converts "
            f"(files found: {len(source.files)}{_of_other_media(domain, source.files)})"
        )
    one = names_file(target) and not target.is_dir()
    if one:
        chosen = [folder] if folder in chosen else chosen
        if len(chosen) > 1:
            why = domain.remark(folder, source.by_folder.get(folder, []))
            raise OutputError(
                f"the folder {folder} holds {len(chosen)} files to convert, but {target} ends as one file does; "
                f"name a folder to write into{f' ({why})' if why else ''}"
            )
    elif target.exists() and not target.is_dir():
        raise OutputError(f"{folder} is a folder, but the output {target} is a file; name a folder to write into")

    def output(path: Path) -> Path:
        return target if one else target / below(path, folder)

    _refuse_overwriting(source, target, map(output, chosen))
    return (Job(path, output(path)) for path in chosen)


def _jobs_of_pattern(domain: Domain, source: InputFiles, pattern: Pattern, target: Path) -> Iterator[Job]:
    """One for the recording that the files are, or else one for each of them."""
    parts = source.parts(domain)
    if not parts:
        raise MissingFile(f"{source.path} names nothing that the domain {domain.name} converts")
    written, numbers = Pattern.of(target), source.numbers
    named = {file: _numbered_output(file, numbers[file], pattern, written, target) for file in numbers}
    whole = parts == [source.path]
    if not whole and not written and names_file(target) and not target.is_dir() and len(parts) > 1:
        raise OutputError(f"{source.path} names {len(parts)} files, but {target} is one; name a folder, or a pattern")
    inputs = {real_path(file) for file in numbers}
    for file, output in named.items():
        if (written or not names_file(target) or target.is_dir()) and real_path(output) in inputs:
            raise OutputError(f"the output {output} is one of the inputs ({file}); choose another name or folder")
    return iter([Job(source.path, target)] if whole else [Job(file, named[file]) for file in parts])


def _numbered_output(file: Path, number: int, pattern: Pattern, written: Pattern | None, target: Path) -> Path:
    digits = file.name.removeprefix(pattern.before).removesuffix(pattern.after)
    return written.path(number, digits) if written else target / file.name


def _refuse_within(folder: Path, source: Path, target: Path) -> None:
    """Refuse an output in one of the folders below the input `source`, wherever links may have led."""
    inside, outside = real_path(target), real_path(folder)
    if inside != outside and outside not in inside.parents:
        return
    if folder != source:
        raise OutputError(f"the output {target} lies where {folder} in the input leads; choose a place outside it")
    if inside == outside:
        raise OutputError(f"the output folder {target} is the input folder; choose another one")
    raise OutputError(f"the output {target} lies inside the input folder {source}; choose a place outside it")


def _refuse_overwriting(source: InputFiles, target: Path, outputs: Iterable[Path]) -> None:
    for folder in source.links_to_folders:
        _refuse_within(folder, source.path, target)
    # Only an output folder above an input's can name one (in/in/x would be written over in/x's tree), or one that a
    # link leads into.
    above = real_path(target) in real_path(source.path).parents or source.links_to_folders
    suspects = source.files if above else source.links_to_files
    written = {real_path(output): output for output in outputs} if suspects else {}
    for file in suspects:
        real = real_path(file)
        if output := written.get(real) or written.get(real.parent):
            raise OutputError(f"the output {output} is one of the inputs ({file}); choose another output folder")


def folder_of_outputs(target: Path, first: Job) -> Path:
    """The folder that the outputs of jobs are in, of which one is given: `target` itself, or of a file or a pattern the
    one that it is in."""
    return target if target in first.target.parents else target.parent


def left_beside(domain: Domain, source: InputFiles, target: Path) -> list[Path]:
    """What else the domain would convert of a folder of which one recording alone goes into a file, `target`."""
    if not source.is_folder or target.is_dir():
        return []
    return [part for part in source.parts(domain) if part != source.path]


def is_there(target: Path) -> bool:
    """Whether an output exists: a file, a folder that holds something, or a file that a pattern names."""
    if pattern := Pattern.of(target):
        return bool(pattern.files())
    # os.path.lexists would also count a dangling link, which holds nothing worth keeping.
    return any(target.iterdir()) if target.is_dir() else target.exists()


def check_medium(domain: Domain, source: Path) -> None:
    """Refuse a file whose name is that of another medium's files: asked where it could not be converted, since it may
    all the same hold what the domain converts.

    Raises:
        MediaError: another medium's; the message says what the model translates.
    """
    others = _media_of(source, _media())
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
    """Number of files that belong to other media, in words."""
    media = _media()
    counts = Counter(
        medium_of(other) for file in files for other in _media_of(file, media)[:1] if other.name != domain.name
    )
    return "".join(f", {count} of them {medium}" for medium, count in counts.items())


def _media_of(file: Path, media: Sequence[Domain]) -> list[Domain]:
    """Those of the media that know a file by the ending of its name."""
    return [each for each in media if each.convertible(file) and not each.convertible(Path("a"))]


def medium_of(domain: Domain) -> str:
    """Content of a domain's files, in words."""
    return domain.medium or f"files of the domain {domain.name}"


def compatible_media(domain: Domain) -> list[Domain]:
    """Every other installed medium that can use models of this one."""
    adopted = (kind.from_compatible(domain) for kind in _kinds() if not isinstance(domain, kind))
    return [each for each in adopted if each is not None]


def names_file(path: Path) -> bool:
    """Whether a name ends as that of a file does, to any installed medium: night.mov, but not night, nor night.v2."""
    ending = "".join(path.suffixes)
    return bool(ending and _media_of(Path(f"a{ending}"), _media()))


def _media() -> list[Domain]:
    """Every installed medium, with its default settings."""
    return [kind() for kind in _kinds()]


def _kinds() -> list[type[Domain]]:
    return [find_domain(entry.name) for entry in installed_domains() if entry.broken is None]
