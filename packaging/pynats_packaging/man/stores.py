"""The page of `pynsc`."""

from __future__ import annotations

from pynats_common.commandline.help import roff
from pynats_common.commandline.help.manpage import manual_page
from pynats_common.commandline.tree import Found
from pynsc.__main__ import tree

_VARIABLES = (
    ("NSC_HOME", "Folder of the tool's own settings, as --config-dir"),
    ("NKEYS_PATH", "Folder of keys, as --keystore-dir"),
    ("XDG_CONFIG_HOME, XDG_DATA_HOME", "Where both are without these"),
)


def nsc_page(version: str, date: str) -> str:
    """The page, with every command."""
    lines = [
        roff.heading("ENVIRONMENT"),
        *roff.entries(_VARIABLES),
        roff.heading("SEE ALSO"),
        *roff.references([("pynats", 1), ("pynk", 1), ("pynats-server.conf", 5)]),
    ]
    page = manual_page(Found(("pynsc",), tree()), version, date, ())
    return page + "\n".join(lines) + "\n"
