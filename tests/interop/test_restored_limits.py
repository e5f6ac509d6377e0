"""A backup with more than the limits of the stream that it becomes: what is kept is as recorded of
the real server."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.consumer_folders import back_up, restore, running
from tests.support.oracle import Oracle
from tests.support.process import PYNATS, REFERENCE
from tests.support.records import Recorded

Json = dict[str, Any]
LIMITS: dict[str, Json] = {
    "messages": {"max_msgs": 2},
    "bytes": {"max_bytes": 100},
    "per subject": {"max_msgs_per_subject": 1},
    "all": {"max_msgs": 2, "max_bytes": 100, "max_msgs_per_subject": 1},
}


def restored(port: int, archive: bytes, begun: Json, storage: str) -> Json:
    """By limit, discard policy and retention: the sequences of a restored stream, and what the
    next message got."""
    found = {}
    kinds = itertools.product(LIMITS, ("old", "new"), ("limits", "workqueue", "interest"))
    with Oracle(port) as client:
        # Without a stream on disk the real server removes the account's folder now and then.
        client.api("STREAM.CREATE.KEEPER", name="KEEPER", subjects=["kept"], storage="file")
        for number, (limit, discard, retention) in enumerate(kinds):
            # Not one name for all: the real server removes files of deleted streams later.
            name = f"T{number}"
            changes = {
                "name": name, "discard": discard, "retention": retention, "storage": storage,
            }  # fmt: skip
            made = restore(port, archive, begun, **changes, **LIMITS[limit])
            assert "error" not in made, made
            state = client.api(f"STREAM.INFO.{name}")["state"]
            kept = [
                seq
                for seq in range(state["first_seq"], state["last_seq"] + 1)
                if "message" in client.api(f"STREAM.MSG.GET.{name}", seq=seq)
            ]
            ack = client.publish("t.0", b"x")
            told = ack.get("error", {}).get("description", ack.get("seq"))
            found[f"{limit}, {discard}, {retention}"] = [kept, told]
            client.api(f"STREAM.DELETE.{name}")
    return found


def ask(folder: Path, storage: str) -> Json:
    """The real server, whose backup goes into a folder."""
    with running(REFERENCE, folder.parent / "real") as (server, client):
        client.api("STREAM.CREATE.T", name="T", subjects=["t.*"], storage="file")
        for number in range(9):
            client.publish(f"t.{number % 3}", b"12345")
        archive, begun, _ = back_up(server.port)
        client.api("STREAM.DELETE.T")
        folder.mkdir()
        (folder / "archive").write_bytes(archive)
        (folder / "begun.json").write_text(json.dumps(begun))
        return restored(server.port, archive, begun, storage)


@pytest.mark.parametrize("storage", ["file", "memory"])
def test_a_backup_over_the_limits_loses_nothing_to_a_stream_that_discards_new(
    tmp_path: Path, recorded: Recorded, storage: str
) -> None:
    kept = tmp_path / "backup"
    expected = recorded.folder(kept, lambda: ask(kept, storage))
    archive, begun = (kept / "archive").read_bytes(), json.loads((kept / "begun.json").read_text())
    with running(PYNATS, tmp_path / "js") as (server, _):
        found = restored(server.port, archive, begun, storage)
    assert found == expected
    assert found["messages, new, limits"] == [[*range(1, 10)], "maximum messages exceeded"]
