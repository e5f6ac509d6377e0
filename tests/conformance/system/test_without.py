"""`no_system_account`: none is made by itself, one that is named is there all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded

A = "accounts { A { users = [{user: a, password: a}] } }\n"
SYS = "accounts { SYS { users = [{user: a, password: a}] } }\n"
OWN = "accounts { $SYS { users = [{user: a, password: a}] } }\n"
CONFIGS = {
    "usual": A,
    "without": "no_system_account: true\n" + A,
    "without any account": "no_system: true\n",
    "named": "no_system_account: true\nsystem_account: SYS\n" + SYS,
    "of the usual name": "no_sys_acc: true\n" + OWN,
    "with JetStream": "no_system_account: true\njetstream { store_dir: '@FOLDER@/js' }\n" + A,
}


def shown(kind: str, config: str, folder: Path) -> list[Any]:
    with ServerProcess(kind, folder / kind, config, monitor=True) as server:
        accounts = server.monitoring("/accountz")
        with RawClient(server.port) as client:
            client.read_info()
            client.send(b'CONNECT {"user":"a","pass":"a","verbose":false,"protocol":1}\r\n')
            client.fence()
            client.settle()
            is_system = b'"acc_is_sys":true' in client.received
        return [
            server.monitoring("/varz").get("system_account"),
            accounts.get("system_account"),
            sorted(accounts["accounts"]),
            is_system,
        ]


@pytest.mark.parametrize("name", CONFIGS)
def test_whether_there_is_a_system_account(name: str, recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: shown(REFERENCE, CONFIGS[name], tmp_path))
    assert shown(PYNATS, CONFIGS[name], tmp_path) == expected
