"""What a scan reads of direct gets and deliveries."""

from __future__ import annotations

import pytest
from pynats_cli.connect.natspy.batches import Message
from pynats_cli.jetstream.query.records import Record, from_delivery, from_direct


def test_a_direct_get_is_read() -> None:
    head = (
        b"NATS/1.0\r\nK: v\r\nNats-Stream: S\r\nNats-Subject: a.b\r\nNats-Sequence: 12\r\n"
        b"Nats-Time-Stamp: 2026-01-02T03:04:05.6Z\r\nNats-Num-Pending: 3\r\n"
        b"Nats-Last-Sequence: 11\r\n\r\n"
    )
    record = from_direct(Message(b"inbox", b"", head, b'{"n": 1}'))
    assert record is not None
    assert (record.sequence, record.subject, record.pending) == (12, "a.b", 3)
    assert record.time_text == "2026-01-02T03:04:05.6Z"
    assert record.time_ns == 1767323045_600_000_000
    assert record.headers == [("K", "v")]
    assert record.data == {"n": 1}


@pytest.mark.parametrize(
    "reply",
    [
        b"$JS.ACK.S.C.1.12.5.1767323045600000000.3",
        b"$JS.ACK._.Ab12.S.C.1.12.5.1767323045600000000.3",
        b"$JS.ACK.hub.Ab12.S.C.1.12.5.1767323045600000000.3.rnd",
    ],
)
def test_a_delivery_is_read(reply: bytes) -> None:
    record = from_delivery(Message(b"a.b", reply, b"", b"text"))
    assert record is not None
    assert (record.sequence, record.subject, record.pending) == (12, "a.b", 3)
    assert record.time_text == "2026-01-02T03:04:05.6Z"
    assert record.data == "text"
    assert not record.is_json


def test_a_status_is_no_message() -> None:
    status = Message(b"inbox", b"", b"NATS/1.0 404 No Messages\r\n\r\n", b"")
    assert from_direct(status) is None
    assert from_delivery(status) is None


def test_a_body_that_is_no_text_has_no_data() -> None:
    assert Record(1, b"a", 0, b"", b"\xff\xfe").data is None
