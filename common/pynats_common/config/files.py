"""Reads configuration files: includes, the environment, and the choice of the format."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping
from pathlib import Path

from pynats_common.config.digest import config_digest
from pynats_common.config.parser import parse
from pynats_common.config.source import Position
from pynats_common.config.values import ConfigError, NodeMap
from pynats_common.files import read_whole
from pynats_common.go.errno import error_text
from pynats_common.go.text import raw_text
from pynats_common.records import dataclass


@dataclass(slots=True)
class Document:
    """A configuration file after parsing."""

    file: str  # as the user named it
    entries: NodeMap
    digest: str  # "sha256:<hex>", see `digest`
    is_toml: bool = False


def read_document(path: str | Path, *, environ: Mapping[str, str] | None = None) -> Document:
    """Parse the configuration file at `path`; `*.toml` is TOML, everything else the NATS grammar.

    Includes are relative to the file that names them. Variables fall back to `environ`
    (default: the process environment). Raises `ConfigError`.
    """
    file = str(path)
    environ = os.environ if environ is None else environ
    is_toml = file.lower().endswith(".toml")
    if is_toml:
        from pynats_common.config.toml import parse_toml

        entries = parse_toml(_read_text(file), file=file)
    else:
        entries = _read_nats(file, environ, ())
    return Document(file, entries, config_digest(entries), is_toml)


def _read_nats(file: str, environ: Mapping[str, str], including: tuple[str, ...]) -> NodeMap:
    real = os.path.realpath(file)
    chain = (*including, real)

    def include(name: str, where: Position) -> NodeMap:
        # Joined as text: a leading slash does not leave the directory, as in the real server.
        target = str(Path(file).parent / name.lstrip("/"))
        if os.path.realpath(target) in chain:
            raise ConfigError(f"error parsing include file '{name}', it includes itself", where)
        try:
            return _read_nats(target, environ, chain)
        except ConfigError as error:
            if error.position is None:
                message = f"error parsing include file '{name}', {error.message}"
                raise ConfigError(message, where) from None
            raise

    return parse(_read_text(file), file=file, environ=environ, include=include)


def _read_text(file: str) -> str:
    try:
        data = read_whole(file)
    except OSError as error:
        raise ConfigError(f"open {file}: {error_text(error)}") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ConfigError(f"{file} is UTF-16 text: save it as UTF-8")
    # Editors on Windows write the mark of UTF-8 in front.
    return raw_text(data.removeprefix(codecs.BOM_UTF8))
