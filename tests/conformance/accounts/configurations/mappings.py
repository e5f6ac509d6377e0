"""Mappings, traces, limits and what else stands in the block of an account."""

from __future__ import annotations

from tests.conformance.accounts.configurations.texts import accounts, at_top, in_account, listed

_GRID = [
    f'"{source}": "{made}"'
    for source, names in {
        "foo": ("bar", "", "foo", "bar.$1", "bar.*", "bar.>", ">", "a..b", "a b",
        "bar.{{random(3)}}",
                "bar.{{partition(3,1)}}", "bar.{{partition(3)}}", "$1", "bar.$a",
                "{{wildcard(1)}}"),
        "foo.*": ("bar", "bar.$1", "bar.$2", "bar.$1.$1", "bar.*", "bar.>", "a.*.$1", "foo.$1",
        "$1",
                  "bar.{{wildcard(1)}}", "bar.{{wildcard(2)}}", "bar.{{wildcard()}}", "bar.$0",
                  "bar.{{partition(3,1)}}", "bar.{{partition(3,2)}}", "bar.{{partition(0,1)}}",
                  "bar.{{partition(2147483647,1)}}", "bar.{{partition(2147483648,1)}}",
                  "bar.{{partition(-1,1)}}", "bar.{{partition(x,1)}}", "bar.{{partition()}}",
                  "bar.{{random(3)}}", "bar.{{random()}}", "bar.{{random(1,2)}}",
                  "bar.{{random(2147483648)}}", "bar.{{random(-1)}}",
                  "bar.{{left(1,3)}}", "bar.{{left(1)}}", "bar.{{left(1,2,3)}}",
                  "bar.{{left(2,3)}}",
                  "bar.{{left(1,x)}}", "bar.{{right(1,2)}}", "bar.{{right(1,-2)}}",
                  "bar.{{split(1,-)}}", "bar.{{split(1)}}", "bar.{{split(1,)}}",
                  "bar.{{split(1,.)}}",
                  "bar.{{split(1, )}}", "bar.{{split(1,ab)}}",
                  "bar.{{splitfromleft(1,3)}}", "bar.{{SplitFromLeft(1,3)}}",
                  "bar.{{split_from_left(1,3)}}", "bar.{{splitfromright( 1 , 3 )}}",
                  "bar.{{splitfromleft(1,0)}}", "bar.{{splitfromleft(1,-1)}}",
                  "bar.{{slicefromleft(1,2)}}", "bar.{{slicefromright(1,0)}}",
                  "bar.{{slicefromright(2,1)}}", "bar.{{nope(1)}}", "bar.{{wildcard(1)", "bar.{{}}",
                  "bar.wildcard(1)", "bar.{{WILDCARD(1)}}", "bar.{{ wildcard( 1 ) }}"),
        "foo.*.*": ("bar.$2.$1", "bar.$2", "bar.$1.$2.$3", "bar.{{partition(3,1,2)}}",
                    "bar.{{partition(3,2,1)}}", "bar.{{partition(3,1,3)}}", "bar.>",
                    "bar.{{left(1,1)}}.{{right(2,1)}}", "bar.{{wildcard(1,2)}}"),
        "foo.>": ("bar.>", "bar", "bar.$1", "bar.$1.>", "foo.>", ">", "a.>.b", "*.>", "foo.*",
                  "bar.{{partition(3)}}.>", "bar.{{random(3)}}.>"),
        "foo.*.>": ("bar.$1.>", "bar.>", "bar.$1", "bar.$2.>", "$1.>", "bar.{{partition(3,1)}}.>"),
        ">": (">", "x.>", "x", "x.$1.>"),
        "*": ("*", "x", "x.$1", "$1.x", "x.>"),
    }.items()
    for made in names
]  # fmt: skip
_SOURCES = [f'"{source}": x' for source in (
    "", "a..b", "a b", ".a", "a.", "a.>.b", "a.>b", "a*", "$SYS.>", "_INBOX.>", "$1",
    "{{wildcard(1)}}",
)]  # fmt: skip
_TARGETS = [
    "1", "true", "[]", "{}", "[{}]", "[b]", '["b"]', "[true]", "{dest: b}", "[{dest: b}]",
    "{dest: b, weight: 50}", "{weight: 50}", "[{weight: 50}]", "[{weight: 50}, {weight: 50}]",
    "[{dest: 1, weight: 50}]", "[{destination: b, weight: 50}]", "[{DEST: b, Weight: 50}]",
    "[{dest: b, weight: 50, foo: 1}]", "[{foo: 1}]", "[{dest: b, foo: 1}]",
    *(f"[{{dest: b, weight: {value}}}]" for value in (
        "0", "1", "100", "101", "-1", "50.5", "true", "[]", '"50"', '"50%"', '" 50%"', '"50 %"',
        '"0%"', '"101%"', '"-1%"', '"%"', '""', '"abc"', '"1e1"', '"0x10"', '"+5"', "1k",
        "9223372036854775807", '"9223372036854775808"', '"99999999999999999999%"',
    )),
    "[{dest: b, weight: 60}, {dest: c, weight: 60}]",
    "[{dest: b, weight: 50}, {dest: c, weight: 50}]",
    "[{dest: b, weight: 50}, {dest: c, weight: 51}]",
    "[{dest: b, weight: 60}, {dest: b, weight: 20}]",
    "[{dest: b, weight: 60}, {dest: b, weight: 20, cluster: x}]",
    "[{dest: b, weight: 60}, {dest: c, weight: 60, cluster: x}]",
    "[{dest: b, weight: 100, cluster: x}, {dest: c, weight: 100, cluster: y}, "
    "{dest: d, weight: 100}]",
    "[{dest: b, weight: 60, cluster: x}, {dest: c, weight: 60, cluster: x}]",
    "[{dest: b, weight: 60, cluster: X}, {dest: c, weight: 60, cluster: x}]",
    '[{dest: b, weight: 50, cluster: ""}]', "[{dest: b, weight: 50, cluster: 1}]",
    "[{dest: b, weight: 50, cluster: [x]}]", "[{dest: a, weight: 50}]", "[{dest: a, weight: 0}]",
    "[{dest: a, weight: 50}, {dest: b, weight: 50}]",
    "[{dest: a, weight: 60}, {dest: b, weight: 50}]",
    '[{dest: "b..c", weight: 60}]', '[{dest: "b.*", weight: 60}]', '[{dest: "b.>", weight: 60}]',
    '[{dest: "b.$1", weight: 60}]', '[{dest: "", weight: 60}]', '[{dest: "b c", weight: 60}]',
    "[{dest: b, weight: 150}, {dest: c, weight: x}]", "[{dest: b}, {dest: c}]",
    '[{dest: "b..c", weight: 60}, {dest: "d..e", weight: 60}]',
    "[{dest: b, weight: 50}, c]", "[[{dest: b, weight: 50}]]", '"b", a: c',
]  # fmt: skip
_TRACES = [
    "1", "true", "[]", '""', "a", '"a.b"', '"a.*"', '">"', '"a..b"', '"a b"', '".a"', '"$SYS.x"',
    "{}",
    "{dest: a}", "{dest: 1}", '{dest: ""}', '{dest: "a.*"}', '{dest: "a b"}', "{Dest: a}",
    "{destination: a}", "{dest: a, foo: 1}", "{foo: 1}", "{sampling: 50}", "{sampling: 0}",
    *(f"{{dest: a, sampling: {value}}}" for value in (
        "0", "1", "50", "100", "101", "-1", "1.5", "true", "[]", '"50%"', '"50"', '"x"', '""',
        '"%"',
        '"0%"', '"101%"', '" 50%"', '"50 %"',
    )),
    '{dest: "a.*", sampling: 0}', "{sampling: 50, dest: a}",
]  # fmt: skip
_BODIES = [
    *(f"mappings: {{{each}}}" for each in (*_GRID, *_SOURCES)),
    *(f"mappings: {{a: {each}}}" for each in _TARGETS),
    *(f"mappings: {value}" for value in ("1", "[]", '"a"', "true", "{}")),
    *(f"{key}: {{a: b}}" for key in ("maps", "Mappings", "MAPS", "mapping")),
    "mappings: {a: b}\nmaps: {c: d}",
    "mappings: {a: b, c: d}",
    "mappings: {a: b, \"c.*\": \"d.$1\", \"e.>\": \"f.>\"}",
    "mappings: {v: b, a: $v}",
    *(f"msg_trace: {value}" for value in _TRACES),
    "trace_dest: a", "trace_dest: {dest: a, sampling: 5}", "trace_dest: 1", "Msg_Trace: a",
    "msg_trace: a\ntrace_dest: b",
    "foo: 1", "foo: {bar: 1}", "allow_trace: true", "limits: {max_conn: 1, max_subs: 2}",
    "limits: {max_exports: 1}", "limits: {max_leafs: 1}", "limits: {max_imports: 1}",
    "default_permissions: {publish: a, subscribe: {deny: b}}",
    'nkey: ""', "nkey: 1", "nkey: x", "nkey: UABC",
]  # fmt: skip
_TOP = [
    "mappings: {a: b}", "maps: {a: b}", "mappings: 1", "mappings: []", 'mappings: {"a..b": c}',
    "mappings: {a: {dest: b}}", "mappings: {a: [{dest: b, weight: 60}, {dest: c, weight: 60}]}",
    'mappings: {"a.*": "b.$2"}', "mappings: {a: 1}", "mappings: {}",
    "mappings: {a: [{dest: b, weight: 101}]}", "mappings: {a: b}\nmaps: {a: c}",
    "mappings {\n a: b\n c: [\n {dest: d, weight: 50}\n ]\n}",
    "msg_trace: a", "trace_dest: a", "exports: [{stream: a}]", "imports: []",
]  # fmt: skip
# Accounts by other names, and those that are always there.
_ACCOUNTS = [
    "\naccounts { A { exports: [{stream: a, accounts: [B]}] } }\n",
    "\naccounts: [A, B]\n",
    "\naccounts { 'a b' { exports: [{stream: x}] }, "
    "B { imports: [{stream: {account: 'a b', subject: x}}] } }\n",
    "\naccounts { A { users: [{user: a}], exports: [{stream: x}] }, B { users: [{user: a}] } }\n",
    "\naccounts { $G { exports: [{stream: x}] } }\n",
    "\naccounts { A { exports: [{stream: x}] }, A { exports: [{stream: y}] } }\n",
    "\naccounts { A { exports: [{stream: x}] }, A { }, "
    "B { imports: [{stream: {account: A, subject: x}}] } }\n",
    "\naccounts { do.t { exports: [{stream: x}] }, "
    "B { imports: [{stream: {account: do.t, subject: x}}] } }\n",
    "\nsystem_account: A\naccounts { A { exports: [{stream: x}], mappings: {a: b} } }\n",
    "\nsystem_account: A\nno_system_account: true\naccounts { A { } }\n",
    accounts(A=listed("exports", "{stream: x}"), B=listed("exports", '{stream: "y.>"}')),
    accounts(A="mappings: {a: b}\n" + listed("exports", "{stream: b}") + "\nmsg_trace: t"),
]  # fmt: skip
TEXTS = [
    *map(in_account, _BODIES),
    *map(at_top, _TOP),
    *_ACCOUNTS,
]
