"""The `pynats` command: a table of command modules, each imported only when it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from pynats_common.commandline.plainvalues import with_plain_values
from pynats_common.commandline.suggest import complaint, did_you_mean
from pynats_common.program import INTERRUPTED
from pynats_common.version import version_line
from typer.core import TyperCommand, TyperGroup

from pynats_cli.errors import CliError, UsageError
from pynats_cli.global_options import GlobalOptions, global_flags, help_rows, split_global_options

PROGRAM = "pynats"


@dataclass(frozen=True)
class CommandEntry:
    """One top-level command. Its module has an `app`, a `typer.Typer` (listed help stays here)."""

    name: str
    module: str
    help: str
    aliases: tuple[str, ...] = ()


COMMANDS = (
    CommandEntry("context", "pynats_cli.commands.context", "Manage connection contexts", ("ctx",)),
    CommandEntry("publish", "pynats_cli.commands.publish", "Publish messages", ("pub",)),
    CommandEntry("reply", "pynats_cli.commands.reply", "Answer requests, for tests and demos"),
    CommandEntry("request", "pynats_cli.commands.request", "Send requests", ("req",)),
    CommandEntry("rtt", "pynats_cli.commands.rtt", "Measure round-trip time to the servers"),
    CommandEntry("subscribe", "pynats_cli.commands.subscribe", "Receive messages", ("sub",)),
)
# Commands of the original that are still to come.
LATER = {
    "account": ("a",), "audit": (), "auth": (), "bench": (), "cheat": (),
    "consumer": ("con", "obs", "c"), "counter": ("ctr",), "errors": ("err", "error"),
    "events": ("event", "e"), "governor": ("gov",), "kv": (), "latency": ("lat",),
    "object": ("obj",), "plugins": (), "schema": (), "server": ("srv", "sys", "system"),
    "service": ("micro",), "stream": ("str", "st", "ms", "s"), "top": (), "trace": (),
    "traffic": (),
}  # fmt: skip
_BY_NAME = {name: entry for entry in COMMANDS for name in (entry.name, *entry.aliases)}


def _unknown(name: str) -> str:
    if any(name in (later, *aliases) for later, aliases in LATER.items()):
        return f"'{name}' is not in this version yet"
    return f"No such command '{name}'{did_you_mean(name, (*_BY_NAME, *LATER), chr(39))}"


def _aligned(rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(left) for left, _ in rows)
    return "\n".join(f"  {left.ljust(width)}  {right}" for left, right in rows)


class _Group(TyperGroup):
    """A group of commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        return with_plain_values(super().get_params(ctx))


class _CommandTable(_Group):
    """The top-level group: the table gives names and help, modules are loaded on use."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = _BY_NAME.get(cmd_name)
        if entry is None:
            raise UsageError(_unknown(cmd_name))
        return typer.main.get_command(import_module(entry.module).app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        rows = [(", ".join((entry.name, *entry.aliases)), entry.help) for entry in COMMANDS]
        formatter.write(f"\nCommands:\n{_aligned(rows)}\n")

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        formatter.write(f"\nGlobal flags, before or after the command:\n{_aligned(help_rows())}\n")


class GlobalFlagsCommand(TyperCommand):
    """A command whose help ends with a pointer to the global flags."""

    def get_params(self, ctx: Any) -> list[Any]:
        return with_plain_values(super().get_params(ctx))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        super().format_epilog(ctx, formatter)
        formatter.write(f"\nGlobal flags (--server, --context, ...): see {PROGRAM} --help\n")


def command_app() -> typer.Typer:
    """A Typer for one command module, with the settings every module shares."""
    return typer.Typer(
        cls=_Group, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )


CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"]}


_app = typer.Typer(
    cls=_CommandTable,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=CONTEXT_SETTINGS,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version_line(PROGRAM))
        raise typer.Exit


@_app.callback()
def _root(
    _version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """NATS and JetStream from the command line."""


def run(argv: Sequence[str], options: GlobalOptions | None = None) -> int:
    """Runs one command line (without the program's name) and returns its exit code.

    Raises CliError with the message to show.
    """
    if options is None:
        options, argv = split_global_options(argv, os.environ)
    command = typer.main.get_group(_app)
    try:
        result = command.main(
            args=list(argv) or ["--help"], prog_name=PROGRAM, standalone_mode=False, obj=options
        )
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        return INTERRUPTED
    except Exception as error:
        # Usage errors of the parser; its library depends on the version of Typer.
        if not hasattr(error, "format_message"):
            raise
        raise UsageError(complaint(error, global_flags())) from None
    return result if isinstance(result, int) else 0


def main() -> int:
    """One command line; returns the exit code. One line for every error, never a traceback for bad
    input."""
    try:
        return run(sys.argv[1:])
    except UsageError as error:
        return _fail(f"{error}: see {PROGRAM} --help")
    except CliError as error:
        return _fail(str(error))


def _fail(message: str) -> int:
    line = " ".join(message.split())
    print(f"{PROGRAM}: error: {line}", file=sys.stderr)
    return 1
