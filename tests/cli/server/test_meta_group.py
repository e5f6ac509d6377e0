"""Changes of the meta group: what is asked of which server, and what is refused.

The servers of the group are answers of the test, `test_real_cluster` has real ones.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nats.aio.msg import Msg
from pynats_cli.commands.server.cluster import balance as balancing
from pynats_cli.commands.server.cluster import peers, step_down
from pynats_cli.commands.server.cluster import rescue as rescuing
from pynats_cli.connect.opening import open_session
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions

from tests.cli.conftest import url_of
from tests.support.process import ServerProcess

IDS = {name: f"N{name.upper()}".ljust(56, "A") for name in ("n1", "n2", "n3")}
Work = Callable[[Session], Awaitable[Any]]


class Group:
    """Three servers, of which some answer. `asked` is what reached the JetStream API and KICK."""

    def __init__(self, leader: str = "n1", away: tuple[str, ...] = ()) -> None:
        self.leader = leader
        self.away = away
        self.held = {"n1": [2, 1], "n2": [1, 0], "n3": [0, 0]}
        self.connections: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[tuple[str, Any]] = []
        self.version = "2.15.1"

    def _of(self, name: str) -> dict[str, Any]:
        return {"name": name, "id": IDS[name], "cluster": "C", "ver": self.version}

    def _meta(self, name: str) -> dict[str, Any]:
        replicas = [
            {"name": other, "peer": f"peer-{other}", "offline": other in self.away}
            for other in IDS
            if other != name
        ]
        return {"leader": self.leader, "peer": f"peer-{name}", "replicas": replicas,
                "cluster_size": 3, "quorum_needed": 2}  # fmt: skip

    def answers(self, subject: str, request: dict[str, Any]) -> list[dict[str, Any]]:
        kind = subject.rsplit(".", 1)[1]
        if subject == "$SYS.REQ.SERVER.PING":
            return [{"server": {}, "statsz": {"active_servers": 3 - len(self.away)}}]
        if subject == "$JS.API.META.RESCUE":
            self.asked.append((subject, request))
            return [{"server": name, "prev_quorum": 2, "new_quorum": request["quorum_needed"]}
                    for name in IDS if name not in self.away]  # fmt: skip
        if subject.startswith("$JS.API."):
            self.asked.append((subject, request))
            self._changed(subject)
            return [{"success": True}]
        if kind == "KICK":
            self.asked.append((subject.split(".")[3], request))
            return [{"server": {}}]
        return [
            {"server": self._of(name), "data": self._data(kind, name)}
            for name in IDS
            if name not in self.away
            and request.get("server_name") in (None, name)
            and not (request.get("leader_only") and name != self.leader)
        ]

    def _changed(self, subject: str) -> None:
        if subject.endswith("STEPDOWN"):
            self.leader = "n2"
        if subject.endswith("EVACUATE"):
            self.held["n2"] = [0, 0]

    def _data(self, kind: str, name: str) -> dict[str, Any]:
        if kind == "JSZ":
            streams, consumers = self.held[name]
            return {"streams": streams, "consumers": consumers, "meta_cluster": self._meta(name)}
        connections = self.connections.get(name, [])
        return {"connections": connections, "total": len(connections)}


def run(server: ServerProcess, group: Group, work: Work) -> None:
    async def serve(message: Msg) -> None:
        request = json.loads(message.data or b"{}")
        for answer in group.answers(message.subject, request):
            await message.respond(json.dumps(answer).encode())

    async def all_of_it() -> None:
        options = GlobalOptions(server=url_of(server), timeout_ns=400_000_000)
        async with open_session(options) as session, open_session(options) as other:
            for subject in ("$SYS.REQ.SERVER.>", "$JS.API.>"):
                await other.client.subscribe(subject, cb=serve)
            await other.client.flush()
            await work(session)

    asyncio.run(all_of_it())


def test_step_down_waits_for_the_next_leader(
    server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    group = Group()
    chosen = step_down.StepDownOptions(cluster="C", tags=["ssd"], host="n2")
    run(server, group, lambda session: step_down.step_down(session, chosen))
    placement = {"cluster": "C", "tags": ["ssd"], "preferred": "n2"}
    assert group.asked == [("$JS.API.META.LEADER.STEPDOWN", {"placement": placement})]
    said = capsys.readouterr().err
    assert 'Requesting leader step down of "n1" in a 3 peer RAFT group' in said
    assert 'New leader elected "n2"' in said


@pytest.mark.parametrize("name", ["n3", "peer-n3"])
def test_a_peer_is_removed_by_its_id(server: ServerProcess, name: str) -> None:
    group = Group(away=("n3",))
    chosen = peers.PeerRemoveOptions(name=name, force=True)
    run(server, group, lambda session: peers.peer_remove(session, chosen))
    assert group.asked == [("$JS.API.SERVER.REMOVE", {"peer": "", "peer_id": "peer-n3"})]


@pytest.mark.parametrize(
    ("name", "force", "said"),
    [
        ("n4", True, "did not find a replica named n4"),
        ("n1", True, "n1 is the meta leader: have it step down first"),
        ("n2", False, "cannot ask for confirmation without a terminal"),
    ],
)
def test_peers_that_are_not_removed(
    server: ServerProcess, name: str, force: bool, said: str
) -> None:
    group = Group()
    chosen = peers.PeerRemoveOptions(name=name, force=force)
    with pytest.raises(CliError, match=said):
        run(server, group, lambda session: peers.peer_remove(session, chosen))
    assert group.asked == []


def test_no_leader_and_two_leaders(server: ServerProcess) -> None:
    chosen = step_down.StepDownOptions()
    with pytest.raises(CliError, match="did not receive a response from the meta leader"):
        run(server, Group(leader=""), lambda session: step_down.step_down(session, chosen))

    class Split(Group):
        def _meta(self, name: str) -> dict[str, Any]:
            return super()._meta(name) | {"leader": name}

    with pytest.raises(CliError, match="expected one meta leader, but there are several: n1, n2"):
        run(server, Split(), lambda session: step_down.step_down(session, chosen))


def test_evacuation_is_watched_until_nothing_is_left(
    server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    group = Group()
    chosen = peers.EvacuateOptions(peer="n2", force=True)
    run(server, group, lambda session: peers.evacuate(session, chosen))
    assert group.asked == [("$JS.API.SERVER.EVACUATE", {"peer": "n2"})]
    assert capsys.readouterr().out == 'Server "n2": Streams: 0 Consumers: 0\n'


def test_rescue_of_a_cluster_without_a_leader(
    server: ServerProcess, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescuing, "ask_user", lambda question, default: "1")
    group = Group(leader="", away=("n2", "n3"))
    run(server, group, lambda session: rescuing.rescue(session, rescuing.RescueOptions()))
    assert group.asked == [("$JS.API.META.RESCUE", {"quorum_needed": 1})]
    out = capsys.readouterr().out
    assert "│ n1     │ C       │    3 │ 1 online / 3 peers │               2 │ false    │" in out
    assert out.endswith('Server "n1" now requires 1 quorum size (was 2)\n')


@pytest.mark.parametrize("answer", ["0", "2", "x", "-1", "²"])
def test_rescue_refuses_a_quorum_that_cannot_be(
    server: ServerProcess, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr(rescuing, "ask_user", lambda question, default: answer)
    group = Group(leader="", away=("n2", "n3"))
    with pytest.raises(CliError, match="cluster quorum required to be greater than 0"):
        run(server, group, lambda session: rescuing.rescue(session, rescuing.RescueOptions()))
    assert group.asked == []


def test_rescue_leaves_a_healthy_cluster_and_old_servers_alone(
    server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = rescuing.RescueOptions()
    group = Group()
    run(server, group, lambda session: rescuing.rescue(session, chosen))
    assert "Cluster is healthy with a leader, no rescue needed" in capsys.readouterr().out
    group.version, group.leader = "2.14.9", ""
    with pytest.raises(CliError, match="no compatible servers found"):
        run(server, group, lambda session: rescuing.rescue(session, chosen))
    assert group.asked == []


def test_balance_takes_from_those_that_have_more(
    server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    group = Group()
    kinds = ["Client"] * 7 + ["Leafnode"] * 3
    group.connections = {
        "n1": [{"cid": cid, "kind": kind, "idle": "1h0m0s"} for cid, kind in enumerate(kinds)],
        "n2": [{"cid": 1, "kind": "Client", "idle": "2h"}, {"cid": 2, "kind": "Client"}],
    }
    chosen = balancing.BalanceOptions(duration=1000, idle=10**9, force=True)
    run(server, group, lambda session: balancing.balance(session, chosen))
    said = capsys.readouterr()
    # Eight fit, on three servers.
    assert "Connection distribution across 3 servers (target: 3 per server):" in said.err
    assert "  Server 'n1': 7 connections (offset: +4)" in said.err
    assert "  Server 'n2': 1 connections (offset: -2)" in said.err
    assert said.out == "\nBalanced 4 connections\n"
    assert {server for server, _ in group.asked} == {IDS["n1"]}
    kicked = [request["cid"] for _, request in group.asked]
    assert len(set(kicked)) == 4 and set(kicked) <= set(range(7))
