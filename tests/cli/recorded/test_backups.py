"""Backups of streams and accounts, and what is done with their folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.preloading import preload
from tests.cli.recorded.scenes import Line, Scene, check
from tests.support.records import Recorded

preload(
    "backup", "kv", also=("pynats_cli.jetstream.backup.screens", "pynats_cli.jetstream.kv.screens")
)

_FILL = (
    "stream add S --subjects 's.>' --defaults --metadata q=w",
    *(f"pub s.{number % 3} 'body {number}' -H H:{number} -J" for number in range(1, 11)),
    "consumer add S C1 --pull --defaults",
    "consumer add S C2 --pull --defaults --filter s.1",
    "stream rmm S 5 -f",
)
_PLAIN_MESSAGES = "ours tells of messages, bytes and times what is known of them"

SCENES: dict[str, tuple[str, Scene]] = {
    "streams": ("jetstream", (
        *_FILL,
        "backup stream S d1",
        "backup stream S d1",
        "backup stream NOPE d2",
        "backup stream S",
        "stream backup S d4",
        "stream snapshot S d5 --no-progress",
        Line("backup validate d4 --no-progress", text=True),
        "account backup all -f",
        "backup stream S d3 --no-consumers --check --chunk-size 1KB --window-size 2MB "
        "--no-progress",
        "backup info d1 --json",
        "backup info d1 --json --subjects",
        "backup info d3 --json",
        Line("backup validate d1 --no-progress", text=True),
        Line("backup validate d3 --no-progress", text=True),
        "backup info nofolder",
        "backup validate nofolder",
        "backup restore stream d1",
        "stream rm S -f",
        "backup restore stream d1 --replicas 3",
        "backup restore stream nofolder",
        "backup restore stream d1 --config nofile",
        "backup restore stream d1 --no-progress",
        "stream info S --json",
        "consumer info S C1",
        "stream rm S -f",
        "backup restore stream d1 --config d1/backup.json --cluster x --tag y",
        "stream restore d1",
        "stream rm S -f",
        "stream restore d1",
        "account restore all",
        "backup restore",
        "backup",
    )),
    "edits": ("jetstream", (
        *_FILL,
        "backup stream S d1",
        "kv add B --history 5",
        "kv put B a 1",
        "kv put B a 2",
        "kv put B b 1",
        "kv del B b -f",
        "backup stream KV_B kv",
        "backup edit d1 e1 --subject s.1",
        Line("backup info e1 --json", differs=_PLAIN_MESSAGES),
        Line("backup validate e1 --no-progress", text=True),
        "backup edit d1 e1 --subject s.1",
        "backup edit d1 e2 --exclude-subject s.1 --first-seq 3 --last-seq 8 --dry-run",
        "backup validate e2",
        "backup edit d1 e3 --header H --exclude-header X --payload-match body "
        "--exclude-payload-match 9 --after 2h --before 2199-12-30T00:00:00Z",
        Line("backup validate e3 --no-progress", text=True),
        "backup edit d1 e4 --last-per-subject 1",
        Line("backup validate e4 --no-progress", text=True),
        "backup edit d1 e5 --renumber --subject s.1",
        Line("backup validate e5 --no-progress", text=True),
        "backup edit kv e6 --kv-compact",
        Line("backup validate e6 --no-progress", text=True),
        "backup edit d1 e7 --header H:3",
        Line("backup validate e7 --no-progress", text=True),
        "backup edit d1 e8 --header 'H: 3' --header H:4",
        "backup edit d1 x --kv-compact",
        "backup edit kv x --kv-compact --last-per-subject 2",
        "backup edit d1 x --subject x..y",
        "backup edit d1 x --payload-match '('",
        "backup edit d1 x --first-seq 8 --last-seq 3",
        "backup edit d1 x --after 1h --before 2h",
        "backup edit d1 x --after yesterday",
        "backup edit d1 x --obfuscation-key d1/backup.json",
        "backup edit d1 x --obfuscate --obfuscation-key nofile",
        "backup edit d1 x --obfuscate --obfuscation-key d1/backup.json",
        "backup edit nofolder x",
        "backup edit d1",
        "backup edit d1 o1 --obfuscate",
        Line("backup validate o1 --no-progress", text=True),
        "backup edit d1 o2 --obfuscate --obfuscation-key o1.keys.json --subject s.1",
        Line("backup validate o2 --no-progress", text=True),
        Line("backup lookup o1.keys.json nope", text=True),
        "backup lookup o1.keys.json",
        "backup lookup d1/backup.json x",
        "backup lookup nofile x",
        "backup restore stream o1",
        "stream ls",
    )),
    "accounts": ("jetstream", (
        *_FILL,
        "kv add B",
        "kv put B a 1",
        "backup account acc",
        "backup account acc -f",
        "backup account acc2 -f --check --no-consumers",
        "backup account",
        "backup restore account acc",
        "kv del B -f",
        "backup restore account acc",
        "stream rm S -f",
        "backup restore account acc",
        "stream info S --json",
        "backup restore account nofolder",
        "backup restore account",
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_as_the_real_tool(name: str, recorded: Recorded, tmp_path: Path) -> None:
    config, scene = SCENES[name]
    check(recorded, config, scene, tmp_path)
