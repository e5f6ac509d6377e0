"""Configurations of streams: reading, checking, comparing; and what is computed of streams."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.errors import CliError
from pynats_cli.jetstream.streams.balance import Group, plans
from pynats_cli.jetstream.streams.check import as_stored, check, check_types, faults
from pynats_cli.jetstream.streams.create import bytes_demanded
from pynats_cli.jetstream.streams.differences import differences, lines
from pynats_cli.jetstream.streams.fields import shown_config, without_server_metadata
from pynats_cli.jetstream.streams.find import environment, is_subset
from pynats_cli.jetstream.streams.flags import NewFlags
from pynats_cli.jetstream.streams.interview import fill
from pynats_cli.jetstream.streams.messages import StoredMessage, printable
from pynats_cli.jetstream.streams.numbers import default_window_ns
from pynats_cli.jetstream.streams.origins import read_time
from pynats_cli.jetstream.streams.requests import runs

CONFIG: dict[str, Any] = {
    "name": "S", "subjects": ["a", "b"], "max_msgs": -1, "max_age": 0,
    "metadata": {"_nats.ver": "2.15.1"}, "compression": "none", "allow_msg_ttl": False,
}  # fmt: skip


def changed(**fields: Any) -> list[str]:
    return list(lines(differences(CONFIG, {**CONFIG, **fields})))


def test_only_what_the_user_wrote_differs() -> None:
    assert changed() == []
    assert changed(metadata={"_nats.ver": "2.16"}) == changed(metadata={}) == []
    assert changed(subjects=["b", "a"]) == []
    assert changed(compression="", allow_msg_ttl=None, no_ack=False) == []


def test_differences_stand_in_the_order_of_configurations() -> None:
    assert changed(
        max_age=3600 * 10**9, subjects=["c"], metadata={"x": "y"}, placement={"tags": ["t"]},
        description="words",
    ) == [
        '+ description: words',
        "- subjects:    a, b",
        "+ subjects:    c",
        "- max_age:     unlimited",
        "+ max_age:     1h0m0s",
        '+ placement:   {"tags": ["t"]}',
        '+ metadata:    {"x": "y"}',
    ]  # fmt: skip
    one = {**CONFIG, "placement": {"cluster": "C", "tags": ["a"]}}
    other = {**CONFIG, "placement": {"cluster": "D", "tags": ["a"]}}
    assert list(lines(differences(one, other))) == [
        "- placement.cluster: C", "+ placement.cluster: D"
    ]  # fmt: skip


@given(st.dictionaries(st.sampled_from(["max_msgs", "max_bytes", "max_age", "num_replicas"]),
                       st.integers(0, 2**40)))  # fmt: skip
def test_every_change_of_a_number_is_seen(change: dict[str, int]) -> None:
    found = differences(CONFIG, {**CONFIG, **change})
    before = shown_config(CONFIG)
    assert {each.name for each in found} == {k for k, v in change.items() if before[k] != v}


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({"retention": "foo"}, 'retention: must be one of limits, interest, workqueue, got "foo"'),
        ({"max_msgs": "5"}, 'max_msgs: must be a whole number, got "5"'),
        ({"max_msgs": True}, "max_msgs: must be a whole number, got true"),
        ({"subjects": "a"}, 'subjects: must be a list of texts, got "a"'),
        ({"sources": ["a"]}, "sources: must be a list of objects"),
        ({"mirror": 1}, "mirror: must be an object, got 1"),
        ({"no_ack": "yes"}, "no_ack: must be true or false"),
        ({"max_age": "1h"}, "max_age: must be a number of nanoseconds"),
    ],
)
def test_kinds_of_values(config: dict[str, Any], fault: str) -> None:
    with pytest.raises(CliError) as caught:
        check_types(config, "f")
    assert f"f: {fault}" in str(caught.value)


def test_faults_of_whole_configurations() -> None:
    assert faults(CONFIG) == []
    assert len(faults({"name": "a b", "max_msgs": -2, "num_replicas": 7, "max_age": -1})) == 4
    assert faults({"name": "S", "mirror": {"nmae": "x"}}) == [
        'unknown field "nmae" of an origin', "an origin has no name"
    ]  # fmt: skip
    with pytest.raises(CliError, match="validation failed: name: "):
        check({"name": ""})


def test_server_metadata_is_left_out() -> None:
    assert "metadata" not in without_server_metadata(CONFIG)
    kept = without_server_metadata({"metadata": {"_nats.level": "1", "a": "b"}})
    assert kept == {"metadata": {"a": "b"}}


def test_shown_configurations_have_the_fields_of_the_original() -> None:
    shown = shown_config({"name": "S", "allow_msg_ttl": False, "new_field": 1})
    assert list(shown)[:3] == ["name", "retention", "max_consumers"]
    assert "allow_msg_ttl" not in shown and shown["new_field"] == 1
    assert shown["consumer_limits"] == {} and shown["mirror_direct"] is False


@pytest.mark.parametrize(
    ("subject", "pattern", "inside"),
    [
        ("a.b", "a.b", True), ("a.b", "a.*", True), ("a.b", "a.>", True), ("a.b", "a", False),
        ("a.*", "a.*", True), ("a.>", "a.*", False), ("a.>", "a.>", True), ("a", "a.>", False),
        ("a.>", ">", True), ("a.*", "a.b", False), ("a.b.c", "a.*", False),
    ],
)  # fmt: skip
def test_subsets_of_subjects(subject: str, pattern: str, inside: bool) -> None:
    assert is_subset(subject, pattern) is inside


def test_an_environment_has_all_names() -> None:
    data = environment({"config": {"name": "S"}, "state": {"messages": 1}})
    assert data["config"]["metadata"] == {} and data["Info"]["state"]["num_deleted"] == 0


@given(st.lists(st.integers(1, 60)))
def test_runs_hold_exactly_the_numbers(numbers: list[int]) -> None:
    wanted = sorted(set(numbers))
    found = runs(wanted)
    assert [n for first, last in found for n in range(first, last + 1)] == wanted
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sets(st.sampled_from("abc")))))
def test_balancing_never_makes_it_worse(drawn: list[tuple[str, set[str]]]) -> None:
    groups = [
        Group(f"S{index}", "C", leader, tuple(sorted(replicas - {leader})))
        for index, (leader, replicas) in enumerate(drawn)
    ]
    for plan in plans(groups):
        counts = dict(plan.counts)
        assert sum(counts.values()) == len(groups)
        for move in plan.moves:
            assert move.to in move.group.replicas
            counts[move.group.leader] -= 1
            counts[move.to] += 1
        assert max(counts.values()) <= max(plan.counts.values())
        assert all(
            count >= plan.even for name, count in counts.items() if plan.counts[name] > plan.even
        )


def test_all_leaders_on_one_server_are_spread() -> None:
    groups = [Group(f"S{n}", "C", "a", ("b", "c")) for n in range(6)]
    (plan,) = plans(groups)
    assert plan.even == 2 and [move.to for move in plan.moves] == ["b", "c", "b", "c"]
    assert Group.of("S", {"leader": "id"}) is None


def test_windows_are_no_longer_than_ages() -> None:
    assert default_window_ns(0) == default_window_ns(10**15) == 120 * 10**9
    assert default_window_ns(10**9) == 10**9


@pytest.mark.parametrize(("demanded", "size"), [(False, -1), (True, 256 << 20)])
def test_accounts_may_demand_a_limit_of_sizes(demanded: bool, size: int) -> None:
    account = {"tiers": {"R1": {"limits": {"max_bytes_required": demanded}}}}
    assert bytes_demanded(account) is demanded
    flags = NewFlags(subjects=["a"])
    assert fill(flags, "S", bytes_demanded(account), defaults=True) == "S"
    assert flags.max_bytes == size


def test_times_of_starts() -> None:
    assert read_time("2026:01:02 03:04:05") == "2026-01-02T03:04:05Z" and read_time(" ") == ""
    with pytest.raises(ValueError, match="invalid time format"):
        read_time("1h")


def test_stored_messages_as_text() -> None:
    message = StoredMessage.of(
        {"subject": "s", "seq": 3, "time": "2026-01-02T03:04:05.5Z", "data": "",
         "hdrs": "TkFUUy8xLjANCks6IFYNCks6IFcNCg0K"}, "S"
    )  # fmt: skip
    assert message.headers == (("K", "V"), ("K", "W"))
    assert message.described(1767323047 * 10**9).decode() == (
        "Item: S#3 received 2026-01-02 03:04:05.5 +0000 UTC (1.50s) on Subject s\n\n"
        "Headers:\n  K: V\n  K: W\n\nnil body\n\n"
    )
    assert message.raw_line() == b"\n"


@pytest.mark.parametrize("body", [b"text", "ünï\ttab\n".encode(), b"\x1b[1m"])
def test_text_is_shown_as_it_is(body: bytes) -> None:
    assert printable(body) is body


@pytest.mark.parametrize("body", [b"\xff", b"\x00", b"a\x07"])
def test_other_bodies_are_shown_in_base64(body: bytes) -> None:
    assert printable(body).startswith(f"(binary, {len(body)} bytes, base64)\n".encode())


SECOND = 10**9
STORED: dict[str, Any] = {
    "name": "S", "subjects": ["S"], "max_msgs": -1, "max_bytes": -1, "max_consumers": -1,
    "max_msgs_per_subject": -1, "max_msg_size": -1, "duplicate_window": 120 * SECOND,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "more"),
    [
        ({}, {}),
        ({"max_msgs": 0, "duplicate_window": 0}, {}),
        ({"max_age": 60 * SECOND}, {"max_age": 60 * SECOND, "duplicate_window": 60 * SECOND}),
        ({"max_age": 600 * SECOND}, {"max_age": 600 * SECOND}),
        ({"duplicate_window": SECOND}, {"duplicate_window": SECOND}),
        ({"sources": [{"name": "O"}]}, {"sources": [{"name": "O"}], "subjects": None}),
        (
            {"mirror": {"name": "O"}},
            {"mirror": {"name": "O"}, "subjects": None, "duplicate_window": None},
        ),
    ],
)
def test_servers_fill_in_what_is_left_out(config: dict[str, Any], more: dict[str, Any]) -> None:
    expected = {name: value for name, value in (STORED | more).items() if value is not None}
    assert as_stored({"name": "S", **config}) == expected
