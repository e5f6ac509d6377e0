"""Configurations of consumers: in files, as differences, and by flags."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.errors import CliError
from pynats_cli.jetstream.consumers.backoff import linear_backoff
from pynats_cli.jetstream.consumers.config_file import (
    config_text,
    parse_config,
    without_server_metadata,
    zero_config,
)
from pynats_cli.jetstream.consumers.configure import apply_flags, new_config
from pynats_cli.jetstream.consumers.differences import differences
from pynats_cli.jetstream.consumers.flags import CreateFlags
from pynats_cli.jetstream.consumers.policies import pause_deadline_ns, start_policy

NUMBERS = st.integers(min_value=1, max_value=10**15)
CONFIGS = st.fixed_dictionaries(
    {"name": st.just("C"), "num_replicas": st.integers(0, 5)},
    optional={
        "description": st.text(min_size=1), "ack_policy": st.sampled_from(["none", "all"]),
        "ack_wait": NUMBERS, "max_deliver": NUMBERS, "headers_only": st.just(True),
        "filter_subjects": st.lists(st.text(min_size=1), min_size=1),
        "backoff": st.lists(NUMBERS, min_size=1), "pause_until": st.just("2030-01-01T00:00:00Z"),
        "metadata": st.dictionaries(st.from_regex(r"[a-z]+", fullmatch=True), st.text(),
                                    min_size=1),
    },
)  # fmt: skip


@given(CONFIGS)
def test_what_is_written_is_read_again(config: dict[str, Any]) -> None:
    assert parse_config(config_text(config)) == (config, [])
    assert parse_config(json.dumps({"config": config, "name": "C", "num_pending": 3})) == (
        config, [],
    )  # fmt: skip
    assert differences(config, config) == []


@given(CONFIGS, CONFIGS)
def test_differences_are_there_when_something_differs(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    def comparable(config: dict[str, Any]) -> dict[str, Any]:
        return {name: sorted(value) if name == "filter_subjects" else value
                for name, value in config.items()}  # fmt: skip

    found = differences(old, new)
    assert bool(found) == (comparable(old) != comparable(new))
    assert all(line.startswith(("- ", "+ ")) for line in found)


def test_metadata_of_the_server_is_nothing_of_the_users() -> None:
    config = {"name": "C", "metadata": {"_nats.ver": "2", "a": "b"}, "max_bytes": 0}
    assert without_server_metadata(config) == {"name": "C", "metadata": {"a": "b"}}
    assert differences(config, {"name": "C", "metadata": {"_nats.ver": "3", "a": "b"}}) == []


def test_zeros_are_those_that_the_api_leaves_out() -> None:
    assert without_server_metadata(zero_config()) == {"num_replicas": 0}


@given(st.integers(1, 50), st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_backoff_grows_evenly(steps: int, least: int, more: int) -> None:
    times = linear_backoff(steps, least, least + more)
    assert len(times) == steps and times[0] == least
    assert all(least <= time <= least + more for time in times)
    gaps = {after - before for before, after in pairwise(times)}
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


@pytest.mark.parametrize("bounds", [(0, 1, 2), (3, 5, 5), (3, 6, 5), (3, -1, 5)])
def test_backoffs_that_are_none(bounds: tuple[int, int, int]) -> None:
    with pytest.raises(CliError):
        linear_backoff(*bounds)


def test_flags_of_the_other_kind_take_fields_away() -> None:
    push = new_config("C", CreateFlags(target="x", heartbeat=5, flow_control=True, bps=8), 0)
    assert push["ack_policy"] == "none" and push["idle_heartbeat"] == 5
    apply_flags(push, CreateFlags(pull=True), 0)
    kept = {"deliver_subject", "idle_heartbeat", "flow_control", "rate_limit_bps"} & set(push)
    assert kept == set()
    pull = new_config("C", CreateFlags(max_waiting=5, max_pull_batch=3), 0)
    apply_flags(pull, CreateFlags(target="y"), 0)
    assert {"max_waiting", "max_batch"} & set(pull) == set()


def test_a_start_replaces_the_one_before() -> None:
    config = new_config("C", CreateFlags(deliver="7"), 0)
    apply_flags(config, CreateFlags(deliver="new"), 0)
    assert config["deliver_policy"] == "new" and "opt_start_seq" not in config


@given(st.text(max_size=12))
def test_any_text_is_a_start_or_an_error(text: str) -> None:
    for read in (start_policy, pause_deadline_ns):
        try:
            read(text, 10**18)
        except CliError:
            pass
