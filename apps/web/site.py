"""Everything that requests share."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from unpaired.apps.web.commands import Commands
from unpaired.apps.web.database import open_database
from unpaired.apps.web.events import Events
from unpaired.apps.web.live import LiveVoices
from unpaired.apps.web.looks import Looks
from unpaired.apps.web.models import Models
from unpaired.apps.web.places import Places
from unpaired.apps.web.queue.runner import Queue
from unpaired.apps.web.queue.store import Store
from unpaired.apps.web.settings import WebSettings
from unpaired.apps.web.uploads import Uploads


@dataclass(frozen=True)
class Site:
    """The parts of a running server; a page gets them by `site_of(request)`."""

    settings: WebSettings
    places: Places
    models: Models
    uploads: Uploads
    commands: Commands
    queue: Queue
    events: Events
    looks: Looks
    live: LiveVoices


def make_site(settings: WebSettings) -> Site:
    """Open the home folder. Raises OutputError or ResourceError: it cannot be used."""
    database = open_database(settings.database)
    for folder in (settings.uploads, settings.results, settings.runs, settings.jobs):
        folder.mkdir(parents=True, exist_ok=True)
    places = Places(settings, database)
    models = Models(settings, places)
    looks = Looks(settings, models)
    commands = Commands(settings, places, models, looks)
    events = Events()
    queue = Queue(settings, Store(database), commands, places, events)
    return Site(settings, places, models, Uploads(settings, places), commands, queue, events, looks,
                LiveVoices())  # fmt: skip


def site_of(request: HTTPConnection) -> Site:
    """The site that a request was made to."""
    site = request.app.state.site
    assert isinstance(site, Site)
    return site
