"""Scenes: command lines that are run one after the other against a new server.

The real `nats` is asked with the real server when records are made; `pynats` is run with ours. Exit
codes must be equal, and what `--json` prints, after what varies has been masked. A line whose
output is for people is compared where it says `text=True`. Where we differ on purpose, the line
says why, and what ours does.

Recording needs `nats` 0.5.0 on the PATH, or its path in NATS_REFERENCE_CLI.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.conftest import Cli, url_of
from tests.support.deadline import PATIENCE_S, wait_until
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded, plain

VOLATILE = frozenset({
    "created", "ts", "time", "timestamp", "first_ts", "last_ts", "last_active", "rtt", "uptime",
    "start", "now", "first_time", "last_time",
    "server_id", "id", "client_id", "peer", "leader", "leader_since", "raft_group",
    "bytes", "memory", "storage", "reserved_memory", "reserved_storage", "active", "lag", "nonce",
    "server_name", "host", "path", "pause_remaining", "age", "duration", "started",
    "processing_time", "average_processing_time",
})  # fmt: skip
_METADATA = "_nats."
"""Keys of metadata in which servers say their version and level."""

SYSTEM = """
accounts {
  APP { users [{user: app, password: app}], jetstream: enabled }
  SYS { users [{user: sys, password: sys}] }
}
system_account: SYS
no_auth_user: app
"""
CONFIGS: dict[str, Callable[[Path], str]] = {
    "plain": lambda folder: "",
    "jetstream": lambda folder: f'jetstream {{ store_dir: "{folder / "store"}" }}',
    "system": lambda folder: SYSTEM + f'jetstream {{ store_dir: "{folder / "store"}" }}',
}


@dataclass(frozen=True)
class Line:
    """One command line, split as a shell does. `{home}` stands for a private folder, `{url}` for
    the server's address.

    text     also compare standard output as it is, but for figures and blanks
    differs  why ours is not the same; then `code` is our exit code, and no output is compared
    ready    the command stays in the background once it has printed this
    """

    command: str
    stdin: str = ""
    text: bool = False
    differs: str = ""
    code: int = 0
    ready: str = ""
    environment: tuple[tuple[str, str], ...] = ()


Scene = Sequence[str | Line]


def lines_of(scene: Scene) -> list[Line]:
    return [line if isinstance(line, Line) else Line(line) for line in scene]


@dataclass
class Answer:
    """What a program did with one line."""

    code: int
    out: str


class _Real:
    """Runs the real `nats`."""

    def __init__(self, home: Path, url: str) -> None:
        program = os.environ.get("NATS_REFERENCE_CLI") or shutil.which("nats")
        assert program, "recording needs the real `nats`: NATS_REFERENCE_CLI or the PATH"
        self._program = program
        self._background: list[subprocess.Popen[bytes]] = []
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NATS_")}
        self._home = home
        self._environment = {
            **kept, "NATS_URL": url, "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"), "HOME": str(home), "TZ": "UTC",
        }  # fmt: skip

    def run(self, line: Line, words: list[str]) -> Answer:
        environment = {**self._environment, **dict(line.environment)}
        if line.ready:
            log = self._home / f"background{len(self._background)}"
            with log.open("wb") as sink:
                process = subprocess.Popen(
                    [self._program, *words], stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                    env=environment, cwd=self._home,
                )  # fmt: skip
            self._background.append(process)
            wait_until(lambda: line.ready in log.read_text(errors="replace"), line.ready)
            return Answer(0, "")
        done = subprocess.run(
            [self._program, *words], input=line.stdin.encode(), capture_output=True,
            env=environment, cwd=self._home, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        return Answer(done.returncode, done.stdout.decode(errors="backslashreplace"))

    def close(self) -> None:
        for process in self._background:
            process.kill()
            process.wait()


class _Ours:
    """Runs `pynats`."""

    def __init__(self, home: Path, url: str) -> None:
        self._cli = Cli(home, url)
        self._cli.environment["XDG_DATA_HOME"] = str(home / "data")

    def run(self, line: Line, words: list[str]) -> Answer:
        if line.ready:
            running = self._cli.start(*words, stdin=line.stdin, **dict(line.environment))
            running.wait_for(line.ready)
            return Answer(0, "")
        done = self._cli.run(*words, stdin=line.stdin, **dict(line.environment))
        return Answer(done.code, done.out)

    def close(self) -> None:
        self._cli.close()


def play(kind: str, config: str, scene: Scene, folder: Path) -> list[dict[str, Any]]:
    """What the tool of this kind does with the lines; `kind` is also its server's."""
    home = folder / f"{kind}-home"
    home.mkdir()
    store = folder / kind
    store.mkdir()
    said = []
    with ServerProcess(kind, store, CONFIGS[config](store)) as server:
        tool = (_Real if kind == REFERENCE else _Ours)(home, url_of(server))
        before = Path.cwd()
        try:
            os.chdir(home)
            for line in lines_of(scene):
                text = line.command.replace("{home}", str(home)).replace("{url}", url_of(server))
                answer = tool.run(line, shlex.split(text))
                said.append(_shown(line, answer, home))
        finally:
            os.chdir(before)
            tool.close()
    return said


def _shown(line: Line, answer: Answer, home: Path) -> dict[str, Any]:
    shown: dict[str, Any] = {"line": line.command, "code": answer.code}
    words = shlex.split(line.command)
    if ("--json" in words or "-j" in words) and answer.code == 0 and not line.differs:
        shown["data"] = masked(_documents(answer.out))
    elif line.text:
        shown["text"] = normalised(answer.out.replace(str(home), "<home>"))
    return shown


def _documents(text: str) -> Any:
    """The JSON on standard output; several documents are a list."""
    decoder, found, position = json.JSONDecoder(), [], 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        value, position = decoder.raw_decode(text, position)
        found.append(value)
    # The original prints null for an empty list.
    return (found[0] or []) if len(found) == 1 else found


def masked(value: Any, names: Collection[str] = VOLATILE, name: str = "") -> Any:
    """JSON in which what varies shows its type only; null and an empty list are the same."""
    if name in names and not isinstance(value, (dict, list)):
        return f"<{type(value).__name__}>" if value not in (None, "", 0) else value
    if isinstance(value, dict):
        return {
            key: masked(item, names, key)
            for key, item in sorted(value.items())
            if not key.startswith(_METADATA) and item not in (None, [], {})
        }
    if isinstance(value, list):
        return [masked(item, names, name) for item in value]
    if isinstance(value, str):
        return without_keys(re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:<port>", value))
    return value


def without_keys(text: str) -> str:
    """A text in which nkeys and JWTs show their kind only."""
    text = re.sub(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+", "<jwt>", text)
    text = re.sub(r"\b(S[OAUNCX])[A-Z2-7]{56}\b", r"<\1 seed>", text)
    return re.sub(r"\b([OAUNCX])[A-Z2-7]{55}\b", r"<\1 key>", text)


def normalised(text: str) -> list[str]:
    """Lines of a screen without what varies: figures of time and size, and blanks."""
    lines = []
    for raw in text.splitlines():
        line = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", "<time>", raw)
        line = re.sub(r"\d+(\.\d+)?(µs|ms|ns)", "<short>", line)
        line = " ".join(without_keys(line).split())
        if line:
            lines.append(line)
    return lines


def check(recorded: Recorded, config: str, scene: Scene, folder: Path) -> None:
    """Ours must do what the real one did, but for the differences that lines name."""
    there = recorded.of(lambda: play(REFERENCE, config, scene, folder))
    ours = plain(play(PYNATS, config, scene, folder))
    wrong = []
    for line, theirs, mine in zip(lines_of(scene), there, ours, strict=True):
        if line.differs:
            if mine["code"] != line.code:
                wrong.append({"wanted": {"code": line.code, "why": line.differs}, "ours": mine})
        elif mine != theirs:
            wrong.append({"wanted": theirs, "ours": mine})
    assert not wrong, "\n".join(json.dumps(each, ensure_ascii=False) for each in wrong)
