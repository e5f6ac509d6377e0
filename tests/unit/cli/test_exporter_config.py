"""The exporter's configuration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.errors import CliError
from pynats_cli.servers.exporter.config import load_config, read_config

GOOD = """
context: prod
checks:
  - name: orders
    kind: stream
    reuse_connection: true
    properties: {stream_name: ORDERS, cluster_expected_peers: 3, sources_seen_critical: 1m30s}
  - name: answers
    kind: request
    context: other
    properties:
      subject: time
      header: {A: 1}
      response_match: "^[0-9]+$"
      response_time_crit: 0.5
"""


def test_properties_become_thresholds(tmp_path: Path) -> None:
    path = tmp_path / "checks.yaml"
    path.write_text(GOOD)
    orders, answers = load_config(path)
    assert (orders.context, orders.reuse_connection) == ("prod", True)
    assert orders.values == {
        "stream": "ORDERS", "peer_expect": 3, "seen_critical": 90_000_000_000,
    }  # fmt: skip
    assert answers.context == "other"
    assert answers.values["payload"] == re.compile("^[0-9]+$")
    assert answers.values["response_critical"] == 500_000_000
    assert answers.values["send_headers"] == {"A": "1"}


def one(**check: Any) -> dict[str, Any]:
    return {"checks": [{"name": "x", **check}]}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "no checks"),
        ({"checks": []}, "no checks"),
        ({"checks": [1]}, "check 1 is no mapping"),
        ({"checks": [{"kind": "kv"}]}, "check 1 has no name"),
        ({"check": []}, 'unknown field "check"'),
        (one(kind="bogus"), 'check "x": kind must be one of connection'),
        (one(kind="kv"), "property bucket is required"),
        (one(kind="kv", properties={"buckets": "b"}), 'unknown property "buckets"'),
        (one(kind="kv", properties={"bucket": "b", "values_warning": "many"}),
         "values_warning: must be a whole number"),
        (one(kind="meta", properties={"expect_servers": 3, "lag_critical": 1}),
         "property seen_critical is required"),
        (one(kind="request", properties={"subject": "s", "response_match": "("}),
         "response_match: is no regular expression"),
        (one(kind="stream", properties={"stream_name": "s", "sources_seen_critical": "1 day"}),
         "sources_seen_critical: invalid duration"),
        (one(kind="connection", reuse_connection="yes"), "must be true or false"),
        ({"checks": [{"name": "x", "kind": "connection"}] * 2}, "two checks of the kind"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(document: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        read_config(document)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "checks.yaml"
    path.write_text("checks: [\n")
    with pytest.raises(CliError, match=r"checks.yaml: invalid YAML: line"):
        load_config(path)
    with pytest.raises(CliError, match="cannot read"):
        load_config(tmp_path / "none")
