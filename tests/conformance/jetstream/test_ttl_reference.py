"""Message TTLs: what the real server accepts, and when the message ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pynats_common.go.durations import SECOND_NS
from pynats_common.go.times import parse_time_ns
from pynats_server.core.protocol import headers
from pynats_server.jetstream.publish.message_ttl import NEVER, TTL_MAX_S, parse_ttl

from tests.conformance.jetstream.reference import Reference
from tests.support.oracle import Oracle
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded
from tests.support.timer_files import read_expiry_times

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


Answers = list[list[str | int | None]]  # value and error code


def err_code(ack: dict[str, Any]) -> int | None:
    return ack["error"]["err_code"] if "error" in ack else None


@pytest.mark.parametrize("enabled", [True, False])
def test_the_same_values_are_accepted(reference: Reference, enabled: bool) -> None:
    def block(value: str) -> bytes:
        return headers.build([(b"Nats-TTL", value.encode())])

    def ask(oracle: Oracle) -> Answers:
        oracle.create("S", subjects=["s"], allow_msg_ttl=enabled)
        return [[v, err_code(oracle.publish("s", headers=block(v)))] for v in VALUES]

    ours = [[v, refusal(headers.get(block(v), b"Nats-TTL") or b"", enabled)] for v in VALUES]
    assert ours == reference.of(ask)


RAW = [
    *(f" {value}" for value in VALUES), *VALUES,
    "never\t", "\tnever", " never  ", " neve\u0159", " nEver\u212a", "  1", " \t1", " +1 ",
    " 1\u00a0",
    "\u00a01", " \uff11", " 1\x0b", "\x0c1", " never\x0c", " +60", " 18446744073709551615",
    " 1h1", " 1s 1s", " 1\u00b5s", " 1000001\u03bcs", " 9223372036854775807ns",
    " 9223372036854775808ns",
    " 2562047h48m", " .s", ' "1"', " 1,2", " 4294967295", " 4294967296", " " + "0" * 40 + "1",
]  # fmt: skip


def test_our_server_accepts_the_same(tmp_path: Path, recorded: Recorded) -> None:
    """In whatever way a value is written: nothing but blanks before it is passed over."""

    def ask(kind: str) -> Answers:
        config = f'jetstream {{ store_dir: "{tmp_path}/{kind}" }}\n'
        blocks = [f"NATS/1.0\r\nNats-TTL:{value}\r\n\r\n".encode() for value in RAW]
        with (
            ServerProcess(kind, tmp_path / f"{kind}-run", config) as server,
            Oracle(server.port) as oracle,
        ):
            oracle.create("S", subjects=["s"], allow_msg_ttl=True)
            return [
                [value, err_code(oracle.publish("s", headers=block))]
                for value, block in zip(RAW, blocks, strict=True)
            ]

    assert ask(PYNATS) == recorded.of(lambda: ask(REFERENCE))


def test_ttl_of_schedules(reference: Reference) -> None:
    def block(value: str) -> bytes:
        return headers.build(
            [
                (b"Nats-Schedule", b"@at 2035-01-01T00:00:00Z"),
                (b"Nats-Schedule-Target", b"t"),
                (b"Nats-Schedule-TTL", value.encode()),
            ]
        )

    def ask(oracle: Oracle) -> Answers:
        oracle.create("S", subjects=["s.*", "t"], allow_msg_ttl=True, allow_msg_schedules=True)
        return [
            [value, err_code(oracle.publish(f"s.{number}", headers=block(value)))]
            for number, value in enumerate(VALUES)
        ]

    def ours(value: str) -> int | None:
        found = headers.get(block(value), b"Nats-Schedule-TTL") or b""
        return 10191 if refusal(found, True) else None

    assert [[value, ours(value)] for value in VALUES] == reference.of(ask)


def test_messages_end_at_the_same_time(tmp_path: Path, recorded: Recorded) -> None:
    """Compared with the file that the server leaves when it ends."""
    ours = {}
    for value in TIMED:
        seconds = parse_ttl(value.encode())
        assert seconds < TTL_MAX_S
        if seconds not in (0, NEVER):
            ours[value] = seconds * SECOND_NS
    assert ours == recorded.of(lambda: lifetimes(tmp_path))


def lifetimes(folder: Path) -> dict[str, int]:
    """From the message's time to its end in ns, by TTL; without those that have no end."""
    config = f'jetstream {{ store_dir: "{folder}/store" }}\n'
    published = {}
    with ServerProcess(REFERENCE, folder, config) as server, Oracle(server.port) as oracle:
        oracle.create("S", subjects=["s"], allow_msg_ttl=True, storage="file")
        for value in TIMED:
            seq = oracle.publish("s", headers=headers.build([(b"Nats-TTL", value.encode())]))["seq"]
            published[seq] = value, parse_time_ns(oracle.message("S", seq)["time"])
    (path,) = folder.rglob("thw.db")
    ends = read_expiry_times(path)
    return {value: ends[seq] - time for seq, (value, time) in published.items() if seq in ends}
