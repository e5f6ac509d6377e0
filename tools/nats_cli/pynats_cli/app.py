"""The `pynats` program: finds the command in the table, reads its options, runs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pynats_common.commandline.help.text import command_help, group_help, section
from pynats_common.commandline.parse import BadUsageError, BadValueError, parse, wants_help
from pynats_common.commandline.suggest import did_you_mean
from pynats_common.commandline.tree import Command, Found, Group, UnknownCommandError, walk
from pynats_common.program.version import version_line

from pynats_cli.commands import PROGRAM, ROOT
from pynats_cli.errors import CliError, UsageError
from pynats_cli.global_options import GlobalOptions, global_flags, help_rows, split_global_options
from pynats_cli.program import aboutus
from pynats_cli.program.helpforms import FORMS, form_of_help
from pynats_cli.screen import place
from pynats_cli.screen.visible import visible

if TYPE_CHECKING:
    from pynats_cli.program.plugins.store import Plugin

_TOLD_MAX = 200  # characters of an error that nobody foresaw
_GLOBAL_HINT = f"\nGlobal flags (--server, --context, ...): see {PROGRAM} --help\n"


def run(argv: Sequence[str], options: GlobalOptions | None = None) -> int:
    """Runs one command line (without the program's name) and returns its exit code.

    Raises CliError with the message to show.
    """
    arguments = list(argv)
    if aboutus.is_asked(arguments):
        aboutus.answer(arguments)
        return 0
    if options is None:
        options, arguments = split_global_options(argv, os.environ)
        _set_colours(options)
        if aboutus.is_asked(arguments):  # after global flags
            aboutus.answer(arguments)
            return 0
    if arguments[:1] == ["--version"]:
        print(version_line(PROGRAM))
        return 0
    asks_for_help = arguments[:1] == ["help"]
    if asks_for_help:
        del arguments[0]
    form = form_of_help(arguments)
    if form:
        arguments.remove(form)
    try:
        found = walk(ROOT, arguments)
    except UnknownCommandError as error:
        plugin = _plugin(error.path, arguments)
        if plugin is None:
            raise UsageError(str(error), error.path) from None
        return _run_plugin(plugin, arguments, options, asks_for_help or bool(form))
    if form:
        print(FORMS[form](found, help_of), end="")
        return 0
    if asks_for_help or wants_help(found.arguments):
        print(help_of(found), end="")
        return 0
    if isinstance(found.node, Group):
        return _without_command(found, found.node)
    return _run_command(found, found.node, options)


def _set_colours(options: GlobalOptions) -> None:
    """In the environment: every screen, editors and plugins look there."""
    if options.no_color:
        os.environ["NO_COLOR"] = "1"
    if "colors" in options.explicit:
        os.environ["NATS_COLOR"] = options.colors


def _plugin(path: Sequence[str], arguments: Sequence[str]) -> Plugin | None:
    """The plugin that is meant by a name that is no command of ours."""
    from pynats_cli.program.plugins.store import find

    return find(arguments[0]) if len(path) == 1 and arguments else None


def _run_plugin(
    plugin: Plugin, arguments: Sequence[str], options: GlobalOptions, asks_for_help: bool
) -> int:
    from pynats_cli.program.plugins.running import run as run_program

    return run_program(plugin, [*arguments[1:], *(["--help"] if asks_for_help else [])], options)


def help_of(found: Found) -> str:
    """Help of a place in the tree."""
    if isinstance(found.node, Command):
        return command_help(found.path, found.node, _GLOBAL_HINT)
    if len(found.path) == 1:
        from pynats_cli.program.plugins.store import registered

        rows = [(plugin.name, plugin.help) for plugin in registered()]
        return group_help(
            found.path,
            found.node,
            section("Plugins", rows)
            + section("Global flags, before or after the command", help_rows()),
        )
    return group_help(found.path, found.node, _GLOBAL_HINT)


def _without_command(found: Found, group: Group) -> int:
    if found.arguments:
        wrong = found.arguments[0].partition("=")[0]
        near = did_you_mean(wrong, (*global_flags(), "--help", *FORMS, "--version"), "")
        raise UsageError(f"No such option: {wrong}{near}", found.path)
    if len(found.path) == 1:
        print(help_of(found), end="")
        return 0
    print(help_of(found), end="", file=sys.stderr)
    names = ", ".join(row.name for row in group.commands if not row.hidden)
    raise CliError(f"{' '.join(found.path[1:])} needs a subcommand: {names}")


def _run_command(found: Found, command: Command, options: GlobalOptions) -> int:
    if command.also:
        command = _meant(command, found.arguments)
    try:
        chosen = parse(command.options(), found.arguments, global_flags())
    except BadUsageError as error:
        raise UsageError(str(error), found.path, command.bad_usage) from None
    except BadValueError as error:
        raise CliError(str(error), command.bad_usage) from None
    place.set_context(lambda: _context_in_use(options))
    result = _call(found, command, options, chosen)
    return result if isinstance(result, int) else 0


def _meant(command: Command, arguments: Sequence[str]) -> Command:
    other = replace(command, target=command.also, also="")
    try:
        parse(other.options(), arguments)
    except BadUsageError:
        return command
    except BadValueError:
        pass  # of one of its flags: it says so itself
    return other


def _context_in_use(options: GlobalOptions) -> str:
    from pynats_cli.connect.settings import context_in_use

    return context_in_use(options)


def _call(found: Found, command: Command, options: GlobalOptions, chosen: Any) -> Any:
    try:
        return _called(command, options, chosen)
    except (CliError, OSError):
        raise
    except Exception as error:
        lacking = error.name if isinstance(error, ModuleNotFoundError) else ""
        if lacking and lacking.startswith("pynats_common."):  # compiled: built on Linux only
            raise CliError(
                f"{' '.join(found.path)} needs the compiled module {lacking}, which is not there"
            ) from None
        # Most of all something that a server, a peer or an archive says in a form that nobody
        # foresaw; or a fault of ours. For users both are one line.
        if options.trace:
            import traceback

            traceback.print_exc()
        hint = "" if options.trace else " (--trace shows where)"
        raise CliError(f"unexpected {_unforeseen(command)}: {_told(error)}{hint}") from None


def _unforeseen(command: Command) -> str:
    return "failure" if command.offline else "answer"


def _told(error: Exception) -> str:
    kind = type(error).__name__
    text = str(error)[:_TOLD_MAX]
    return f"{kind}: {text}" if text else kind


def _called(command: Command, options: GlobalOptions, chosen: Any) -> Any:
    import inspect

    function = command.function()
    if not command.offline:
        from pynats_cli.runner import run_connected

        return run_connected(function, options, chosen)
    if not inspect.iscoroutinefunction(function):
        return function(options, chosen)
    from pynats_cli.runner import run_async

    return run_async(function(options, chosen))


def main() -> int:
    """One command line; returns the exit code. One line for every error, never a traceback for bad
    input."""
    try:
        return run(sys.argv[1:])
    except UsageError as error:
        return _fail(f"{error}: see {' '.join(error.path or (PROGRAM,))} --help", error.exit_code)
    except CliError as error:
        return _fail(str(error), error.exit_code)


def _fail(message: str, code: int = 1) -> int:
    line = visible(" ".join(message.split()))
    if line:
        print(f"{PROGRAM}: error: {line}", file=sys.stderr)
    return code
