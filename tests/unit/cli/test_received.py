"""The stream metadata of a received message."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pynats_cli.messages.subscriber.messages import from_direct_get


@pytest.mark.parametrize(
    ("stamp", "time_ns"),
    [
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T01:00:00.000000001+01:00", 1),
        ("0001-01-01T00:00:00Z", 0),
        ("1970-99-01T00:00:00Z", 0),
        ("yesterday", 0),
        ("", 0),
    ],
)
def test_the_time_of_a_direct_get(stamp: str, time_ns: int) -> None:
    headers = {"Nats-Stream": "S", "Nats-Sequence": "7", "Nats-Time-Stamp": stamp, "A": "b"}
    message = SimpleNamespace(subject="_INBOX.x", data=b"", reply="", headers=headers)
    received = from_direct_get(message)
    assert received.facts is not None
    assert (received.facts.sequence, received.facts.time_ns) == (7, time_ns)
    assert received.headers == (("A", "b"),)
