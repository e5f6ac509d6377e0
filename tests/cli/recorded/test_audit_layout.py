"""Archives of `audit gather`: the files and tags of the real tool's, and the same judgement."""

from __future__ import annotations

import json
import os
import shlex
import zipfile
from pathlib import Path
from typing import Any

from tests.cli.conftest import url_of
from tests.cli.recorded.scenes import CONFIGS, Line, _Ours, _Real
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded, plain

SERVER = """
server_name: solo
accounts {
  APP { users [{user: app, password: app}], jetstream: enabled }
  SYS { users [{user: sys, password: sys}] }
}
system_account: SYS
"""


def gathered(kind: str, folder: Path) -> dict[str, Any]:
    """What the tool of this kind makes of a server without streams."""
    home, store = folder / f"{kind}-home", folder / kind
    home.mkdir()
    store.mkdir()
    archive = home / "a.zip"
    with ServerProcess(kind, store, SERVER + CONFIGS["jetstream"](store)) as server:
        tool = (_Real if kind == REFERENCE else _Ours)(home, url_of(server))
        before = Path.cwd()
        try:
            os.chdir(home)
            said = [
                tool.run(Line(command), shlex.split(command))
                for command in (
                    f"audit gather --user sys --password sys -o {archive} --no-server-profiles",
                    f"audit analyze {archive} --json",
                    "audit checks --json",
                )
            ]
        finally:
            os.chdir(before)
            tool.close()
    with zipfile.ZipFile(archive) as opened:
        manifest = json.loads(opened.read("capture/misc/manifest.json"))
        metadata = json.loads(opened.read("capture/misc/audit_gather_metadata.json"))
    report = json.loads(said[1].out)
    return {
        "codes": [each.code for each in said],
        "manifest": {
            path: sorted(f"{tag['Name']}={tag['Value']}" for tag in tags)
            for path, tags in manifest.items()
        },
        "metadata": sorted(metadata),
        "report": sorted(report),
        "outcomes": {row["check"]["code"]: row["outcome_string"] for row in report["checks"]},
        "checks": json.loads(said[2].out),
    }


def test_archives_are_those_of_the_real_tool(recorded: Recorded, tmp_path: Path) -> None:
    theirs = recorded.of(lambda: gathered(REFERENCE, tmp_path))
    assert plain(gathered(PYNATS, tmp_path)) == theirs
