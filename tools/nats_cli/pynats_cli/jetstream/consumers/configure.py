"""A consumer's configuration from flags: a new one, a copy, and changes of one that exists."""

from __future__ import annotations

from typing import Any

from pynats_common.go.quoting import quote
from pynats_common.go.times import format_time_ns

from pynats_cli.errors import CliError
from pynats_cli.jetstream.consumers.backoff import linear_backoff
from pynats_cli.jetstream.consumers.flags import CreateFlags, EditFlags
from pynats_cli.jetstream.consumers.policies import pause_deadline_ns, priority_fields, start_policy

Config = dict[str, Any]

_PULL_ONLY = ("max_waiting", "max_batch", "max_expires", "max_bytes")
_PUSH_ONLY = (
    "deliver_subject",
    "deliver_group",
    "flow_control",
    "idle_heartbeat",
    "rate_limit_bps",
)
_FORBIDDEN = " .*>\t\r\n"


def check_name(name: str) -> str:
    """A consumer's name that the server can address. Raises CliError."""
    if any(char in ".*>" for char in name):
        raise CliError("durable name can not contain '.', '*', '>'")
    if not name or any(char in _FORBIDDEN or char in "/\\" for char in name):
        raise CliError(f"{quote(name)} is not a valid consumer name")
    return name


def set_name(config: Config, name: str, ephemeral: bool) -> None:
    """Gives a configuration its name; a durable one has it twice, in the order of the API."""
    config.pop("durable_name", None)
    if name:
        config["name"] = check_name(name)
        if not ephemeral:
            config["durable_name"] = name
    else:
        config.pop("name", None)


def new_config(name: str, flags: CreateFlags, now_ns: int) -> Config:
    """The configuration of a new consumer. Raises CliError."""
    config: Config = {
        "ack_policy": "none" if flags.target else "explicit",
        "deliver_policy": "all",
        "max_deliver": -1,
        "replay_policy": "instant",
        "num_replicas": 0,
    }
    set_name(config, name, flags.ephemeral)
    apply_flags(config, flags, now_ns)
    return config


def apply_flags(config: Config, flags: CreateFlags, now_ns: int) -> None:
    """Changes a configuration to what the flags of a new consumer say. Raises CliError."""
    _set_mode(config, flags)
    apply_changes(config, flags)
    _refuse_push_flags(config, flags)
    if flags.ack:
        config["ack_policy"] = flags.ack
    if flags.deliver:
        for name in ("opt_start_seq", "opt_start_time"):
            config.pop(name, None)
        config.update(start_policy(flags.deliver, now_ns))
        _filter_for_last_per_subject(config)
    if flags.replay:
        config["replay_policy"] = flags.replay
    if flags.max_waiting is not None:
        config["max_waiting"] = flags.max_waiting
    if flags.memory:
        config["mem_storage"] = True
    if flags.pause:
        config["pause_until"] = format_time_ns(pause_deadline_ns(flags.pause, now_ns))
    priority = priority_fields(flags)
    if priority:
        for name in ("priority_policy", "priority_groups", "priority_timeout"):
            config.pop(name, None)
        config.update(priority)


def _set_mode(config: Config, flags: CreateFlags) -> None:
    """`--target` and `--pull` against what the configuration was before; a target wins."""
    if flags.target:
        for name in _PULL_ONLY:
            config.pop(name, None)
    elif flags.pull and config.get("deliver_subject"):
        for name in _PUSH_ONLY:
            config.pop(name, None)


def _refuse_push_flags(config: Config, flags: CreateFlags) -> None:
    if not config.get("deliver_subject"):
        if flags.heartbeat is not None and flags.heartbeat > 0:
            raise CliError("pull subscribers does not support idle heartbeats")
        if flags.bps:
            raise CliError("rate limits are only possible on Push consumers")
        return
    if flags.bps:
        config["rate_limit_bps"] = flags.bps
    if flags.deliver_group is not None:
        _put(config, "deliver_group", flags.deliver_group)
    if flags.heartbeat is not None:
        _put(config, "idle_heartbeat", max(flags.heartbeat, 0))
    if flags.flow_control:
        config["flow_control"] = True


def _filter_for_last_per_subject(config: Config) -> None:
    # The last message of each subject needs subjects to look at.
    wants = config["deliver_policy"] == "last_per_subject"
    if wants and not config.get("filter_subject") and not config.get("filter_subjects"):
        config["filter_subject"] = ">"


def apply_changes(config: Config, flags: EditFlags) -> None:
    """Changes a configuration to what the flags of an edit say. Raises CliError."""
    if flags.filters is not None:
        _set_filters(config, flags.filters)
    for name, value in (
        ("description", flags.description),
        ("headers_only", flags.headers_only),
        ("deliver_subject", flags.target),
        ("max_batch", flags.max_pull_batch),
        ("max_expires", flags.max_pull_expire),
        ("max_bytes", flags.max_pull_bytes),
        ("inactive_threshold", flags.inactive_threshold),
    ):
        if value is not None:
            _put(config, name, value)
    for name, value in (
        ("max_deliver", flags.max_deliver),
        ("max_ack_pending", _first(flags.max_pending, flags.max_outstanding)),
        ("num_replicas", flags.replicas),
    ):
        if value is not None:
            config[name] = value
    if flags.wait is not None and flags.wait >= 0:
        if config.get("backoff"):
            raise CliError("consumers with backoff policies do not support editing Ack Wait")
        _put(config, "ack_wait", flags.wait)
    if flags.metadata:
        config["metadata"] = dict(flags.metadata)
    _set_sample(config, flags.sample)
    _set_backoff(config, flags)


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _put(config: Config, name: str, value: Any) -> None:
    """The field, or no field for what the API leaves out: empty, zero and false."""
    if value:
        config[name] = value
    else:
        config.pop(name, None)


def _set_filters(config: Config, filters: list[str]) -> None:
    config.pop("filter_subject", None)
    config.pop("filter_subjects", None)
    subjects = [subject for subject in filters if subject]
    if len(subjects) == 1:
        config["filter_subject"] = subjects[0]
    elif subjects:
        config["filter_subjects"] = subjects


def _set_sample(config: Config, percent: int | None) -> None:
    if percent is None or percent < 0:
        return
    if percent > 100:
        raise CliError("sample percent is not between 0 and 100")
    _put(config, "sample_freq", str(percent) if percent else "")


def _set_backoff(config: Config, flags: EditFlags) -> None:
    if flags.backoff == "none":
        config.pop("backoff", None)
    elif flags.backoff == "linear":
        times = linear_backoff(flags.backoff_steps, flags.backoff_min, flags.backoff_max)
        config["backoff"] = times
        if flags.max_deliver is None and 0 < int(config.get("max_deliver", -1)) <= len(times):
            config["max_deliver"] = len(times) + 1
