"""From a parsed document to options, by the table."""

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
    """Options with what the file at `path` sets (`options`, default all defaults, is changed).

    `options.warnings` gets what is odd but usable. Raises `SettingsError`, which lists every
    complaint, in the order of the file.
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
    """Set in `options` what `document` says. Raises `SettingsError`."""
    reading = Reading(options)
    if not document.entries:
        reading.warnings.append(f"{document.file}: config has no values or is empty")
    TOP_LEVEL.gather(reading, document.entries, options)
    if reading.errors:
        raise SettingsError(reading.errors, reading.warnings)
    options.config_digest = document.digest
    options.warnings = reading.warnings
