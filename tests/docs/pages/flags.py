"""docs/reference/flags.md: the command line of `pynats-server`, signals, exit codes."""

from __future__ import annotations

from pynats_server.options import Options
from pynats_server.process.flag_table import SECTIONS, Flag
from pynats_server.process.flags import BAD_USAGE, PROGRAM
from pynats_server.process.health_command import USAGE as HEALTH_USAGE
from pynats_server.process.signals import COMMANDS
from pynats_server.process.store_help import usage as store_usage
from pynats_server.settings.described import default_text
from pynats_server.settings.top_level import TOP_LEVEL

from tests.docs.pages.markdown import MADE, code, codes, prose, sentence, table

HEAD = f"""# Flags of `pynats-server`

{MADE}
Flags are those of nats-server, with one dash or two. A flag wins over the key of the
[configuration](configuration.md) that it stands for, at the start and at every reload.

"""
# What a running server does, by the command of `--signal`.
SIGNALS = {
    "stop": "ends at once, as by `kill -9`: nothing is said, nothing more is written",
    "quit": "ends in order: clients get what is queued for them, streams are closed",
    "term": "the same; in lame duck it changes nothing, because that ends by itself",
    "reopen": "opens the log file again, for a logrotate that has renamed it",
    "reload": "reads the configuration again; one with a fault changes nothing",
    "ldm": "lame duck: takes no new clients, closes those that are there one after the other "
    "(`lame_duck_duration`), then ends",
}
EXIT_CODES = {
    0: "It ended in order, or did what a flag asked for (`--help`, `-t`, `--signal`).",
    1: "It could not start or do what was asked: a fault in the configuration, a port that is "
    "taken, a folder that it may not write, a process that is not there. One line on standard "
    "error, or the log, says why.",
    BAD_USAGE: "A flag that it does not know, or a value that is none.",
    128
    + 9: "It was killed (`--signal stop`), as shells count; a service manager shows the signal.",
}


def page() -> str:
    """The page."""
    parts = [HEAD]
    for title, flags in SECTIONS.items():
        parts.append(f"## {title}\n\n")
        if all(flag.later for flag in flags):
            parts.append("*Not yet*: refused, unless the value turns the part off.\n\n")
        parts.append(table(("flag", "value", "key", "meaning"), map(_row, flags)) + "\n")
    parts.append(
        "## Commands\n\n"
        "Words instead of flags: `help`, `version`; `healthcheck`, which asks a running server:"
        "\n\n```text\n" + HEALTH_USAGE.format(program=PROGRAM) + "```\n\n"
        "And `store`, about the files of a server that is not running:"
        "\n\n```text\n" + store_usage(PROGRAM) + "```\n\n"
    )
    parts.append(
        "## Signals\n\n`pynats-server --signal COMMAND` sends them to the only server of the "
        "machine, `COMMAND=PID` and `COMMAND=FILE` (a `pid_file`) to that one, and `COMMAND=12*` "
        "to all whose number begins like that.\n\n"
    )
    parts.append(
        table(
            ("command", "signal", "what the server does"),
            ((code(c), code(number.name), prose(SIGNALS[c])) for c, number in COMMANDS.items()),
        )
        + "\n"
    )
    parts.append("## Exit codes\n\n")
    parts.append(
        table(("code", "meaning"), ((str(c), prose(text)) for c, text in EXIT_CODES.items()))
    )
    return "".join(parts)


def _row(flag: Flag) -> tuple[str, str, str, str]:
    setting = TOP_LEVEL.find_path(flag.path) if flag.path else None
    text = flag.help or (setting.help if setting is not None else "")
    assert text, flag
    default = default_text(setting, Options()) if setting is not None else ""
    if default not in ("", "0", "false"):
        text += f" (default `{default}`)"
    return (
        codes(flag.spelled),
        code(flag.value),
        _key(flag),
        sentence(prose(text)),
    )


def _key(flag: Flag) -> str:
    """The key that it sets, as it is written in a file: the options' log is no block there."""
    return code(flag.path.removeprefix("log."))
