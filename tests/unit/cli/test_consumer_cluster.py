"""`consumer cluster`, asked of servers that are only played: leaders, elections, places."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from pynats_cli.commands.consumer import cluster
from pynats_cli.commands.consumer.cluster import BalanceOptions, EvacuateOptions, StepDownOptions
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.jetstream.api import JetStream
from pynats_cli.jetstream.consumers.screen import info_screen

PEERS = ("n1", "n2", "n3")


@dataclass
class Group:
    """A consumer that elects whom it is told to, else the next of its servers."""

    leader: str
    servers: tuple[str, ...] = PEERS

    def info(self, name: str) -> dict[str, Any]:
        replicas = [{"name": each, "current": True, "active": 10} for each in self.servers
                    if each != self.leader]  # fmt: skip
        return {
            "stream_name": "S", "name": name, "created": "2026-11-30T07:00:00Z",
            "ts": "2026-11-30T07:00:05Z", "config": {"ack_policy": "explicit"},
            "delivered": {"consumer_seq": 0, "stream_seq": 0},
            "ack_floor": {"consumer_seq": 0, "stream_seq": 0},
            "cluster": {"name": "C", "raft_group": "C-R3F-x", "leader": self.leader,
                        "leader_since": "2026-11-30T07:00:00Z", "replicas": replicas},
        }  # fmt: skip


@dataclass
class Played:
    """Answers requests of the API about consumers of the stream S."""

    groups: dict[str, Group]
    asked: list[tuple[str, Any]] = field(default_factory=list)
    elects: bool = True

    async def request(self, subject: str, request: Any = None) -> dict[str, Any]:
        kind, _, name = f"{subject}.".partition(".S.")
        kind, name = kind.rstrip("."), name.rstrip(".")
        if kind == "STREAM.INFO":
            return {"config": {"name": "S", "num_replicas": 3}, "state": {"messages": 0}}
        if kind == "INFO":
            return {"api": {"level": 4}}
        if kind == "CONSUMER.LIST":
            infos = [group.info(each) for each, group in self.groups.items()]
            return {"consumers": infos, "total": len(infos)}
        if kind == "CONSUMER.INFO":
            return self.groups[name].info(name)
        self.asked.append((subject, request))
        if kind == "CONSUMER.LEADER.STEPDOWN" and self.elects:
            group = self.groups[name]
            wanted = (request or {}).get("placement", {}).get("preferred")
            place = (group.servers.index(group.leader) + 1) % len(group.servers)
            group.leader = wanted or group.servers[place]
        return {"success": True}

    def session(self) -> Session:
        played = self

        class Api(JetStream):
            async def request(self, subject: str, request: Any = None) -> dict[str, Any]:
                return await played.request(subject, request)

        class Connected:
            class options:
                timeout_s = 0.1
                trace = False

            js = Api(cast(Any, None))

        return cast(Session, Connected())


def test_step_down_waits_for_the_new_leader(capsys: pytest.CaptureFixture[str]) -> None:
    played = Played({"A": Group("n1")})
    options = StepDownOptions(stream="S", consumer="A")
    asyncio.run(cluster.step_down(played.session(), options))
    assert played.asked == [("CONSUMER.LEADER.STEPDOWN.S.A", None)]
    said = capsys.readouterr()
    assert 'Requesting leader step down of "n1" in a 3 peer RAFT group' in said.err
    assert 'New leader elected "n2"' in said.err
    assert "Leader: n2" in said.out and said.out.count("Replica: ") == 2


def test_a_preferred_leader_is_told_to_the_server() -> None:
    played = Played({"A": Group("n1")})
    options = StepDownOptions(stream="S", consumer="A", preferred="n3")
    asyncio.run(cluster.step_down(played.session(), options))
    request = {"placement": {"preferred": "n3"}}
    assert played.asked == [("CONSUMER.LEADER.STEPDOWN.S.A", request)]
    assert played.groups["A"].leader == "n3"


@pytest.mark.parametrize(
    ("group", "preferred", "complaint"),
    [
        (Group("n1", ("n1",)), "", "has one replica only"),
        (Group(""), "", "has no current leader"),
        (Group("n1"), "n1", "is already the leader"),
    ],
)
def test_elections_that_nobody_can_win(group: Group, preferred: str, complaint: str) -> None:
    played = Played({"A": group})
    options = StepDownOptions(stream="S", consumer="A", preferred=preferred)
    with pytest.raises(CliError, match=complaint):
        asyncio.run(cluster.step_down(played.session(), options))
    assert played.asked == []


def test_an_election_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_ELECTION_MAX_S", 0.05)
    monkeypatch.setattr(cluster, "_LOOK_EVERY_S", 0.01)
    played = Played({"A": Group("n1")}, elects=False)
    with pytest.raises(CliError, match="no new leader was elected"):
        asyncio.run(cluster.step_down(played.session(), StepDownOptions(stream="S", consumer="A")))


def test_balance_spreads_leaders(capsys: pytest.CaptureFixture[str]) -> None:
    played = Played({name: Group("n1") for name in "ABC"})
    asyncio.run(cluster.balance(played.session(), BalanceOptions(stream="S")))
    assert sorted(group.leader for group in played.groups.values()) == ["n1", "n2", "n3"]
    said = capsys.readouterr()
    assert said.out == "Balanced 2 consumers on S\n"
    assert "Nats server 'n1' is the lead of 3 entities with a offset of 2" in said.err
    asyncio.run(cluster.balance(played.session(), BalanceOptions(stream="S")))
    assert capsys.readouterr().out == "Balanced 0 consumers on S\n"


def test_evacuate_names_the_peer(capsys: pytest.CaptureFixture[str]) -> None:
    played = Played({"A": Group("n1")})
    options = EvacuateOptions(stream="S", consumer="A", peer="n2", force=True)
    asyncio.run(cluster.evacuate(played.session(), options))
    assert played.asked == [("CONSUMER.PEER.EVACUATE.S.A", {"peer": "n2"})]
    assert "leaves n2" in capsys.readouterr().out


def test_the_group_on_a_screen() -> None:
    info = Group("n1").info("A")
    info["cluster"]["replicas"][0] |= {"current": False, "offline": True, "lag": 12, "active": 0}
    text = info_screen(info).render()
    assert "Raft Group: C-R3F-x" in text
    assert "Replica: n2, outdated, OFFLINE, not seen, 12 operations behind" in text
    assert "Replica: n3, current, seen " in text
