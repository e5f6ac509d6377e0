"""The user's editor: how it may end, and that nothing that was written in it is lost."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pynats_cli.connect import pulse
from pynats_cli.errors import CliError
from pynats_cli.screen.editor import edited

from tests.cli.conftest import Cli
from tests.cli.terminal import Terminal
from tests.support.process import PYNATS, ServerProcess

KEPT = re.compile(r"What was edited is in (\S+)")


@pytest.fixture
def cli(lone_cli: Cli) -> Cli:
    """With one context."""
    lone_cli.run("context", "add", "one", "--description", "before", "-s", "nats://a")
    lone_cli.environment.pop("VISUAL", None)
    return lone_cli


def context_of(cli: Cli) -> str:
    return (Path(cli.environment["XDG_CONFIG_HOME"]) / "nats/context/one.json").read_text()


@pytest.mark.parametrize(
    ("editor", "error", "kept"),
    [
        ("true", "", None),
        ("sh -c 'exit 3'", "sh ended with exit code 3", None),
        ("sh -c 'kill -9 $$'", "sh was ended by SIGKILL", None),
        ("rm", "No such file or directory", None),
        ("no-such-editor --wait", "cannot run no-such-editor: No such file or directory", None),
        ("'unclosed", "EDITOR: no closing quotation", None),
        (" ", "set EDITOR environment variable to your chosen editor", None),
        ("sh -c 'echo broken >$0'", "is not valid JSON", b"broken\n"),
        ("sh -c 'printf \"\\377\" >$0'", "what was edited is not valid UTF-8", b"\xff"),
    ],
)
def test_how_an_editor_may_end(
    cli: Cli, editor: str, error: str, kept: bytes | None,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    before = context_of(cli)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    done = cli.run("context", "edit", "one", EDITOR=editor)
    assert done.code == (1 if error else 0) and error in done.err
    assert context_of(cli) == before
    found = list(tmp_path.glob("*.json"))
    assert [path.read_bytes() for path in found] == ([] if kept is None else [kept])
    assert KEPT.findall(done.err) == [str(path) for path in found]


def test_ctrl_c_is_the_editors(cli: Cli) -> None:
    """As in Emacs, where it is a key; an editor that it ends is an end for the command."""
    # The shell's parent is the command, which the terminal signals as well.
    script = "kill -INT $PPID; sed -i s/before/after/ $0"
    assert cli.run("context", "edit", "one", EDITOR=f"sh -c '{script}'").code == 0
    assert '"after"' in context_of(cli)
    assert cli.run("context", "edit", "one", EDITOR="sh -c 'kill -INT $$'").code == 130
    assert cli.run("context", "edit", "one", EDITOR="", VISUAL="sed -i s/after/last/").code == 0
    assert '"last"' in context_of(cli)


@pytest.mark.parametrize("answer", ["y\n", "n\n", "\x03"])
def test_what_cannot_be_used_can_be_edited_again(cli: Cli, answer: str) -> None:
    editor = cli.home / "editor"
    editor.write_text(
        'if grep -q before "$1"; then sed -i "s/before/after/;s/^{/[/" "$1"\n'
        'else sed -i "s/^\\[/{/" "$1"; fi\n'
    )
    terminal = Terminal(cli, "context", "edit", "one", EDITOR=f"sh {editor}")
    terminal.answer("Edit it again? (Y/n)", answer)
    assert terminal.finish() == {"y\n": 0, "n\n": 1, "\x03": 130}[answer]
    assert ('"after"' in context_of(cli)) == (answer == "y\n")
    kept = KEPT.findall(terminal.all)
    assert len(kept) == (answer != "y\n")
    for name in kept:
        assert "after" in Path(name).read_text()
        Path(name).unlink()


def test_what_the_server_refuses_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("EDITOR", "sh -c 'echo b >$0'")
    with pytest.raises(CliError, match="refused"), edited("a", ".json", str):
        raise CliError("refused")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["b\n"]
    monkeypatch.setenv("EDITOR", "sh -c 'rm $0'")
    with pytest.raises(CliError, match="No such file"), edited("a", ".json", str):
        pass


def test_a_server_that_gave_up_waiting_for_the_user_is_found_again(
    make_cli: Callable[[str], Cli], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "STILL_S", 1.0)
    config = "jetstream { store_dir: '@FOLDER@/js' }, ping_interval: '1s', ping_max: 1"
    with ServerProcess(PYNATS, tmp_path / "server", config) as server:
        cli = make_cli(f"nats://127.0.0.1:{server.port}")
        cli.run("stream", "add", "S", "--subjects", "s", "--defaults")
        gone = f"until grep -q Stale {server.log_path}; do sleep 0.05; done"
        editor = f"""sh -c '{gone}; sed -i "s/max_msgs.*/max_msgs\\":7,/" $0'"""
        done = cli.run("stream", "edit", "S", "-i", "-f", EDITOR=editor)
    assert done.code == 0 and "Reconnected" in done.err, done
    assert "Maximum Messages: 7" in done.out
