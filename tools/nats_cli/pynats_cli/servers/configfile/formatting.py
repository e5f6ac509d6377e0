"""`fmt`: a file laid out anew, which must mean what it meant before."""

from __future__ import annotations

import json
from typing import Any

from pynats_common.config import plain
from pynats_common.config.values import ConfigError, NodeMap

from pynats_cli.servers.configfile.nats_reading import check_syntax, read_nats
from pynats_cli.servers.configfile.nats_writing import write_nats


def formatted(text: str, file: str) -> str:
    """The text laid out; JSON stays JSON. Raises `ConfigError`."""
    before = check_syntax(text, file)
    as_json = _as_json(text)
    made = as_json if as_json is not None else write_nats(read_nats(text, file))
    if not _means_the_same(before, made, file):
        raise ConfigError(f"{file} cannot be laid out without changing what it means")
    return made


def _means_the_same(before: NodeMap, text: str, file: str) -> bool:
    try:
        after = check_syntax(text, file)
    except ConfigError:
        return False
    return repr(plain(before)) == repr(plain(after))  # the order of keys counts, too


def _as_json(text: str) -> str | None:
    """The text laid out as the JSON that it is, None if it is none."""
    doubled = False

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        made = dict(pairs)
        doubled |= len(made) < len(pairs)
        return made

    try:
        value = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or doubled:
        return None
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
