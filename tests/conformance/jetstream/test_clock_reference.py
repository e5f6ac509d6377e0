"""What the real server does when its clock is set, while it runs and between two starts; and ours.

Times are told by what the clock was when they were taken. Where `ours` is given, ours differs: it
keeps no message longer, and lets nobody wait longer, than it was asked to by a right clock.

What must not have happened yet has seconds to happen in, because a busy machine looks late. What
must happen is waited for; the reference, which may never do it, gets as long.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pynats_common.go.times import format_time_ns, parse_time_ns

from tests.support.client import header_block
from tests.support.deadline import DeadlineExceeded, pause, wait_until
from tests.support.movable_clock import CannotMove, MovableClock
from tests.support.oracle import Oracle
from tests.support.process import PYNATS, REFERENCE
from tests.support.records import Recorded

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
YEARS = 10 * 365 * 24 * HOUR
LABELS = {
    "right": 0, "1 h ahead": HOUR, "10 y ahead": YEARS, "1 h behind": -HOUR, "10 y behind": -YEARS,
}  # fmt: skip


def label(time_ns: int) -> str:
    """What the clock was like that told a time."""
    ahead_ns = time_ns - time.time_ns()
    return min(LABELS, key=lambda name: abs(LABELS[name] - ahead_ns))


class Scene:
    """A server whose clock moves, and a client."""

    def __init__(self, server: MovableClock) -> None:
        self.server = server
        self.client = Oracle(server.port)
        self.told: list[Any] = []

    def set_clock(self, name: str) -> None:
        self.server.set_clock(LABELS[name])

    def restart(self, kill: bool = False) -> None:
        self.client.close()
        if kill:
            self.server.kill()
        else:
            self.server.stop()
        self.server.start()
        self.client = Oracle(self.server.port)

    def make(self, **config: Any) -> None:
        config = {"name": "S", "subjects": ["s.>"], "storage": "file", **config}
        answer = self.client.api("STREAM.CREATE.S", **config)
        assert "error" not in answer, answer

    def publish(self, subject: str = "s.a", **headers: str) -> dict[str, Any]:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.publish(subject, b"x", header_block(said) if said else b"")

    def consumer(self, name: str, **config: Any) -> dict[str, Any]:
        config = {"name": name, "durable_name": name, "ack_policy": "explicit", **config}
        return self.client.api(f"CONSUMER.CREATE.S.{name}", stream_name="S", config=config)

    def pull(self, name: str) -> int:
        """How often the next message has been delivered; 0 without one."""
        reply = self.client.request(
            f"$JS.API.CONSUMER.MSG.NEXT.S.{name}".encode(),
            json.dumps({"batch": 1, "no_wait": True}).encode(),
        )
        if reply.startswith(b"NATS/1.0 4"):
            return 0
        info = self.client.api(f"CONSUMER.INFO.S.{name}")
        return 1 + int(info["num_redelivered"])

    def until(self, probe: Callable[[], int]) -> int:
        """What is not 0, or 0 where it stays so."""
        try:
            return wait_until(probe, "what one of the two servers does")
        except DeadlineExceeded:
            return 0

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.client.api("STREAM.INFO.S")["state"]
        return state

    def messages(self) -> int:
        return int(self.state()["messages"])

    def until_empty(self) -> None:
        self.until(lambda: self.messages() == 0)

    def tell_what_stays(self) -> None:
        self.until_empty()
        self.tell("later")
        self.restart()
        self.until_empty()
        self.tell("after a start")

    def tell(self, what: str) -> None:
        """Which messages there are, and when they were stored."""
        state = self.state()
        seqs = range(state["first_seq"], state["last_seq"] + 1)
        found = []
        for seq in seqs:
            message = self.client.api("STREAM.MSG.GET.S", seq=seq).get("message")
            if message is not None:
                found.append([seq, label(parse_time_ns(message["time"]))])
        self.told.append([what, found])


def times_of_messages(here: Scene) -> None:
    here.make()
    for name in ("right", "1 h ahead", "right", "10 y ahead", "right", "1 h behind"):
        here.set_clock(name)
        here.publish()
    here.tell("while it runs")
    here.restart()
    here.publish()
    here.set_clock("right")
    here.publish()
    here.tell("after a start")
    here.restart(kill=True)
    here.publish()
    here.tell("after a kill")
    state = here.state()
    here.told += [label(parse_time_ns(state[name])) for name in ("first_ts", "last_ts")]


def ages(here: Scene) -> None:
    """The clock only goes back: one that is ahead makes what is there old."""
    here.make(max_age=8 * SECOND)
    for name in ("10 y ahead", "1 h ahead", "right", "right"):
        here.set_clock(name)
        here.publish()
    here.tell("at once")
    here.tell_what_stays()


def ages_set_ahead(here: Scene) -> None:
    here.make(max_age=12 * SECOND)
    here.publish()
    pause(6)
    here.publish()
    here.set_clock("1 h ahead")
    here.publish()
    here.until(lambda: here.messages() <= 1)
    here.tell("later")


def ttls(here: Scene) -> None:
    here.make(allow_msg_ttl=True)
    for name in ("10 y ahead", "right"):
        here.set_clock(name)
        here.publish(Nats_TTL="8s")
    here.tell("at once")
    here.tell_what_stays()


def duplicates(here: Scene) -> None:
    here.make(duplicate_window=6 * SECOND)

    def publish(*ids: str) -> None:
        here.told.append([[id, "duplicate" in here.publish(Nats_Msg_Id=id)] for id in ids])

    here.set_clock("10 y ahead")
    publish("a")
    here.set_clock("right")
    publish("a", "b", "b")
    pause(8)
    publish("a", "b")


def searches(here: Scene) -> None:
    here.make(allow_direct=True)
    for name in ("10 y behind", "10 y ahead", "1 h behind", "right"):
        here.set_clock(name)
        here.publish()
    for kill in (False, True):
        for hours in (-20 * 365 * 24, -2, -0.5, 0.5, 20 * 365 * 24):
            since = format_time_ns(time.time_ns() + int(hours * HOUR))
            made = here.consumer(
                f"c{hours:.0f}{kill}", deliver_policy="by_start_time", opt_start_time=since
            )
            got = here.client.api("STREAM.MSG.GET.S", start_time=since, next_by_subj="s.>")
            here.told.append([hours, made["num_pending"], got.get("message", {"seq": 0})["seq"]])
        here.restart(kill=True)


def deadlines(ahead: str, then: str) -> Callable[[Scene], None]:
    """The clock is set while somebody works on a message, one consumer is unused, one paused."""

    def play(here: Scene) -> None:
        here.set_clock(ahead)
        here.make()
        here.publish()
        here.consumer("acks", ack_wait=8 * SECOND)
        here.consumer("unused", inactive_threshold=SECOND)
        until = format_time_ns(time.time_ns() + LABELS[ahead] + 600 * SECOND)
        here.consumer("paused", pause_until=until)
        here.told.append(["delivered", here.pull("acks")])
        here.set_clock(then)
        pause(0.5)
        here.told.append(["at once", here.pull("acks")])
        here.told.append(["later", here.until(lambda: here.pull("acks"))])
        names = here.client.api("CONSUMER.NAMES.S")["consumers"]
        here.told.append(["there", sorted(names)])
        info = here.client.api("CONSUMER.INFO.S.paused")
        here.told.append(["paused", info.get("paused", False)])

    return play


def restarted(ahead: str, then: str) -> Callable[[Scene], None]:
    def play(here: Scene) -> None:
        here.set_clock(ahead)
        here.make()
        here.publish()
        here.consumer("acks", ack_wait=60 * SECOND)
        here.told.append(["delivered", here.pull("acks")])
        pause(0.5)
        here.set_clock(then)
        here.restart(kill=True)
        here.told.append(["at once", here.pull("acks")])

    return play


def schedules(here: Scene) -> None:
    here.make(allow_msg_schedules=True, allow_rollup_hdrs=True)
    here.set_clock("1 h ahead")
    here.publish("s.s", Nats_Schedule="@every 1s", Nats_Schedule_Target="s.made")
    here.set_clock("right")

    def made() -> int:
        """The last message of the schedule that was stored when the clock was right."""
        message = here.client.api("STREAM.MSG.GET.S", last_by_subj="s.made").get("message")
        if message is None or label(parse_time_ns(message["time"])) != "right":
            return 0
        return int(message["seq"])

    def tell(what: str) -> None:
        before = made()
        here.told.append([what, bool(here.until(lambda: made() > before))])

    tell("it goes on")
    here.restart()
    tell("after a start")


@dataclass(frozen=True)
class Row:
    play: Callable[[Scene], None]
    ours: Any = None
    why: str = ""


ON_TIME = [
    ["delivered", 1], ["at once", 0], ["later", 2], ["there", ["acks", "paused"]],
    ["paused", True],
]  # fmt: skip
"""What `deadlines` tells where nothing waits for the clock."""

ROWS = {
    "times of messages": Row(times_of_messages),
    "ages": Row(
        ages,
        [
            ["at once", [[1, "10 y ahead"], [2, "1 h ahead"], [3, "right"], [4, "right"]]],
            ["later", []],
            ["after a start", []],
        ],
        "there everything stays behind a message from the future, until its time has come",
    ),
    "ages, set ahead": Row(ages_set_ahead),
    "ttls": Row(
        ttls,
        [["at once", [[1, "10 y ahead"], [2, "right"]]], ["later", []], ["after a start", []]],
        "there a message from the future stays until its time has come",
    ),
    "duplicates": Row(
        duplicates,
        [[["a", False]], [["a", True], ["b", False], ["b", True]], [["a", False], ["b", False]]],
        "there the ids of all later messages are kept until the time of the first has come",
    ),
    "searches": Row(
        searches,
        [
            [-175200, 4, 1], [-2, 3, 2], [-0.5, 3, 2], [0.5, 3, 2], [175200, 0, 0],
        ] * 2,
        "there nothing is found that is older than the last message",
    ),
    "deadlines, set back": Row(
        deadlines("right", "1 h behind"),
        ON_TIME,
        "there what was delivered before waits until the clock has caught up",
    ),
    "deadlines, set ahead": Row(deadlines("right", "1 h ahead")),
    "deadlines, put right": Row(
        deadlines("10 y ahead", "right"),
        ON_TIME,
        "there what was delivered before waits until the clock has caught up",
    ),
    "started ahead": Row(restarted("right", "1 h ahead")),
    "started behind": Row(restarted("1 h ahead", "right")),
    "schedules": Row(
        schedules,
        [["it goes on", True], ["after a start", True]],
        "there a schedule waits until the clock has caught up",
    ),
}  # fmt: skip


def transcript(kind: str, folder: Path, play: Callable[[Scene], None]) -> list[Any]:
    server = MovableClock(kind, folder, f'jetstream {{ store_dir: "{folder}/js" }}\n')
    with contextlib.ExitStack() as ends, server:
        here = Scene(server)
        ends.callback(lambda: here.client.close())
        play(here)
        return here.told


@pytest.mark.parametrize("name", ROWS)
def test_a_clock_that_is_set(name: str, tmp_path: Path, recorded: Recorded) -> None:
    row = ROWS[name]
    real = recorded.of(lambda: transcript(REFERENCE, tmp_path / "real", row.play))
    try:
        ours = transcript(PYNATS, tmp_path / "ours", row.play)
    except CannotMove as error:
        pytest.skip(f"no process may have a clock of its own here: {error}")
    if row.why:
        assert real != row.ours, "it is no difference any more"
        assert ours == row.ours
    else:
        assert ours == real
