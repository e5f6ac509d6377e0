"""Subjects, wildcards, queue groups, sids, auto-unsubscribe, headers on delivery, limits."""

from __future__ import annotations

from tests.conformance.protocol.rows_connect import connect
from tests.support.script import QUIET, Eof, Fence, Row, Send, quiet, row, talk

_HEADERS = connect(headers=True)
_RESPONDERS = connect(headers=True, no_responders=True)


def pub(subject: bytes, payload: bytes = b"x", reply: bytes = b"") -> bytes:
    """A PUB with its payload."""
    return b"PUB %s %s%d\r\n%s\r\n" % (
        subject,
        reply + b" " if reply else b"",
        len(payload),
        payload,
    )


def hpub(subject: bytes, block: bytes, payload: bytes = b"", reply: bytes = b"") -> bytes:
    """An HPUB with its header block and payload."""
    sizes = (len(block), len(block) + len(payload))
    return b"HPUB %s %s%d %d\r\n%s%s\r\n" % (
        subject,
        reply + b" " if reply else b"",
        *sizes,
        block,
        payload,
    )


def _name(data: bytes) -> str:
    return data.decode("latin-1").encode("unicode_escape").decode()


_NO_CONTROLS = "the documentation rules NUL out of subjects; we refuse it, and CR, in SUB"

SUBJECTS = [
    b"foo",
    b"foo.bar",
    b"foo.bar.baz",
    b"*",
    b">",
    b"foo.*",
    b"foo.>",
    b"*.bar",
    b"*.*",
    b"*.>",
    b"foo.*.baz",
    b"foo.*.>",
    b">.foo",
    b"foo.>.bar",
    b"foo.>>",
    b"foo.**",
    b"foo*",
    b"*foo",
    b"f*o",
    b"foo>",
    b">foo",
    b"f>o",
    b"foo*.bar",
    b"foo.b*r",
    b"foo.ba>",
    b".",
    b"..",
    b".foo",
    b"foo.",
    b"foo..bar",
    b"*.",
    b">.",
    b".*",
    b".>",
    b"foo..>",
    b"foo.\x00",
    b"foo\x00bar",
    b"\xff\xfe",
    b"foo.\xc3",
    "höhle.ü".encode(),
    "日本.語".encode(),
    b"$SYS.>",
    b"$SYS.REQ.SERVER.PING",
    b"$JS.API.>",
    b"$G.foo",
    b"_INBOX.>",
    b"_R_.foo",
    b"_GR_.foo",
    b"$GR.foo",
    b"$NRG.foo",
    b"$MQTT.sub.x",
    b"$MQTT.deliver.pubrel.x",
    b"$KV.b.k",
    b"$O.b.k",
    b"\x01",
    b"foo\x7f",
    b"a" * 255,
    b".".join([b"t"] * 100),
    b"FOO",
    b"foo/bar",
    b"foo,bar",
    b"{{x}}",
    b"foo\x0bbar",
]


def _subject_rows() -> list[Row]:
    """The same words as subscription (verbose, with an echo of a literal publish), as publish
    subject and as reply."""
    rows = []
    for index, subject in enumerate(SUBJECTS):
        label = f"{index:02d}-{_name(subject)[:30]}"
        refused = b"\x00" in subject
        rows.append(
            row(
                f"subject-sub-{label}",
                b'CONNECT {"pedantic":false}\r\nSUB '
                + subject
                + b" 1\r\n"
                + pub(subject)
                + pub(b"foo.bar")
                + pub(b"foo"),
                ours={"a": ["+OK", "-ERR 'Invalid Subject'", *["+OK"] * 3, "PONG"]}
                if refused
                else None,
                why=_NO_CONTROLS if refused else "",
            )
        )
        rows.append(
            quiet(
                f"subject-pub-{label}",
                b"SUB > 1\r\nSUB *.* 2\r\nSUB foo.> 3\r\n" + pub(subject),
                any_order=True,
            )
        )
        rows.append(quiet(f"subject-reply-{label}", b"SUB foo 1\r\n" + pub(b"foo", b"x", subject)))
        rows.append(
            quiet(f"subject-queue-{label}", b"SUB foo " + subject + b" 1\r\n" + pub(b"foo"))
        )
    return rows


def _wildcard_rows() -> list[Row]:
    patterns = [
        b"foo",
        b"*",
        b">",
        b"foo.*",
        b"*.bar",
        b"foo.>",
        b"*.*",
        b"*.>",
        b"*.*.*",
        b"foo.*.baz",
        b"*.bar.*",
        b"foo.bar.>",
        b"foo.*.>",
        b">.>",
        b"foo.*bar",
    ]
    literals = [
        b"foo",
        b"bar",
        b"foo.bar",
        b"foo.baz",
        b"x.bar",
        b"foo.bar.baz",
        b"foo.x.baz",
        b"a.b.c",
        b"foo.bar.baz.qux",
        b"FOO",
        b"foo.*",
        b"foo.>",
        b"foo.*bar",
    ]
    publishes = b"".join(pub(literal, b"%02d" % n) for n, literal in enumerate(literals))
    rows = [
        quiet(f"wildcard-{_name(pattern)}", b"SUB " + pattern + b" 1\r\n" + publishes)
        for pattern in patterns
    ]
    everything = b"".join(b"SUB %s %d\r\n" % (p, n) for n, p in enumerate(patterns))
    rows.append(quiet("wildcard-all-at-once", everything + publishes, any_order=True))
    rows.append(
        quiet(
            "wildcard-documentation-time",
            b"SUB time.*.east 1\r\nSUB time.> 2\r\n"
            + pub(b"time.us.east")
            + pub(b"time.us.east.atlanta")
            + pub(b"time.eu.east")
            + pub(b"time.eu.warsaw"),
            any_order=True,
        )
    )
    return rows


def _overlap_rows() -> list[Row]:
    return [
        quiet("overlap-two-identical", b"SUB foo 1\r\nSUB foo 2\r\n" + pub(b"foo"), any_order=True),
        quiet(
            "overlap-literal-and-wildcards",
            b"SUB foo.bar 1\r\nSUB foo.* 2\r\nSUB > 3\r\n" + pub(b"foo.bar"),
            any_order=True,
        ),
        quiet(
            "overlap-sub-and-queue", b"SUB foo 1\r\nSUB foo q 2\r\n" + pub(b"foo"), any_order=True
        ),
        quiet("sid-twice-same-subject", b"SUB foo 1\r\nSUB foo 1\r\n" + pub(b"foo")),
        quiet("sid-twice-other-subject", b"SUB foo 1\r\nSUB bar 1\r\n" + pub(b"foo") + pub(b"bar")),
        quiet("sid-twice-other-queue", b"SUB foo 1\r\nSUB foo q 1\r\n" + pub(b"foo")),
        quiet(
            "sid-twice-then-unsub",
            b"SUB foo 1\r\nSUB bar 1\r\nUNSUB 1\r\n" + pub(b"foo") + pub(b"bar"),
        ),
        quiet(
            "sid-again-after-unsub",
            b"SUB foo 1\r\nUNSUB 1\r\nSUB bar 1\r\n" + pub(b"foo") + pub(b"bar"),
        ),
        quiet("sid-case", b"SUB foo a\r\nSUB foo A\r\n" + pub(b"foo"), any_order=True),
        quiet(
            "sid-leading-zero-is-another", b"SUB foo 1\r\nSUB foo 01\r\nUNSUB 1\r\n" + pub(b"foo")
        ),
        quiet("sid-twice-after-max", b"SUB foo 1\r\nUNSUB 1 2\r\nSUB foo 1\r\n" + pub(b"foo") * 3),
        talk(
            "sid-per-connection",
            ("a", QUIET + b"SUB foo 1\r\n"),
            ("b", QUIET + b"SUB foo 1\r\n"),
            ("c", QUIET + pub(b"foo")),
        ),
        talk(
            "close-removes-subs",
            ("a", QUIET + b"SUB foo 1\r\n"),
            ("c", _RESPONDERS + b"SUB in 9\r\n"),
            ("c", pub(b"foo", b"x", b"in")),
            Eof("a"),
            ("c", pub(b"foo", b"y", b"in")),
        ),
        talk(
            "many-subscribers-order",
            ("a", QUIET + b"SUB foo 1\r\n"),
            ("b", QUIET + b"SUB foo 1\r\n"),
            ("c", QUIET + b"".join(pub(b"foo", b"%03d" % n) for n in range(200))),
        ),
        talk(
            "reply-is-carried",
            ("a", QUIET + b"SUB help 5\r\n"),
            ("b", QUIET + b"SUB in.* 6\r\n"),
            ("b", pub(b"help", b"ask", b"in.1")),
            ("a", pub(b"in.1", b"answer")),
        ),
        talk(
            "scatter-gather",
            ("a", QUIET + b"SUB help 5\r\n"),
            ("b", QUIET + b"SUB help 5\r\n"),
            ("c", QUIET + b"SUB in 6\r\n" + pub(b"help", b"ask", b"in")),
            ("a", pub(b"in", b"1")),
            ("b", pub(b"in", b"2")),
        ),
    ]


def _unsub_rows() -> list[Row]:
    three = pub(b"foo", b"1") + pub(b"foo", b"2") + pub(b"foo", b"3")
    rows = [
        quiet("unsub-max-before", b"SUB foo 1\r\nUNSUB 1 2\r\n" + three),
        quiet("unsub-max-after-fewer", b"SUB foo 1\r\n" + pub(b"foo") + b"UNSUB 1 2\r\n" + three),
        quiet(
            "unsub-max-after-equal", b"SUB foo 1\r\n" + pub(b"foo") * 2 + b"UNSUB 1 2\r\n" + three
        ),
        quiet("unsub-max-after-more", b"SUB foo 1\r\n" + three + b"UNSUB 1 2\r\n" + three),
        quiet("unsub-max-raised", b"SUB foo 1\r\nUNSUB 1 1\r\nUNSUB 1 3\r\n" + three + three),
        quiet("unsub-max-lowered", b"SUB foo 1\r\nUNSUB 1 3\r\nUNSUB 1 1\r\n" + three),
        quiet(
            "unsub-max-lowered-below-count",
            b"SUB foo 1\r\nUNSUB 1 5\r\n" + pub(b"foo") * 2 + b"UNSUB 1 1\r\n" + three,
        ),
        quiet(
            "unsub-max-then-now",
            b"SUB foo 1\r\nUNSUB 1 3\r\n" + pub(b"foo") + b"UNSUB 1\r\n" + three,
        ),
        quiet(
            "unsub-max-then-zero",
            b"SUB foo 1\r\nUNSUB 1 3\r\n" + pub(b"foo") + b"UNSUB 1 0\r\n" + three,
        ),
        quiet(
            "unsub-max-then-same-sid-again",
            b"SUB foo 1\r\nUNSUB 1 1\r\n" + three + b"SUB foo 1\r\n" + three,
        ),
        quiet("unsub-twice", b"SUB foo 1\r\nUNSUB 1\r\nUNSUB 1\r\n" + three),
        quiet("unsub-before-sub", b"UNSUB 1\r\nSUB foo 1\r\n" + three),
        quiet("unsub-max-before-sub", b"UNSUB 1 1\r\nSUB foo 1\r\n" + three),
        quiet(
            "unsub-max-wildcard",
            b"SUB foo.* 1\r\nUNSUB 1 2\r\n" + pub(b"foo.a") + pub(b"foo.b") + pub(b"foo.c"),
        ),
        quiet("unsub-one-of-two", b"SUB foo 1\r\nSUB foo 2\r\nUNSUB 1\r\n" + three),
        quiet(
            "unsub-max-one-of-two",
            b"SUB foo 1\r\nSUB foo 2\r\nUNSUB 1 1\r\n" + three,
            any_order=True,
        ),
        quiet("unsub-max-one-then-no-responders", b"SUB foo 1\r\nUNSUB 1 1\r\n" + three),
        quiet("unsub-frees-for-no-responders", b"SUB foo 1\r\nUNSUB 1\r\n" + three),
        quiet("unsub-queue-member", b"SUB foo q 1\r\nSUB foo q 2\r\nUNSUB 1\r\n" + three),
        row(
            "unsub-max-then-503",
            _RESPONDERS + b"SUB in 9\r\nSUB foo 1\r\nUNSUB 1 1\r\n" + pub(b"foo", b"x", b"in") * 2,
        ),
        talk(
            "unsub-max-counts-only-own",
            ("a", QUIET + b"SUB foo 1\r\nUNSUB 1 2\r\n"),
            ("b", QUIET + b"SUB foo 1\r\n"),
            ("c", QUIET + three),
        ),
        talk(
            "unsub-max-across-batches",
            ("a", QUIET + b"SUB foo 1\r\nUNSUB 1 2\r\n"),
            ("c", QUIET + pub(b"foo")),
            ("c", pub(b"foo")),
            ("c", pub(b"foo")),
            Fence("a"),
            ("a", b"SUB foo 1\r\n"),
            ("c", pub(b"foo")),
        ),
        talk(
            "unsub-max-queue", ("a", QUIET + b"SUB foo q 1\r\nUNSUB 1 2\r\n"), ("c", QUIET + three)
        ),
        talk(
            "unsub-stops-at-once",
            ("a", QUIET + b"SUB foo 1\r\n"),
            ("c", QUIET + pub(b"foo")),
            ("a", b"UNSUB 1\r\n"),
            ("c", pub(b"foo")),
        ),
    ]
    return rows


def _queue_rows() -> list[Row]:
    ten = b"".join(pub(b"foo", b"%d" % n) for n in range(10))
    return [
        quiet("queue-one-member", b"SUB foo q 1\r\n" + ten),
        quiet("queue-two-groups", b"SUB foo q1 1\r\nSUB foo q2 2\r\n" + ten, any_order=True),
        quiet(
            "queue-same-group-other-subject", b"SUB foo q 1\r\nSUB bar q 2\r\n" + ten + pub(b"bar")
        ),
        quiet("queue-group-case", b"SUB foo q 1\r\nSUB foo Q 2\r\n" + pub(b"foo"), any_order=True),
        quiet(
            "queue-wildcard-and-literal-are-two",
            b"SUB foo.* q 1\r\nSUB foo.bar q 2\r\n" + pub(b"foo.x"),
        ),
        quiet("queue-and-plain", b"SUB foo q 1\r\nSUB foo 2\r\n" + pub(b"foo"), any_order=True),
        quiet("queue-name-dots", b"SUB foo q.a.b 1\r\n" + pub(b"foo")),
        quiet("queue-name-sys", b"SUB foo _sys_ 1\r\n" + pub(b"foo")),
        quiet("queue-name-number", b"SUB foo 7 1\r\n" + pub(b"foo")),
        quiet("queue-name-utf8", "SUB foo gruppé 1\r\n".encode() + pub(b"foo")),
        talk(
            "queue-members-leave",
            ("a", QUIET + b"SUB foo q 1\r\n"),
            ("b", QUIET + b"SUB foo q 1\r\n"),
            Eof("a"),
            ("c", QUIET + ten),
        ),
        talk(
            "queue-no-responders-without-members",
            ("a", QUIET + b"SUB foo q 1\r\n"),
            Eof("a"),
            ("c", _RESPONDERS + b"SUB in 9\r\n" + pub(b"foo", b"x", b"in")),
        ),
        talk(
            "queue-carries-reply-and-headers",
            ("a", _HEADERS + b"SUB foo q 1\r\n"),
            ("c", _HEADERS + hpub(b"foo", b"NATS/1.0\r\nA: b\r\n\r\n", b"x", b"re")),
        ),
    ]


def _header_rows() -> list[Row]:
    block = b"NATS/1.0\r\nA: b\r\n\r\n"
    send = hpub(b"foo", block, b"hi") + hpub(b"foo", block, b"hi", b"re") + hpub(b"foo", block)
    blocks = {
        "status": b"NATS/1.0 503\r\n\r\n",
        "status-text": b"NATS/1.0 408 Request Timeout\r\n\r\n",
        "status-blanks": b"NATS/1.0   503   x  \r\n\r\n",
        "key-no-colon": b"NATS/1.0\r\nhello\r\n\r\n",
        "key-empty": b"NATS/1.0\r\n: b\r\n\r\n",
        "value-empty": b"NATS/1.0\r\nA:\r\n\r\n",
        "no-space": b"NATS/1.0\r\nA:b\r\n\r\n",
        "folded": b"NATS/1.0\r\nA: b\r\n c\r\n\r\n",
        "binary": b"NATS/1.0\r\nA: \x00\xff\r\n\r\n",
        "lower-version": b"nats/1.0\r\nA: b\r\n\r\n",
        "version-2": b"NATS/2.0\r\nA: b\r\n\r\n",
        "trace-dest": b"NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n",
        "request-info": b"NATS/1.0\r\nNats-Request-Info: {}\r\n\r\n",
        "long": b"NATS/1.0\r\nA: " + b"v" * 60_000 + b"\r\n\r\n",
    }
    rows = [
        row(f"headers-block-{name}", _HEADERS + b"SUB foo 1\r\n" + hpub(b"foo", b, b"hi"))
        for name, b in blocks.items()
    ]
    rows += [
        talk("headers-stripped-for-plain", ("a", QUIET + b"SUB foo 1\r\n"), ("c", _HEADERS + send)),
        talk("headers-stripped-before-connect", ("a", b"SUB foo 1\r\n"), ("c", _HEADERS + send)),
        talk(
            "headers-stripped-status",
            ("a", QUIET + b"SUB foo 1\r\n"),
            ("c", _HEADERS + hpub(b"foo", b"NATS/1.0 503\r\n\r\n")),
        ),
        talk(
            "headers-kept-and-stripped",
            ("a", _HEADERS + b"SUB foo 1\r\n"),
            ("b", QUIET + b"SUB foo 1\r\n"),
            ("c", _HEADERS + send),
        ),
        talk(
            "headers-plain-pub-to-both",
            ("a", _HEADERS + b"SUB foo 1\r\n"),
            ("b", QUIET + b"SUB foo 1\r\n"),
            ("c", _HEADERS + pub(b"foo", b"hi", b"re")),
        ),
        talk(
            "headers-server-off",
            ("a", _HEADERS + b"SUB foo 1\r\n"),
            ("c", QUIET + pub(b"foo", b"hi")),
            config="noheaders",
        ),
    ]
    return rows


def _no_responder_rows() -> list[Row]:
    ask = pub(b"nobody", b"x", b"in")
    return [
        row("no-responders-503", _RESPONDERS + b"SUB in 1\r\n" + ask),
        row(
            "no-responders-wildcard-inbox",
            _RESPONDERS + b"SUB in.* 1\r\n" + pub(b"nobody", b"x", b"in.5"),
        ),
        row("no-responders-full-wildcard-inbox", _RESPONDERS + b"SUB > 1\r\n" + ask),
        row("no-responders-no-inbox-sub", _RESPONDERS + ask),
        row("no-responders-without-reply", _RESPONDERS + b"SUB in 1\r\n" + pub(b"nobody")),
        row("no-responders-not-asked", _HEADERS + b"SUB in 1\r\n" + ask),
        row(
            "no-responders-hpub",
            _RESPONDERS
            + b"SUB in 1\r\n"
            + hpub(b"nobody", b"NATS/1.0\r\nA: b\r\n\r\n", b"x", b"in"),
        ),
        # With two subscriptions on the inbox exactly one gets the 503; which one is not defined.
        row("no-responders-inbox-queue", _RESPONDERS + b"SUB in q 1\r\n" + ask),
        row(
            "no-responders-counts-towards-max", _RESPONDERS + b"SUB in 1\r\nUNSUB 1 1\r\n" + ask * 2
        ),
        row(
            "no-responders-subject-wildcard",
            _RESPONDERS + b"SUB in 1\r\n" + pub(b"no.*", b"x", b"in"),
        ),
        row(
            "no-responders-subject-empty-token",
            _RESPONDERS + b"SUB in 1\r\n" + pub(b"no..x", b"x", b"in"),
        ),
        row(
            "no-responders-reply-wildcard",
            _RESPONDERS + b"SUB in.* 1\r\n" + pub(b"nobody", b"x", b"in.*"),
        ),
        row(
            "no-responders-verbose",
            b'CONNECT {"headers":true,"no_responders":true}\r\nSUB in 1\r\n' + ask,
        ),
        talk(
            "no-responders-inbox-on-other-connection",
            ("a", _HEADERS + b"SUB in 1\r\n"),
            ("c", _RESPONDERS + ask),
        ),
        talk(
            "no-responders-somebody",
            ("a", QUIET + b"SUB nobody 1\r\n"),
            ("c", _RESPONDERS + b"SUB in 1\r\n" + ask),
        ),
        row(
            "no-responders-system-subject",
            _RESPONDERS + b"SUB in 1\r\n" + pub(b"$SYS.REQ.x", b"", b"in"),
        ),
        row(
            "no-responders-jetstream-off",
            _RESPONDERS + b"SUB in 1\r\n" + pub(b"$JS.API.INFO", b"", b"in"),
        ),
    ]


def _reserved_rows() -> list[Row]:
    subjects = [
        b"_GR_.a.b",
        b"$GR.a",
        b"$NRG.x",
        b"_R_.x",
        b"$JS.ACK.x",
        b"$JS.FC.x",
        b"$SYS.ACCOUNT.x",
        b"$SYS.REQ.SERVER.PING",
        b"$SYS.REQ.USER.INFO",
        b"$MQTT.sub.x",
    ]
    rows = []
    for subject in subjects:
        rows.append(quiet(f"reserved-pub-{_name(subject)}", b"SUB > 1\r\n" + pub(subject)))
        rows.append(
            quiet(f"reserved-reply-{_name(subject)}", b"SUB foo 1\r\n" + pub(b"foo", b"x", subject))
        )
    for reply in (b"$JS.ACK.a.b.1.2.3.4.5", b"$JS.ACK._.h.a.b.1.2.3.4.5.r"):
        rows.append(
            quiet(f"reserved-reply-ack-{len(reply)}", b"SUB foo 1\r\n" + pub(b"foo", b"x", reply))
        )
    return rows


def _limit_rows() -> list[Row]:
    open_a, open_b, open_c = (Send(c, QUIET) for c in "abc")
    return [
        quiet(
            "max-subs-fourth",
            b"".join(b"SUB s%d %d\r\n" % (n, n) for n in range(4)) + pub(b"s3"),
            "subs3",
        ),
        row("max-subs-verbose", b"".join(b"SUB s%d %d\r\n" % (n, n) for n in range(5)), "subs3"),
        quiet(
            "max-subs-again-after-unsub",
            b"SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nUNSUB 1\r\nSUB d 4\r\n" + pub(b"d"),
            "subs3",
        ),
        quiet(
            "max-subs-duplicate-sid-at-limit",
            b"SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nSUB c 3\r\n",
            "subs3",
        ),
        quiet("max-subs-per-connection", b"SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n", "subs3"),
        quiet(
            "max-subs-bad-subject-at-limit",
            b"SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nSUB a..b 4\r\n",
            "subs3",
        ),
        quiet("max-tokens-three", b"SUB a.b.c 1\r\n" + pub(b"a.b.c"), "tokens3"),
        quiet("max-tokens-four", b"SUB a.b.c.d 1\r\n" + pub(b"a.b.c.d"), "tokens3"),
        quiet("max-tokens-wildcard", b"SUB a.b.c.> 1\r\n" + pub(b"a.b.c.d"), "tokens3"),
        quiet("max-tokens-queue", b"SUB a.b.c.d q 1\r\n", "tokens3"),
        quiet("max-tokens-pub-not-limited", b"SUB a.> 1\r\n" + pub(b"a.b.c.d.e"), "tokens3"),
        row("max-tokens-verbose", b"SUB a.b.c.d 1\r\n", "tokens3"),
        talk("max-connections-third", open_a, open_b, Send("c", b"PING\r\n"), config="conns2"),
        talk("max-connections-third-connects", open_a, open_b, open_c, config="conns2"),
        talk("max-connections-freed", open_a, open_b, Eof("a"), open_c, config="conns2"),
    ]


ROWS: list[Row] = [
    *_subject_rows(),
    *_wildcard_rows(),
    *_overlap_rows(),
    *_unsub_rows(),
    *_queue_rows(),
    *_header_rows(),
    *_no_responder_rows(),
    *_reserved_rows(),
    *_limit_rows(),
]
