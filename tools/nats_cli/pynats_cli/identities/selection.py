"""The operator that `auth operator select` chose, in the file where `nats` keeps it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pynats_common.files import read_whole
from pynats_common.program.xdg import config_home, write_private

from pynats_cli.errors import CliError

_FIELD = "select_operator"


def _path() -> Path:
    return config_home() / "nats" / "cli" / "config.json"


def _read() -> dict[str, Any]:
    try:
        text = read_whole(_path())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CliError(f"cannot read {_path()}: {error.strerror}") from None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CliError(f"{_path()} is damaged: it is not a JSON object")
    return value


def selected_operator() -> str:
    """Its name, or empty."""
    return str(_read().get(_FIELD) or "")


def select_operator(name: str) -> None:
    """Stores the choice; what else is in the file stays."""
    write_private(_path(), json.dumps({**_read(), _FIELD: name}))
