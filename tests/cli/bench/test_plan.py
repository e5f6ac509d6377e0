"""What a benchmark says of itself before it begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.core import PubOptions
from pynats_cli.commands.bench.options import BenchOptions
from pynats_cli.commands.bench.values import CONSUMER_NAME, MESSAGES, STREAM_NAME
from pynats_cli.errors import CliError


def planned(**options: object) -> plan.Plan:
    return plan.Plan.of(plan.PUB, PubOptions(subject="foo", **options), subject="foo")  # type: ignore[arg-type]


def test_keys_are_sorted_and_values_readable() -> None:
    some = planned(size=16_384, msgs=1_000_000, clients=4, sleep=1_500_000_000, throughput=2_000)
    assert some.banner() == (
        "Starting Core NATS publisher benchmark [clients=4, msg-size=16 KiB, msgs=1,000,000, "
        "sleep=1.50s, subject=foo, throughput=2,000]"
    )


def test_how_long_it_takes_makes_the_number_of_messages() -> None:
    some = planned(duration=1_500_000_000, throughput=1_000, msgs=7)
    assert some.messages == 1_500
    assert "duration=1.50s" in some.banner() and "msgs=1,500" in some.banner()
    with pytest.raises(CliError, match="--duration requires --throughput to be set"):
        planned(duration=1)
    with pytest.raises(CliError, match="too short"):
        planned(duration=1, throughput=1)
    with pytest.raises(CliError, match="more than 9,223,372,036,854,775,807 messages"):
        planned(duration=2_000_000_000, throughput=2**63 - 1)


def test_what_does_not_divide_goes_to_the_first() -> None:
    assert planned(msgs=1_000, clients=3).shares == [334, 333, 333]


def test_no_more_clients_than_messages() -> None:
    some = planned(msgs=3, clients=10)
    assert some.clients == 3
    assert list(some.starts()) == [
        f"[{number}] Starting Core NATS publisher, publishing 1 messages" for number in (1, 2, 3)
    ]


def test_everybody_receives_all() -> None:
    some = plan.Plan.of(plan.SUB, BenchOptions(clients=2, msgs=1), subject="foo")
    assert some.shares == [1, 1]


def test_who_serves_does_not_end() -> None:
    some = plan.Plan.of(plan.SERVE, BenchOptions(clients=1), subject="foo")
    assert some.shares == [0]
    assert list(some.starts()) == ["[1] Starting Core NATS service server, hit control-c to stop"]


@given(st.integers(1, 10**9), st.integers(1, 200))
def test_a_split_loses_nothing(messages: int, clients: int) -> None:
    shares = plan.split(messages, clients)
    assert sum(shares) == messages and len(shares) == clients
    assert max(shares) - min(shares) <= 1 and shares == sorted(shares, reverse=True)


def test_a_plot_has_a_title() -> None:
    assert planned(clients=2_000).title() == "Core NATS publisher, foo, 2,000 clients"
    serve = plan.Plan.of(plan.SERVE, BenchOptions())
    assert serve.title() == "Core NATS service server, 1 client"


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("500k", 500_000), ("1M", 1_000_000), ("2g", 2 * 10**9), ("1e3", 1_000)],
)  # fmt: skip
def test_numbers_of_messages_may_have_a_unit(text: str, number: int) -> None:
    assert MESSAGES.parse(text) == number


@pytest.mark.parametrize("text", ["0", "0k", "k", "-1k", "1.5M", "1kk", "²k"])
def test_what_is_no_number_of_messages(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        MESSAGES.parse(text)


@pytest.mark.parametrize("text", ["", "a.b", "a b", "../x", "a*", ">", "a\n", "a\\b"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a valid stream name"):
        STREAM_NAME.parse(text)
    with pytest.raises(ValueError, match="is not a valid consumer name"):
        CONSUMER_NAME.parse(text)
    assert CONSUMER_NAME.parse("pull-1_é") == "pull-1_é"
