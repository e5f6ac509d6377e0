"""Reloads: what the real server accepts and refuses, key by key, so do we."""

from __future__ import annotations

import atexit
import re
import shutil
import signal
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from pynats_server.process.flags import parse_command_line
from pynats_server.settings import diff, validate

from tests.conformance.config.reload_cases import Case, cases
from tests.support.deadline import PATIENCE_S, wait_until
from tests.support.process import REFERENCE, lasting_port, server_command
from tests.support.records import Recorded
from tests.support.tls_files import write_tls_files

CASES = cases()
ACCEPTED = "accepted"
# What does not exist here, or has another default.
OTHER_OLD_VALUES = re.compile(r": old=.*")


@cache
def certificates() -> Path:
    """A folder of them."""
    folder = Path(tempfile.mkdtemp(prefix="certificates-"))
    atexit.register(shutil.rmtree, folder)
    write_tls_files(folder)
    return folder


def filled(case: Case, folder: Path) -> tuple[str, str, list[str]]:
    ports = {"@PORT@": str(lasting_port()), "@OTHER@": str(lasting_port()), "@FOLDER@": str(folder)}
    ports["@CERTS@"] = str(certificates())
    texts = ["\n".join(case[:2]), *case[2]]
    for sign, value in ports.items():
        texts = [each.replace(sign, value) for each in texts]
    before, after = texts[0].split("\n\n")
    return before + "\n", after, texts[1:]


def theirs(case: Case, folder: Path) -> str:
    """ACCEPTED or the refusal."""
    before, after, flags = filled(case, folder)
    config, output = folder / "a.conf", folder / "out"
    config.write_text(before)
    with output.open("wb") as log:
        command = [*server_command(REFERENCE), "-c", str(config), *flags]
        child = subprocess.Popen(command, stderr=log, stdout=log)

    def said(pattern: str) -> re.Match[str] | None:
        return re.search(pattern, output.read_text())

    try:
        wait_until(lambda: said("Server is ready"), "the start")
        config.write_text(after)
        child.send_signal(signal.SIGHUP)
        found = wait_until(
            lambda: said(r"Reloaded server configuration|Failed to reload .*?: (.*)"), "the reload"
        )
    finally:
        child.kill()
        child.wait(PATIENCE_S)
    return OTHER_OLD_VALUES.sub("", found[1]) if found[1] else ACCEPTED


def ours(case: Case, folder: Path) -> str:
    before, after, flags = filled(case, folder)
    config = folder / "a.conf"
    config.write_text(before)
    command = parse_command_line(["-c", str(config), *flags])
    assert command.options is not None, command.stderr
    config.write_text(after)
    reloaded = command.load()
    validate(reloaded)  # which takes the system account from the operator
    refused = [each for each in diff(command.options, reloaded) if not each.reloadable]
    return OTHER_OLD_VALUES.sub("", refused[0].refusal) if refused else ACCEPTED


@pytest.mark.parametrize("name", CASES)
def test_a_reload_is_accepted_or_refused_as_by_the_real_server(
    name: str, tmp_path: Path, recorded: Recorded
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    expected = recorded.of(lambda: theirs(CASES[name], folder))
    assert ours(CASES[name], tmp_path) == expected
