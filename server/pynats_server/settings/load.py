"""Turns a parsed document into options, by the tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pynats_common.config import ConfigError, Document, read_document

from pynats_server.options import Options
from pynats_server.settings.schema import Reading, SettingsError
from pynats_server.settings.top_level import TOP_LEVEL


def load_file(
    path: str | Path, options: Options | None = None, *, environ: Mapping[str, str] | None = None
) -> Options:
    """Options with the values of the file at `path`; changes `options` (default: new ones).

    `options.warnings` gets odd but usable settings. Raises `SettingsError`, which lists every
    complaint in the order of the file.
    """
    options = options or Options()
    options.config_file = Path(path)
    try:
        document = read_document(path, environ=environ)
    except ConfigError as error:
        raise SettingsError([str(error)]) from None
    apply_document(document, options)
    return options


def apply_document(document: Document, options: Options) -> None:
    """Sets in `options` the values of `document`. Raises `SettingsError`."""
    reading = Reading(options, texts_are_sizes=document.is_toml)
    if not document.entries:
        reading.warnings.append(f"{document.file}: config has no values or is empty")
    TOP_LEVEL.gather(reading, document.entries, options)
    if reading.errors:
        raise SettingsError(reading.errors, reading.warnings)
    options.config_digest = document.digest
    options.places = {
        setting.name: str(node.position)
        for key, node in document.entries.items()
        if (setting := TOP_LEVEL.find(key)) is not None
    }
    options.warnings = reading.warnings
