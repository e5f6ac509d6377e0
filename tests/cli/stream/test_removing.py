"""`stream rm`, `purge`, `rmm`, and commands of clusters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., str]
Json = Callable[..., Any]


def test_rm(run: Run, fails: Run, made: str) -> None:
    assert "--force is missing" in fails("rm", made)
    assert fails("rm", "--force") == "--force requires a stream name"
    assert fails("rm") == "cannot pick a Stream without a terminal and no Stream name supplied"
    assert run("rm", made, "-f") == ""
    assert fails("rm", made, "-f") == "stream not found (10059)"


def test_purge(run: Run, fails: Run, read: Json, filled: str) -> None:
    assert "--force is missing" in fails("purge", filled)
    assert fails("purge", filled, "-f", "--seq", "2", "--keep", "2") == (
        "sequence and keep cannot be combined when purging"
    )
    shown = run("purge", filled, "-f", "--subject", "nope")
    assert shown.startswith(f"Purged 0 messages from {filled}\n\nState for Stream {filled} created")
    assert run("purge", filled, "-f", "--seq", "2").startswith("Purged 1 messages")
    assert read("purge", filled, "-f", "--keep", "1")["state"]["messages"] == 1
    assert run("purge", filled, "-f").startswith("Purged 1 messages")


def test_rmm(run: Run, fails: Run, filled: str) -> None:
    assert "--force is missing" in fails("rmm", filled, "2")
    assert "the sequence is missing" in fails("rmm", filled)
    assert run("rmm", filled, "2", "-f") == ""
    assert fails("rmm", filled, "2", "-f").startswith("sequence 2 not found (")
    assert fails("rmm", filled, "-f") == "--force requires a stream name and a message sequence"


@pytest.mark.parametrize("command", ["step-down", "evacuate", "cancel-move", "peer-remove"])
def test_streams_outside_clusters(stream_cli: Any, made: str, command: str) -> None:
    peer = ("n1",) if command in ("evacuate", "peer-remove") else ()
    result = stream_cli.run("stream", "cluster", command, made, *peer)
    assert result.code == 1
    assert result.err.endswith(f'stream "{made}" is not clustered\n')


def test_there_is_nothing_to_balance(fails: Run, made: str) -> None:
    assert fails("cluster", "balance") == "no clustered streams to balance were found"
