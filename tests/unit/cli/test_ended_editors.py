"""How an editor ended."""

from __future__ import annotations

import pytest
from pynats_cli.errors import CliError
from pynats_cli.screen import editor


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("kill -TERM $$", "was ended by SIGTERM"),
        ("kill -40 $$", "was ended by signal 40"),
        ("exit 3", "ended with exit code 3"),
    ],
)
def test_an_editor_that_fails(script: str, words: str) -> None:
    with pytest.raises(CliError, match=words):
        editor._run(["sh", "-c", script], "unused")
