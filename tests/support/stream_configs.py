"""Hypothesis strategies for random stream configurations, most of them nearly valid."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

SECOND = 1_000_000_000

NAMES = st.sampled_from(["S", "O", "A", "B", "a.b", "", "é"])
SUBJECTS = st.sampled_from(
    [
        *("a", "b", "a.b", "a.*", "*.b", "a.>", ">", "", "a..b", "S", "O"),
        *("$JS.API.>", "$JS.EVENT.>", "$SYS.>"),
    ]
)
DESTINATIONS = st.sampled_from(["b", "b.$1", "b.>", "b.{{wildcard(1)}}", "", ">", "c..d", "b.$9"])
FLAGS = st.booleans()


def _some(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Any small set of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


def _number(*interesting: int) -> st.SearchStrategy[int]:
    return st.sampled_from([-2, -1, 0, 1, *interesting])


TRANSFORMS = st.fixed_dictionaries({"src": SUBJECTS, "dest": DESTINATIONS})
EXTERNALS = st.fixed_dictionaries(
    {
        "api": st.sampled_from(["x.api", "$JS.API", "$JS.hub.API", "x.*", ""]),
        "deliver": st.sampled_from(["in", "a", "in.>", ""]),
    }
)
CONSUMERS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["d", "", "a.b"]),
        "deliver_subject": st.sampled_from(["in.d", "", "in.*"]),
    }
)
SOURCES = st.builds(
    lambda name, rest: {"name": name, **rest},
    NAMES,
    _some(
        {
            "opt_start_seq": st.sampled_from([0, 5]),
            "filter_subject": SUBJECTS,
            "subject_transforms": st.lists(TRANSFORMS, max_size=2),
            "external": EXTERNALS,
            "consumer": CONSUMERS,
        }
    ),
)
_MOST_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "description": st.text(max_size=5),
    "subjects": st.lists(SUBJECTS, min_size=1, max_size=3),
    "retention": st.sampled_from(["limits", "interest", "workqueue"]),
    "max_consumers": _number(),
    "max_msgs": _number(),
    "max_bytes": _number(1024),
    "max_age": _number(SECOND, 200 * SECOND),
    "max_msgs_per_subject": _number(),
    "max_msg_size": _number(10),
    "discard": st.sampled_from(["old", "new"]),
    "storage": st.sampled_from(["file", "memory"]),
    "num_replicas": st.sampled_from([0, 1, 1, 1, 3, 6, -1]),
    "duplicate_window": _number(SECOND, 200 * SECOND),
    "placement": _some(
        {
            "cluster": st.sampled_from(["", "c"]),
            "tags": st.just(["t"]),
            "preferred": st.sampled_from(["", "p"]),
        }
    ),
    "compression": st.sampled_from(["none", "s2"]),
    "first_seq": st.sampled_from([0, 1, 50]),
    "subject_transform": TRANSFORMS,
    "republish": TRANSFORMS,
    "subject_delete_marker_ttl": _number(SECOND),
    "persist_mode": st.sampled_from(["default", "async", ""]),
    "metadata": st.dictionaries(
        st.sampled_from(["a", "b", "_nats.ver", "_nats.req.level"]), st.text(max_size=3), max_size=2
    ),
    "consumer_limits": _some({"inactive_threshold": _number(SECOND), "max_ack_pending": _number()}),
}
_FLAG_FIELDS = (
    *("no_ack", "allow_direct", "mirror_direct", "discard_new_per_subject", "sealed"),
    *("deny_delete", "deny_purge", "allow_rollup_hdrs", "allow_msg_ttl", "allow_msg_counter"),
    *("allow_atomic", "allow_msg_schedules", "allow_batched", "pedantic"),
)


@st.composite
def stream_configs(draw: st.DrawFn) -> dict[str, Any]:
    """The fields of one request, as JSON."""
    chosen = draw(st.sets(st.sampled_from(sorted(_MOST_FIELDS)), max_size=4))
    config = {name: draw(_MOST_FIELDS[name]) for name in sorted(chosen)}
    config |= dict.fromkeys(draw(st.sets(st.sampled_from(_FLAG_FIELDS), max_size=2)), True)
    copied = draw(st.sampled_from(["none", "none", "mirror", "sources"]))
    if copied == "mirror":
        config["mirror"] = draw(SOURCES)
    elif copied == "sources":
        config["sources"] = draw(st.lists(SOURCES, min_size=1, max_size=3))
    return {"name": draw(st.sampled_from(["S"] * 9 + ["", "a.b"])), **config}
