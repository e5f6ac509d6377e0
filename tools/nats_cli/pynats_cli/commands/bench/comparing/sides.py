"""The two that are compared: names of contexts, or servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pynats_common.contexts import ContextStore
from pynats_common.go.quoting import quote_excerpt
from pynats_common.network.urls import parse_server_urls

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions


@dataclass(frozen=True)
class Side:
    """One of the two: its name (without secrets), and the options that lead there."""

    letter: str
    name: str
    options: GlobalOptions


def sides_of(options: GlobalOptions, names: Sequence[str]) -> tuple[Side, Side]:
    """Both sides. Raises CliError."""
    for flag in ("server", "context"):
        if flag in options.explicit:
            raise CliError(f"--{flag} says which server, and so do A and B: leave it out")
    first, second = names
    return _side(options, "A", first), _side(options, "B", second)


def _side(options: GlobalOptions, letter: str, given: str) -> Side:
    if given.endswith(".json") or ContextStore().known(given):
        return Side(letter, given, replace(options, context=given, server=""))
    if "://" not in given and ":" not in given and "." not in given and given != "localhost":
        raise CliError(f"{letter} is neither a context nor a server: {quote_excerpt(given)}")
    try:
        name = ", ".join(url.bare for url in parse_server_urls(given))
    except ValueError as error:
        raise CliError(f"{letter}: {error}") from None
    # The login of the selected context belongs to that context's server.
    return Side(letter, name, replace(options, server=given, context="", no_context=True))
