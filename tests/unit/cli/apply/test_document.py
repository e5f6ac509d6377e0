"""The file of `apply`: each form, and complaints with their place."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_cli.errors import CliError
from pynats_cli.jetstream.apply.document import read_document

YAML = """\
name: shop
streams:
  ORDERS:
    subjects: [orders.>]
    max_age: 7d
    max_bytes: 10MB
    consumers:
      worker: {ack_wait: 1m, backoff: [1s, 5s]}
kv:
  - bucket: CFG
    history: 5
    ttl: 1h
objects: {FILES: {compression: true}}
"""
TOML = """\
name = "shop"
[streams.ORDERS]
subjects = "orders.>"
max_age = "7d"
max_bytes = "10MB"
[streams.ORDERS.consumers.worker]
ack_wait = "1m"
backoff = ["1s", "5s"]
[[kv]]
bucket = "CFG"
history = 5
ttl = "1h"
[objects.FILES]
compression = true
"""
JSON = """\
{"name": "shop",
 "streams": [{"name": "ORDERS", "subjects": ["orders.>"], "max_age": 604800000000000,
   "max_bytes": 10485760,
   "consumers": [{"name": "worker", "ack_wait": "1m", "backoff": ["1s", "5s"]}]}],
 "kv": {"CFG": {"history": 5, "ttl": "1h"}},
 "objects": {"FILES": {"compression": true}}}
"""


@pytest.mark.parametrize(("name", "text"), [("a.yaml", YAML), ("a.toml", TOML), ("a.json", JSON)])
def test_each_form_declares_the_same(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    document = read_document(str(file))
    assert document.set == "shop"
    orders, config, files = document.streams
    assert orders.config == {
        "name": "ORDERS", "subjects": ["orders.>"], "max_age": 604800_000_000_000,
        "max_bytes": 10 << 20,
    }  # fmt: skip
    assert config.config == {
        "name": "KV_CFG", "subjects": ["$KV.CFG.>"], "discard": "new", "allow_rollup_hdrs": True,
        "allow_direct": True, "deny_delete": True, "max_msgs_per_subject": 5,
        "max_age": 3600_000_000_000, "duplicate_window": 120_000_000_000,
    }  # fmt: skip
    assert files.config["subjects"] == ["$O.FILES.C.>", "$O.FILES.M.>"]
    assert files.config["compression"] == "s2"
    (worker,) = document.consumers
    assert (worker.stream, worker.title) == ("ORDERS", "consumer ORDERS > worker")
    assert worker.config["backoff"] == [1_000_000_000, 5_000_000_000]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("streams: {X: {subjets: [a]}}",
         '1:15: unknown field "subjets" (did you mean "subjects"?)'),
        ("stream: {}", '1:1: unknown field "stream" (did you mean "streams"?)'),
        ("streams:\n  X:\n    storage: disk",
         '3:5: storage must be one of file, memory, got "disk"'),
        ("streams:\n  X:\n    max_age: soon", "3:5: max_age: "),
        ("streams:\n  X:\n    max_msgs: 1.5", "3:5: max_msgs must be a whole number, got a float"),
        ("streams:\n  - subjects: [a]", "2:5: an item of streams needs a name"),
        ("streams:\n  a.b: {}", '2:3: "a.b" is no valid name'),
        ("streams:\n  X: {}\nkv: 5", "3:1: kv must be a map or a list, got integer"),
        ("kv:\n  A: {history: 65}", "2:3: history must be between 1 and 64, got 65"),
        ("streams: {KV_A: {}}\nkv: {A: {}}", "2:6: stream KV_A is declared on line 1"),
        ("streams:\n  X: {name: Y}", '2:7: name is "Y", but it stands below "X"'),
        ("streams: {X: {consumers: {c: {filter_subject: a, filter_subjects: [b]}}}}",
         "1:27: filter_subject and filter_subjects do not go together"),
        ("streams: [", "2:1: Parse error: "),
    ],
)  # fmt: skip
def test_complaints_have_their_place(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text + "\n")
    with pytest.raises(CliError) as raised:
        read_document(str(file))
    assert str(raised.value).startswith(f"{file}:{complaint}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="no such file or directory"):
        read_document(str(tmp_path / "nope.yaml"))
