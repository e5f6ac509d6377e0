"""Publishing, requesting, round trips and contexts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.recorded.scenes import Line, Scene, check
from tests.support.records import Recorded

_NOBODY = "scripts must see that nobody answered"

SCENES: dict[str, tuple[str, Scene]] = {
    "publish": ("plain", (
        "pub a b",
        "pub a",
        Line("pub a", stdin="x\ny\n"),
        Line("pub a --send-on newline", stdin="x\ny\n"),
        "pub a b -H 'K: V' -H K:W -H E:",
        "pub a b -H bad",
        "pub a b --count 3",
        "pub a b --count 3 --sleep 1ms",
        "pub a b --sleep 5",
        "pub a b --reply r",
        "pub a b -q",
        "pub",
        "pub a b c",
        "pub a b --nope",
        "pub 's1. a' x",
        "pub '' x",
        "pub a 'x {{Count}} {{ID}}'",
        "pub a 'x {{.Count}}'",
        "pub a '{{' --no-templates",
        "pub a b -J",
        "pub a b --atomic",
        "pub a b --schedule-at 2030-01-01T00:00:00Z",
    )),
    "request": ("plain", (
        Line("reply q 'yes' --queue one", ready="Listening"),
        Line("reply echo --echo", ready="Listening"),
        Line("req q b --raw", text=True),
        "req q b",
        "req q b --count 2",
        Line("req echo b --raw", text=True),
        Line("req echo --raw", stdin="from input", text=True),
        Line("req nobody b", differs=_NOBODY, code=1),
        "req q b -H 'A: B'",
        "req q b -H bad",
        "req q b --reply-timeout 5",
    )),
    "rtt": ("plain", (
        "rtt",
        "rtt 2 --json",
        "rtt x",
    )),
    "subscribe": ("plain", (
        "sub",
        "sub a -T",
        "sub a -t -d",
        "sub a --queue q --all",
        "sub a b --all",
        "sub a --wait 50ms",
        "sub a --count x",
    )),
    "contexts": ("plain", (
        "context ls --json",
        "context add one --server {url} --description 'the first'",
        "context add two --server {url} --select",
        "context ls --names",
        Line("context ls --names", text=True),
        "context info one",
        "context info nope",
        "context select one",
        "context select nope",
        "ctx -- -",
        "context previous",
        "context copy one three",
        "context copy one three",
        "context copy nope four",
        "context rm nope -f",
        "context rm three",
        "context rm three -f",
        "context unselect",
        "context unselect",
        "context add ../x",
        "context validate",
        "pub a b --context one",
        Line("pub a b --context nope"),
        Line("pub a b", environment=(("NATS_CONTEXT", "one"),)),
        Line("pub a b", environment=(("NATS_CONTEXT", "nope"),)),
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_as_the_real_tool(name: str, recorded: Recorded, tmp_path: Path) -> None:
    config, scene = SCENES[name]
    check(recorded, config, scene, tmp_path)
