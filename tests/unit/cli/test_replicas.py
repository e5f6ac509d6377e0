"""Replicas side by side: what is told of a group whose members disagree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pynats_cli.commands.server.replica_options import chosen_members
from pynats_cli.errors import CliError
from pynats_cli.servers.replicas.consumers import ConsumerReplica, consumer_groups
from pynats_cli.servers.replicas.groups import drift
from pynats_cli.servers.replicas.reading import from_text
from pynats_cli.servers.replicas.streams import stream_groups


def jsz(node: str, leader: str, messages: int = 10, **more: Any) -> dict[str, Any]:
    stream = {
        "name": "S", "config": {"num_replicas": 3}, "stream_raft_group": "G",
        "state": {"messages": messages, "first_seq": 1, "last_seq": messages},
        "cluster": {"leader": leader, "replicas": [{"name": "x", "current": True}]}, **more,
    }  # fmt: skip
    account = {"name": "A", "id": "AID", "stream_detail": [stream]}
    return {"server": {"name": node, "id": node * 5}, "data": {"account_details": [account]}}


def statuses(*documents: dict[str, Any]) -> list[str]:
    (group,) = stream_groups(documents)
    return [member.status for member in group.members]


def test_equal_replicas_are_in_sync() -> None:
    assert statuses(jsz("n2", "n1"), jsz("n1", "n1")) == ["IN SYNC", "IN SYNC"]


def test_what_differs_is_named_with_its_part_of_the_leaders() -> None:
    assert statuses(jsz("n1", "n1"), jsz("n2", "n1", 5)) == [
        "IN SYNC", "UNSYNCED (messages -50%, last -50%)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "wanted", "shown"),
    [
        (990, 1000, "-1%"), (1, 3, "-66.67%"), (4, 3, "+33.33%"), (1234, 1000, "+23.4%"),
        (15, 10, "+50%"), (0, 7, "-100%"), (7, 0, "+100%"), (999_999, 1_000_000, "-0.01%"),
    ],
)  # fmt: skip
def test_a_drift_is_a_part_of_the_leaders_figure(value: int, wanted: int, shown: str) -> None:
    assert drift(value, wanted) == shown


def test_a_group_that_is_not_in_sync_is_shown_whole() -> None:
    groups = stream_groups([jsz("n1", "n1"), jsz("n2", "n1", 5)])
    members = chosen_members(groups, unsynced=True)
    assert [member.shown_node for member in members] == ["n1*", "n2"]
    assert [member.figure("messages", True) for member in members] == ["10", "5 (-50%)"]
    assert [member.figure("messages", False) for member in members] == ["10", "5"]
    assert chosen_members(stream_groups([jsz("n1", "n1"), jsz("n2", "n1")]), unsynced=True) == []


def test_leaders_that_do_not_agree() -> None:
    assert statuses(jsz("n1", "n1"), jsz("n2", "n2")) == ["MULTILEADER"] * 2
    assert statuses(jsz("n1", ""), jsz("n2", "")) == ["LEADERLESS"] * 2
    assert statuses(jsz("n1", "n3"), jsz("n3", "")) == ["LEADER_IS_FOLLOWER"] * 2
    assert statuses(jsz("n1", "n9"), jsz("n2", "n9")) == ["IN SYNC"] * 2  # n9 did not answer


def test_groups_that_are_missing() -> None:
    assert statuses(jsz("n1", "n1", cluster=None)) == ["NO_CLUSTER"]
    assert statuses(jsz("n1", "n1", stream_raft_group="")) == ["MISSING_GROUP"]
    alone = jsz("n1", "n1", cluster=None, config={"num_replicas": 1}, stream_raft_group="")
    assert statuses(alone) == ["IN SYNC"]


def test_streams_of_two_accounts_are_two_groups() -> None:
    other = jsz("n1", "n1")
    other["data"]["account_details"][0]["id"] = "OTHER"
    assert len(stream_groups([jsz("n1", "n1"), other])) == 2
    assert stream_groups([other], stream="nope") == []
    assert stream_groups([other], raft="nope") == []


def test_only_what_all_replicas_count_is_compared_of_consumers() -> None:
    def detail(pending: int, delivered: int) -> list[dict[str, Any]]:
        at = {"stream_seq": delivered, "consumer_seq": delivered}
        return [{
            "name": "C", "num_pending": pending, "delivered": at, "ack_floor": at,
            "cluster": {"leader": "n1"}, "config": {"num_replicas": 3},
        }]  # fmt: skip

    rafts = [{"name": "C", "raft_group": "CG"}]
    documents = [
        jsz("n1", "n1", consumer_detail=detail(4, 5), consumer_raft_groups=rafts),
        jsz("n2", "n1", consumer_detail=detail(0, 5), consumer_raft_groups=rafts),
        jsz("n3", "n1", consumer_detail=detail(0, 4), consumer_raft_groups=rafts),
    ]
    (group,) = consumer_groups(documents, consumer="C", raft="CG")
    assert [member.status.split(" (")[0] for member in group.members] == [
        "IN SYNC", "IN SYNC", "UNSYNCED",
    ]  # fmt: skip
    first = group.members[0]
    assert isinstance(first, ConsumerReplica)
    assert first.shown_node == "n1*"
    assert first.delivered() == "5 [1, 10] 50% | 5"
    assert first.counters == "(ap:0, nr:0, nw:0, np:4)"


def test_saved_answers_are_lines_or_an_array() -> None:
    documents = [jsz("n1", "n1"), jsz("n2", "n1")]
    lines = "\n".join(json.dumps(each) for each in documents)
    assert from_text(lines + "\n") == documents
    assert from_text(json.dumps(documents, indent=2)) == documents
    for bad in ("", "{", "[1]", "xx"):
        with pytest.raises(CliError):
            from_text(bad)
