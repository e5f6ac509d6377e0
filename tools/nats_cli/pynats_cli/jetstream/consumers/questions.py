"""The questions about a new consumer for what no flag says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pynats_common.go.durations import parse_long_duration_ns
from pynats_common.subjects import split_subjects

from pynats_cli.errors import CliError
from pynats_cli.jetstream.consumers.backoff import linear_backoff
from pynats_cli.jetstream.consumers.configure import check_name
from pynats_cli.jetstream.consumers.flags import CreateFlags
from pynats_cli.jetstream.consumers.policies import start_policy
from pynats_cli.screen.ask import ask, choose, confirm

_NAMES_ACK = ("explicit", "all", "none")


def ask_name() -> str:
    """The name of a new consumer."""
    return ask("Consumer name", check=check_name, missing="the consumer's name")


def complete(flags: CreateFlags) -> None:
    """Asks for what is missing, in the order of `nats`. Raises CliError without a terminal."""
    _ask_delivery(flags)
    if not flags.deliver:
        flags.deliver = ask(
            "Start policy (all, new, last, subject, 1h, msg sequence)", "all",
            check=lambda text: start_policy(text, 0), missing="--deliver or --defaults",
        )  # fmt: skip
    if not flags.ack:
        default = "none" if flags.target else "explicit"
        flags.ack = choose("Acknowledgment policy", _NAMES_ACK, default, "--ack or --defaults")
    if not flags.replay:
        flags.replay = choose("Replay policy", ("instant", "original"), "instant", "--replay")
    if flags.filters is None:
        flags.filters = split_subjects([ask("Filter Stream by subjects (blank for all)")])
    if flags.ack != "none":
        _ask_limits(flags)
    if flags.target:
        _ask_push(flags)
    if flags.headers_only is None:
        flags.headers_only = confirm("Deliver headers only without bodies", missing="--defaults")
    if flags.ack != "none" and not flags.backoff:
        _ask_backoff(flags)


def _ask_delivery(flags: CreateFlags) -> None:
    if not flags.pull and not flags.target:
        flags.target = ask(
            "Delivery target (empty for Pull Consumers)",
            missing="--pull, --target or --defaults",
        )
        flags.pull = not flags.target
    if flags.target and flags.deliver_group is None:
        flags.deliver_group = ask("Delivery Queue Group", missing="--deliver-group")


def _ask_limits(flags: CreateFlags) -> None:
    if flags.max_deliver is None:
        flags.max_deliver = int(_number("Maximum Allowed Deliveries", "-1", "--max-deliver"))
    if flags.max_pending is None and flags.max_outstanding is None:
        flags.max_pending = int(_number("Maximum Acknowledgments Pending", "0", "--max-pending"))


def _ask_push(flags: CreateFlags) -> None:
    if flags.heartbeat is None:
        flags.heartbeat = _duration("Idle Heartbeat", "0s", "--heartbeat")
    if not flags.flow_control:
        flags.flow_control = confirm(
            "Enable Flow Control, ie --flow-control", missing="--flow-control"
        )


def _ask_backoff(flags: CreateFlags) -> None:
    if not confirm("Add a Retry Backoff Policy", missing="--backoff"):
        return
    flags.backoff = choose("Backoff policy", ("linear", "none"), "none", "--backoff")
    if flags.backoff == "none":
        return
    flags.backoff_min = _duration("Minimum retry time", "1m", "--backoff-min")
    flags.backoff_max = _duration("Maximum retry time", "10m", "--backoff-max")
    steps = "Number of steps to generate in the policy"
    flags.backoff_steps = int(_number(steps, "20", "--backoff-steps"))
    linear_backoff(flags.backoff_steps, flags.backoff_min, flags.backoff_max)
    if flags.max_deliver == -1:
        # Without a limit the last time would be the only one that counts in the end.
        flags.max_deliver = flags.backoff_steps + 1


def _number(question: str, default: str, missing: str) -> str:
    return ask(question, default, check=_checked(int, "not a whole number"), missing=missing)


def _duration(question: str, default: str, missing: str) -> int:
    return parse_long_duration_ns(
        ask(question, default, check=parse_long_duration_ns, missing=missing)
    )


def _checked(read: Callable[[str], Any], fault: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        try:
            read(text)
        except ValueError:
            raise CliError(fault) from None

    return check
