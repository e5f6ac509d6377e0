"""Requests to servers through the system account, and the same answers read from an archive."""

from pynats_cli.servers.system.archive import Archive
from pynats_cli.servers.system.requests import (
    NO_RESULTS,
    Answer,
    ServerFilter,
    active_servers,
    ask,
    ask_one,
    ask_paged,
    data_of,
    gather,
    scatter,
)
from pynats_cli.servers.system.sources import ArchiveSource, LiveSource, Source, open_source

__all__ = [
    "NO_RESULTS",
    "Answer",
    "Archive",
    "ArchiveSource",
    "LiveSource",
    "ServerFilter",
    "Source",
    "active_servers",
    "ask",
    "ask_one",
    "ask_paged",
    "data_of",
    "gather",
    "open_source",
    "scatter",
]
