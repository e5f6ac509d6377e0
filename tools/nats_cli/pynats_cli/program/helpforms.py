"""Help in other forms than that of `--help`; their flags may stand behind a command, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pynats_common.commandline.tree import Found, Group
from pynats_common.program.version import RELEASE

from pynats_cli.errors import CliError
from pynats_cli.global_options import help_rows


def form_of_help(arguments: Sequence[str]) -> str:
    """The flag that asks for such a form; "" without one."""
    for word in arguments:
        if word == "--":
            break
        if word in FORMS:
            return word
    return ""


def _markdown(found: Found, _: Callable[[Found], str]) -> str:
    from pynats_common.commandline.help.markdown import markdown_help, markdown_rows

    more = ""
    if len(found.path) == 1:
        rows = [(f"`{' '.join(name.split())}`", text) for name, text in help_rows()]
        table = markdown_rows(("Flag", "Description"), rows)
        more = "\n".join(["", "## Global flags, before or after the command", "", *table, ""])
    return markdown_help(found.path, found.node, more).rstrip() + "\n"


def _manual(found: Found, _: Callable[[Found], str]) -> str:
    from pynats_common.commandline.help.manpage import manual_page
    from pynats_common.commandline.help.roff import page_date

    try:
        date = page_date()
    except ValueError as error:
        raise CliError(str(error)) from None
    return manual_page(found, RELEASE, date, help_rows())


def _long(found: Found, short: Callable[[Found], str]) -> str:
    from pynats_common.commandline.help.text import long_help

    below = long_help(found.path, found.node) if isinstance(found.node, Group) else ""
    return short(found) + below


# Each makes the text from a place in the tree, and the function for the usual help of one.
FORMS: dict[str, Callable[[Found, Callable[[Found], str]], str]] = {
    "--help-llm": _markdown,
    "--help-long": _long,
    "--help-man": _manual,
}
