"""Help in other forms: a manual page (`--help-man`), and of everything at once (`--help-long`)."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

import pytest
from pynats_cli.commands import ROOT
from pynats_cli.program import helpforms
from pynats_common.commandline.help.manpage import manual_page
from pynats_common.commandline.help.roff import literal, quoted
from pynats_common.commandline.tree import Command, Found, Group, shown_commands, walk

from tests.cli.conftest import Cli

MACROS = {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".BR", ".nf", ".fi", ".nh", ".ad"}
FLAGS = [("-s, --server=URL", "Servers ($NATS_URL)")]


def page(*names: str) -> str:
    return manual_page(walk(ROOT, names), "1.2.3", "2026-01-02", FLAGS)


@dataclass
class Options:
    """None."""


def nothing(_: object, options: Options) -> None:
    """.starts with a full stop

    'and with a quote, a \\ and ümlauts

      kept  as
      it is
    """


def test_text_comes_out_as_it_is() -> None:
    node = Command("x", 'has "quotes" and.', f"{__name__}:nothing", ("y",), ("x 'a' | b",))
    lines = manual_page(Found(("p", "x"), node), "v1", "2026-01-02", ()).splitlines()
    assert lines[0] == '.TH "P-X" 1 2026-01-02 "p v1"'
    assert r"\&.starts with a full stop" in lines
    assert r"\(aqand with a quote, a \(rs and \[u00FC]mlauts" in lines
    start = lines.index(".nf")
    assert lines[start + 1 : start + 4] == ["  kept  as", "  it is", ".fi"]
    assert r"x \(aqa\(aq | b" in lines
    assert lines[-2:] == [".SH SEE ALSO", '.BR "p" (1)']
    assert quoted(literal('a"b-\t')) == r'"a\(dqb\- "'


def test_the_page_of_the_program_has_every_command_and_only_requests_of_man() -> None:
    text = page()
    requests = {line.split()[0] for line in text.splitlines() if line.startswith((".", "'"))}
    assert requests <= MACROS
    titles = re.findall(r'^\.SS "(.*)"$', text, re.MULTILINE)
    shown = [literal(" ".join(path)) for path, _ in shown_commands(ROOT)]
    assert len(titles) == len(shown) > 200
    assert all(map(str.startswith, titles, shown))
    assert text.isascii()
    assert ".SH GLOBAL OPTIONS\n" in text
    assert '.B "\\-s, \\-\\-server=URL"\nServers ($NATS_URL)\n' in text


def test_a_group_has_its_commands_and_a_command_its_flags() -> None:
    group = page("server")
    assert group.startswith('.TH "PYNATS-SERVER" 1')
    assert '.SS "server request connections [<flags>] [<wait>]"' in group
    assert "GLOBAL OPTIONS" not in group
    command = page("stream", "info")
    assert ".SH COMMANDS" not in command
    assert '.B "\\-\\-state"\n' in command
    assert ".SH EXAMPLES\n.nf\npynats stream info ORDERS\n" in command


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff")
@pytest.mark.parametrize("names", [("server",), ("publish",)])
def test_groff_has_no_complaint(names: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tascii", "-P-c"],
        input=page(*names), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout


def test_the_flags_stand_anywhere_before_two_dashes(lone_cli: Cli) -> None:
    found = lone_cli.run("account", "--help-man", "tls", SOURCE_DATE_EPOCH="86400")
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith('.TH "PYNATS-ACCOUNT-TLS" 1 1970-01-02 "pynats ')
    assert lone_cli.run("pub", "a", "-s", "127.0.0.1:1", "--", "--help-man").out == ""
    wrong = lone_cli.run("--help-man", SOURCE_DATE_EPOCH="soon")
    assert (wrong.code, wrong.out) == (1, "")
    assert "$SOURCE_DATE_EPOCH: 'soon' is no number of seconds" in wrong.err


def test_long_help_is_that_of_all_commands_below(lone_cli: Cli) -> None:
    found = lone_cli.run("account", "--help-long")
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith(lone_cli.run("account", "--help").out)
    for path, _ in shown_commands(_group("account")):
        assert f"\nUsage: pynats account {' '.join(path)} " in found.out
    one = ("account", "tls")
    assert lone_cli.run(*one, "--help-long").out == lone_cli.run(*one, "--help").out


def _group(name: str) -> Group:
    node = ROOT.find(name)
    assert isinstance(node, Group)
    return node


def test_the_first_flag_counts() -> None:
    assert helpforms.form_of_help(["a", "--help-long", "--help-man"]) == "--help-long"
    assert helpforms.form_of_help(["a", "--", "--help-man"]) == ""
