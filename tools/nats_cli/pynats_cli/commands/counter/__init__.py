"""`pynats counter`: numbers that many servers count together."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.counter"

GROUP = Group(
    "counter",
    "Distributed counters",
    aliases=("ctr",),
    commands=(
        Command("get", "Show a counter's value", f"{_HERE}.get:get", ("g",),
                examples=("pynats counter get hits.home",)),
        Command("view", "Show all that is known of a counter", f"{_HERE}.get:view", ("v",),
                examples=("pynats counter view hits.home --stream HITS",)),
        Command("increment", "Add to a counter", f"{_HERE}.change:increment",
                ("incr", "inc", "i"), examples=("pynats counter incr hits.home 1",)),
        Command("decrement", "Take from a counter", f"{_HERE}.change:decrement",
                ("decr", "dec", "d"), examples=("pynats counter decr hits.home 1",)),
        Command("list", "List the counters of a stream", f"{_HERE}.list:list_counters",
                ("l", "ls"), examples=("pynats counter ls 'hits.>'",
                                       "pynats counter ls --stream HITS --json")),
    ),
)  # fmt: skip
