"""Configuration keys of the server: the table of settings, loading, validation, reload rules.

`top_level` is the table of the whole, `blocks` has those of its parts; `schema` is what a table is,
`values` and `texts` read values, `paths` are places in the options. `load` fills options from a
file, `embedded` takes those of a program; `validation` has the rules between keys, `changes` what a
reload changes, and `document` writes the page of all keys. Of the server this room knows only the
options, and what makes a mapping possible (`subjects`).

The names are imported on first use: a server without a configuration file does not load the grammar
and the table.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pynats_server.settings.changes.comparing import Change, diff
    from pynats_server.settings.embedded import checked
    from pynats_server.settings.load import apply_document, load_file
    from pynats_server.settings.schema import Setting, SettingsError
    from pynats_server.settings.top_level import TOP_LEVEL
    from pynats_server.settings.validation import startup_warnings, validate, validate_start

__all__ = [
    "TOP_LEVEL",
    "Change",
    "Setting",
    "SettingsError",
    "apply_document",
    "checked",
    "diff",
    "load_file",
    "startup_warnings",
    "validate",
    "validate_start",
]

_HOMES = {"apply_document": "load", "load_file": "load", "Setting": "schema"}
_HOMES |= {"SettingsError": "schema", "Change": "changes.comparing", "diff": "changes.comparing"}
_HOMES |= {
    "checked": "embedded",
    "TOP_LEVEL": "top_level",
    "startup_warnings": "validation",
    "validate": "validation",
    "validate_start": "validation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
