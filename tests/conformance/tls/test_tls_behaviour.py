"""Clients on their way through TLS: what the real server lets happen, so do we."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.tls.rows import ROWS, Row
from tests.conformance.tls.scene import Files, Scene
from tests.support.pool import ServerPool
from tests.support.process import REFERENCE, ServerProcess
from tests.support.records import Recorded, as_text, difference

# What the real server says in the words of Go's TLS, and we in OpenSSL's.
WORDS = [
    (r"only unsupported versions: \[[0-9a-f ]*\]", "only unsupported versions"),
    (r"; client offered: \[[0-9a-f ]*\]", ""),
]

if os.environ.get("PYNATS_TLS_ENGINE") == "python":
    # What Python's `ssl` does not let us say: in which order suites count, what it is that
    # was refused, and with which alert.
    WORDS += [
        (r"AES_256_GCM_SHA384|AES_128_GCM_SHA256", "AES"),
        (r" \(CN=[^)]*<hash>\)| is after <time>", ""),
        ("alert unsupported certificate", "alert bad certificate"),
    ]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def server_of(
    reference_servers: ServerPool, servers_under_test: ServerPool, files: Files, tmp_path: Path
) -> Iterator[Any]:
    started: list[ServerProcess] = []

    def find(kind: str, row: Row) -> ServerProcess:
        config = files.filled(row.config)
        if row.alone:
            started.append(ServerProcess(kind, tmp_path / kind, config).start())
            return started[-1]
        pool = reference_servers if kind == REFERENCE else servers_under_test
        name = f"tls-{CONFIGS.index(row.config)}"
        return pool.get(name, config)

    yield find
    for server in started:
        server.stop()


CONFIGS = list(dict.fromkeys(row.config for row in ROWS.values()))


def played(server: ServerProcess, row: Row, files: Files) -> Any:
    scene = Scene(server, files)
    try:
        return row.play(scene)
    finally:
        scene.end()


def in_our_words(text: str) -> str:
    for pattern, ours in WORDS:
        text = re.sub(pattern, ours, text)
    return text


@pytest.mark.parametrize("name", ROWS)
def test_the_same_happens(
    name: str, server_of: Any, files: Files, recorded: Recorded, kind_under_test: str
) -> None:
    row = ROWS[name]
    expected = recorded.of(lambda: played(server_of(REFERENCE, row), row, files))
    actual = played(server_of(kind_under_test, row), row, files)
    theirs, ours = in_our_words(as_text(expected)), in_our_words(as_text(actual))
    assert ours == theirs, difference(theirs, ours)
