"""Hypothesis strategies for random requests to create consumers, most of them nearly valid."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

SECOND = 1_000_000_000
_FILTERS = st.sampled_from(["s.a", "s.b", "s.*", "s.>", "s.a.b", "s.*.b", "other", "", "a..b"])


def _number(*interesting: int) -> st.SearchStrategy[int]:
    return st.sampled_from([-2, -1, 0, 1, *interesting])


_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "description": st.sampled_from(["", "x"]),
    "deliver_policy": st.sampled_from(
        ["all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject"]
    ),
    "opt_start_seq": st.sampled_from([0, 1, 5]),
    "opt_start_time": st.sampled_from(["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00"]),
    "ack_policy": st.sampled_from(["none", "all", "explicit", "flow_control"]),
    "ack_wait": _number(SECOND, 30 * SECOND),
    "max_deliver": _number(5),
    "backoff": st.lists(_number(SECOND), max_size=3),
    "filter_subject": _FILTERS,
    "filter_subjects": st.lists(_FILTERS, min_size=1, max_size=3),
    "replay_policy": st.sampled_from(["instant", "original"]),
    "rate_limit_bps": st.sampled_from([0, 1000]),
    "sample_freq": st.sampled_from(["", "50", "50%", "x"]),
    "max_waiting": _number(512),
    "max_ack_pending": _number(50, 51),
    "flow_control": st.booleans(),
    "headers_only": st.booleans(),
    "max_batch": _number(),
    "max_expires": _number(SECOND),
    "max_bytes": _number(),
    "deliver_subject": st.sampled_from(["d", "e", "s.a", "*", ""]),
    "deliver_group": st.sampled_from(["g", ""]),
    "idle_heartbeat": _number(SECOND),
    "inactive_threshold": _number(60 * SECOND),
    "num_replicas": st.sampled_from([-1, 0, 1, 3]),
    "mem_storage": st.booleans(),
    "direct": st.booleans(),
    "sourcing": st.booleans(),
    "metadata": st.dictionaries(
        st.sampled_from(["a", "b", "_nats.ver", "_nats.req.level", "_nats.x"]),
        st.text(max_size=3),
        max_size=2,
    ),
    "pause_until": st.sampled_from(["2100-01-01T00:00:00Z", "2100-01-01T00:00:00+01:00"]),
    "priority_groups": st.lists(st.sampled_from(["g", "h", "", "a b"]), min_size=1, max_size=2),
    "priority_policy": st.sampled_from(["none", "overflow", "pinned_client", "prioritized"]),
    "priority_timeout": _number(SECOND),
}


@st.composite
def consumer_requests(draw: st.DrawFn) -> list[Any]:
    """The subject below CONSUMER and the body, as JSON.

    Durable ones only: others are gone a while after nobody has asked for them, and there are
    differences on purpose (see the rows about forms). So are there for consumers that read for
    mirrors, and for those of a work queue that come to want all.
    """
    name = draw(st.sampled_from("ABC"))
    chosen = draw(st.sets(st.sampled_from(sorted(_FIELDS)), max_size=3))
    config = {field: draw(_FIELDS[field]) for field in sorted(chosen)}
    config = {"durable_name": name, "ack_policy": "explicit", **config}
    if not (config.get("filter_subject") or config.get("filter_subjects")):
        config["filter_subject"] = f"s.{name.lower()}"
        config.pop("filter_subjects", None)
    if config.get("sourcing"):
        config.pop("direct", None)
    body: dict[str, Any] = {"stream_name": "S", "config": config}
    if (action := draw(st.sampled_from([None, None, "", "create", "update"]))) is not None:
        body["action"] = action
    if draw(st.integers(0, 7)) == 7:
        body["pedantic"] = True
    return [f"CREATE.S.{name}", body]
