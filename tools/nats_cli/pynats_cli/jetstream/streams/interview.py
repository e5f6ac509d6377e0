"""Questions about a new stream, for what no flag says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pynats_common.commandline.kinds import DURATION, SIZE, Kind, in_range
from pynats_common.commandline.kinds import INTEGER as NUMBER
from pynats_common.go.durations import human_duration_ns
from pynats_common.subjects import split_subjects

from pynats_cli.jetstream.streams.flags import NewFlags
from pynats_cli.jetstream.streams.numbers import AGE, default_window_ns
from pynats_cli.screen import ask

# What is proposed where the account demands a limit.
DEMANDED_BYTES = "256MB"
_RETENTIONS = {"Limits": "limits", "Interest": "interest", "Work Queue": "workqueue"}


def fill(flags: NewFlags, name: str, bytes_demanded: bool, defaults: bool) -> str:
    """Asks for what is missing, in flags; with `defaults` takes what would be proposed. Returns
    the name. Raises CliError without a terminal."""
    if not name:
        name = ask.ask("Stream Name", check=_needed, missing="the stream's name")
    origins = bool(flags.mirror or flags.source)
    if not flags.subjects and not origins:
        answer = ask.ask("Subjects", check=_needed, missing="--subjects, --mirror or --source")
        flags.subjects = split_subjects([answer])
    _ask_keeping(flags, defaults)
    _ask_limits(flags, bytes_demanded, defaults)
    _ask_permissions(flags, defaults)
    return name


def _ask_keeping(flags: NewFlags, defaults: bool) -> None:
    if not flags.storage:
        flags.storage = _choice("Storage", ("file", "memory"), "file", "--storage", defaults)
    if not flags.replicas:
        flags.replicas = _value("Replication", "1", in_range(NUMBER, 1), "--replicas", defaults)
    if not flags.retention:
        names = tuple(_RETENTIONS)
        answer = _choice("Retention Policy", names, "Limits", "--retention", defaults)
        flags.retention = _RETENTIONS[answer]
    if not flags.discard:
        proposed = "New" if flags.discard_per_subject else "Old"
        answer = _choice("Discard Policy", ("New", "Old"), proposed, "--discard", defaults)
        flags.discard = answer.lower()


def _ask_limits(flags: NewFlags, bytes_demanded: bool, defaults: bool) -> None:
    if not flags.max_msgs:
        flags.max_msgs = _value("Stream Messages Limit", "-1", NUMBER, "--max-msgs", defaults)
    if not flags.max_msgs_per_subject:
        flags.max_msgs_per_subject = -1
        if flags.subjects:
            flags.max_msgs_per_subject = _value(
                "Per Subject Messages Limit", "-1", NUMBER, "--max-msgs-per-subject", defaults
            )
    if not flags.max_bytes:
        proposed = DEMANDED_BYTES if bytes_demanded else "-1"
        flags.max_bytes = _value("Total Stream Size", proposed, SIZE, "--max-bytes", defaults)
    if flags.max_age is None:
        flags.max_age = _value("Message TTL", "-1", AGE, "--max-age", defaults)
    if not flags.max_msg_size:
        flags.max_msg_size = _value("Max Message Size", "-1", SIZE, "--max-msg-size", defaults)
    if flags.dupe_window is None and not flags.mirror:
        proposed = human_duration_ns(default_window_ns(flags.max_age or 0))
        flags.dupe_window = _value(
            "Duplicate tracking time window", proposed, DURATION, "--dupe-window", defaults
        )


def _ask_permissions(flags: NewFlags, defaults: bool) -> None:
    if flags.allow_rollup is None:
        question = "Allow message Roll-ups"
        flags.allow_rollup = _yes(question, False, "--allow-rollup", defaults)
    if flags.deny_delete is None:
        question = "Allow message deletion"
        flags.deny_delete = not _yes(question, True, "--deny-delete", defaults)
    if flags.deny_purge is None:
        question = "Allow purging subjects or the entire stream"
        flags.deny_purge = not _yes(question, True, "--deny-purge", defaults)


def _needed(answer: str) -> None:
    if not answer.strip():
        raise ValueError("an answer is needed")


def _hint(flag: str) -> str:
    return f"{flag} or --defaults"


def _choice(
    question: str, choices: tuple[str, ...], proposed: str, flag: str, defaults: bool
) -> str:
    return proposed if defaults else ask.choose(question, choices, proposed, missing=_hint(flag))


def _yes(question: str, proposed: bool, flag: str, defaults: bool) -> bool:
    return proposed if defaults else ask.confirm(question, proposed, missing=_hint(flag))


def _value(question: str, proposed: str, kind: Kind, flag: str, defaults: bool) -> int:
    check: Callable[[str], Any] = kind.parse
    answer = proposed if defaults else ask.ask(question, proposed, check, missing=_hint(flag))
    return int(kind.parse(answer))
