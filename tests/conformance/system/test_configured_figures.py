"""What monitoring says of the configuration where that is not what stands there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded

USERS = "authorization { users: [{user: a, password: a}, {user: b, password: b}] }\n"
CONFIGS = {
    "nothing": "",
    "users": USERS,
    "a guest": USERS + "no_auth_user: a\n",
    "accounts with a guest": """
        accounts { A { users: [{user: a, password: a}] }, $SYS { users: [{user: s, password: s}] } }
        no_auth_user: a
    """,
}


SIZES = {
    "none": "",
    "one": "max_mem: 10M",
    "the other": "max_file: 10M",
    "nothing and one": "max_mem: 0, max_file: 10M",
    "both": "max_mem: 10M, max_file: 10M",
}


def shown(kind: str, config: str, folder: Path) -> list[Any]:
    with ServerProcess(kind, folder / kind, config, monitor=True) as server:
        with RawClient(server.port) as client:
            info = json.loads(client.read_info().removeprefix(b"INFO "))
        told = server.monitoring("/varz")
        return [each.get("auth_required") for each in (info, told)]


@pytest.mark.parametrize("name", CONFIGS)
def test_log_ins(name: str, recorded: Recorded, tmp_path: Path) -> None:
    """INFO says what a client has to do, /varz what the server has."""
    expected = recorded.of(lambda: shown(REFERENCE, CONFIGS[name], tmp_path))
    assert shown(PYNATS, CONFIGS[name], tmp_path) == expected


def configured(kind: str, sizes: str, folder: Path) -> dict[str, Any]:
    config = f'jetstream {{ store_dir: "@FOLDER@/js", sync: always, {sizes} }}'
    with ServerProcess(kind, folder / kind, config, monitor=True) as server:
        found: dict[str, Any] = server.monitoring("/jsz?config=true")["config"]
    return {name: each for name, each in found.items() if name != "store_dir"}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name: str, recorded: Recorded, tmp_path: Path) -> None:
    """What this machine has is asked for at another moment by each."""
    expected = recorded.of(lambda: own(configured(REFERENCE, SIZES[name], tmp_path)))
    assert own(configured(PYNATS, SIZES[name], tmp_path)) == expected


def own(config: dict[str, Any]) -> dict[str, Any]:
    return {
        name: "of the machine" if name in ("max_memory", "max_storage") and each > 10**8 else each
        for name, each in config.items()
    }
