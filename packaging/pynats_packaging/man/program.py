"""The page of a program whose flags are a list."""

from __future__ import annotations

from collections.abc import Iterator

from pynats_common.commandline.help import roff

from pynats_packaging.programs.program import Flag, Program, Section


def program_page(program: Program, version: str, date: str) -> str:
    """The page."""
    lines = [
        *roff.title(program.name, program.section, date, program.name, version),
        roff.heading("NAME"),
        f"{roff.literal(program.name)} \\- {roff.literal(program.summary)}",
        roff.heading("SYNOPSIS"),
    ]
    for number, arguments in enumerate(program.synopsis):
        lines += [*([".br"] if number else []), roff.bold(program.name), roff.line(arguments)]
    lines += [roff.heading("DESCRIPTION"), *roff.paragraphs(program.description)]
    lines.append(roff.heading("OPTIONS"))
    for title, flags in program.flags.items():
        if title:
            lines.append(roff.subheading(title))
        lines += _flags(flags)
    for section in program.more:
        lines += _section(section)
        if section.title.startswith("STORE"):
            lines += [roff.subheading("Options of these commands"), *_flags(program.command_flags)]
    if program.examples:
        lines += [roff.heading("EXAMPLES"), *roff.as_it_is(program.examples)]
    lines += [roff.heading("SEE ALSO"), *roff.references(program.see_also)]
    return "\n".join(lines) + "\n"


def _flags(flags: tuple[Flag, ...]) -> Iterator[str]:
    for flag in flags:
        text = flag.help
        missing = [choice for choice in flag.choices if choice not in text]
        if missing:
            text += f": {', '.join(flag.choices)}"
        yield from roff.entries([(flag.shown, text)])


def _section(section: Section) -> Iterator[str]:
    yield roff.heading(section.title)
    if section.text:
        yield from roff.paragraphs(section.text)
    yield from roff.entries(section.rows)
