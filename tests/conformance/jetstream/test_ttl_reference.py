"""Message TTLs: what the real server accepts, and when the message ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.times import parse_time_ns
from pynats_server.jetstream.publish import headers
from pynats_server.jetstream.publish.message_ttl import NEVER, TTL_MAX_S, parse_ttl

from tests.support.oracle import Oracle
from tests.support.process import REFERENCE, ServerProcess
from tests.support.timer_files import read_expiry_times

pytestmark = pytest.mark.reference

# Left out: numbers above 64 bits, of which the real server takes the low bits.
VALUES = [
    "never",
    "Never",
    "NEVER",
    "never ",
    "1",
    "0",
    "-1",
    "-0",
    "+1",
    "+0",
    "00",
    "010",
    "60",
    "1s",
    "0s",
    "-1s",
    "999ms",
    "1000ms",
    "1.5s",
    "1.4s",
    "1.6s",
    "1.999s",
    "1m",
    "1h",
    "1d",
    "500ms",
    "1e3",
    "1.5",
    "",
    "s",
    "1 s",
    " 1",
    "1 ",
    "1s ",
    "9223372036",
    "9223372037",
    "9223372036854775807",
    "9223372036854775808",
    "2147483648",
    "2562047h",
    "2562048h",
    "292y",
    "1h30m",
    "1us",
    "1000000us",
    "1ns",
    "1000000000ns",
    "0x10",
    "1_0",
    "٣",
    "-2",
    "+1s",
    "2562047h47m16.854775807s",
    "9223372035",
    "9223372036s",
    "9223372037s",
    "abc",
    "1s1",
    "1S",
    ".5s",
    "1.s",
    "1m0.5s",
    "always",
    "-",
    "+",
    "0.0s",
    "0h",
    "0.5",
    "-500ms",
    "1s\x00",
]
TIMED = ["10", "010", "1h", "3601.999s", "2h0.5s", "90m1s", "never", "NEVER", "00", "1000000"]


def refusal(text: bytes, enabled: bool) -> int | None:
    try:
        seconds = parse_ttl(text)
    except ValueError:
        return 10165
    return None if enabled or seconds == 0 else 10166


@pytest.mark.parametrize("enabled", [True, False])
def test_the_same_values_are_accepted(oracle: Oracle, enabled: bool) -> None:
    oracle.create("S", subjects=["s"], allow_msg_ttl=enabled)
    differences = []
    for value in VALUES:
        block = headers.build([(b"Nats-TTL", value.encode())])
        ack = oracle.publish("s", headers=block)
        theirs = ack["error"]["err_code"] if "error" in ack else None
        ours = refusal(headers.get(block, b"Nats-TTL") or b"", enabled)
        if ours != theirs:
            differences.append((value, ours, theirs))
    assert not differences


def test_ttl_of_schedules(oracle: Oracle) -> None:
    oracle.create("S", subjects=["s.*", "t"], allow_msg_ttl=True, allow_msg_schedules=True)
    differences = []
    for number, value in enumerate(VALUES):
        block = headers.build(
            [
                (b"Nats-Schedule", b"@at 2035-01-01T00:00:00Z"),
                (b"Nats-Schedule-Target", b"t"),
                (b"Nats-Schedule-TTL", value.encode()),
            ]
        )
        ack = oracle.publish(f"s.{number}", headers=block)
        theirs = ack["error"]["err_code"] if "error" in ack else None
        refused = refusal(headers.get(block, b"Nats-Schedule-TTL") or b"", True)
        if (10191 if refused else None) != theirs:
            differences.append((value, refused, theirs))
    assert not differences


def test_messages_end_at_the_same_time(tmp_path: Path) -> None:
    """Compared with the file that the server leaves when it ends."""
    config = f'jetstream {{ store_dir: "{tmp_path}/store" }}\n'
    published = {}
    with ServerProcess(REFERENCE, tmp_path, config) as server, Oracle(server.port) as oracle:
        oracle.create("S", subjects=["s"], allow_msg_ttl=True, storage="file")
        for value in TIMED:
            seq = oracle.publish("s", headers=headers.build([(b"Nats-TTL", value.encode())]))["seq"]
            published[seq] = value, parse_time_ns(oracle.message("S", seq)["time"])
    (path,) = tmp_path.rglob("thw.db")
    ours = {}
    for seq, (value, time_ns) in published.items():
        seconds = parse_ttl(value.encode())
        assert seconds < TTL_MAX_S
        if seconds not in (0, NEVER):
            ours[seq] = time_ns + seconds * SECOND_NS
    assert ours == read_expiry_times(path)
