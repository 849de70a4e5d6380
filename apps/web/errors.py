"""Errors of requests, and the status that each is answered with."""

from __future__ import annotations

from unpaired import ConfigError, MissingFile, OutputError, ResourceError, UnpairedError


class TooLarge(ResourceError):
    """More bytes than are taken."""


class TooMany(ResourceError):
    """More jobs than are taken."""


class NoRoom(ResourceError):
    """The disk is too full."""


_STATUS: tuple[tuple[type[UnpairedError], int], ...] = (
    (TooLarge, 413),
    (TooMany, 429),
    (NoRoom, 507),
    (OutputError, 507),
    (MissingFile, 404),
    (ConfigError, 400),
)


def status_of(error: UnpairedError) -> int:
    """The status that an error is answered with."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
