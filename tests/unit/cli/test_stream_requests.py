"""Requests about streams, against a JetStream API that is played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.commands.stream import balance, cluster
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import JsApiError
from pynats_cli.jetstream.streams import peers
from pynats_cli.jetstream.streams.requests import list_streams, messages_from, subject_counts
from pynats_cli.pickers import pick_stream

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]


class PlayedApi:
    """Answers requests by a function, and keeps them."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[tuple[str, dict[str, Any] | None]] = []
        self.js = self

    async def request(self, subject: str, request: dict[str, Any] | None = None) -> dict[str, Any]:
        self.asked.append((subject, request))
        return self._answer(subject, request or {})

    async def stream_info(self, name: str) -> dict[str, Any]:
        return await self.request(f"STREAM.INFO.{name}")

    async def stream_names(self, subject: str = "") -> list[str]:
        return ["A", "KV_B"]

    async def streams(self) -> list[dict[str, Any]]:
        return (await list_streams(self)).streams  # type: ignore[arg-type]


@given(st.sets(st.integers(1, 300)), st.integers(1, 300), st.integers(1, 64))
def test_every_message_is_read_once_and_in_order(held: set[int], start: int, ahead: int) -> None:
    def answer(subject: str, request: dict[str, Any]) -> dict[str, Any]:
        sequence = min((each for each in held if each >= request["seq"]), default=0)
        if not sequence:
            raise JsApiError("no message found", 10037)
        return {"message": {"seq": sequence}}

    api = PlayedApi(answer)

    async def read() -> list[int]:
        found = messages_from(api, "S", {"seq": start}, ">", ahead)  # type: ignore[arg-type]
        return [message["seq"] async for message in found]

    wanted = sorted(each for each in held if each >= start)
    assert asyncio.run(read()) == wanted
    assert len(api.asked) <= 3 * len(wanted) + 2 * ahead + 1


def test_lists_have_all_pages() -> None:
    def answer(subject: str, request: dict[str, Any]) -> dict[str, Any]:
        offset = request["offset"]
        names = [f"S{n}" for n in range(5)][offset : offset + 2]
        return {"total": 5, "streams": [{"config": {"name": name}} for name in names],
                "missing": ["M"], "offline": {"O": "why"}}  # fmt: skip

    found = asyncio.run(list_streams(PlayedApi(answer)))  # type: ignore[arg-type]
    assert [info["config"]["name"] for info in found.streams] == ["S0", "S1", "S2", "S3", "S4"]
    assert (found.missing, found.offline) == (["M"], {"O": "why"})


def test_subjects_have_all_pages() -> None:
    def answer(subject: str, request: dict[str, Any]) -> dict[str, Any]:
        page = {f"s.{n}": n for n in range(request["offset"], min(request["offset"] + 3, 7))}
        return {"total": 7, "state": {"subjects": page}}

    counts = asyncio.run(subject_counts(PlayedApi(answer), "S", ">"))  # type: ignore[arg-type]
    assert counts == {f"s.{n}": n for n in range(7)}


def test_without_a_terminal_nothing_is_picked() -> None:
    def missing(subject: str, request: dict[str, Any]) -> dict[str, Any]:
        raise JsApiError("stream not found", 10059)

    for given_name, fault in (("", "cannot pick a Stream"), ("X", 'stream "X" not found'),
                              ("a.b", "not a valid stream name")):  # fmt: skip
        with pytest.raises(CliError, match=fault):
            asyncio.run(pick_stream(PlayedApi(missing), given_name))  # type: ignore[arg-type]


class PlayedCluster(PlayedApi):
    """A cluster of three servers that does what it is asked for on the second look."""

    def __init__(self, leaders: dict[str, str]) -> None:
        super().__init__(self._play)
        self.leaders = dict(leaders)
        self.away: set[str] = set()
        self._coming: list[Callable[[], None]] = []

    def info(self, name: str) -> dict[str, Any]:
        leader = self.leaders[name]
        servers = sorted({"n1", "n2", "n3", "n4"} - ({"n4"} if not self.away else self.away))
        replicas = [
            {"name": each, "current": True, "active": 1} for each in servers if each != leader
        ]
        return {
            "config": {"name": name, "num_replicas": 3}, "state": {},
            "cluster": {"name": "C", "leader": leader, "replicas": replicas},
        }  # fmt: skip

    def _play(self, subject: str, request: dict[str, Any]) -> dict[str, Any]:
        name = subject.rpartition(".")[2]
        if subject.startswith("STREAM.LEADER.STEPDOWN."):
            wanted = request.get("placement", {}).get("preferred", "n2")
            self._coming.append(lambda: self.leaders.update({name: wanted}))
        elif subject.startswith("STREAM.PEER."):
            self._coming.append(lambda: self.away.add(request["peer"]))
        elif subject == "STREAM.LIST":
            return {"total": len(self.leaders), "streams": [self.info(n) for n in self.leaders]}
        elif subject.startswith("STREAM.INFO."):
            before = self.info(name)
            for change in self._coming:
                change()
            self._coming.clear()
            return before
        return {"success": True}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_LOOK_EVERY_S", 0)


def test_a_leader_steps_down(quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    played = PlayedCluster({"S": "n1"})
    options = cluster.StepDownOptions(stream="S", preferred="n3")
    asyncio.run(cluster.step_down(played, options))  # type: ignore[arg-type]
    assert ("STREAM.LEADER.STEPDOWN.S", {"placement": {"preferred": "n3"}}) in played.asked
    out, err = capsys.readouterr()
    assert 'Requesting leader step down of "n1" for stream "S" in a 3 peer cluster group' in err
    assert 'New leader elected "n3"' in err and "Leader: n3\n" in out


def test_a_stream_leaves_a_server(quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    played = PlayedCluster({"S": "n1"})
    options = cluster.PeerOptions(stream="S", peer="n2", force=True)
    asyncio.run(cluster.evacuate(played, options))  # type: ignore[arg-type]
    assert ("STREAM.PEER.EVACUATE.S", {"peer": "n2"}) in played.asked
    assert capsys.readouterr().out == "Stream peers are now: n1, n3, n4\n"


def test_a_move_that_never_ends_is_said(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_MOVE_S", 0.0)
    options = cluster.PeerOptions(stream="S", peer="n2", force=True)
    with pytest.raises(CliError, match='stream "S" is still on "n2"'):
        asyncio.run(cluster.evacuate(PlayedCluster({"S": "n1"}), options))  # type: ignore[arg-type]


def test_moves_are_cancelled_only_while_there_is_one() -> None:
    played = PlayedCluster({"S": "n1"})
    with pytest.raises(CliError, match="stream is not busy moving"):
        asyncio.run(cluster.cancel_move(played, cluster.CancelOptions(stream="S")))  # type: ignore[arg-type]
    forced = cluster.CancelOptions(stream="S", force=True)
    asyncio.run(cluster.cancel_move(played, forced))  # type: ignore[arg-type]
    assert played.asked[-1][0] == "STREAM.CANCEL_MOVE.S"


def test_leaders_are_balanced(quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    played = PlayedCluster({f"S{n}": "n1" for n in range(5)})
    asyncio.run(balance.balance(played, balance.BalanceOptions()))  # type: ignore[arg-type]
    assert sorted(played.leaders.values()) == ["n1", "n1", "n2", "n2", "n3"]
    out, err = capsys.readouterr()
    assert out == "Balanced 3 streams.\n"
    assert "Nats server 'n1' is the lead of 5 entities with a offset of 3" in err
