"""Requests with values of the wrong type: refused in the real server's words, which name its
types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.oracle import Oracle
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded

FIELDS = {
    "STREAM.CREATE.X": (
        "name", "subjects", "max_msgs", "mirror", "sources", "placement", "republish", "metadata",
        "consumer_limits", "pedantic", "subject_transform", "description",
    ),
    "STREAM.UPDATE.S": ("name", "subjects", "max_msgs"),
    "STREAM.NAMES": ("offset", "subject"),
    "STREAM.LIST": ("offset", "subject"),
    "STREAM.INFO.S": ("offset", "deleted_details", "subjects_filter"),
    "STREAM.DELETE.Q": (),
    "STREAM.PURGE.S": ("seq", "filter", "keep"),
    "STREAM.MSG.GET.S": (
        "seq", "last_by_subj", "next_by_subj", "batch", "max_bytes", "start_time", "multi_last",
        "up_to_seq", "up_to_time", "no_hdr",
    ),
    "STREAM.MSG.DELETE.S": ("seq", "no_erase"),
    "STREAM.SNAPSHOT.S": ("deliver_subject", "no_consumers", "chunk_size", "window_size", "jsck"),
    "STREAM.RESTORE.R": ("config", "state"),
    "INFO": (),
}  # fmt: skip
BODIES = (
    "[]", '"x"', "1", "null", "true", "{}", '{"zz":1}', "x", "{", "{} x", '{"a":1', "{}\0", "",
)  # fmt: skip
VALUES = (
    "{}", "[]", '"x"', "1", "-1", "1.5", "true", "null", "[1]", '{"x":1}', '[{"x":1}]', "1e3",
    "99999999999999999999", '"\\ud800"', '"\\u0000"', '"\\ud83d\\ude00"', "1 2", '"\xff"',
)  # fmt: skip
# A NUL in a subject: ours refuses it everywhere.
DIFFERENT = {("STREAM.SNAPSHOT.S", '{"deliver_subject":"\\u0000"}')}


def bodies(endpoint: str) -> list[str]:
    found = list(BODIES)
    for name in FIELDS[endpoint]:
        found += [f'{{"{name}":{value}}}' for value in VALUES]
        found.append(f'{{"{name}":null,"{name}":1,"{name.upper()}":"x"}}')
    return [body for body in found if (endpoint, body) not in DIFFERENT]


def asked(kind: str, folder: Path, endpoint: str) -> dict[str, Any]:
    """The refusals, by body; None for requests that are taken."""
    config = f'jetstream {{ store_dir: "{folder}/store" }}\n'
    found: dict[str, Any] = {}
    with ServerProcess(kind, folder, config) as server, Oracle(server.port) as oracle:
        oracle.create("S", subjects=["s"], storage="memory")
        oracle.publish("s")
        for body in bodies(endpoint):
            reply = json.loads(
                oracle.request(f"$JS.API.{endpoint}".encode(), body.encode("latin1"))
            )
            error = reply.get("error")
            found[body] = None if error is None else [error["err_code"], error["description"]]
            if error is None and endpoint == "STREAM.CREATE.X":
                oracle.request(b"$JS.API.STREAM.DELETE.X")
    return found


@pytest.mark.parametrize("endpoint", FIELDS)
def test_wrong_types_are_refused_in_the_same_words(
    endpoint: str, tmp_path: Path, recorded: Recorded
) -> None:
    theirs = recorded.of(lambda: asked(REFERENCE, tmp_path / REFERENCE, endpoint))
    assert asked(PYNATS, tmp_path / PYNATS, endpoint) == theirs
