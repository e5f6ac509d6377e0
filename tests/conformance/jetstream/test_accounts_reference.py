"""JetStream of several accounts through restarts and reloads that change who has it: the
answers are the real server's, and nothing on the disk is lost."""

from __future__ import annotations

import base64
import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.monitor.scene import ask
from tests.support.client import Client, ConnectionRefused
from tests.support.deadline import wait_until
from tests.support.process import PYNATS, REFERENCE, ServerFailed, ServerProcess
from tests.support.records import RECORD, Recorded, plain

SERVER = 'jetstream { store_dir: "@FOLDER@/store", max_mem: 10M, max_file: 10M, %s }\n'
Told = list[Any]  # what a scenario saw


def config(accounts: dict[str, str], server: str = "", more: str = "") -> str:
    """Accounts by name with their `jetstream` value; each has one user, its name in small."""
    blocks = [
        f"  {name} {{ users: [{{user: {name.lower()}, password: p}}], jetstream: {value} }}\n"
        for name, value in accounts.items()
    ]
    return SERVER % server + ("accounts {\n" + "".join(blocks) + "}\n" if blocks else "") + more


def api(client: Client, request: str, **body: Any) -> Any:
    """The answer without type and times."""
    reply = client.request(f"$JS.API.{request}", json.dumps(body).encode() if body else b"")
    if reply is None or not reply.payload:
        return None
    answer = json.loads(reply.payload)
    for name in ("type", "created", "ts", "api"):
        answer.pop(name, None)
    return answer


def publish(client: Client, subject: str, count: int = 1, size: int = 10) -> Any:
    """The last acknowledgement."""
    replies = [client.request(subject, b"x" * size) for _ in range(count)]
    last = replies[-1]
    return json.loads(last.payload) if last is not None and last.payload else None


def make(client: Client, name: str, **more: Any) -> None:
    answer = api(client, f"STREAM.CREATE.{name}", name=name, subjects=[f"{name}.>"], **more)
    assert "error" not in answer, answer


def figures(server: ServerProcess, user: str, *streams: str) -> Told:
    """What the account of a user says of itself, and the messages of its streams."""
    with Client(server.port, user, "p") as client:
        info = api(client, "INFO")
        states = [api(client, f"STREAM.INFO.{name}") for name in streams]
        kept = [s.get("state", {}).get("messages", s.get("error")) for s in states]
        return [info, kept]


def restart(server: ServerProcess, text: str) -> None:
    server.stop()
    server.write_config(text)
    server.start()


def reload(server: ServerProcess, text: str) -> None:
    before = server.log().count("Reloaded server configuration")
    server.write_config(text)
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.log().count("Reloaded server configuration") > before, "the reload")


class Scenes:
    """Plays a scenario on our server; what it sees must be what the reference's record says."""

    def __init__(self, recorded: Recorded, folder: Path, kind_under_test: str) -> None:
        self._recorded = recorded
        self._folder = folder
        self._kind = kind_under_test

    def play(self, scenario: Callable[[ServerProcess], Told], text: str) -> None:
        def told(kind: str, place: str) -> Told:
            with ServerProcess(kind, self._folder / place, text, monitor=True) as server:
                return scenario(server)

        theirs = self._recorded.of(lambda: told(REFERENCE, "reference"))
        assert plain(told(self._kind, "ours")) == theirs


@pytest.fixture
def scenes(recorded: Recorded, tmp_path: Path, kind_under_test: str) -> Scenes:
    return Scenes(recorded, tmp_path, kind_under_test)


def folders(server: ServerProcess) -> list[str]:
    store = server.folder / "store" / "jetstream"
    return sorted(str(path.relative_to(store)) for path in store.glob("*/streams/*"))


def test_accounts_that_lose_jetstream_keep_their_files(scenes: Scenes) -> None:
    full = config({"A": "enabled", "B": "{ max_file: 1M }", "C": "disabled"})

    def scenario(server: ServerProcess) -> Told:
        for user in ("a", "b"):
            with Client(server.port, user, "p") as client:
                make(client, "S")
                publish(client, "S.x", 5)
        restart(server, config({"A": "disabled", "C": "enabled"}))
        told: Told = [figures(server, "a", "S"), figures(server, "c", "S"), folders(server)]
        for query in ("?account=A", "?account=B", "?account=C", "?account=A&stream=S"):
            answer = ask(server, f"/healthz{query}")
            told.append((answer.status, answer.body))
        restart(server, full)
        return [*told, figures(server, "a", "S"), figures(server, "b", "S"), folders(server)]

    scenes.play(scenario, full)


def test_a_lost_account_is_warned_of(tmp_path: Path) -> None:
    text = config({"A": "enabled", "B": "enabled"})
    with ServerProcess(PYNATS, tmp_path, text) as server:
        for user in ("a", "b"):
            with Client(server.port, user, "p") as client:
                make(client, "S")
        restart(server, config({"A": "false", "C": "true"}))
        log = server.log()
        assert "[WRN] JetStream: the streams of account 'A' stay in " in log
        assert "[WRN] JetStream: the streams of account 'B' stay in " in log
        assert "the account has no JetStream" in log and "the account is not configured" in log


def test_limits_of_a_reload(scenes: Scenes) -> None:
    def scenario(server: ServerProcess) -> Told:
        told: Told = []
        with Client(server.port, "a", "p") as a, Client(server.port, "b", "p") as b:
            make(a, "S")
            told += [api(a, "STREAM.CREATE.T", name="T"), api(b, "STREAM.CREATE.T", name="T")]
            told.append(publish(a, "S.x", 5, 100))
            reload(server, config({"A": "{ max_streams: 2, max_file: 600 }", "B": "enabled"}))
            make(b, "T")
            told.append([api(a, "INFO"), publish(b, "T.x")])
            told += [publish(a, "S.x", 1, 100), publish(a, "S.x", 1, 1000)]
            make(a, "T")
            told.append(api(a, "STREAM.CREATE.U", name="U")["error"])
            told.append(api(a, "STREAM.UPDATE.T", name="T", subjects=["T.>"], max_bytes=5000))
        return told

    text = config({"A": "{ max_streams: 1, max_file: 1M }", "B": "disabled"})
    scenes.play(scenario, text)


def test_accounts_come_and_go_in_reloads(scenes: Scenes) -> None:
    two = config({"A": "enabled", "B": "enabled"})

    def scenario(server: ServerProcess) -> Told:
        told: Told = []
        with Client(server.port, "a", "p") as a, Client(server.port, "b", "p") as b:
            for client in (a, b):
                make(client, "S")
                make(client, "M", storage="memory")
                publish(client, "S.x", 3)
            reload(server, config({"A": "enabled", "C": "enabled"}))
            with pytest.raises(ConnectionRefused):
                while True:
                    b.flush()
            with pytest.raises(ConnectionRefused):
                Client(server.port, "b", "p")
            told += [publish(a, "S.x"), figures(server, "c"), folders(server)]
        restart(server, two)
        return [*told, figures(server, "a", "S", "M")[1], figures(server, "b", "S", "M")[1]]

    scenes.play(scenario, two)


def test_jetstream_off_and_on_again_in_reloads(scenes: Scenes) -> None:
    on, off = config({"A": "enabled", "B": "on"}), config({"A": "disabled", "B": "on"})

    def scenario(server: ServerProcess) -> Told:
        with Client(server.port, "a", "p") as a:
            make(a, "S")
            publish(a, "S.x", 3)
            reload(server, off)
            told: Told = [api(a, "INFO"), api(a, "STREAM.INFO.S"), publish(a, "S.x")]
            told.append(ask(server, "/jsz").json()["accounts"])
            reload(server, on)
            wait_until(lambda: "error" not in api(a, "STREAM.INFO.S"), "the stream is back")
            told += [publish(a, "S.x"), figures(server, "a", "S")]
        return told

    scenes.play(scenario, on)


def test_the_global_account_keeps_its_streams_until_a_restart(scenes: Scenes) -> None:
    """Accounts are added under it in a reload; its user comes with them."""
    plain = "authorization { users: [{user: g, password: p}] }\n"
    more = config({"A": "enabled"}, more=plain)

    def scenario(server: ServerProcess) -> Told:
        told: Told = []
        with Client(server.port, "g", "p") as client:
            make(client, "S")
            publish(client, "S.x", 3)
            reload(server, more)
            told += [publish(client, "S.x"), figures(server, "g", "S"), figures(server, "a")]
        restart(server, more)
        told.append(figures(server, "g"))
        reload(server, config({}, more=plain))
        with Client(server.port, "g", "p") as client:
            wait_until(lambda: "error" not in api(client, "STREAM.INFO.S"), "JetStream is back")
        return [*told, figures(server, "g", "S")]

    scenes.play(scenario, config({}, more=plain))


def test_more_on_the_disk_than_allowed(scenes: Scenes) -> None:
    """Everything is recovered, nothing more is taken."""
    narrow = config({"A": "{ max_streams: 1, max_file: 500, max_mem: 0 }"})

    def scenario(server: ServerProcess) -> Told:
        with Client(server.port, "a", "p") as client:
            for name in ("S", "T", "U"):
                make(client, name)
                publish(client, f"{name}.x", 5, 100)
        restart(server, narrow)
        told: Told = [figures(server, "a", "S", "T", "U")]
        with Client(server.port, "a", "p") as client:
            told.append(publish(client, "S.x", 1, 10))
            told.append(api(client, "STREAM.CREATE.V", name="V")["error"])
            told.append(api(client, "STREAM.DELETE.T"))
            told.append(api(client, "STREAM.DELETE.U"))
            told.append(api(client, "STREAM.PURGE.S"))
            told.append(publish(client, "S.x", 1, 10))
            told.append(api(client, "STREAM.DELETE.S"))
            told.append(api(client, "STREAM.CREATE.V", name="V", storage="memory")["error"])
        return told

    scenes.play(scenario, config({"A": "enabled"}))


ENCRYPTION = pytest.mark.parametrize("server", ["", 'key: "k", cipher: aes', 'key: "k"'])


def publish_in_both(process: ServerProcess, turn: int) -> list[tuple[str, Any]]:
    """The last acknowledgement of each account; the streams are made in turn 0."""
    acks = []
    for user, count in (("a", 3), ("b", 5)):
        with Client(process.port, user, "p") as client:
            if turn == 0:
                make(client, "S")
            acks.append((user, publish(client, "S.x", count)))
    return acks


def acks_of_turn(turn: int) -> list[tuple[str, Any]]:
    return [
        (user, {"stream": "S", "seq": (turn + 1) * count}) for user, count in (("a", 3), ("b", 5))
    ]


@ENCRYPTION
def test_a_folder_of_the_real_server(tmp_path: Path, server: str, recorded: Recorded) -> None:
    """Every account has its own folder, and its own key. The record is the folder as the server
    left it; it cannot be the same twice."""
    text = config({"A": "enabled", "B": "enabled"}, server)

    def told() -> dict[str, str]:
        if recorded.mode != RECORD:
            return dict(recorded.kept())
        with ServerProcess(REFERENCE, tmp_path / "theirs", text) as process:
            assert publish_in_both(process, 0) == acks_of_turn(0)
        return folder_as_text(tmp_path / "theirs" / "store")

    text_to_folder(recorded.of(told), tmp_path / "ours" / "store")
    with ServerProcess(PYNATS, tmp_path / "ours", text) as process:
        assert publish_in_both(process, 1) == acks_of_turn(1)


def folder_as_text(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): base64.b64encode(path.read_bytes()).decode()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def text_to_folder(files: dict[str, str], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(base64.b64decode(content))


@pytest.mark.reference
@ENCRYPTION
def test_folders_move_between_the_servers(tmp_path: Path, server: str) -> None:
    text = config({"A": "enabled", "B": "enabled"}, server).replace("@FOLDER@", str(tmp_path))
    for turn, kind in enumerate((PYNATS, REFERENCE, PYNATS)):
        with ServerProcess(kind, tmp_path / str(turn), text) as process:
            assert publish_in_both(process, turn) == acks_of_turn(turn)


@pytest.mark.parametrize(
    ("accounts", "what"),
    [
        ({"A": "{ max_mem: 11M }"}, "insufficient memory resources available"),
        ({"A": "{ max_file: 6M }", "B": "{ max_file: 6M }"}, "insufficient storage resources"),
    ],
)
def test_promises_that_can_not_be_kept(
    accounts: dict[str, str], what: str, tmp_path: Path, recorded: Recorded, kind_under_test: str
) -> None:
    def complaint(kind: str) -> str:
        with (
            pytest.raises(ServerFailed) as failed,
            ServerProcess(kind, tmp_path / kind, config(accounts)),
        ):
            pass
        found = re.search(r"Can't start JetStream: .*", str(failed.value))
        assert found is not None, failed.value
        return found[0]

    theirs = recorded.of(lambda: complaint(REFERENCE))
    for each in (theirs, complaint(kind_under_test)):
        assert re.match(f"Can't start JetStream: .*{what}", each)


def test_a_reload_that_can_not_be_kept_changes_nothing(tmp_path: Path) -> None:
    """The real server logs the error and applies the rest."""
    with ServerProcess(PYNATS, tmp_path, config({"A": "{ max_file: 1M }"})) as server:
        server.write_config(config({"A": "{ max_file: 11M }", "B": "enabled"}))
        server.signal(signal.SIGHUP)
        text = "Failed to reload server configuration: insufficient storage resources available"
        wait_until(lambda: text in server.log(), "the refusal")
        assert figures(server, "a")[0]["limits"]["max_storage"] == 1_000_000
        with pytest.raises(ConnectionRefused):
            Client(server.port, "b", "p")
