"""Bodies of STREAM.CREATE.S whose JSON is odd, wrong or hostile."""

# A case a line reads best, however long the line is.
# ruff: noqa: E501

from __future__ import annotations

from tests.conformance.jetstream.config_cases import Case

_S = b'{"name":"S",'
_TEXT = _S + b'"description":"'
_MIRROR_TIME = _S + b'"mirror":{"name":"M","opt_start_time":'

_WHOLE = (
    b"", b" ", b"\n\t\r ", b"null", b"[]", b"5", b'"x"', b"true", b"false", b"{}", b"{", b"[", b"]", b"}", b"x", b"-", b"nul", b"tru", b"fals", b"nullx",
    b"nul x", b"12x", b"01", b"0x", b"1.x", b"-x", b'"a"x', b"\x00", b"\x0b{}", b"\x7f", b"\xff", b"\xc3", b"\xc3\xa9", b"\xc2\xa0{}", b"\xe2\x80",
    b'\xef\xbb\xbf{"name":"S"}', b'// c\n{"name":"S"}', b'{name:"S"}', b"{'name':'S'}", b'{"name" "S"}', b'{"name":S}', b'{"name":"S",}', b'{,', b"[,",
    b"[1,]", b"[1 2]", b"[1x", b"[01", b"[-01]", b"[tx", b"[fax", b"[nullx", b"[t\xc3\xa9", b"[-\xc3\xa9", b"[1.\xff", b"[1\xc3\xa9",
    b'["a"\xe2\x80\xa8', b'{"a"\xff', b'{"a",', b'{"a":,', b'{"a":1x', b'{"a":1,1', b'{"a"}', b'{"a":}', b"{1", b"[}", b"{]", b'{"a":[1,2}',
    b'{"a":{"b":[{"c":1,}]}}', b'{"a":1 , "b" : 2 , }', b'{"name":"S"', b'{"name":"S"]', b'{"name":5', b'{"bad":5', b'{"name":"S" "x":1}',
    b'{"name":"S"}x', b'{"name":"S"}\x00', b'{"name":"S"} ]', b'{"name":"S"},', b'{"name":"S"}{', b'{"name":"S"}{"bad":1}', b'{"name":"S"}{"name":5',
    b'{"name":"S"} {"max_msgs":5}', b'{"name":"T"}{"name":"S"}', b'{"name":"S"} null', b'{"name":"S"}\n\r\t ', b'\n\n {"name":"S"} \n x',
    b'{"NAME":"S","Max_Msgs":7}', b'{"\\u006eame":"S"}', b'{"name":"T","name":"S"}', b'{"name":5,"name":"S"}', b'{"NAME":5}', b'[{"name":5}]',
    b"[" * 10_000 + b"]" * 10_000, b"[" * 10_001 + b"]" * 10_001, b"[" * 20_000, b'{"a":' * 10_001, b"[[" * 400_000, b"[" + b"1," * 400_000,
    b"[" + b"[]," * 200_000 + b"x", b'{"x":"' + b"\\u0041" * 100_000, b'{"x":' + b"9" * 500_000 + b"}", b"{" + b'"a":{},' * 50_000,
)  # fmt: skip

# What follows `{"name":"S",`, up to the closing brace.
_FIELDS = (
    b'"bad":1', b'"bad":1,"bad2":2', b'"":1', b'"b\\"ad":1', b'"b\xc3\xa9<\x7f":1', b'"\xff":1', b'"max-msgs":5', b'"maxmsgs":5', b'"bad":{"a":[1,{}]}',
    b'"a\\u0000\\n\\u2028\\ud800\\ud83d\\ude00\xc2\x80\xc2\xa0\xe2\x80\x8b\xef\xbb\xbf":1', b'"\xc5\xbfubjects":["q"]', b'"\xe2\x84\xaa":1',
    b'"bad":1,"max_msgs":"x"', b'"max_msgs":"x","bad":1', b'"max_msgs":"x","max_bytes":true', b'"retention":"foo","max_msgs":"x"',
    b'"max_msgs":"x","retention":"foo"', b'"bad":1,"retention":"foo"', b'"bad":}', b'"x":' + b"[" * 9999 + b"]" * 9999, b'"x":' + b"[" * 10000 + b"]" * 10000,
    b'"description":' + b"[" * 9999 + b"]" * 9999,
    b'"max_msgs":1.0', b'"max_msgs":1e3', b'"max_msgs":1E400', b'"max_msgs":-0', b'"max_msgs":-0.0', b'"max_msgs":01', b'"max_msgs":-', b'"max_msgs":1.',
    b'"max_msgs":1e', b'"max_msgs":1e+', b'"max_msgs":+1', b'"max_msgs":.5', b'"max_msgs":0x10', b'"max_msgs":NaN', b'"max_msgs":Infinity', b'"max_msgs":tru',
    b'"max_msgs":nulx', b'"max_msgs":9223372036854775807', b'"max_msgs":9223372036854775808', b'"max_msgs":-9223372036854775808',
    b'"max_msgs":-9223372036854775809', b'"max_msgs":' + b"9" * 5000, b'"max_msgs":00', b'"max_msgs":1_000', b'"max_msgs":\xd9\xa1',
    b'"max_msg_size":2147483647', b'"max_msg_size":2147483648', b'"max_msg_size":-2147483649', b'"first_seq":-1', b'"first_seq":-0', b'"first_seq":1.5',
    b'"first_seq":18446744073709551615', b'"first_seq":18446744073709551616', b'"max_age":9223372036854775807', b'"max_age":9223372036854775808',
    b'"max_age":"1s"', b'"sealed":"true"', b'"sealed":1', b'"sealed":falsy', b'"num_replicas":1.5',
    b'"retention":"foo"', b'"retention":"Limits"', b'"retention":""', b'"retention":{"a":1}', b'"retention": [1, 2 ] ', b'"retention":-1.50e2',
    b'"retention":"li\\u006dits"', b'"retention":"\xff\xc3\xa9"', b'"retention":"\\u0000"', b'"retention":"\xe2\x80\xa8\xc2\xa0\xef\xbf\xbd\xf0\x9f\x98\x80\x7f"',
    b'"discard":"NEW"', b'"discard":"N\xc4\xb0"', b'"discard":"NE\xe2\x84\xaa"', b'"storage":"File"', b'"persist_mode":"default"', b'"persist_mode":""', b'"persist_mode":"Async"',
    b'"compression":"x"', b'"compression":"S2"', b'"compression":"\\u0073\\u0032"', b'"compression":[1]', b'"compression":true', b'"compression":""',
    b'"subjects":[1]', b'"subjects":[null]', b'"subjects":[["a"]]', b'"subjects":["a",5]', b'"subjects":["a"', b'"subjects":["a","b"],"subjects":["c"]',
    b'"subjects":["a","b"],"subjects":[null]', b'"subjects":["a"],"subjects":null', b'"subjects":["a"],"subjects":["b",null]',
    b'"metadata":{"a":5}', b'"metadata":{"a":null}', b'"metadata":{"a.b":5}', b'"metadata":{"a/b~c \\u00e9":5}', b'"metadata":{"0":5}', b'"metadata":{"":5}',
    b'"metadata":{"a":{"b":5}}', b'"metadata":{"a":[5]}', b'"metadata":{"a":"1"},"metadata":{"b":"2"}', b'"metadata":{"a":"1"},"metadata":null',
    b'"metadata":{"a":"1","a":"2"}', b'"metadata":{"a":"x"},"metadata":{"a":null}', b'"metadata":{"\xff":"x","\xfe":"y"}',
    b'"mirror":{"bad":5}', b'"mirror":{"name":"a"},"mirror":{"opt_start_seq":5}', b'"mirror":{"name":"a"},"mirror":null', b'"Mirror":{"NAME":5}',
    b'"mirror":{"name":"m","opt_start_seq":-1}', b'"mirror":{"name":"m","subject_transforms":[{"src":5}]}', b'"mirror":{"name":"m","subject_transforms":[5]}',
    b'"mirror":{"name":"m","consumer":{"name":5}}', b'"mirror":{"name":"m","external":{"api":5}}', b'"mirror":{"name":"m","filter_subject":5}',
    b'"sources":[5]', b'"sources":[null]', b'"sources":[{"name":5}]', b'"sources":[{"name":"x"},{"name":5}]', b'"sources":[{"external":{"api":5}}]',
    b'"sources":[{"name":"a"}],"sources":[{"opt_start_seq":5}]', b'"sources":[{"name":"a"},{"name":"b"}],"sources":[null,{"opt_start_seq":5}]',
    b'"sources":[{"name":"a","subject_transforms":[{"src":"a","dest":"b"}]}],"sources":[{"subject_transforms":[{"src":"c"}]}]',
    b'"consumer_limits":{"max_ack_pending":5},"consumer_limits":{"inactive_threshold":7000000000}', b'"consumer_limits":{"bad":5}',
    b'"consumer_limits":{"max_ack_pending":"x"}', b'"consumer_limits":{"inactive_threshold":"1s"}',
    b'"placement":{"tags":[5]}', b'"placement":{"tags":[null]}', b'"placement":{"cluster":5}', b'"republish":{"dest":5}', b'"republish":{"headers_only":5}',
    b'"subject_transform":{"src":5}', b'"pedantic":5', b'"pedantic":null', b'"max_msgs":5,"max_msgs":null', b'"description":"x","description":null',
    b'"max_msgs":5,"max_msgs":6,"MAX_MSGS":7',
)  # fmt: skip

# Contents of the string that follows `{"name":"S","description":"`, with what ends the body.
_STRINGS = (
    b'\\x"}', b'a\nb"}', b'\x00"}', b'\x1f"}', b'\x7f"}', b'\t"}', b"abc", b"\\", b'\\"', b"\\u", b"\\u12", b"\\u00", b'\\u12"}', b'\\u1"}', b'\\u"}',
    b'\\u12G4"}', b'\\u12xx"}', b'\\u12xy1"}', b'\\u12\n"}', b'\\u00"', b'\\u\xc3\xa9"}', b'\\\xc3\xa9"}', b'\\\n"}', b'\\\x00"}', b'\\`"}', b'\\ "}',
    b'\\v"}', b'\\a"}', b"\\'\"}", b'\\U0041"}', b'\\/\\b\\f\\n\\r\\t\\\\\\""}', b'\\ud83dx"}', b'\\ud83d\\u0041"}', b'\\ud83d\\x"}', b"\\ud83d\\",
    b'\\ude00\\ud83d"}', b'\\ud83d\\ude00"}', b'\\ud800"}', b'\\ud83d\\ud83d\\ude00"}', b'\xff\xfe"}', b'\xe2\x82"}', b'\xf0\x9f\x98"}',
    b'\xed\xa0\x80"}', b'\xc0\x80"}', b'\xf4\x90\x80\x80"}', b'\xed\xa0\xbd\\ude00"}', b'\\u0000"}', b'\\uFFFD"}', b'\xf0\x9f\x98\x80"}',
)  # fmt: skip

_TIMES = (
    b"null", b"5", b"[]", b'""', b'"x"', b'"x\\"y\xc3\xa9"', b'"2020-13-01T00:00:00Z"', b'"2020-00-01T00:00:00Z"', b'"2020-02-30T00:00:00Z"',
    b'"2020-02-29T00:00:00Z"', b'"2021-02-29T00:00:00Z"', b'"2020-01-00T00:00:00Z"', b'"2020-01-32T00:00:00Z"', b'"2020-01-01T24:00:00Z"',
    b'"2020-01-01T00:60:00Z"', b'"2020-01-01T00:00:60Z"', b'"2020-01-01t00:00:00z"', b'"2020-01-01 00:00:00Z"', b'"2020-01-01T0:00:00Z"',
    b'"2020-01-01T00:00:00,5Z"', b'"2020-01-01T00:00:00.Z"', b'"2020-01-01T00:00:00.500Z"', b'"2020-01-01T00:00:00.000Z"',
    b'"2020-01-01T00:00:00.1234567891234Z"', b'"2020-01-01T00:00:00+00:60"', b'"2020-01-01T00:00:00+00:61"', b'"2020-01-01T00:00:00+25:00"',
    b'"2020-01-01T00:00:00+00:00"', b'"2020-01-01T00:00:00-00:00"', b'"2020-01-01T00:00:00+02:00"', b'"2020-01-01T00:00:00-23:59"',
    b'"2020-01-01T00:00:00Zx"', b'"2020-01-01T00:00:00"', b'"2020-01-01"', b'"20-01-01T00:00:00Z"', b'"2020-1-01T00:00:00Z"',
    b'"2020\\u002d01-01T00:00:00Z"', b'"2020-01-01T00:00:00+1:00"', b'"2020-01-01T00:00:00 02:00"', b'"2020-01-01T25:61:61"',
    b'"0000-01-01T00:00:00Z"', b'"0000-02-29T00:00:00Z"', b'"0001-01-01T00:00:00Z"', b'"9999-12-31T23:59:59.999999999Z"', b'"-001-01-01T00:00:00Z"',
    b'"+2020-01-01T00:00:00Z"', b'"10000-01-01T00:00:00Z"', b'"\xd9\xa2\xd9\xa0\xd9\xa2\xd9\xa0-01-01T00:00:00Z"', b'"2020-01-01T00:00:00Z\\n"',
)  # fmt: skip

# One value of each kind of JSON for each field of each type.
_OBJECTS: dict[bytes, tuple[bytes, ...]] = {
    b"": (
        b"name", b"description", b"subjects", b"retention", b"max_consumers", b"max_msgs", b"max_bytes", b"max_age", b"max_msgs_per_subject", b"max_msg_size",
        b"discard", b"storage", b"num_replicas", b"no_ack", b"duplicate_window", b"placement", b"mirror", b"sources", b"compression", b"first_seq",
        b"subject_transform", b"republish", b"allow_direct", b"mirror_direct", b"discard_new_per_subject", b"sealed", b"deny_delete", b"deny_purge",
        b"allow_rollup_hdrs", b"consumer_limits", b"allow_msg_ttl", b"subject_delete_marker_ttl", b"allow_msg_counter", b"allow_atomic",
        b"allow_msg_schedules", b"persist_mode", b"allow_batched", b"metadata", b"pedantic",
    ),
    b"mirror": (b"name", b"opt_start_seq", b"opt_start_time", b"filter_subject", b"subject_transforms", b"external", b"consumer"),
    b"placement": (b"cluster", b"tags", b"preferred"),
    b"republish": (b"src", b"dest", b"headers_only"),
    b"subject_transform": (b"src", b"dest"),
    b"consumer_limits": (b"inactive_threshold", b"max_ack_pending"),
}  # fmt: skip
_KINDS = (b"5", b'"x"', b"true", b"[]", b"{}", b"null", b"1.5")


def _named(kind: str, body: bytes) -> Case:
    return Case(f"{kind} {ascii(body[:60])[2:-1]} #{len(body)}", body)


JSON_CASES = (
    *(_named("whole", body) for body in _WHOLE),
    *(_named("field", _S + text + b"}") for text in _FIELDS),
    *(_named("string", _TEXT + text) for text in _STRINGS),
    *(Case(f"time {ascii(text)[2:-1]}", _MIRROR_TIME + text + b"}}") for text in _TIMES),
    *(
        Case(f"time {zone}", _MIRROR_TIME + f'"2020-01-01T00:00:00{zone}"}}}}'.encode())
        for zone in ("+24:00", "-23:60", "+23:59", "+24:61", "+25:00", "+99:99")
    ),
    *(
        _named("kind", b'{"name":"S","%b":{"%b":%b}}' % (owner, field, value))
        if owner
        else _named("kind", b'{"name":"S","%b":%b}' % (field, value))
        for owner, fields in _OBJECTS.items()
        for field in fields
        for value in _KINDS
    ),
)
