"""What a stream keeps that has more than its limits allow: with `discard: old` the newest, with
`discard: new` everything but what a limit per subject takes, as recorded of the real server."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.jetstream.reference import Reference
from tests.conformance.jetstream.test_publish_reference import create, stored
from tests.support.oracle import Oracle
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded, plain

Json = dict[str, Any]
LIMITS: dict[str, Json] = {
    "messages": {"max_msgs": 2},
    "bytes": {"max_bytes": 100},
    "per subject": {"max_msgs_per_subject": 1},
    "per subject, new": {"max_msgs_per_subject": 1, "discard_new_per_subject": True},
    "all": {"max_msgs": 2, "max_bytes": 100, "max_msgs_per_subject": 1},
}
KINDS = [
    (before, after, retention, storage)
    for before, after, retention, storage in itertools.product(
        ("old", "new"), ("old", "new"), ("limits", "workqueue"), ("file", "memory")
    )
]


def fill(client: Oracle, config: Json) -> None:
    create(client, config)
    for number in range(9):
        client.publish(f"{config['name']}.{number % 3}", b"12345")


def seen(client: Oracle, name: str) -> Json:
    found = stored(client, name)
    return {
        "state": found["state"],
        "kept": [[seq, subject] for seq, subject, *_ in found["messages"]],
    }


def acknowledged(client: Oracle, name: str) -> list[Any]:
    """What three publishes get: on two subjects that have messages, and on a new one."""
    acks = [client.publish(f"{name}.{last}", b"x") for last in (0, 1, 5)]
    return [ack.get("error", {}).get("description", ack.get("seq")) for ack in acks]


def play(client: Oracle, limit: str, before: str, after: str, retention: str, storage: str) -> Any:
    """Lowers the limits of a filled stream, publishes, makes room, and drops the refusal."""
    name = "OVER"
    config = {
        "name": name, "subjects": [f"{name}.*"], "retention": retention, "storage": storage,
        "discard": before,
    }  # fmt: skip
    fill(client, config)
    changed = {**config, "discard": after, **LIMITS[limit]}
    told = [client.api(f"STREAM.UPDATE.{name}", **changed).get("error"), seen(client, name)]
    told += [acknowledged(client, name), seen(client, name)]
    client.api(f"STREAM.PURGE.{name}", keep=1)
    told += [acknowledged(client, name), seen(client, name)]
    old = {**changed, "discard": "old", "discard_new_per_subject": False}
    told += [client.api(f"STREAM.UPDATE.{name}", **old).get("error"), seen(client, name)]
    client.api(f"STREAM.DELETE.{name}")
    return plain(told)


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
@pytest.mark.parametrize("limit", LIMITS)
def test_lowered_limits_take_what_they_take_from_the_real_server(
    limit: str, kind: tuple[str, str, str, str], reference: Reference, ours: Oracle
) -> None:
    assert play(ours, limit, *kind) == reference.of(lambda oracle: play(oracle, limit, *kind))


def names() -> dict[str, tuple[str, str]]:
    pairs = itertools.product(LIMITS, ("old", "new"))
    return {f"S{number}": pair for number, pair in enumerate(pairs)}


def write_folder(folder: Path) -> Json:
    """Streams of the real server that got over their limits while they had none."""
    config = f'jetstream {{ store_dir: "{folder}" }}\n'
    found = {}
    with (
        ServerProcess(REFERENCE, folder.parent / "server", config) as server,
        Oracle(server.port) as client,
    ):
        for name, (limit, discard) in names().items():
            stream = {
                "name": name, "subjects": [f"{name}.*"], "discard": discard, "storage": "file",
            }  # fmt: skip
            fill(client, stream)
            client.api(f"STREAM.UPDATE.{name}", **stream, **LIMITS[limit])
            found[name] = seen(client, name)
    return found


def test_a_folder_of_the_real_server_over_its_limits_loses_nothing(
    tmp_path: Path, recorded: Recorded
) -> None:
    expected = recorded.folder(tmp_path / "js", lambda: write_folder(tmp_path / "js"))
    for with_index in (True, False):
        folder = tmp_path / f"index-{with_index}"
        shutil.copytree(tmp_path / "js", folder)
        for path in folder.rglob("index.db") if not with_index else ():
            path.unlink()
        config = f'jetstream {{ store_dir: "{folder}" }}\n'
        with (
            ServerProcess(PYNATS, folder / "server", config) as server,
            Oracle(server.port) as client,
        ):
            for name, (limit, discard) in names().items():
                assert plain(seen(client, name)) == expected[name], (limit, discard)
    kept = {names()[name]: len(told["kept"]) for name, told in expected.items()}
    assert kept["messages", "new"] == kept["bytes", "new"] == 9
    assert kept["messages", "old"] == 2
