"""The command line itself: the console script, help, global flags, errors."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.app import run
from pynats_cli.commands import ROOT
from pynats_cli.errors import UsageError
from pynats_cli.global_options import global_flags, split_global_options
from pynats_common.commandline.declare import parameters
from pynats_common.commandline.help.markdown import markdown_help
from pynats_common.commandline.parse import BadValueError, parse
from pynats_common.commandline.tree import Command, Elsewhere, Group, every, walk
from pynats_common.go.durations import SECOND_NS

from tests.cli.conftest import Cli, url_of
from tests.support.deadline import PATIENCE_S
from tests.support.process import ServerProcess


def test_the_console_script_shows_help_without_loading_a_client() -> None:
    script = Path(sys.executable).parent / "pynats"
    program = str(script) if script.exists() else shutil.which("pynats")
    assert program is not None
    code = (
        "import sys; from pynats_cli.app import run; run(['--help']); "
        "print([m for m in ('nats', 'rich', 'asyncio', 'nacl') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    shown = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
    assert "-s, --server=URL" in shown.stdout
    for row in ROOT.commands:
        assert row.hidden or f"  {row.name}" in shown.stdout


def _nodes() -> list[tuple[tuple[str, ...], Any]]:
    return list(every(ROOT))


@pytest.mark.parametrize("path", [" ".join(path) for path, _ in _nodes()])
def test_every_command_has_help(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*path.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: pynats {path} ")
    assert max(map(len, shown.splitlines())) <= 110


def test_names_in_a_group_are_used_once_and_every_command_can_be_loaded() -> None:
    groups = [((), ROOT), *[item for item in _nodes() if isinstance(item[1], Group)]]
    for path, group in groups:
        names = [name for row in group.commands for name in (row.name, *row.aliases)]
        assert len(names) == len(set(names)), path
        for row in group.commands:
            if isinstance(row, Elsewhere):
                loaded = row.loaded()
                assert (loaded.name, loaded.aliases) == (row.name, row.aliases)


@pytest.mark.parametrize("path", [" ".join(p) for p, node in _nodes() if isinstance(node, Command)])
def test_flags_of_a_command_do_not_clash_with_each_other_or_with_global_ones(path: str) -> None:
    node = walk(ROOT, path.split()).node
    assert isinstance(node, Command)
    spellings = [name for item in parameters(node.options()) for name in item.spellings()]
    assert len(spellings) == len(set(spellings))
    assert not set(spellings) & {*global_flags(), "-s", "-h", "--help"}
    for item in parameters(node.options()):
        assert item.declared.help or item.declared.hidden, item.name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "No such command 'nope': see pynats --help"),
        (["pub"], "required argument 'subject' not provided: see pynats publish --help"),
        (["pub", "a", "b", "--nope"], "No such option: --nope"),
        (["pub", "a", "b", "--sleep", "5"], "invalid duration"),
        (["pub", "a", "b", "--count", "x"], "--count: must be a number"),
        (["pub", "a", "b", "-H", "bad"], "invalid header"),
        (["--timeout", "5", "rtt"], "--timeout: invalid duration"),
        (["--timeout=-1s", "rtt"], "greater than 0"),
        (["--colors", "pink", "rtt"], "enum value must be one of blue, cyan"),
        (["--tlsca", "/no/file", "rtt"], "path '/no/file' does not exist"),
        (["rtt", "--server"], "expected argument for flag '--server'"),
        (["rtt", "--trace=yes"], "takes no value"),
        (["rtt", "-s", "http://x"], "scheme"),
        (["rtt", "-s", "nats://a..b:4222"], "no server could be reached"),
        (["pub", "a", "b", "-s", "nats://a..b:4222"], "cannot connect: no such host"),
        (["rtt", "-s", "127.0.0.1:1"], "no server could be reached"),
        (["pub", "a", "b", "-s", "127.0.0.1:1"], "nats: no servers available for connection"),
        (["pub", "a", "b", "--creds", "/no/file"], "creds: cannot read /no/file"),
        (["pub", "a", "b", "--nkey", "/dev/null"], "nkey: no nkey seed found"),
        (["pub", "a", "b", "--socks-proxy", "x:1"], "the URL must be socks5://"),
        (["pub", "a", "b", "--socks-proxy", "socks5://127.0.0.1:1"], "socks proxy: cannot connect"),
        (["pub", "a", "--atomic", "b"], "atomic batch publishing requires"),
        (["pub", "a", "b", "--schedule-at", "now"], "schedule destination is required"),
        (["pub", "a", "b", "--schedule-at", "now", "--schedule-dest", "c"], "RFC3339"),
        (["sub"], "no subjects or --stream flag provided"),
        (["sub", "a", "--terminate-at-end"], "only supported for JetStream"),
        (["sub", "a", "-t", "-d"], "mutually exclusive"),
        (["sub", "a", "b", "--all"], "only 1 subject"),
        (["sub", "a", "--durable", "d"], "cannot specify both"),
        (["sub", "a", "--queue", "q", "--all"], "queue group"),
        (["sub", "a", "b", "c", "d", "e", "--graph"], "maximum 4"),
        (["rtt", "0"], "at least 1"),
    ],
)
def test_mistakes_get_one_clear_line(lone_cli: Cli, arguments: list[str], message: str) -> None:
    done = lone_cli.run(*arguments)
    assert done.code == 1
    last = done.err.splitlines()[-1]
    assert last.startswith("pynats: error: ")
    assert message in last
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "tried"),
    [
        (["pub", "a", "b", "-s", "nats://u:hush@127.0.0.1:1"], "nats://127.0.0.1:1"),
        (["req", "a", "b", "-s", "127.0.0.1:1,127.0.0.1:2"],
         "nats://127.0.0.1:1, nats://127.0.0.1:2"),
        (["sub", "a", "-s", "nats://a..b:4"], "nats://a..b:4"),
        (["rtt", "-s", "tls://127.0.0.1:1"], "tls://127.0.0.1:1"),
    ],
)  # fmt: skip
def test_connection_errors_name_the_urls_that_were_tried(
    lone_cli: Cli, arguments: list[str], tried: str
) -> None:
    done = lone_cli.run(*arguments)
    assert done.code == 1
    assert done.err.splitlines()[-1].endswith(f" (tried {tried})")
    assert "hush" not in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["pub", "a.\udcff", "b"],
        ["pub", "a", "b", "-H", "A:\udcff"],
        ["pub", "a", "b", "--reply", "\udcff"],
        ["request", "\udcff", "b"],
        ["reply", "\udcff", "b"],
        ["sub", "\udcff"],
    ],
)
def test_arguments_that_are_not_utf8_get_one_clear_line(cli: Cli, arguments: list[str]) -> None:
    done = cli.run(*arguments)
    assert done.code == 1
    line = done.err.splitlines()[-1]
    assert line.startswith("pynats: error: ") and line.endswith('\\xff" is not valid UTF-8'), line
    assert "PUB" not in line  # what was given, not the line of the protocol that it was for
    assert "Traceback" not in done.err


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_output_is_no_error(closed: str, tmp_path: Path) -> None:
    program = f"{sys.executable} -m pynats_cli context ls"
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        ["sh", "-c", f"exec {program} {closed}"], capture_output=True, env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_help_for_programs_is_markdown(lone_cli: Cli) -> None:
    told = lone_cli.run("stream", "--help-llm", "add")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("# pynats stream add\n\nCreate a stream.\n")
    assert re.search(r"\n\| `--storage` \| .* \| file, memory.* \|  \|\n", told.out)
    group = lone_cli.run("--help-llm").out
    assert "\n| `stream` | Streams and the messages they hold |\n" in group
    assert "`-s, --server=URL`" in group
    wrong = lone_cli.run("nosuch", "--help-llm")
    assert (wrong.code, wrong.out) == (1, "")
    sent = lone_cli.run("pub", "a", "-s", "127.0.0.1:1", "--", "--help-llm")
    assert (sent.code, sent.out) == (1, "")


def test_every_command_has_help_for_programs() -> None:
    for path, node in every(ROOT):
        text = markdown_help(("pynats", *path), node)
        flags = text.partition("## Flags")[2].strip().splitlines()
        assert all(row.count("|") - row.count("\\|") == 5 for row in flags if row[:1] == "|"), path


@pytest.mark.parametrize("flag", ["--report-subjects", "--report-subscriptions", "--graph"])
def test_a_report_ends_when_nobody_reads_it(server: ServerProcess, flag: str) -> None:
    program = [sys.executable, "-m", "pynats_cli", "sub", "a", flag, "-s", url_of(server)]
    reading = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert reading.stdout is not None
    reading.stdout.close()
    assert reading.wait(PATIENCE_S) == 1
    assert reading.stderr is not None
    with reading.stderr:
        assert b"Traceback" not in reading.stderr.read()


def test_global_flags_are_taken_from_anywhere_but_not_after_two_dashes() -> None:
    arguments = ["-sone", "pub", "--user=u", "a", "--trace", "--no-tlsfirst", "--", "-s", "two"]
    options, rest = split_global_options(arguments, {"NATS_TIMEOUT": "2s"})
    assert rest == ["pub", "a", "--", "-s", "two"]
    assert (options.server, options.user, options.trace) == ("one", "u", True)
    assert options.timeout_ns == 2 * SECOND_NS
    assert options.explicit == {"server", "user", "trace", "tlsfirst"}


def test_bad_environment_values_name_the_variable() -> None:
    with pytest.raises(UsageError, match=r"\$NATS_TIMEOUT: invalid duration"):
        split_global_options([], {"NATS_TIMEOUT": "soon"})


def test_options_do_not_show_secrets() -> None:
    options, _ = split_global_options(["--password", "hush", "--token=hush", "--seed", "hush"], {})
    assert "hush" not in repr(options)


def test_closed_standard_input_is_an_error_or_empty() -> None:
    program = [sys.executable, "-m", "pynats_cli", "pub", "a", "-s", "127.0.0.1:1"]
    environment = {**os.environ, "NATS_CONTEXT": ""}
    script = f"exec {' '.join(program)} <&-"
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_every_command_has_examples_that_it_understands() -> None:
    for path, node in every(ROOT):
        if not isinstance(node, Command) or node.hidden:
            continue
        assert node.examples, path
        for example in node.examples:
            if example.startswith("source <("):
                example = example[len("source <(") : -1]
            words = shlex.split(example, comments=True)
            arguments = words[words.index("pynats") + 1 :]
            ends = [arguments.index(mark) for mark in ("|", ">", "<", "&&") if mark in arguments]
            _, arguments = split_global_options(arguments[: min(ends, default=None)], {})
            found = walk(ROOT, arguments)
            assert isinstance(found.node, Command), example
            try:
                parse(found.node.options(), found.arguments, global_flags())
            except BadValueError as error:  # files that are not here
                assert "does not exist" in str(error), example
