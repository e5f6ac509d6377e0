"""Verbs, separators, argument counts, sizes, line ends, limits of lines and payloads."""

from __future__ import annotations

from dataclasses import replace

from tests.support.script import QUIET, Row, Send, quiet, row, talk

_STRAY_CR = (
    "the reference drops what precedes a stray CR, but only if the line arrives in one piece; "
    "we keep the CR as part of the argument"
)
_CANONICAL = "sizes are written as numbers, not echoed with the publisher's leading zeros"
_NO_CONTROLS = "the documentation rules NUL out of subjects; we refuse it, and CR, in SUB"
_SUB = b"SUB > 1\r\n"  # shows what a publish became


# What pynats-server answers where it differs on purpose, by row name.
_OURS: dict[str, tuple[list[str], str]] = {
    "sub-args-cr-in-sid": ([r"MSG foo 1\r2 2 | hi\r\n", "PONG"], _STRAY_CR),
    "unsub-args-cr-in-sid": ([rf"MSG foo 1 1 | {x}\r\n" for x in "abc"] + ["PONG"], _STRAY_CR),
    "sub-args-cr-in-subject": (["-ERR 'Invalid Subject'", "PONG"], _NO_CONTROLS),
    "sub-args-nul-in-subject": (["-ERR 'Invalid Subject'", "PONG"], _NO_CONTROLS),
    "pub-args-leading-zeros": ([r"MSG foo 1 2 | hi\r\n", "PONG"], _CANONICAL),
    "pub-args-nine-digits": ([r"MSG foo 1 2 | hi\r\n", "PONG"], _CANONICAL),
    "hpub-args-leading-zeros": (
        [r"HMSG foo 1 18 20 | NATS/1.0\r\nA: b\r\n\r\nhi\r\n", "PONG"],
        _CANONICAL,
    ),
    "verb-info-wrong-type": (["PONG"], "INFO from a client is ignored; only its form is checked"),
    "verb-quiet-info-wrong-type": (
        ["PONG"],
        "INFO from a client is ignored; only its form is checked",
    ),
}


def _with_differences(rows: list[Row]) -> list[Row]:
    unused = set(_OURS) - {case.name for case in rows}
    if unused:
        raise ValueError(f"differences for rows that do not exist: {sorted(unused)}")
    return [
        replace(case, ours={"a": _OURS[case.name][0]}, why=_OURS[case.name][1])
        if case.name in _OURS
        else case
        for case in rows
    ]


def _verb_rows() -> list[Row]:
    """Spelling of verbs, from a client that has said CONNECT and one that has not."""
    words = {
        "ping": b"PING\r\n",
        "ping-lower": b"ping\r\n",
        "ping-mixed": b"PiNg\r\n",
        "ping-lf": b"PING\n",
        "ping-spaces-after": b"PING   \r\n",
        "ping-tab-after": b"PING\t\r\n",
        "ping-arg": b"PING hello\r\n",
        "ping-suffix": b"PINGxyz\r\n",
        "ping-twice-on-a-line": b"PING PING\r\n",
        "ping-cr-cr-lf": b"PING\r\r\n",
        "ping-cr-inside": b"PI\rNG\r\n",
        "ping-space-before": b" PING\r\n",
        "ping-tab-before": b"\tPING\r\n",
        "ping-cr-before": b"\rPING\r\n",
        "ping-crlf-before": b"\r\nPING\r\n",
        "ping-short": b"PIN\r\n",
        "ping-nul": b"PING\x00\r\n",
        "pong": b"PONG\r\n",
        "pong-lower": b"pong\r\n",
        "pong-suffix": b"PONGxyz\r\n",
        "pong-short": b"PON\r\n",
        "pxng": b"PXNG\r\n",
        "empty-line": b"\r\n",
        "empty-line-lf": b"\n",
        "only-cr": b"\r\r\n",
        "unknown-verb": b"HELLO\r\n",
        "letter": b"X\r\n",
        "digit": b"1\r\n",
        "nul": b"\x00\r\n",
        "high-bytes": b"\xff\xfe\xfd\r\n",
        "http-get": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "tls-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
        "mqtt-connect": b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00\r\n",
        "proxy-v1": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
        "ok": b"+OK\r\n",
        "ok-lower": b"+ok\r\n",
        "ok-suffix": b"+OKAY\r\n",
        "ok-short": b"+\r\n",
        "plus-o": b"+O\r\n",
        "err": b"-ERR 'Stale Connection'\r\n",
        "err-bare": b"-ERR\r\n",
        "err-lower": b"-err 'x'\r\n",
        "err-space": b"-ERR \r\n",
        "err-short": b"-ER\r\n",
        "minus": b"-\r\n",
        "info": b'INFO {"server_id":"x"}\r\n',
        "info-empty": b"INFO {}\r\n",
        "info-bare": b"INFO\r\n",
        "info-broken": b"INFO {\r\n",
        "info-not-json": b"INFO hello\r\n",
        "info-array": b"INFO []\r\n",
        "info-wrong-type": b'INFO {"max_payload":"x"}\r\n',
        "info-lower": b"info {}\r\n",
        "msg": b"MSG foo 1 2\r\nhi\r\n",
        "msg-lower": b"msg foo 1 2\r\nhi\r\n",
        "hmsg": b"HMSG foo 1 12 12\r\nNATS/1.0\r\n\r\n\r\n",
        "rs-plus": b"RS+ $G foo\r\n",
        "rs-minus": b"RS- $G foo\r\n",
        "rmsg": b"RMSG $G foo 2\r\nhi\r\n",
        "ls-plus": b"LS+ foo\r\n",
        "ls-minus": b"LS- foo\r\n",
        "lmsg": b"LMSG foo 2\r\nhi\r\n",
        "a-plus": b"A+ $G\r\n",
        "a-minus": b"A- $G\r\n",
        "hpub-short": b"HPU\r\n",
        "pub-short": b"PU\r\n",
        "p": b"P\r\n",
        "sub-short": b"SU\r\n",
        "unsub-short": b"UNSU\r\n",
        "connect-short": b"CONNEC {}\r\n",
        "puba": b"PUBA foo 2\r\nhi\r\n",
        "suba": b"SUBA foo 1\r\n",
        "unsuba": b"UNSUBA 1\r\n",
        "hpuba": b"HPUBA foo 12 12\r\nNATS/1.0\r\n\r\n\r\n",
        "connecta": b"CONNECTA {}\r\n",
        "connect-no-space": b"CONNECT{}\r\n",
    }
    rows = [row(f"verb-{name}", data) for name, data in words.items()]
    rows += [quiet(f"verb-quiet-{name}", data) for name, data in words.items()]
    return rows


def _sub_rows() -> list[Row]:
    lines = {
        "none": b"SUB\r\n",
        "none-space": b"SUB \r\n",
        "one": b"SUB foo\r\n",
        "two": b"SUB foo 1\r\n",
        "three": b"SUB foo q 1\r\n",
        "four": b"SUB foo q 1 x\r\n",
        "many": b"SUB a b c d e f g h\r\n",
        "tabs": b"SUB\tfoo\t1\r\n",
        "many-spaces": b"SUB   foo    1   \r\n",
        "mixed-blanks": b"SUB \t foo \t 1\t \r\n",
        "lower": b"sub foo 1\r\n",
        "lf": b"SUB foo 1\n",
        "cr-in-sid": b"SUB foo 1\r2\r\n",
        "cr-cr-lf": b"SUB foo 1\r\r\n",
        "cr-in-subject": b"SUB f\roo 1\r\n",
        "nul-in-subject": b"SUB f\x00oo 1\r\n",
        "vt-in-subject": b"SUB f\x0boo 1\r\n",
        "sid-word": b"SUB foo abc-DEF_1.2>*\r\n",
        "sid-zero": b"SUB foo 0\r\n",
        "sid-negative": b"SUB foo -1\r\n",
        "sid-long": b"SUB foo " + b"9" * 200 + b"\r\n",
        "sid-utf8": "SUB foo é\r\n".encode(),
        "sid-invalid-utf8": b"SUB foo \xff\r\n",
        "no-blank": b"SUBfoo 1\r\n",
    }
    test = b"PUB foo 2\r\nhi\r\n"
    rows = [quiet(f"sub-args-{name}", data + test) for name, data in lines.items()]
    rows += [row(f"sub-verbose-{name}", lines[name]) for name in ("two", "three", "one", "four")]
    return rows


def _unsub_rows() -> list[Row]:
    lines = {
        "none": b"UNSUB\r\n",
        "none-space": b"UNSUB \r\n",
        "known": b"UNSUB 1\r\n",
        "unknown": b"UNSUB 99\r\n",
        "max": b"UNSUB 1 2\r\n",
        "max-zero": b"UNSUB 1 0\r\n",
        "max-negative": b"UNSUB 1 -1\r\n",
        "max-plus": b"UNSUB 1 +1\r\n",
        "max-word": b"UNSUB 1 x\r\n",
        "max-huge": b"UNSUB 1 99999999999999999999\r\n",
        "max-int32": b"UNSUB 1 2147483648\r\n",
        "max-leading-zero": b"UNSUB 1 0002\r\n",
        "max-9-digits": b"UNSUB 1 999999999\r\n",
        "max-10-digits": b"UNSUB 1 1000000000\r\n",
        "max-float": b"UNSUB 1 1.5\r\n",
        "max-hex": b"UNSUB 1 0x1\r\n",
        "three": b"UNSUB 1 2 3\r\n",
        "tabs": b"UNSUB\t1\t2\r\n",
        "blanks": b"UNSUB   1   2  \r\n",
        "lower": b"unsub 1\r\n",
        "lf": b"UNSUB 1\n",
        "no-blank": b"UNSUB1\r\n",
        "cr-in-sid": b"UNSUB 1\r2\r\n",
    }
    test = b"PUB foo 1\r\na\r\nPUB foo 1\r\nb\r\nPUB foo 1\r\nc\r\n"
    rows = [
        quiet(f"unsub-args-{name}", b"SUB foo 1\r\n" + data + test) for name, data in lines.items()
    ]
    rows += [row(f"unsub-verbose-{n}", b"SUB foo 1\r\n" + lines[n]) for n in ("known", "unknown")]
    return rows


def _pub_rows() -> list[Row]:
    lines = {
        "none": b"PUB\r\n",
        "none-space": b"PUB \r\n",
        "one": b"PUB foo\r\n",
        "one-number": b"PUB 5\r\n",
        "two": b"PUB foo 2\r\nhi\r\n",
        "three": b"PUB foo reply 2\r\nhi\r\n",
        "four": b"PUB foo reply 2 x\r\nhi\r\n",
        "five": b"PUB foo reply x 2 y\r\nhi\r\n",
        "tabs": b"PUB\tfoo\treply\t2\r\nhi\r\n",
        "blanks": b"PUB   foo   reply   2   \r\nhi\r\n",
        "mixed-blanks": b"PUB \t foo \t 2 \t\r\nhi\r\n",
        "lower": b"pub foo 2\r\nhi\r\n",
        "no-blank": b"PUBfoo 2\r\nhi\r\n",
        "lf": b"PUB foo 2\nhi\r\n",
        "cr-cr-lf": b"PUB foo 2\r\r\nhi\r\n",
        "cr-in-subject": b"PUB f\roo 2\r\nhi\r\n",
        "empty": b"PUB foo 0\r\n\r\n",
        "empty-reply": b"PUB foo reply 0\r\n\r\n",
        "leading-zeros": b"PUB foo 0002\r\nhi\r\n",
        "nine-digits": b"PUB foo 000000002\r\nhi\r\n",
        "ten-digits": b"PUB foo 0000000002\r\nhi\r\n",
        "twenty-digits": b"PUB foo 00000000000000000002\r\nhi\r\n",
        "negative": b"PUB foo -1\r\n",
        "plus": b"PUB foo +2\r\nhi\r\n",
        "word": b"PUB foo x\r\nhi\r\n",
        "hex": b"PUB foo 0x2\r\nhi\r\n",
        "float": b"PUB foo 2.0\r\nhi\r\n",
        "trailing-letter": b"PUB foo 2b\r\nhi\r\n",
        "arabic-digit": "PUB foo ٢\r\nhi\r\n".encode(),
        "int32": b"PUB foo 2147483648\r\n",
        "int64": b"PUB foo 9223372036854775807\r\n",
        "int64-overflow": b"PUB foo 9223372036854775808\r\n",
        "wrap-to-two": b"PUB foo 18446744073709551618\r\nhi\r\n",
        "huge": b"PUB foo 99999999999999999999999999\r\n",
        "nine-nines": b"PUB foo 999999999\r\n",
        "terminator-lf": b"PUB foo 2\r\nhi\nPING\r\n",
        "terminator-cr": b"PUB foo 2\r\nhi\rPING\r\n",
        "terminator-lf-cr": b"PUB foo 2\r\nhi\n\rPING\r\n",
        "terminator-none": b"PUB foo 2\r\nhiPING\r\n",
        "terminator-xx": b"PUB foo 2\r\nhixx\r\n",
        "terminator-xlf": b"PUB foo 2\r\nhix\n\r\n",
        "too-long-payload": b"PUB foo 2\r\nhello\r\n",
        "too-short-payload": b"PUB foo 4\r\nhi\r\n\r\n",
        "crlf-in-payload": b"PUB foo 4\r\n\r\n\r\n\r\n",
        "binary-payload": b"PUB foo 4\r\n\x00\xff\r\x0a\r\n",
        "empty-missing-crlf": b"PUB foo 0\r\nPING\r\n",
        "nul-in-subject": b"PUB f\x00o 2\r\nhi\r\n",
        "invalid-utf8": b"PUB f\xff\xfeo 2\r\nhi\r\n",
        "utf8": "PUB location.Malmö 2\r\nhi\r\n".encode(),
        "long-subject": b"PUB " + b"a." * 500 + b"b 2\r\nhi\r\n",
        "reply-wildcard": b"PUB foo re.* 2\r\nhi\r\n",
        "reply-full-wildcard": b"PUB foo > 2\r\nhi\r\n",
        "reply-empty-token": b"PUB foo a..b 2\r\nhi\r\n",
    }
    rows = [quiet(f"pub-args-{name}", _SUB + data) for name, data in lines.items()]
    rows.append(quiet("pub-args-verb-in-payload", _SUB + b"PUB foo 6\r\nPING\r\n\r\n", pongs=0))
    rows += [
        row(f"pub-verbose-{name}", lines[name]) for name in ("two", "three", "one", "four", "empty")
    ]
    return rows


def _header_publish_rows() -> list[Row]:
    connect = b'CONNECT {"verbose":false,"headers":true}\r\n'
    block = b"NATS/1.0\r\nA: b\r\n\r\n"  # 18 bytes
    lines = {
        "good": b"HPUB foo 18 20\r\n" + block + b"hi\r\n",
        "good-reply": b"HPUB foo reply 18 20\r\n" + block + b"hi\r\n",
        "lower": b"hpub foo 18 20\r\n" + block + b"hi\r\n",
        "tabs": b"HPUB\tfoo\t18\t20\r\n" + block + b"hi\r\n",
        "blanks": b"HPUB   foo   reply   18   20  \r\n" + block + b"hi\r\n",
        "no-payload": b"HPUB foo 18 18\r\n" + block + b"\r\n",
        "only-version": b"HPUB foo 12 12\r\nNATS/1.0\r\n\r\n\r\n",
        "status": b"HPUB foo 16 16\r\nNATS/1.0 503\r\n\r\n\r\n",
        "status-text": b"HPUB foo 30 30\r\nNATS/1.0 503 No Responders\r\n\r\n\r\n",
        "status-trailing-blank": b"HPUB foo 17 17\r\nNATS/1.0 100 \r\n\r\n\r\n",
        "duplicate-keys": b"HPUB foo 24 24\r\nNATS/1.0\r\nA: b\r\nA: c\r\n\r\n\r\n",
        "wrong-version": b"HPUB foo 12 12\r\nHTTP/1.1\r\n\r\n\r\n",
        "garbage": b"HPUB foo 4 6\r\nabcdhi\r\n",
        "lf-lines": b"HPUB foo 15 15\r\nNATS/1.0\nA: b\n\n\r\n",
        "no-blank-line": b"HPUB foo 10 10\r\nNATS/1.0\r\n\r\n",
        "none": b"HPUB\r\n",
        "none-space": b"HPUB \r\n",
        "one": b"HPUB foo\r\n",
        "two": b"HPUB foo 12\r\n",
        "five": b"HPUB foo reply 18 20 x\r\n" + block + b"hi\r\n",
        "six": b"HPUB foo reply 18 20 x y\r\n" + block + b"hi\r\n",
        "header-longer": b"HPUB foo 20 18\r\n" + block + b"\r\n",
        "header-zero": b"HPUB foo 0 2\r\nhi\r\n",
        "both-zero": b"HPUB foo 0 0\r\n\r\n",
        "header-negative": b"HPUB foo -1 2\r\nhi\r\n",
        "total-negative": b"HPUB foo 0 -2\r\nhi\r\n",
        "header-word": b"HPUB foo x 2\r\nhi\r\n",
        "total-word": b"HPUB foo 2 x\r\nhi\r\n",
        "header-huge": b"HPUB foo 99999999999999999999 20\r\n",
        "total-huge": b"HPUB foo 12 99999999999999999999\r\n",
        "total-over-limit": b"HPUB foo 12 1048577\r\n",
        "plus-signs": b"HPUB foo +18 +20\r\n" + block + b"hi\r\n",
        "leading-zeros": b"HPUB foo 0018 0020\r\n" + block + b"hi\r\n",
        "terminator-lf": b"HPUB foo 18 20\r\n" + block + b"hi\nPING\r\n",
        "terminator-none": b"HPUB foo 18 20\r\n" + block + b"hixx\r\n",
        "no-blank": b"HPUBfoo 18 20\r\n" + block + b"hi\r\n",
        "lf": b"HPUB foo 18 20\n" + block + b"hi\r\n",
    }
    rows = [row(f"hpub-args-{name}", connect + _SUB + data) for name, data in lines.items()]
    rows += [quiet(f"hpub-not-announced-{n}", _SUB + lines[n]) for n in ("good", "one", "none")]
    rows += [row(f"hpub-before-connect-{n}", lines[n]) for n in ("good", "header-longer")]
    rows += [row(f"hpub-server-off-{n}", connect + lines[n], "noheaders") for n in ("good", "none")]
    return rows


def _limit_rows() -> list[Row]:
    """max_payload 16 and max_control_line 64 in configuration `small`; the defaults in `plain`."""
    rows = []
    for size in (15, 16, 17, 100):
        line = b"PUB foo %d\r\n" % size + b"x" * size + b"\r\n"
        rows.append(quiet(f"payload-limit-{size}", _SUB + line, "small"))
        rows.append(
            quiet(
                f"payload-limit-{size}-announced-only",
                line[: line.index(b"\n") + 1],
                "small",
                fence=False,
            )
        )
    for total in (15, 16, 17):
        line = b"HPUB foo 12 %d\r\nNATS/1.0\r\n\r\n" % total + b"x" * (total - 12) + b"\r\n"
        rows.append(
            row(
                f"payload-limit-headers-{total}",
                b'CONNECT {"verbose":false,"headers":true}\r\n' + _SUB + line,
                "small",
            )
        )
    for size in (1048575, 1048576, 1048577):
        line = b"PUB foo %d\r\n" % size + b"x" * size + b"\r\n"
        rows.append(quiet(f"payload-default-limit-{size}", line))
    for length in (63, 64, 65, 67, 68, 69, 70, 71, 72, 73, 128, 5000):
        subject = b"a" * (length - len(b"SUB  1"))
        line = b"SUB " + subject + b" 1"
        assert len(line) == length
        rows.append(quiet(f"line-limit-sub-{length}", line + b"\r\n", "small"))
        rows.append(quiet(f"line-limit-sub-lf-{length}", line + b"\n", "small"))
        rows.append(quiet(f"line-limit-sub-no-end-{length}", line, "small"))
        rows.append(
            quiet(
                f"line-limit-sub-split-{length}",
                line + b"\r\n",
                "small",
                splits=(len(QUIET), len(QUIET) + 30),
            )
        )
        rows.append(
            quiet(
                f"line-limit-sub-split-crlf-{length}",
                line + b"\r\n",
                "small",
                splits=(len(QUIET) + length, len(QUIET) + length + 1),
            )
        )
        pub = b"PUB " + b"a" * (length - len(b"PUB  2")) + b" 2"
        rows.append(quiet(f"line-limit-pub-{length}", pub + b"\r\nhi\r\n", "small"))
        rows.append(
            quiet(f"line-limit-unsub-{length}", b"UNSUB " + b"1" * (length - 6) + b"\r\n", "small")
        )
        ping = b"PING" + b" " * (length - 4)
        rows.append(quiet(f"line-limit-ping-{length}", ping + b"\r\n", "small"))
        connect = b'CONNECT {"name":"' + b"n" * (length - 19) + b'"}'
        rows.append(row(f"line-limit-connect-{length}", connect + b"\r\n", "small"))
    for length in (4096, 4097, 4099, 4100, 4101, 4102, 4103, 10_000):
        line = b"SUB " + b"a" * (length - len(b"SUB  1")) + b" 1"
        rows.append(quiet(f"line-default-limit-{length}", line + b"\r\n"))
        rows.append(quiet(f"line-default-limit-no-end-{length}", line))
    rows.append(row("line-limit-garbage-100k", b"Z" * 100_000))
    rows.append(row("line-limit-ping-spaces-100k", b"PING" + b" " * 100_000))
    rows.append(row("line-limit-connect-100k", b"CONNECT {" + b" " * 100_000))
    rows.append(row("line-limit-err-100k", b"-ERR '" + b"x" * 100_000 + b"'\r\n"))
    rows.append(row("line-limit-info-100k", b"INFO {" + b" " * 100_000 + b"}\r\n"))
    return rows


def _pipelining_rows() -> list[Row]:
    burst = QUIET + b"SUB foo 1\r\n" + b"".join(b"PUB foo 2\r\n%02d\r\n" % n for n in range(99))
    return [
        row("pipeline-99-messages", burst + b"PING\r\n" * 5),
        row("pipeline-error-stops-reading", QUIET + b"PING\r\nBAD\r\nPING\r\n"),
        row("pipeline-after-lf-only", b"CONNECT {}\nSUB foo 1\nPUB foo 2\nhi\r\nPING\n"),
        talk(
            "pipeline-error-keeps-earlier-deliveries",
            ("sub", QUIET + b"SUB foo 1\r\n"),
            ("pub", QUIET + b"PUB foo 2\r\nhi\r\nBAD\r\n"),
        ),
        talk("incomplete-command-then-eof", Send("a", QUIET + b"PUB foo 10\r\nhi", fence=False)),
        talk("eof-at-once", Send("a", b"", fence=False)),
    ]


ROWS: list[Row] = _with_differences(
    [
        *_verb_rows(),
        *_sub_rows(),
        *_unsub_rows(),
        *_pub_rows(),
        *_header_publish_rows(),
        *_limit_rows(),
        *_pipelining_rows(),
    ]
)
