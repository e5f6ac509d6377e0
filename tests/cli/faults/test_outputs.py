"""Output that nobody takes, while a connection is open."""

from __future__ import annotations

import os
import subprocess

from tests.cli.conftest import Cli
from tests.cli.test_programs import python
from tests.support.deadline import PATIENCE_S


def test_a_watch_whose_output_cannot_be_written(stream_cli: Cli) -> None:
    assert stream_cli.run("kv", "add", "FULL").code == 0
    assert stream_cli.run("kv", "put", "FULL", "k", "v").code == 0

    def watch(redirect: str) -> tuple[int, str]:
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {redirect}', "sh", *python("pynats"), "kv", "watch", "FULL"],
            env={**os.environ, **stream_cli.environment}, stderr=subprocess.PIPE, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr

    full = "pynats: cannot write standard output: no space left on device\n"
    assert watch("> /dev/full") == (1, full)
