"""`pynats-top`, from the table of its flags."""

from __future__ import annotations

from pynats_top.collect.source import SORTS
from pynats_top.options import FORMS, VIEWS
from pynats_top.standalone import EXAMPLES, FLAGS, PROGRAM

from pynats_packaging.programs.program import Flag, Program, sentence

_CHOICES = {"sort": SORTS, "format": FORMS, "view": VIEWS}


def top() -> Program:
    """What there is to say of it."""
    names: dict[str, list[str]] = {}
    for name, target, _, _, _ in FLAGS:
        names.setdefault(target, []).append(f"-{name}")
    flags = [
        Flag(tuple(names[target]), value, sentence(help), _CHOICES.get(name, ()))
        for name, target, _, value, help in FLAGS
        if help
    ]
    title, *examples = EXAMPLES.strip().splitlines()
    assert title == "examples:"
    return Program(
        PROGRAM,
        1,
        "what NATS servers do now",
        ("[options]",),
        "Shows the connections, accounts, streams and consumers of servers, and what flows through "
        "them, at a terminal or as text. It asks the servers' monitoring ports, or, with a "
        "context, the system account. Flags may have one dash or two. Keys are listed at the "
        "bottom of the screen; ? explains them.",
        {"": tuple(flags)},
        {},
        (),
        (),
        tuple(line.strip() for line in examples),
        (("pynats", 1), ("pynats-server", 8)),
    )
