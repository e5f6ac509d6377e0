"""`pynats-server`, from the tables of its flags, signals and `store` commands."""

from __future__ import annotations

from pynats_server.process import store_help
from pynats_server.process.flag_table import SECTIONS
from pynats_server.process.flags import BAD_USAGE, PROGRAM
from pynats_server.process.help_text import description
from pynats_server.process.signals import COMMANDS as SIGNALS

from pynats_packaging.programs.program import Flag, Program, Section, sentence

CONFIGURATION = f"{PROGRAM}.conf"

_MEANINGS = {
    "stop": "Ends at once; the kernel does it.",
    "quit": "Closes all connections and ends.",
    "term": "The same.",
    "reopen": "Opens the log file anew, after it was moved away.",
    "reload": "Reads the configuration again and applies what can change while it runs.",
    "ldm": "Lame duck mode: no new clients; those that are connected are sent away, a few at a "
    "time, and then it ends.",
}
_EXAMPLES = (
    f"{PROGRAM} -js -sd /var/lib/nats -m 8222    with JetStream and monitoring",
    f"{PROGRAM} -c server.conf                   with a configuration file",
    f"{PROGRAM} -t -c server.conf                check that file",
    f"{PROGRAM} --signal reload=/run/server.pid  have a running server read it again",
)


def server() -> Program:
    """What there is to say of it."""
    flags = {
        title: tuple(
            Flag(
                tuple(flag.spelled),
                f"<{flag.value}>" if flag.value else "",
                description(flag) + (" (not supported yet)" if flag.later else ""),
                tuple(SIGNALS) if "signal" in flag.names else (),
            )
            for flag in rows
        )
        for title, rows in SECTIONS.items()
    }
    return Program(
        PROGRAM,
        8,
        "a NATS server with JetStream",
        ("[options]", "store <command> [options] [DIR]"),
        "Connects publishers and subscribers that speak the NATS protocol, and keeps messages in "
        f"streams. Flags win over the configuration file, which {CONFIGURATION}(5) describes, at "
        "start and at every reload. Flags may have one dash or two.",
        flags,
        {"store": tuple(store_help.COMMANDS), "help": (), "version": ()},
        tuple(
            Flag(tuple(map(store_help.spelled, names)), f"<{value}>" if value else "",
                 sentence(text))
            for names, _, value, text in store_help.FLAGS
        ),
        (
            Section("STORE COMMANDS", store_help.DESCRIPTION, tuple(
                (name, sentence(text) + ".") for name, text in store_help.COMMANDS.items()
            )),
            Section("SIGNALS", "Sent by --signal, or by kill(1).", tuple(
                (f"{signal.name} ({name})", _MEANINGS[name]) for name, signal in SIGNALS.items()
            )),
            Section("EXIT STATUS", rows=(
                ("0", "It ended because it was told to."),
                ("1", "It could not start, or the configuration is not valid."),
                (str(BAD_USAGE), "The command line is wrong."),
            )),
        ),
        _EXAMPLES,
        ((CONFIGURATION, 5), ("pynats", 1), ("pynats-top", 1), ("pynsc", 1)),
    )  # fmt: skip
