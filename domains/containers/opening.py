"""Opening a file, an address or an open stream with FFmpeg, and its errors in one line."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av
import av.subtitles.codeccontext
import av.subtitles.stream  # PyAV imports both as it meets such a track, in whatever thread that happens

from ...core.errors import MediaError, MissingFile

if TYPE_CHECKING:
    from av.container import InputContainer

Source = Path | str | BinaryIO
"""A file, the address of a stream (with ://), or an open binary file such as standard input."""

INPUT_STREAM = "the input stream"
"""Name of an open file in messages."""
MOST_PIXELS = 36_000_000
"""Pixels of a frame at most (8K has 33 million): the decoder holds a dozen frames or more."""
_SPECIAL = {stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket", stat.S_ISCHR: "a device", stat.S_ISBLK: "a device"}


def source_name(source: Source) -> str:
    """Name of a source in a message."""
    return str(source) if isinstance(source, Path | str) else INPUT_STREAM


def require_file(path: Path, what: str) -> None:
    """Check that a path leads to a regular file: reading a pipe or a device may wait for ever, and only works once.

    Args:
        path: the path; links are followed.
        what: what it should be, such as "video file".

    Raises:
        MissingFile: there is nothing.
        MediaError: it is a folder, a pipe, a socket or a device.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFile(f"there is no file {path}") from error
    except (OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be read: {reason(error)}") from error
    if stat.S_ISDIR(mode):
        raise MediaError(f"{path} is a folder, not a {what}")
    for is_special, kind in _SPECIAL.items():
        if is_special(mode):
            raise MediaError(f"{path} is {kind}, not a {what}; save what comes out of it as a file first")


def open_container(
    source: Source, what: str = "video", container_format: str | None = None, options: Mapping[str, str] | None = None
) -> InputContainer:
    """Open a source for reading.

    Args:
        source: a file, an address or an open binary file.
        what: the medium that is looked for, for messages.
        container_format, options: FFmpeg's name of the container and options of its reader, where it cannot tell by
            itself (cameras, raw streams).

    Raises:
        MissingFile: there is no such file.
        MediaError: it is no regular file, or FFmpeg cannot read it.
    """
    if isinstance(source, Path):
        require_file(source, f"{what} file")
    network = isinstance(source, str) and "://" in source
    # A playlist that calls itself a video must not make us fetch what it names.
    allowed = {} if network else {"protocol_whitelist": "file,pipe,data"}
    try:
        return av.open(
            # A name that begins with a dash or holds a colon is a file all the same.
            f"file:{source.absolute()}" if isinstance(source, Path) else source,
            "r",
            format=container_format,
            options={"max_pixels": str(MOST_PIXELS), **allowed, **(options or {})},
            metadata_errors="ignore",
            timeout=(10.0, 10.0) if network else None,
        )
    except (av.FFmpegError, OSError, ValueError, UnicodeError) as error:
        raise MediaError(f"{source_name(source)} cannot be read as {what}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Message of a library, in one line, without its numbers and addresses."""
    text = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
    return re.sub(r"\s+", " ", re.sub(r"\[Errno -?\d+\] ", "", text or type(error).__name__)).strip()
