"""Reads a bundle: `bundle.yaml`, `form.yaml`, `scaffold.json`, templates; in the layout of `nats`.

A bundle is a folder, a ZIP file, or the address of one. It is data: nothing of it is run as a
program, and it cannot write outside the folder that is generated.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from pynats_common.files import read_whole
from pynats_common.network.urls import redact_url

from pynats_cli.errors import CliError
from pynats_cli.servers.system.archive import DAMAGED

_BYTES_MAX = 32 * 1024 * 1024
_FETCH_TIMEOUT_S = 30
_DESCRIPTION = "bundle.yaml"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle's files by path, and what it says of itself."""

    description: str
    files: Mapping[str, str]
    before: str = ""
    after: str = ""
    form: Mapping[str, Any] = field(default_factory=dict)
    templates: str = "scaffold"
    skip_empty: bool = True
    needs_operator: bool = False
    make: Callable[[Mapping[str, Any]], dict[str, str]] | None = None
    """For those that come with the program: makes the files, instead of templates."""


def load_bundle(source: str) -> Bundle:
    """A bundle from a folder, a file or an http(s) address. Raises CliError."""
    if source.startswith(("http://", "https://")):
        shown = redact_url(source)
        return read_bundle(_from_zip(_fetched(source), shown), shown)
    path = Path(source)
    if path.is_dir():
        return read_bundle(_from_folder(path), source)
    try:
        data = read_whole(path, _BYTES_MAX)
    except OSError as error:
        raise CliError(f"cannot read {source}: {error.strerror}") from None
    return read_bundle(_from_zip(data, source), source)


def _fetched(url: str) -> bytes:
    from urllib.request import urlopen

    shown = redact_url(url)
    try:
        with urlopen(url, timeout=_FETCH_TIMEOUT_S) as answer:
            data: bytes = answer.read(_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # also URLError, HTTPError; an address that is none
        raise CliError(f"cannot fetch {shown}: {getattr(error, 'reason', error)}") from None
    if len(data) > _BYTES_MAX:
        raise CliError(f"{shown} is larger than {_BYTES_MAX} bytes")
    return data


def _from_folder(folder: Path) -> dict[str, bytes]:
    files, total = {}, 0
    try:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                total += path.stat().st_size
                if total > _BYTES_MAX:
                    raise CliError(f"{folder} holds more than {_BYTES_MAX} bytes")
                files[path.relative_to(folder).as_posix()] = path.read_bytes()
    except OSError as error:
        raise CliError(f"cannot read {error.filename}: {error.strerror}") from None
    return files


def _from_zip(data: bytes, source: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > _BYTES_MAX:
                raise CliError(f"{source} holds more than {_BYTES_MAX} bytes")
            return {local_path(entry.filename): archive.read(entry) for entry in entries}
    except (OSError, *DAMAGED) as error:
        raise CliError(f"{source} is no bundle: {error}") from None


def local_path(name: str) -> str:
    """A path below the folder in which it is used. Raises CliError for any other."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in path.parts[0]:
        raise CliError(f"insecure path in the bundle: {name}")
    return path.as_posix()


def read_bundle(files: Mapping[str, bytes], source: str) -> Bundle:
    """A bundle from its files. Raises CliError."""
    try:
        texts = {name: data.decode() for name, data in files.items()}
    except UnicodeDecodeError:
        raise CliError(f"{source}: a file of the bundle is not UTF-8") from None
    if _DESCRIPTION not in texts:
        raise CliError(f"{source} is no bundle: {_DESCRIPTION} is missing")
    about = _mapping(texts[_DESCRIPTION], f"{source}/{_DESCRIPTION}")
    if not about.get("description"):
        raise CliError("bundles require a description")
    if "scaffold.json" not in texts:
        raise CliError("no scaffold found")
    settings = _scaffold(texts["scaffold.json"], source)
    form = texts.get("form.yaml")
    return Bundle(
        description=str(about["description"]), files=texts,
        before=str(about.get("pre_scaffold") or ""), after=str(about.get("post_scaffold") or ""),
        form=_mapping(form, f"{source}/form.yaml") if form else {},
        templates=local_path(str(settings.get("source_directory") or "scaffold")),
        skip_empty=settings.get("skip_empty") is not False,
        needs_operator=_needs_operator(about),
    )  # fmt: skip


def _needs_operator(about: Mapping[str, Any]) -> bool:
    requires = about.get("requires")
    return isinstance(requires, Mapping) and bool(requires.get("operator"))


def _scaffold(text: str, source: str) -> dict[str, Any]:
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CliError(f"{source}/scaffold.json: invalid JSON: {error}") from None
    if not isinstance(settings, dict) or settings.get("source"):
        raise CliError("scaffold supports only source directory configuration")
    for unsupported in ("post", "left_delimiter", "right_delimiter"):
        if settings.get(unsupported):
            raise CliError(f"{source}/scaffold.json: {unsupported} is not supported")
    return settings


def _mapping(text: str, what: str) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load(text)
    except RecursionError:
        raise CliError(f"{what}: nested too deeply") from None
    except YAMLError as error:
        raise CliError(f"{what}: invalid YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(found, dict):
        raise CliError(f"{what}: expected a mapping")
    return found
