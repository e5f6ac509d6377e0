"""From a parsed document to options, by the table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pynats_common.config import ConfigError, Document, Node, plain, read_document

from pynats_server.options import Options
from pynats_server.settings.paths import get_path, set_path
from pynats_server.settings.schema import Reading, Setting, SettingsError
from pynats_server.settings.top_level import BY_KEY


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
    for key, node in document.entries.items():
        try:
            _apply_entry(reading, key, node)
        except ConfigError as error:
            reading.errors.append(str(error))
    if reading.errors:
        raise SettingsError(reading.errors, reading.warnings)
    options.config_digest = document.digest
    options.warnings = reading.warnings


def _apply_entry(reading: Reading, key: str, node: Node) -> None:
    setting = BY_KEY.get(key.lower())
    if setting is None:
        reading.unknown(node, key)
        return
    if setting.read is None:
        if not _is_off(setting, node):
            reading.complain(node, f'"{key}" is not supported yet by this version')
        return
    value = setting.read(reading, node, key)
    if setting.zero_is_default and not value:
        value = _default(setting)
    if setting.store is not None:
        setting.store(reading.options, value)
    else:
        set_path(reading.options, setting.path, value)


def _default(setting: Setting) -> object:
    return get_path(Options(), setting.path)


def _is_off(setting: Setting, node: Node) -> bool:
    value = plain(node.value)
    return any(type(value) is type(off) and value == off for off in setting.off)
