"""Where CONSUMER.RESET may send a consumer."""

from __future__ import annotations

from collections.abc import Callable

from pynats_common.go.times import parse_instant_ns

from pynats_server.jetstream.consumer.config.model import ConsumerConfig
from pynats_server.jetstream.errors import api_error
from pynats_server.work import Work


def check_reset(
    config: ConsumerConfig, seq: int, find_since: Callable[[int], Work[int]]
) -> Work[None]:
    """Whether a consumer may go on at `seq`; 0, the first that it has not acknowledged, is allowed
    to all. `find_since` finds the first message that is not older than a time in nanoseconds.
    Raises ApiError 10204."""
    if seq == 0 or config.deliver_policy == "all":
        return
    if config.deliver_policy == "by_start_sequence":
        if seq < config.opt_start_seq:
            raise api_error(10204, err="below start seq")
    elif config.deliver_policy == "by_start_time":
        first = yield from find_since(parse_instant_ns(config.opt_start_time or ""))
        if seq < first:
            raise api_error(10204, err="below start time")
    else:
        raise api_error(10204, err="not allowed")
