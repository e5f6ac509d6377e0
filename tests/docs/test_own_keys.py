"""Which keys of the configuration are ours only, as the real server says itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynats_server.settings.schema import Table
from pynats_server.settings.top_level import TOP_LEVEL

from tests.support.process import REFERENCE, server_command

# Blocks that stand in lists, or below a name.
LISTS = {"users", "exports", "imports", "oidc", "trusted"}
NAMED = {"accounts": "A", "mappings": '"a.b"', "roles": "r"}
# There it says of a value of a wrong type that the field is unknown.
NOT_SURE = {"tls.ocsp_peer", "ocsp_cache"}


def keys(path: str, table: Table, seen: set[int], ours: bool = False) -> Iterator[tuple[str, bool]]:
    seen.add(id(table))
    for setting in table.settings:
        here = f"{path}.{setting.name}" if path else setting.name
        own = ours or setting.ours
        if path not in NOT_SURE:
            yield here, own
        if setting.block is not None and id(setting.block) not in seen:
            yield from keys(here, setting.block, seen, own)


def configuration(path: str) -> str:
    *blocks, key = path.split(".")
    text = f"{{ {key}: 1 }}"
    for block in reversed(blocks):
        if block in LISTS:
            text = f"[ {text} ]"
        if block in NAMED:
            text = f"{{ {NAMED[block]}: {text} }}"
        text = f"{{ {block}: {text} }}"
    return text.removeprefix("{").removesuffix("}")


@pytest.mark.reference
def test_the_real_server_knows_all_other_keys(tmp_path: Path) -> None:
    file = tmp_path / "s.conf"
    wrong = []
    for path, ours in keys("", TOP_LEVEL, set()):
        file.write_text(configuration(path))
        done = subprocess.run(
            [*server_command(REFERENCE), "-t", "-c", file], capture_output=True, text=True
        )
        if ("unknown field" in (done.stderr + done.stdout).lower()) is not ours:
            wrong.append(path)
    assert wrong == []
