"""What goes through a session: every cut of the stream, full records, floods, goodbyes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pynats_server.core.sockets.layer import ENDED, FAILED, MORE, READY, Layer
from pynats_server.tls.engine import Engine

from tests.support.authorities import Authority
from tests.support.fuzzing import examples
from tests.support.tls import (
    TLS_1_2,
    TLS_1_3,
    HandMade,
    PythonClient,
    TlsPlan,
    connected,
    records,
)

VERSIONS = pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=["1.2", "1.3"])


def test_a_handshake_in_single_bytes(engine: Engine, plan: TlsPlan, authority: Authority) -> None:
    client = PythonClient(authority)
    layer = connected(
        engine.server_context(plan), client, lambda data: [bytes([byte]) for byte in data]
    )
    assert layer.open(client.write(b"hello")) == (b"hello", MORE)


@VERSIONS
def test_records_cut_at_every_byte(
    engine: Engine, plan: TlsPlan, authority: Authority, version: object
) -> None:
    client = PythonClient(authority, version=version)  # type: ignore[arg-type]
    layer = connected(engine.server_context(plan), client)
    for cut in range(1, 60):
        data = client.write(b"first") + client.write(b"second") + client.write(b"third")
        one, more = layer.open(data[:cut])
        assert more == MORE
        two, more = layer.open(data[cut:])
        assert more == MORE
        assert one + two == b"firstsecondthird"


@VERSIONS
@pytest.mark.parametrize("size", [1, 1023, 1024, 16383, 16384, 16385, 100_000, 1 << 20])
def test_sizes(
    engine: Engine, plan: TlsPlan, authority: Authority, version: object, size: int
) -> None:
    client = PythonClient(authority, version=version)  # type: ignore[arg-type]
    layer = connected(engine.server_context(plan), client)
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    assert layer.open(client.write(body)) == (body, MORE)
    sent = layer.seal(body)
    assert client.read(sent) == body
    # Full records, and a rest.
    assert len(records(sent)) == -(-size // 16384)


def test_it_still_works_after_a_rest(engine: Engine, plan: TlsPlan, authority: Authority) -> None:
    client = PythonClient(authority)
    layer = connected(engine.server_context(plan), client)
    for size in (10, 5000, 70_000, 10):
        data = client.write(bytes(size))
        found, _ = layer.open(data[: len(data) // 2])
        layer.rest()  # in the middle of a record
        rest, _ = layer.open(data[len(data) // 2 :])
        assert found + rest == bytes(size)
        layer.rest()
        assert client.read(layer.seal(bytes(size))) == bytes(size)
        layer.rest()


def test_goodbyes(engine: Engine, plan: TlsPlan, authority: Authority) -> None:
    client = PythonClient(authority)
    layer = connected(engine.server_context(plan), client)
    data = client.write(b"last words")
    with pytest.raises(Exception, match="read"):
        client.tls.unwrap()
    assert layer.open(data + client.take()) == (b"last words", ENDED)
    client.incoming.write(layer.finish())
    client.tls.unwrap()  # it heard ours


def test_a_goodbye_is_said_once(engine: Engine, plan: TlsPlan, authority: Authority) -> None:
    layer = connected(engine.server_context(plan), PythonClient(authority))
    assert layer.finish()
    assert layer.finish() == b""
    with pytest.raises(ValueError):
        layer.seal(b"too late")


def test_a_changed_record_ends_it_with_an_alert(
    engine: Engine, plan: TlsPlan, authority: Authority
) -> None:
    client = PythonClient(authority)
    layer = connected(engine.server_context(plan), client)
    good, bad = client.write(b"good"), bytearray(client.write(b"bad"))
    bad[-1] ^= 1
    assert layer.open(good + bytes(bad)) == (b"good", FAILED)
    assert "mac" in layer.failure().lower() or "decrypt" in layer.failure().lower()
    with pytest.raises(Exception, match=r"(?i)alert bad record mac"):
        client.incoming.write(layer.take())
        client.tls.read(100)
    assert layer.open(good) == (b"", FAILED)
    assert layer.finish() == b""


def hand(
    engine: Engine, plan: TlsPlan, authority: Authority, folder: Path
) -> tuple[Layer, HandMade]:
    keylog = folder / "keys"
    client = PythonClient(authority, version=TLS_1_3, keylog=keylog)
    layer = connected(engine.server_context(plan), client)
    return layer, HandMade(client, keylog)


def test_key_updates_are_answered(
    engine: Engine, plan: TlsPlan, authority: Authority, tmp_path: Path
) -> None:
    layer, client = hand(engine, plan, authority, tmp_path)
    for number in range(100):
        text = b"%d" % number
        assert layer.open(client.key_update() + client.data(text)) == (text, MORE)
        # The answer leaves before anything else does.
        assert len(records(layer.take() + layer.seal(text))) == 2


@pytest.mark.parametrize("together", [True, False], ids=["one read", "many reads"])
def test_a_flood_of_key_updates_ends_it(
    engine: Engine, plan: TlsPlan, authority: Authority, tmp_path: Path, together: bool
) -> None:
    layer, client = hand(engine, plan, authority, tmp_path)
    flood = [client.key_update() for _ in range(40)]
    taken = 0
    answer = MORE
    for part in [b"".join(flood)] if together else flood:
        found, answer = layer.open(part)
        assert found == b""
        if answer != MORE:
            break
        taken += 1
    assert answer == FAILED
    assert taken in (0, 16)
    assert layer.failure() == "tls: too many ignored records"


def test_sixteen_in_a_row_are_no_flood(
    engine: Engine, plan: TlsPlan, authority: Authority, tmp_path: Path
) -> None:
    layer, client = hand(engine, plan, authority, tmp_path)
    for _ in range(5):
        some = b"".join(client.key_update() for _ in range(15))
        assert layer.open(some + client.data(b"x")) == (b"x", MORE)
        layer.take()


def test_before_it_is_ready_nothing_goes_through(engine: Engine, plan: TlsPlan) -> None:
    layer = engine.server_context(plan).layer()
    assert layer.take() == b""
    assert layer.finish() == b""
    with pytest.raises(ValueError):
        layer.seal(b"x")
    assert layer.greet(b"\x16\x03\x01") == MORE
    with pytest.raises(ValueError):
        layer.seal(b"x")


SHARED = [HealthCheck.function_scoped_fixture]  # an engine has no state
CONVERSATION = st.lists(st.binary(min_size=1, max_size=40_000), min_size=1, max_size=6)


@settings(max_examples=examples(10), suppress_health_check=SHARED)
@given(said=CONVERSATION, cuts=st.lists(st.integers(1, 50_000), max_size=12))
@example(said=[bytes(20_000)], cuts=[1024, 1])
def test_random_conversations_in_random_pieces(
    engine: Engine, plan: TlsPlan, authority: Authority, said: list[bytes], cuts: list[int],
) -> None:  # fmt: skip
    client = PythonClient(authority)
    layer = connected(engine.server_context(plan), client)
    stream = b"".join(client.write(each) for each in said)
    found = b""
    for cut in [*cuts, len(stream)]:
        part, more = layer.open(stream[:cut])
        assert more == MORE
        found += part
        stream = stream[cut:]
    assert found + layer.open(stream)[0] == b"".join(said)
    assert client.read(b"".join(layer.seal(each) for each in said)) == b"".join(said)


@settings(max_examples=examples(25), suppress_health_check=SHARED)
@given(at=st.integers(0, 400), bit=st.integers(0, 7), cut=st.integers(0, 400))
def test_changed_records_never_pass(
    engine: Engine, plan: TlsPlan, authority: Authority, at: int, bit: int, cut: int
) -> None:
    client = PythonClient(authority)
    layer = connected(engine.server_context(plan), client)
    said = [b"PUB a 3\r\nabc\r\n", b"PING\r\n", bytes(300)]
    stream = bytearray(b"".join(client.write(each) for each in said))
    at %= len(stream)
    stream[at] ^= 1 << bit
    found = b""
    for part in (bytes(stream[:cut]), bytes(stream[cut:])):
        more, answer = layer.open(part)
        found += more
        assert answer in (MORE, FAILED, ENDED)
    # A prefix of whole records; the version in a record's head means nothing.
    whole = [b"".join(said[:n]) for n in range(len(said) + 1)]
    assert found in whole
    layer.take()
    layer.finish()


def test_ready_is_told_once(engine: Engine, plan: TlsPlan, authority: Authority) -> None:
    layer = connected(engine.server_context(plan), PythonClient(authority))
    assert layer.greet(b"") == READY
