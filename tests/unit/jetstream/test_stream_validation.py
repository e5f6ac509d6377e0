"""Properties of validation; the conformance suite compares its rules with the real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.jetstream.config import validation
from pynats_server.jetstream.config.model import StreamConfig, StreamConfigRequest, StreamSource
from pynats_server.jetstream.config.validation import public_config, same_config
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.requests.decode import decoding
from pynats_server.version import VERSION
from pynats_server.work import Work, finish

from tests.support.fake_account import FakeAccount
from tests.support.stream_configs import stream_configs


def prepare_create(*given: Any) -> StreamConfig:
    return finish(validation.prepare_create(*given))


def prepare_update(*given: Any) -> StreamConfig:
    return finish(validation.prepare_update(*given))


def check_config(*given: Any) -> StreamConfig:
    return finish(validation.check_config(*given))


def request(fields: dict[str, Any]) -> StreamConfigRequest:
    normal = {**fields}
    if normal.get("persist_mode") == "default":
        normal["persist_mode"] = ""
    return msgspec.convert(normal, StreamConfigRequest)


@given(stream_configs(), stream_configs(), stream_configs())
def test_requests_give_configurations_or_api_errors(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    account = FakeAccount()
    for name, fields in (("O", first), ("A", second), ("S", third)):
        asked = request({**fields, "name": name})
        before = asked.copy()
        try:
            account.configs[name] = prepare_create(asked, account, asked.pedantic)
        except ApiError:
            continue
        finally:
            assert asked == before
    for name in account.configs:
        asked = request({**third, "name": name})
        before = asked.copy()
        try:
            prepare_update(account.configs[name], asked, account, asked.pedantic)
        except ApiError:
            continue
        finally:
            assert asked == before


@given(stream_configs(), stream_configs())
def test_what_is_prepared_stays_as_it_is(origin: dict[str, Any], fields: dict[str, Any]) -> None:
    account = FakeAccount()
    try:
        origin_asked = request({**origin, "name": "O"})
        account.configs["O"] = prepare_create(origin_asked, account)
    except ApiError:
        account.configs.clear()
    try:
        made = prepare_create(request(fields), account)
    except ApiError:
        return
    assert type(made) is StreamConfig
    assert prepare_create(made, account) == made
    assert check_config(made, account) == made
    account.configs[made.name] = made
    assert prepare_create(made, account) == made
    assert same_config(made, made)
    assert prepare_update(made, made, account) == made
    # A configuration from an answer is valid as a request.
    assert prepare_update(made, public_config(made), account) == made


@given(stream_configs(), st.booleans())
def test_the_order_of_streams_does_not_matter(fields: dict[str, Any], reverse: bool) -> None:
    names = ["B", "C", "D"]
    streams = [StreamConfig(name=name, subjects=[f"{name}.>"]) for name in names]
    found = []
    for order in (streams, streams[::-1]):
        account = FakeAccount({stream.name: stream for stream in order})
        try:
            found.append(repr(prepare_create(request({**fields, "name": "S"}), account)))
        except ApiError as error:
            found.append(repr(error.as_dict()))
    assert found[0] == found[1]


def test_answers_name_the_server_that_gives_them() -> None:
    made = prepare_create(StreamConfig(name="S", metadata={"a": "b"}), FakeAccount())
    shown = public_config(made)
    assert made.metadata == {"a": "b", "_nats.req.level": "0"}
    assert shown.metadata == {**made.metadata, "_nats.ver": VERSION, "_nats.level": "5"}


def test_the_required_level_is_no_difference() -> None:
    made = prepare_create(StreamConfig(name="S"), FakeAccount())
    older = made.copy()
    older.metadata = {}
    assert same_config(made, older)
    older.max_msgs = 7
    assert not same_config(made, older)


def test_a_long_chain_of_sources_is_walked() -> None:
    """Without recursion."""
    account = FakeAccount()
    for number in range(3000):
        sources = [StreamSource(name=f"N{number - 1}")] if number else []
        config = StreamConfig(name=f"N{number}", subjects=[f"n.{number}"], sources=sources)
        account.configs[config.name] = config
    last = StreamConfig(name="LAST", subjects=["last"], sources=[StreamSource(name="N2999")])
    assert prepare_create(last, account).sources == last.sources


def test_what_a_file_name_cannot_have_is_refused() -> None:
    with pytest.raises(ApiError) as caught:
        prepare_create(StreamConfig(name="a\0b", subjects=["q"]), FakeAccount())
    assert caught.value.err_code == 10049


def steps(work: Work[object]) -> int:
    return sum(1 for _ in work)


LARGE: dict[str, Callable[[int], dict[str, Any]]] = {
    "wildcard subjects": lambda n: {"subjects": [f"y{each}.*" for each in range(n)]},
    "subjects": lambda n: {"subjects": [f"y{each}" for each in range(n)]},
    "sources": lambda n: {"sources": [{"name": f"N{each}"} for each in range(n)]},
    "filters": lambda n: {
        "sources": [{"name": "N", "filter_subject": f"a{each}"} for each in range(n)]
    },
    "filters of its own": lambda n: {
        "subjects": [f"y{each}" for each in range(n)],
        "sources": [{"name": "H", "filter_subject": f"a{each}"} for each in range(n)],
    },
    "transforms": lambda n: {"sources": [{"name": "N", "subject_transforms": transforms(n)}]},
    "transforms of a mirror": lambda n: {
        "mirror": {"name": "N", "subject_transforms": transforms(n)}
    },
    "prefixes": lambda n: {
        "sources": [
            {"name": f"N{each}", "external": {"api": f"x{each}", "deliver": f"in{each}"}}
            for each in range(n)
        ]
    },
}


def transforms(count: int) -> list[dict[str, str]]:
    return [{"src": f"a{each}.*", "dest": f"b{each}.$1"} for each in range(count)]


@pytest.mark.parametrize("kind", LARGE)
def test_large_configurations_are_checked_in_few_and_small_steps(kind: str) -> None:
    def counted(size: int) -> tuple[int, int]:
        body = msgspec.json.encode({"name": "H", **LARGE[kind](size)})
        asked = finish(decoding(body, StreamConfigRequest, True))
        checking = validation.prepare_create(asked, FakeAccount())
        return steps(decoding(body, StreamConfigRequest, True)), steps(checking)

    read, checked = counted(2000)
    twice_read, twice_checked = counted(4000)
    assert checked >= 2000 // 256
    assert read >= (0 if "ubjects" in kind else 2000 // 64)  # lists of texts are read in one go
    assert twice_read <= 2.2 * read + 2
    assert twice_checked <= 2.2 * checked + 2


def test_ways_that_multiply_come_to_an_end() -> None:
    account = FakeAccount()
    layers = [[f"L{layer}-{number}" for number in range(8)] for layer in range(12)]
    for above, here in zip(layers, [*layers[1:], []], strict=True):
        for name in above:
            sources = [StreamSource(name=each) for each in here]
            account.configs[name] = StreamConfig(name=name, subjects=[name], sources=sources)
    wanted = {"name": "S", "subjects": ["s"], "sources": [{"name": each} for each in layers[0]]}
    assert prepare_create(request(wanted), account).name == "S"
    account.configs[layers[-1][0]].sources.append(StreamSource(name="S"))
    with pytest.raises(ApiError, match="detected cycle"):
        prepare_create(request(wanted), account)
