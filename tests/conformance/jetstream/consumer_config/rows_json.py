"""Bodies of requests about consumers whose JSON is odd or wrong."""

# A case a line reads best, however long the line is.
# ruff: noqa: E501

from __future__ import annotations

from pynats_server.jetstream.consumer.config.model import ConsumerConfig

from tests.conformance.jetstream.consumer_config.case import Case, Json, Step

_S = '{"stream_name":"S",'
# Values of every kind, for fields of every kind.
_KINDS = (
    "{}", "[]", '""', '"x"', '"1"', "1", "-1", "1.5", "1e3", "true", "null", "[1]", '["a"]', "[null]", "[[]]", '{"x":1}', '{"x":"y"}', "99999999999999999999", '"2020-01-01"', '"2020-01-01T00:00:00Z"',
)  # fmt: skip
_ENUMS: Json = {
    "deliver_policy": ('"all"', '"All"', '"ALL"', '"undefined"', '"by_start_seq"', '"al\\u006c"', '"all "', "all", "0", '"\\u0000"', '"é"', '{"a" : 1}'),
    "ack_policy": ('"none"', '"None"', '"undefined"', '"flow-control"', '"explicit"', "1", '[ "none" ]'),
    "replay_policy": ('"instant"', '"Instant"', '"none"', '"original"', "0"),
    "priority_policy": ('"none"', '"None"', '"overflow"', '"pinned"', '"prioritised"', "1", '"\\u006eone"', '"none\\n"'),
}  # fmt: skip
_BODIES = (
    "", " ", "null", "[]", "5", '"x"', "true", "{}", "{", "x", "nul", '{"stream_name":"S"', '{"stream_name":"S"}x', '{"stream_name":"S"}{"config":{"max_deliver":5}}', '{"stream_name":"S"} {"bad":1}',
    _S + '"bad":1}', _S + '"config":{"bad":1}}', _S + '"config":{"bad":1,"worse":2},"worst":3}', _S + '"Config":{"Max_Deliver":5}}', _S + '"CONFIG":{"MAX_DELIVER":"x"}}', _S + '"config":{"max_deliver":5,"max_deliver":6}}',
    _S + '"config":{"max_deliver":5},"config":{"max_waiting":7}}', _S + '"config":{"max_deliver":5},"config":null}', _S + '"config":[]}', _S + '"config":"x"}', _S + '"config":5}', _S + '"config":{"max_deliver":5,}}',
    _S + '"config":{"max_deliver":}}', _S + '"config":{"max_deliver":5}', _S + '"config":{"filter_subjects":["s.a",5]}}', _S + '"config":{"filter_subjects":["s.a"],"filter_subjects":["s.b","s.c"]}}', _S + '"config":{"backoff":[1,"x"]}}',
    _S + '"config":{"backoff":[5,6],"backoff":[7]}}', _S + '"config":{"metadata":{"a":"1"},"metadata":{"b":"2"}}}', _S + '"config":{"metadata":{"a.b/c~d":5}}}', _S + '"config":{"pause_until":"2020-13-01T00:00:00Z"}}',
    _S + '"config":{"opt_start_time":"x"}}', _S + '"config":{"opt_start_time":"2020-01-01T00:00:00+23:59"}}', _S + '"config":{"opt_start_seq":-0}}', _S + '"config":{"opt_start_seq":18446744073709551616}}', _S + '"config":{"max_waiting":9223372036854775808}}',
    '{"stream_name":5}', '{"stream_name":null}', '{"stream_name":"S","stream_name":"T"}', '{"stream_name":"T","stream_name":"S"}', '{"stream":"S"}', _S + '"bad":1,"action":"x"}', _S + '"action":"x","bad":1}',
    *(_S + f'"action":{value}}}' for value in ('""', '"create"', '"Create"', '"update"', '"x"', "null", "1", "{}", '"cre\\u0061te"')),
    *(_S + f'"pedantic":{value}}}' for value in ("true", "false", "null", "1", '"true"')),
)  # fmt: skip


def _steps(bodies: tuple[str, ...]) -> tuple[Step, ...]:
    return tuple(Step(body.encode(), "CREATE.S.C") for body in bodies)


def _field(name: str) -> Case:
    bodies = [_S + f'"config":{{"{name}":{value}}}}}' for value in _ENUMS.get(name, ()) + _KINDS]
    return Case(f"json {name}", _steps(tuple(bodies)), fresh=True)


JSON_CASES = (
    Case("json bodies", _steps(_BODIES), fresh=True),
    *(_field(name) for name in ConsumerConfig.__struct_fields__),
)

# Bodies of the other requests.
ANY_BODIES = (
    "", " ", "null", "[]", "5", '"x"', "true", "{}", "{} x", "{", "x", '{"bad":1}', '{"bad":1}x', "[1]", "{}{}", "\x00", "hello", " {} ",
    *(f'{{"{name}":{value}}}' for name in ("offset", "pause_until", "group", "seq") for value in (*_KINDS, "2", "7", "300", '"2100-01-01T00:00:00+02:00"', '"0001-01-01T00:00:00Z"', '"g"', '"h"', '"n n"')),
    '{"OFFSET":5}', '{"Seq":2}', '{"Group":"h"}', '{"seq":2,"seq":3}', '{"group":"x","bad":1}', '{"seq":2,"bad":1}', '{"pause_until":"2100-01-01T00:00:00Z","bad":1}', '{"offset":1,"bad":1}',
)  # fmt: skip
