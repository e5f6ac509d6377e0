"""`pynk`, from the parser of its command line."""

from __future__ import annotations

from pynk.__main__ import EPILOG, KINDS, parser

from pynats_packaging.programs.program import Flag, Program, Section, sentence


def nk() -> Program:
    """What there is to say of it."""
    read = parser()
    flags = [
        Flag(
            tuple(action.option_strings),
            "" if action.nargs == 0 else str(action.metavar),
            sentence(action.help or ""),
            KINDS if action.dest == "gen" else (),
        )
        for action in read._actions
    ]
    title, *examples = EPILOG.strip().splitlines()
    assert title == "examples:"
    return Program(
        "pynk",
        1,
        "keys of NATS users, accounts, operators and servers",
        ("[options]",),
        f"{read.description}\n\nSeeds and keys are printed to standard output, one a line; errors, "
        "too, as those of the original.",
        {"": tuple(flags)},
        {},
        (),
        (Section("EXIT STATUS", rows=(("0", "It was done."), ("1", "It was not, or a signature is "
                                                                   "not valid."))),),
        tuple(line.strip() for line in examples),
        (("pynsc", 1), ("pynats", 1)),
    )  # fmt: skip
