"""Answers that are not what they should be: a screen that copes, or one line of error.

Commands run against a server of ours; what it says is changed on its way, one place of an answer at
a time (gone, of another type, huge, with control characters), or cut off. The seeds are fixed.
"""

import io
import json
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pynats_cli import app
from pynats_cli.connect.natspy.client import PatchedClient
from pynats_cli.errors import CliError
from pynats_cli.messages.micro import discovery
from pynats_cli.screen import human
from pynats_cli.servers.system import requests

from tests.support.process import PYNATS, ServerProcess

ACCOUNTS = """
accounts {
  APP { users [{user: app, password: app}], jetstream: enabled }
  SYS { users [{user: sys, password: sys}] }
}
system_account: SYS
no_auth_user: app
"""
FILLING = (
    "stream add S --subjects s.> --defaults",
    "pub s.a one",
    "pub s.b two -H A:B",
    "pub s.c 3",
    "stream rmm S 2 -f",
    "consumer add S C --pull --defaults",
    "kv add B --history 5",
    "kv put B k v",
    "object add O",
    "object put O --name obj",
    "stream add CS --subjects c.> --allow-counter --defaults",
    "counter increment c.x 1",
)
OF_USERS = (
    "stream ls", "stream ls --names", "stream info S", "stream info S --json", "stream subjects S",
    "stream report", "stream find --replicas 1", "stream get S 1", "stream view S",
    "stream gaps S -f", "stream query S", "consumer ls S", "consumer info S C",
    "consumer report S", "consumer next S C", "consumer find S", "kv ls", "kv ls B -v",
    "kv get B k", "kv history B k", "kv info B", "object ls", "object ls O", "object info O obj",
    "object get O obj --output -", "account info", "account report connections", "counter get c.x",
    "server check stream --stream S", "server check jetstream", "apply --export",
)  # fmt: skip
OF_OPERATORS = (
    "server ls", "server info", "server report accounts", "server report connections",
    "server report jetstream", "server report health", "server account info APP",
    "server request variables", "audit upgrade --to 2.14.0",
)  # fmt: skip
COMMANDS = [*OF_USERS, *(f"{line} --user sys --password sys" for line in OF_OPERATORS)]
SEEDS = (11, 12, 13, 14)
LONGEST_S = 20
ODD: tuple[Any, ...] = (
    None, True, -1, 10**30, 1.5, float("nan"), float("inf"), "", "x", "\x1b[2J\x9b2J", "\ud800",
    "../../etc", [], {}, [None], {"a": None}, "9" * 50, "9999-12-31T23:59:59Z", "2026-13-45T99:99Z",
)  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """The way to each value within a document."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield (key,)
        if isinstance(value[key], (dict, list)):
            yield from ((key, *way) for way in places(value[key]))


def changed(data: bytes, chance: random.Random) -> bytes:
    """An answer with one place changed, mostly."""
    try:
        document = json.loads(data)
    except ValueError:
        return data
    kind = chance.random()
    if kind < 0.1:
        return chance.choice((b"[" * 20_000, data[: len(data) // 2], b"\xff", b"null", b"[]"))
    ways = list(places(document)) if isinstance(document, (dict, list)) else []
    if kind > 0.85 or not ways:
        return data
    *way, last = chance.choice(ways)
    holder = document
    for key in way:
        holder = holder[key]
    if kind < 0.4:
        del holder[last]
    else:
        holder[last] = chance.choice(ODD)
    return json.dumps(document).encode()


class NoEnd(BaseException):
    """A command did not end."""


class Ran:
    """One command line in this process."""

    def __init__(self, line: str) -> None:
        out = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True)
        err = io.StringIO()
        before = sys.stdin, sys.stdout, sys.stderr
        sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(b"data")), out, err
        self.error = ""
        try:
            self.code = app.run(line.split())
        except CliError as error:
            self.code, self.error = error.exit_code, str(error)
        finally:
            sys.stdin, sys.stdout, sys.stderr = before
        assert isinstance(out.buffer, io.BytesIO)
        self.out, self.err = out.buffer.getvalue().decode("utf-8", "replace"), err.getvalue()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server with something of each kind."""
    folder: Path = tmp_path_factory.mktemp("asked")
    config = ACCOUNTS + f'jetstream {{ store_dir: "{folder / "store"}" }}'
    with ServerProcess(PYNATS, folder, config) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NATS_URL", f"nats://127.0.0.1:{server.port}")
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            patch.setenv(name, str(folder))
        for line in FILLING:
            done = Ran(line)
            assert done.code == 0, f"{line}: {done.error}{done.err}"
        patch.setenv("NATS_TIMEOUT", "500ms")
        patch.setattr(requests, "QUIET_S", 0.02)
        yield


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Changes what comes from now on, by a seed."""
    given = PatchedClient._process_msg

    def begin(seed: int) -> None:
        chance = random.Random(seed)

        async def process(
            self: Any, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes
        ) -> None:
            await given(self, sid, subject, reply, changed(data, chance), headers)

        monkeypatch.setattr(PatchedClient, "_process_msg", process)

    return begin


@pytest.fixture(autouse=True)
def ends() -> Iterator[None]:
    """Interrupts a command that does not end."""

    def stop(*_: object) -> None:
        raise NoEnd

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LONGEST_S * (len(SEEDS) + 1))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_screen_or_one_line(filled: None, hostile: Callable[[int], None], line: str) -> None:
    for seed in SEEDS:
        hostile(seed)
        done = Ran(line)
        said = done.out + done.err
        assert "Traceback" not in said
        assert not any(sign in said for sign in ("\x1b[2J", "\x9b2J")), (line, seed)
        if done.code == 0 and line.endswith("--json"):
            json.loads(done.out)


def test_what_nobody_foresaw_is_told_in_one_line(
    filled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise KeyError("config")

    monkeypatch.setattr("pynats_cli.jetstream.api.JetStream.stream_info", fails)
    told = "unexpected answer: KeyError: 'config'"
    assert Ran("stream info S").error == f"{told} (--trace shows where)"
    traced = Ran("stream info S --trace")
    assert traced.error == told
    assert "Traceback" in traced.err


@pytest.mark.parametrize("odd", ODD)
def test_figures_and_times_are_shown_as_they_are(odd: Any) -> None:
    for show in (human.thousands, human.number, human.duration, human.bytes_text, human.local_time):
        assert isinstance(show(odd), str)
    assert isinstance(human.since(odd, 0), str)


def test_a_service_that_says_nonsense_does_not_hide_the_others() -> None:
    good = {"type": discovery._TYPES["PING"], "name": "a", "id": "1", "version": "1"}
    read = discovery._read
    assert read(json.dumps(good).encode(), good["type"]) == good
    for key, odd in (("name", None), ("id", 3), ("id", [])):
        assert read(json.dumps(good | {key: odd}).encode(), good["type"]) is None
    odd_parts = good | {"endpoints": [1, {"name": "e"}], "metadata": 7}
    assert read(json.dumps(odd_parts).encode(), good["type"]) == good | {
        "endpoints": [{"name": "e"}]
    }
