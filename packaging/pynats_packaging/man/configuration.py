"""The page about the server's configuration file, from the tables that read it."""

from __future__ import annotations

from collections.abc import Iterator

from pynats_common.commandline.help import roff
from pynats_server.process.flags import PROGRAM
from pynats_server.settings.described import default_text
from pynats_server.settings.document import TOP, blocks
from pynats_server.settings.schema import Setting, Table

from pynats_packaging.programs.program import sentence
from pynats_packaging.programs.server import CONFIGURATION

_FORMAT = """\
A file of keys and values, one a line: "key: value", "key = value" or "key value". A value is a \
text, a number, true or false, a list in [brackets] or a block in {braces}. Texts need quotes only \
if they could be something else. Behind # or // is a comment. Keys are the same in any case.

"include" and the name of a file, in quotes, puts that file there. A value $NAME is that of the \
key NAME of the file, or else of the environment variable.

Durations are texts with a unit: "30s", "1m30s". Quote them, because 2m without quotes is two \
million. Sizes are bytes; they may have a unit: 10M is ten million, 10MB and 10MiB are 10 * 1024 * \
1024, all without quotes.

A file whose name ends in .toml is read as TOML. There sizes with units are texts, and the units \
always those of 1024.

A running server reads the file again when it gets SIGHUP. Keys that it can then change have the \
word reload below; a key inside a block follows its block. Other changes are refused, and \
everything stays as it was. Keys that are not supported yet are refused unless their value turns \
that part off."""
_EXAMPLE = """\
listen: "0.0.0.0:4222"
http: "127.0.0.1:8222"

jetstream {
  store_dir: /var/lib/pynats
  max_file_store: 10GB
}

accounts {
  ORDERS: {
    jetstream: enabled
    users: [{ user: shop, password: $SHOP_PASSWORD }]
  }
}"""


def configuration_page(version: str, date: str) -> str:
    """The page."""
    lines = [
        *roff.title(CONFIGURATION, 5, date, PROGRAM, version),
        roff.heading("NAME"),
        f"{roff.literal(CONFIGURATION)} \\- {roff.literal(f'configuration of {PROGRAM}(8)')}",
        roff.heading("SYNOPSIS"),
        roff.bold(PROGRAM),
        roff.line("-c <file>"),
        roff.heading("FORMAT"),
        *roff.paragraphs(_FORMAT),
    ]
    for title, table in blocks():
        if title == TOP:
            lines.append(roff.heading("KEYS"))
        else:
            lines.append(roff.subheading(title))
        lines += roff.entries(_rows(table))
    lines += [roff.heading("EXAMPLES"), *roff.as_it_is(_EXAMPLE.splitlines())]
    lines += [roff.heading("SEE ALSO"), *roff.references([(PROGRAM, 8), ("pynsc", 1)])]
    return "\n".join(lines) + "\n"


def _rows(table: Table) -> Iterator[tuple[str, str]]:
    defaults = table.defaults()
    for setting in table.settings:
        names = ", ".join((setting.name, *setting.aliases))
        yield names, sentence(setting.help) + _notes(setting, defaults)


def _notes(setting: Setting, defaults: object) -> str:
    if setting.read is None:
        return " (not supported yet)"
    default = default_text(setting, defaults)
    notes = [*([f"default: {default}"] if default else []), *(["reload"] * setting.reloadable)]
    return f" ({'; '.join(notes)})" if notes else ""
