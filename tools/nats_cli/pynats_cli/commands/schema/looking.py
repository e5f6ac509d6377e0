"""`pynats schema search|info`: which schemas there are, and what they say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import REGEX
from pynats_common.go.quoting import quote

from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.reference.schemas import catalog
from pynats_cli.screen.forms import encoded
from pynats_cli.screen.output import show, write


@dataclass(kw_only=True)
class SearchOptions(Shown):
    pattern: Annotated[re.Pattern[str], arg("Regular expression to search for", kind=REGEX)] = (
        field(default_factory=lambda: re.compile("."))
    )


def search(global_options: GlobalOptions, options: SearchOptions) -> None:
    found = [name for name in catalog.identifiers() if options.pattern.search(name)]
    show(options, found, lambda: search_screen(found, options.pattern.pattern))


def search_screen(names: list[str], pattern: str) -> str:
    if not names:
        return f"No schemas matched {quote(pattern)}"
    return "\n".join(["Matched Schemas:", "", *(f"  {name}" for name in names)])


@dataclass(kw_only=True)
class InfoOptions:
    schema: Annotated[str, arg("Identifier of the schema")]
    yaml: Annotated[bool, opt("--yaml", help="Print YAML")] = False


def info(global_options: GlobalOptions, options: InfoOptions) -> None:
    write(encoded("yaml" if options.yaml else "json", catalog.schema(options.schema)))
