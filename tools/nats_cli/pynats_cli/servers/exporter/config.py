"""The exporter's configuration: a YAML file that lists checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pynats_common.files import read_whole
from pynats_common.go.quoting import quote_excerpt

from pynats_cli.errors import CliError
from pynats_cli.servers.exporter.kinds import KINDS

_FILE_BYTES_MAX = 10_000_000
_FIELDS = {"name", "kind", "context", "reuse_connection", "properties"}


@dataclass(frozen=True, kw_only=True)
class CheckSpec:
    """One check: `values` are its properties, read."""

    name: str
    kind: str
    context: str = ""
    reuse_connection: bool = False
    values: dict[str, Any] = field(default_factory=dict)


def load_config(path: Path) -> list[CheckSpec]:
    """The checks of a file. Raises CliError that names the file and the check."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="safe", pure=True).load(read_whole(path, _FILE_BYTES_MAX))
    except OSError as error:
        raise CliError(f"cannot read {path}: {error.strerror}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise CliError(f"{path}: invalid YAML: {_first_line(error)}") from None
    try:
        return read_config(document)
    except ValueError as error:
        raise CliError(f"{path}: {error}") from None


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return f"{where}{getattr(error, 'problem', None) or str(error).splitlines()[0]}"


def read_config(document: object) -> list[CheckSpec]:
    """The checks of a document. Raises ValueError."""
    if not isinstance(document, dict):
        raise ValueError("no checks are configured")
    _only(document, {"context", "checks"}, "the configuration")
    context = _text(document.get("context"), "context")
    rows = document.get("checks")
    if not isinstance(rows, list) or not rows:
        raise ValueError("no checks are configured")
    checks = [_check(row, number, context) for number, row in enumerate(rows, 1)]
    names = [(check.kind, check.name) for check in checks]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(
            f"two checks of the kind {twice[0]} have the name {quote_excerpt(twice[1])}"
        )
    return checks


def _check(row: object, number: int, context: str) -> CheckSpec:
    if not isinstance(row, dict):
        raise ValueError(f"check {number} is no mapping")
    name = _text(row.get("name"), f"check {number}: name")
    if not name:
        raise ValueError(f"check {number} has no name")
    label = f"check {quote_excerpt(name)}"
    _only(row, _FIELDS, label)
    kind = _text(row.get("kind"), f"{label}: kind")
    if kind not in KINDS:
        raise ValueError(f"{label}: kind must be one of {', '.join(sorted(KINDS))}")
    reuse = row.get("reuse_connection", False)
    if not isinstance(reuse, bool):
        raise ValueError(f"{label}: reuse_connection must be true or false")
    try:
        values = KINDS[kind].read(row.get("properties") or {})
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from None
    return CheckSpec(
        name=name, kind=kind, context=_text(row.get("context"), f"{label}: context") or context,
        reuse_connection=reuse, values=values,
    )  # fmt: skip


def _only(found: dict[Any, Any], known: set[str], what: str) -> None:
    unknown = sorted(str(key) for key in found if key not in known)
    if unknown:
        raise ValueError(f"{what}: unknown field {quote_excerpt(unknown[0])}")


def _text(value: object, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{what} must be a text")
    return value
