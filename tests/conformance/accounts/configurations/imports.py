"""Imports of what another account exports, and circles of them."""

from __future__ import annotations

from tests.conformance.accounts.configurations.texts import accounts, importing, in_account, listed


def stream(subject: str, more: str = "", account: str = "A") -> str:
    return f'{{stream: {{account: {account}, subject: "{subject}"}}{more}}}'


def service(subject: str, more: str = "", account: str = "A") -> str:
    return f'{{service: {{account: {account}, subject: "{subject}"}}{more}}}'


_STREAM_NAMES = {
    "ev.>": ("x.>", "x", "x.$1", "x.$1.>", "x.*", ">", "*.>", "x.>.y", "", "x..y", "ev.>", "x y.>"),
    "ev.*": ("x.*", "x.$1", "x.$2", "x", "$1.x", "*", "$1", "x.$1.$1", "x.*.*", "x.{{wildcard(1)}}",
             "x.{{Wildcard(1)}}", "x.{{wildcard()}}", "x.{{wildcard(1,2)}}", "x.{{partition(3,1)}}",
             "x.{{left(1,2)}}", "x.>", "x..$1", "x.$0", "x.$a", "x.{{nope(1)}}", "x.$1y"),
    "s.*.*": ("x.*.*", "x.$2.$1", "x.$1.$2", "x.$1", "x.$2", "x.*", "x.*.$1", "x.$2.*", "x.$3.$1",
              "$2.x.$1", "x.{{wildcard(2)}}.$1", "x.{{wildcard(2)}}.{{wildcard(1)}}",
              "{{partition(3,1,2)}}", "x.$1.$2.$3", "s.*.*", "*.*.*"),
    "s.a.*": ("x.$1", "x.*", "x", "x.$2"),
    "one": ("x", "x.$1", "x.*", "x.>", ">", "x..y", "", "x y", "{{wildcard(1)}}", "$1"),
}  # fmt: skip
_SERVICE_NAMES = {
    "svc.*": ("my.*", "my.$1", "my.$2", "my", "my.>", "$1.my", "$1", "*", "my.$1.$1", "my.*.*",
              "my.{{wildcard(1)}}", "my.{{left(1,2)}}", "my.{{partition(3,1)}}", "my..$1", "my.$0",
              "my.$a", "my.*.$1", "", "svc.*"),
    "svc.a": ("my", "my.$1", "my.*", "my.>", "a..b", "", "svc.a"),
    "x.*.*": ("y.$1.$2", "y.$2.$1", "y.$1.$1", "y.$1.$3", "y.$1", "y.$2", "y.*.*", "y.*", "y.*.$1",
              "y.$1.*", "y.{{left(1,2)}}.$2", "y.{{wildcard(2)}}.{{wildcard(1)}}", "$1.$2",
              "y.$1.$2.$1", "y.>"),
    "x.b.*": ("y.$1", "y.*", "y.b.$1", "y.$2"),
    "w.>": ("y.>", "y", "y.$1", "y.$1.>", "y.*.>", ">", "w.>", "y.>.z"),
    "w.a.*": ("y.$1", "y.a.*", "y.>"),
    "q": ("r", "r.$1", "r.*", "r.>", "", "a..b", "q"),
}  # fmt: skip
_PREFIXES = [
    "p", "p.q", "p.", "p..", "p..q", ".p", '""', '"p q"', '"p.*"', '">"', '"*"', '"p.>"', '"p.$1"',
    "1", "true", "[]",
]  # fmt: skip
_ITEMS = [
    '"a"', "{}", "{foo: 1}", "[]", "{to: x}", "{prefix: x}", "{share: true}", "{allow_trace: true}",
    "{to: 1}", '{prefix: "a.*"}',
    # Where from
    "{stream: 1}", "{stream: a}", "{stream: []}", "{stream: {}}", "{stream: {account: A}}",
    '{stream: {subject: "ev.>"}}', '{stream: {account: 1, subject: "ev.>"}}',
    "{stream: {account: A, subject: 1}}", '{stream: {account: "", subject: "ev.>"}}',
    '{stream: {account: A, subject: ""}}', '{stream: {account: A, subject: "ev.>", foo: 1}}',
    '{stream: {Account: A, SUBJECT: "ev.>"}}', "{service: 1}", "{service: q}", "{service: {}}",
    "{service: {account: A}}", "{service: {subject: q}}",
    "{service: {account: A, subject: q, x: 1}}",
    "{service: {account: A, subject: true}}", '{SERVICE: {account: A, subject: "q"}, TO: r}',
    # What is exported
    stream("ev.>"), stream("ev.a"), stream("ev.*"), stream("ev.a.>"), stream("ev"), stream(">"),
    stream("*.>"), stream("*.a"), stream("nope"), stream("ev..a"), stream("ev.>.a"), stream("one"),
    stream("q"), stream("svc.a"), stream("priv"), stream("s.a.b"), stream("s.>"), stream("s.*.>"),
    stream("s.a"), stream("two.*"), stream("ev.a b"), stream("*"),
    service("q"), service("svc.*"), service("svc.a"), service("svc.>"), service("svc.a.b"),
    service("svc"), service("nope"), service("one"), service("ev.a"), service("hidden"),
    service("w.>"), service("w.*"), service("w.a.b"), service("w"), service(">"), service("*"),
    service("svc..a"), service("x.a.*"), service("x.*"), service("x.a.b"),
    stream("ev.>", account="Z"), service("q", account="Z"), stream("ev.>", account="B"),
    service("q", account="B"), stream("ev.>", account='"$G"'), service("q", account='"$SYS"'),
    service("$SYS.REQ.USER.INFO", account='"$SYS"'), stream("$SYS.>", account='"$SYS"'),
    # By token
    stream("tok.B"), stream("tok.C"), stream("tok.*"), stream("tok.>"), stream("tok.b"),
    service("tq.B"), service("tq.C"), service("tq.*"), stream("mine.B.>"), stream("mine.B.x"),
    stream("mine.C.>"), stream("mine.*.>"), stream("mine.B"), stream("tok.B", ", to: mine"),
    service("tq.B", ", to: mine"),
    # Other keys
    stream("ev.>", ", foo: 1"), service("q", ", foo: 1"), stream("ev.>", ", share: true"),
    stream("ev.>", ", share: 1"), service("q", ", share: true"), service("q", ", share: 1"),
    service("q", ', share: "true"'), service("q", ", share: false"), service("q", ", prefix: p"),
    service("q", ', prefix: "p.*"'), service("q", ", prefix: p, to: r"),
    stream("ev.>", ", allow_trace: true"), stream("ev.>", ", allow_trace: 1"),
    stream("ev.>", ", allow_trace: false"), service("q", ", allow_trace: true"),
    service("q", ", allow_trace: false"), service("q", ", allow_trace: 1"),
    "{allow_trace: true, service: {account: A, subject: q}}",
    stream("ev.>", ", to: 1"), service("q", ", to: 1"), service("q", ", to: []"),
    '{service: {account: A, subject: q}, stream: {account: A, subject: "ev.>"}}',
    '{stream: {account: A, subject: "ev.>"}, service: {account: A, subject: q}}',
    stream("ev.>", ", accounts: [B]"), service("q", ", response: stream"),
    service("q", ", latency: x"), stream("ev.>", ", account_token_position: 1"),
    *(stream("ev.>", f", prefix: {each}") for each in _PREFIXES),
    *(stream("one", f", prefix: {each}") for each in ("p", "p.", '"p.*"', '""', "p..q")),
    *(stream("s.*.*", f", prefix: {each}") for each in ("p", "p.", '">"')),
    *(stream(s, f', to: "{to}"') for s, names in _STREAM_NAMES.items() for to in names),
    *(service(s, f', to: "{to}"') for s, names in _SERVICE_NAMES.items() for to in names),
]  # fmt: skip
_SEVERAL = [
    (stream("ev.>"), stream("ev.>")),
    (stream("ev.>"), stream("ev.>", ", prefix: x")),
    (stream("ev.>", ", prefix: x"), stream("ev.>", ", prefix: y")),
    (stream("ev.>"), stream("ev.a.*")),
    (stream("ev.*"), stream("ev.>")),
    (stream("one", ", to: x"), stream("two.x", ", to: x")),
    (stream("one"), service("q", ", to: one")),
    (service("q"), service("q")),
    (service("q"), service("q", ", to: r")),
    (service("q", ", to: r"), service("q", ", to: s")),
    (service("q"), service("svc.a", ", to: q")),
    (service("svc.a"), service("svc.*")),
    (service("svc.a", ', to: "y.a"'), service("svc.*", ', to: "y.*"')),
    (service("svc.*", ', to: "y.*"'), service("x.a.*", ', to: "y.*"')),
    (service("svc.*", ', to: "y.$1"'), service("x.a.*", ', to: "y.*"')),
    (service("svc.*", ', to: "y.$1"'), service("x.a.*", ', to: "y.$1"')),
    ("{foo: 1}", "{bar: 1}"),
    (stream("nope"), service("nope")),
    (service("nope"), stream("nope")),
    (stream("ev.>", ", foo: 1"), "{service: 1}", service("q", ", to: 1")),
    (stream("ev.>"), "{service: {account: A}}", stream("nope")),
]
_WHOLE = ["1", "{}", '"a"', "[]", '["a"]', "[{}]", "[[]]", "true"]


def two(exports: str, a_imports: str, b_imports: str) -> str:
    """A and B export the same, and import of each other."""
    listed_exports = listed("exports", exports)
    return accounts(
        A=f"{listed_exports}\n{listed('imports', a_imports)}",
        B=f"{listed_exports}\n{listed('imports', b_imports)}",
    )


def ring(kind: str, *names: tuple[str, str]) -> str:
    """Each account imports of the one before it, and exports the same: (subject, more keys)."""
    order = "ABCDEF"[: len(names)]
    make = stream if kind == "stream" else service
    return accounts(**{
        account: "\n".join([
            listed("exports", f'{{{kind}: ">"}}'),
            listed("imports", make(subject, more, account=order[number - 1])),
        ])
        for number, (account, (subject, more)) in enumerate(zip(order, names, strict=True))
    })  # fmt: skip


def own(exports: str, imports: str) -> str:
    return accounts(A=f"{listed('exports', exports)}\n{listed('imports', imports)}", B="")


_CIRCLES = [
    two("{service: help}", service("help", account="B"), service("help")),
    two("{service: help}", service("help", ", to: h", account="B"), service("help", ", to: h")),
    two("{service: help}", service("help", ", to: h", account="B"), service("help")),
    two('{service: "help.*"}', service("help.a", account="B"), service("help.b")),
    two('{service: "help.*"}', service("help.*", account="B"), service("help.*")),
    two("{stream: s}", stream("s", account="B"), stream("s")),
    two('{stream: "s.>"}', stream("s.>", ", prefix: x", account="B"), stream("s.>", ", prefix: y")),
    two('{stream: "s.>"}', stream("s.a", account="B"), stream("s.b")),
    two('{stream: ">"}', stream(">", ", prefix: x", account="B"), stream(">", ", prefix: y")),
    two('{stream: ">"}', stream("a", account="B"), stream("b")),
    two('{service: ">"}', service("a", account="B"), service("b")),
    ring("service", ("help", ""), ("help", ""), ("help", "")),
    ring("stream", ("s", ""), ("s", ""), ("s", "")),
    ring("service", ("a", ""), ("b", ""), ("c", "")),
    ring("stream", ("a", ""), ("b", ""), ("c", "")),
    ring("service", ("help", ""), ("help", ""), ("help", ""), ("help", "")),
    ring("stream", ("s", ""), ("s", ""), ("s", ""), ("s", ""), ("s", ""), ("s", "")),
    own("{service: q}", service("q")),
    own("{service: q}", service("q", ", to: r")),
    own('{service: "q.*"}', service("q.*", ', to: "r.$1"')),
    own('{stream: "es.*"}', stream("es.*", ', to: "et.$1"')),
    own('{stream: "es.*"}', stream("es.*")),
    own('{stream: ">"}', stream(">", ", prefix: x")),
    accounts(
        A=listed("exports", "{service: q}"),
        B=listed("exports", "{service: q}") + "\n" + listed("imports", service("q")),
        C=listed("imports", service("q", account="B")),
    ),
    accounts(
        A=listed("exports", "{stream: s}"),
        B=listed("exports", "{stream: s}") + "\n" + listed("imports", stream("s")),
        C=listed("imports", stream("s", account="B")),
    ),
    accounts(
        A=listed("exports", "{service: q}"),
        D=listed("exports", "{service: q}"),
        B=listed("imports", (service("q"), service("q", account="D"))),
    ),
    accounts(
        A=listed("exports", "{service: qa}"),
        D=listed("exports", "{service: qd}"),
        B=listed("imports", (service("qa", ", to: q"), service("qd", ", to: q", account="D"))),
    ),
]
# What accounts do with the two that are always there.
_ALWAYS = [
    f"\naccounts {{ A {{ imports: [{wanted}] }}, {exporter} }}\nsystem_account: SYS\n"
    for wanted, exporter in (
        (service("$SYS.REQ.SERVER.PING.CONNZ", account="SYS"), "SYS { }"),
        (service("$SYS.DEBUG.SUBSCRIBERS", account="SYS"), "SYS { }"),
        (stream("$SYS.ACCOUNT.A.>", account="SYS"), "SYS { }"),
        (
            stream("$SYS.ACCOUNT.A.>", account="SYS"),
            'SYS { exports: [{stream: "$SYS.ACCOUNT.>"}] }',
        ),
        (
            stream("$SYS.ACCOUNT.A.>", account="SYS"),
            'SYS { exports: [{stream: "$SYS.ACCOUNT.*.>", account_token_position: 3}] }',
        ),
    )
] + [
    f"\naccounts {{ $SYS {{ exports: [{{service: a}}] }}, A {{ imports: [{wanted}] }} }}\n"
    for wanted in (service("a", account="$SYS"), service("a", account='"$SYS"'))
]
TEXTS = [
    *map(importing, _ITEMS),
    *(importing(*items) for items in _SEVERAL),
    *(in_account(f"imports: {value}") for value in _WHOLE),
    *_CIRCLES,
    *_ALWAYS,
]
