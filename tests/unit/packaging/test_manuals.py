"""Manual pages: every program, command, flag and key has its place, and roff is right."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pynats_cli.commands import ROOT
from pynats_common.commandline.help.roff import literal
from pynats_common.commandline.tree import shown_commands
from pynats_packaging.man import Page, manual_pages
from pynats_packaging.man import __main__ as man
from pynats_packaging.man.configuration import _EXAMPLE
from pynats_packaging.programs import flag_programs
from pynats_server.settings.top_level import TOP_LEVEL
from pynsc.table import COMMANDS


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    return {page.file: page for page in manual_pages("1.2.3", "2026-01-02")}


def titles(page: Page) -> list[str]:
    return re.findall(r'^\.SS "(.*)"$', page.text, re.MULTILINE)


def test_every_program_has_a_page(pages: dict[str, Page]) -> None:
    assert set(pages) >= {
        "pynats.1", "pynsc.1", "pynk.1", "pynats-top.1", "pynats-server.8", "pynats-server.conf.5",
    }  # fmt: skip
    for file, page in pages.items():
        name, _, section = file.rpartition(".")
        assert page.text.startswith(f'.TH "{name.upper()}" {section} 2026-01-02 "pyn'), file
        assert f"\n.SH NAME\n{literal(name)} \\- " in page.text
        assert page.text.isascii()


def test_every_command_has_its_place(pages: dict[str, Page]) -> None:
    commands = [" ".join(path) for path, _ in shown_commands(ROOT)]
    assert len(commands) > 200
    overview = pages["pynats.1"].text
    texts = {
        page.name: [*titles(page), *re.findall(r'^\.B "pynats (.*)"$', page.text, re.MULTILINE)]
        for page in pages.values()
    }
    for command in commands:
        top = command.split()[0]
        reference = re.search(rf'^\.B "{top}[,"].*\n.*; see (pynats\\-[a-z]+)\(1\)', overview, re.M)
        if reference is None:
            assert top == "top", command  # the program has that page
            continue
        name = reference[1].replace("\\", "")
        assert any(text.startswith(literal(command)) for text in texts[name]), command
    assert "pynats-srv" in texts
    nsc = titles(pages["pynsc.1"])
    for path, row in COMMANDS.items():
        found = any(re.match(rf"{re.escape(literal(path))}( |$)", title) for title in nsc)
        assert found is not row.hidden, path


def test_every_flag_and_key_has_its_place(pages: dict[str, Page]) -> None:
    for program in flag_programs():
        text = pages[f"{program.name}.{program.section}"].text
        for flag in (*program.all_flags, *program.command_flags):
            assert f'\n.B "{literal(flag.shown)}"\n'.replace(",...", r",\:...") in text
            assert flag.help
    text = pages["pynats-server.conf.5"].text
    for setting in TOP_LEVEL.settings:
        assert re.search(rf'^\.B "{literal(setting.name)}[,"]', text, re.MULTILINE), setting.name
    assert '.SS "accounts.users"' in text or '.SS "authorization.users"' in text


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    from pynats_server.settings.load import load_file

    path = tmp_path / "server.conf"
    path.write_text(_EXAMPLE)
    options = load_file(path, environ={"SHOP_PASSWORD": "x"})
    assert options.jetstream.enabled and options.http_port == 8222


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff")
def test_groff_has_no_complaint(pages: dict[str, Page]) -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tascii", "-P-cbou"],
        input="".join(page.text for page in pages.values()),
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.count("\nNAME\n") == len(pages)


@pytest.mark.skipif(not shutil.which("mandoc"), reason="no mandoc")
def test_mandoc_has_no_complaint(pages: dict[str, Page], tmp_path: Path) -> None:
    for file, page in pages.items():
        (tmp_path / file).write_text(page.text)
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", *pages],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_command_writes_files_and_wants_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: dict[str, Page]
) -> None:
    monkeypatch.setattr(man, "manual_pages", lambda *_: list(pages.values()))
    assert man.main([str(tmp_path / "man")]) is None
    assert {path.name for path in (tmp_path / "man").iterdir()} == set(pages)
    assert "usage" in str(man.main([]))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    assert "no number of seconds" in str(man.main([str(tmp_path)]))
