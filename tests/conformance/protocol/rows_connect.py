"""CONNECT: every option, wrong JSON, twice; verbose, pedantic, echo; INFO of each configuration."""

from __future__ import annotations

import json

from tests.support.script import QUIET, Row, Send, quiet, row, talk
from tests.support.transcript import CLOSED

_USE = b"SUB foo 1\r\nPUB foo 2\r\nhi\r\n"


def connect(**options: object) -> bytes:
    """A CONNECT line with verbose off unless asked for."""
    return b"CONNECT " + json.dumps({"verbose": False, **options}).encode() + b"\r\n"


def _json_rows() -> list[Row]:
    bodies = {
        "empty-object": b"{}",
        "blank-inside": b"{ }",
        "blanks-around": b"   {}   ",
        "tabs-around": b"\t{}\t",
        "bare": b"",
        "only-blank": b" ",
        "broken": b"{",
        "not-json": b"hello",
        "array": b"[]",
        "string": b'"x"',
        "number": b"1",
        "null": b"null",
        "true": b"true",
        "trailing-text": b"{} x",
        "two-objects": b"{}{}",
        "trailing-comma": b'{"verbose":false,}',
        "single-quotes": b"{'verbose':false}",
        "comment": b'{"verbose":false/*x*/}',
        "nan": b'{"protocol":NaN}',
        "unknown-field": b'{"verbose":false,"colour":"blue","x":{"y":[1,2,{"z":null}]}}',
        "duplicate-key": b'{"verbose":true,"verbose":false}',
        "duplicate-key-other-order": b'{"verbose":false,"verbose":true}',
        "key-case": b'{"VERBOSE":false}',
        "key-case-mixed": b'{"Verbose":false,"Pedantic":false}',
        "escaped-key": b'{"verb\\u006fse":false}',
        "verbose-null": b'{"verbose":null}',
        "verbose-string": b'{"verbose":"false"}',
        "verbose-number": b'{"verbose":0}',
        "pedantic-string": b'{"verbose":false,"pedantic":"no"}',
        "echo-number": b'{"verbose":false,"echo":1}',
        "headers-string": b'{"verbose":false,"headers":"true"}',
        "name-number": b'{"verbose":false,"name":5}',
        "name-null": b'{"verbose":false,"name":null}',
        "name-object": b'{"verbose":false,"name":{}}',
        "name-control-characters": b'{"verbose":false,"name":"a\\r\\nb\\u0000"}',
        "name-raw-control": b'{"verbose":false,"name":"a\x01b"}',
        "name-invalid-utf8": b'{"verbose":false,"name":"a\xffb"}',
        "name-lone-surrogate": b'{"verbose":false,"name":"\\ud800"}',
        "name-bad-escape": b'{"verbose":false,"name":"\\x"}',
        "name-long": b'{"verbose":false,"name":"' + b"n" * 3000 + b'"}',
        "lang-version": b'{"verbose":false,"lang":"python","version":"1.2.3"}',
        "lang-number": b'{"verbose":false,"lang":1}',
        "protocol-string": b'{"verbose":false,"protocol":"1"}',
        "protocol-float": b'{"verbose":false,"protocol":1.0}',
        "protocol-fraction": b'{"verbose":false,"protocol":1.5}',
        "protocol-null": b'{"verbose":false,"protocol":null}',
        "protocol-bool": b'{"verbose":false,"protocol":true}',
        "protocol-exponent": b'{"verbose":false,"protocol":1e0}',
        "protocol-huge": b'{"verbose":false,"protocol":99999999999999999999}',
        "user-number": b'{"verbose":false,"user":1}',
        "auth-token-unasked": b'{"verbose":false,"auth_token":"x"}',
        "user-unasked": b'{"verbose":false,"user":"a","pass":"b"}',
        "jwt-unasked": b'{"verbose":false,"jwt":"x","sig":"y"}',
        "nkey-unasked": b'{"verbose":false,"nkey":"x","sig":"y"}',
        "account": b'{"verbose":false,"account":"$SYS"}',
        "new-account": b'{"verbose":false,"account":"$SYS","new_account":true}',
        "account-empty": b'{"verbose":false,"account":""}',
        "new-account-only": b'{"verbose":false,"new_account":true}',
        "tls-required": b'{"verbose":false,"tls_required":true}',
        "tls-required-string": b'{"verbose":false,"tls_required":"x"}',
        "import-export": b'{"verbose":false,"import":{"allow":["foo"]},"export":{"deny":["foo"]}}',
        "remote-account": b'{"verbose":false,"remote_account":"$SYS"}',
        "nested-20-deep": b'{"verbose":false,"x":' + b"[" * 20 + b"]" * 20 + b"}",
        "bom": b"\xef\xbb\xbf{}",
        "cr-inside": b'{"verbose":\rfalse}',
        "nul-after": b"{}\x00",
    }
    rows = [
        row(f"connect-json-{name}", b"CONNECT " + body + b"\r\n" + _USE)
        for name, body in bodies.items()
    ]
    nested = b'{"verbose":false,"x":' + b"[" * 1000 + b"]" * 1000 + b"}"
    rows.append(
        row(
            "connect-json-nested-1000-deep",
            b"CONNECT " + nested + b"\r\n" + _USE,
            ours={"a": [CLOSED]},
            why="nesting in CONNECT is bounded",
        )
    )
    return rows


def _option_rows() -> list[Row]:
    rows = []
    for value in (-1, 0, 1, 2, 3, 255):
        rows.append(row(f"connect-protocol-{value}", connect(protocol=value) + _USE))
    rows += [
        row("connect-lower-case", b'connect {"verbose":false}\r\n' + _USE),
        row("connect-tab", b'CONNECT\t{"verbose":false}\r\n' + _USE),
        row("connect-lf", b'CONNECT {"verbose":false}\n' + _USE),
        row("connect-no-blank-before-end", b"CONNECT\r\n"),
        row("connect-protocol-1-two-pings", connect(protocol=1) + b"PING\r\nPING\r\n"),
        row("connect-ping-before-protocol-1", b"PING\r\n" + connect(protocol=1) + b"PING\r\n"),
        row("connect-no-responders-alone", connect(no_responders=True) + b"PING\r\n"),
        row(
            "connect-no-responders-headers-false",
            connect(no_responders=True, headers=False) + b"PING\r\n",
        ),
        row(
            "connect-no-responders-headers",
            connect(no_responders=True, headers=True) + b"SUB in 1\r\nPUB nobody in 2\r\nhi\r\n",
        ),
        row(
            "connect-no-responders-server-without-headers",
            connect(no_responders=True, headers=True) + b"PING\r\n",
            "noheaders",
        ),
        row("connect-protocol-and-no-responders-bad", connect(protocol=9, no_responders=True)),
        row("connect-twice", connect() + connect(verbose=True) + _USE),
        row(
            "connect-twice-clears-subs",
            connect() + b"SUB foo 1\r\n" + connect() + b"PUB foo 2\r\nhi\r\n",
        ),
        row(
            "connect-twice-protocol",
            connect(protocol=1) + b"PING\r\n" + connect(protocol=1) + b"PING\r\n",
        ),
        row("connect-twice-second-bad", connect() + b"CONNECT {\r\n"),
        row("connect-twice-keeps-verbose", b'CONNECT {"verbose":true}\r\nCONNECT {}\r\n' + _USE),
        row("connect-twice-forgets-quiet", QUIET + b"CONNECT {}\r\n" + _USE),
        row(
            "connect-twice-keeps-headers",
            connect(headers=True) + b"CONNECT {}\r\n"
            b"SUB foo 1\r\nHPUB foo 12 12\r\nNATS/1.0\r\n\r\n\r\n",
        ),
        row("connect-after-traffic", _USE + connect() + b"PUB foo 2\r\nho\r\n"),
        row(
            "connect-and-hpub-in-one-read",
            connect(headers=True) + b"SUB foo 1\r\nHPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        ),
    ]
    return rows


def _verbose_rows() -> list[Row]:
    block = b"HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"
    operations = {
        "ping": b"PING\r\n",
        "pong": b"PONG\r\n",
        "ok": b"+OK\r\n",
        "info": b"INFO {}\r\n",
        "pub": b"PUB foo 2\r\nhi\r\n",
        "pub-own-sub": b"SUB foo 1\r\nPUB foo 2\r\nhi\r\n",
        "hpub": block,
        "sub": b"SUB foo 1\r\n",
        "sub-twice": b"SUB foo 1\r\nSUB foo 1\r\n",
        "sub-bad-subject": b"SUB foo..bar 1\r\n",
        "unsub": b"SUB foo 1\r\nUNSUB 1\r\n",
        "unsub-unknown": b"UNSUB 7\r\n",
        "unsub-max": b"SUB foo 1\r\nUNSUB 1 1\r\nPUB foo 2\r\nhi\r\n",
        "no-responders": b"SUB in 1\r\nPUB nobody in 2\r\nhi\r\n",
        "pub-empty-subject-token": b"PUB foo. 2\r\nhi\r\n",
        "unknown": b"NOPE\r\n",
    }
    head = b'CONNECT {"verbose":true,"pedantic":%s,"headers":true,"no_responders":true}\r\n'
    return [
        row(f"verbose-{'pedantic-' if pedantic == b'true' else ''}{name}", head % pedantic + data)
        for pedantic in (b"false", b"true")
        for name, data in operations.items()
    ]


def _pedantic_rows() -> list[Row]:
    subjects = [
        b"foo",
        b"foo.bar",
        b".foo",
        b"foo.",
        b"foo..bar",
        b".",
        b"..",
        b"foo.*",
        b"*",
        b"foo.>",
        b">",
        b"foo.>.bar",
        b"foo*",
        b"f*o.bar",
        b"foo.b>r",
        b">foo",
        b"$SYS.foo",
        b"$JS.API.x",
        b"_INBOX.x",
        b"f\xff",
        "é.ü".encode(),
        b"foo\x01",
        b"foo\x7f",
        b"foo\rbar",
        b"foo\x00bar",
    ]
    rows = [
        row(
            f"pedantic-pub-{subject.decode('latin-1').encode('unicode_escape').decode()}",
            connect(pedantic=True) + b"SUB > 1\r\nPUB " + subject + b" 2\r\nhi\r\n",
        )
        for subject in subjects
    ]
    rows += [
        row(
            "pedantic-reply-wildcard", connect(pedantic=True) + b"SUB > 1\r\nPUB a b.* 2\r\nhi\r\n"
        ),
        row(
            "pedantic-reply-empty-token",
            connect(pedantic=True) + b"SUB > 1\r\nPUB a b..c 1\r\nx\r\n",
        ),
        row(
            "pedantic-hpub-bad-subject",
            connect(pedantic=True, headers=True)
            + b"SUB > 1\r\nHPUB foo.* 12 12\r\nNATS/1.0\r\n\r\n\r\n",
        ),
        row("pedantic-sub-bad-subject", connect(pedantic=True) + b"SUB foo..bar 1\r\n"),
        row("pedantic-queue-wildcard", connect(pedantic=True) + b"SUB foo q.* 1\r\n"),
        row("pedantic-sid-word", connect(pedantic=True) + b"SUB foo abc\r\nPUB foo 1\r\nx\r\n"),
        row("pedantic-unsub-bad-max", connect(pedantic=True) + b"SUB foo 1\r\nUNSUB 1 x\r\n"),
        row("pedantic-pub-leading-zero", connect(pedantic=True) + b"PUB foo 002\r\nhi\r\n"),
        row("pedantic-before-connect", b"PUB foo.* 2\r\nhi\r\n"),
        row("pedantic-default-after-connect", connect() + b"PUB foo.* 2\r\nhi\r\n"),
        row("pedantic-off", connect(pedantic=False) + b"SUB > 1\r\nPUB foo.* 2\r\nhi\r\n"),
        row(
            "pedantic-still-delivered", connect(pedantic=True) + b"SUB > 1\r\nPUB foo.* 2\r\nhi\r\n"
        ),
    ]
    return rows


def _echo_rows() -> list[Row]:
    silent = connect(echo=False)
    return [
        row("echo-default", connect() + _USE),
        row("echo-true", connect(echo=True) + _USE),
        row("echo-false", silent + _USE),
        row("echo-false-wildcard", silent + b"SUB > 1\r\nSUB * 2\r\nPUB foo 2\r\nhi\r\n"),
        row("echo-false-queue-only-self", silent + b"SUB foo q 1\r\nPUB foo 2\r\nhi\r\n"),
        row(
            "echo-false-no-responders-own-sub",
            connect(echo=False, headers=True, no_responders=True)
            + b"SUB foo 1\r\nSUB in 2\r\nPUB foo in 2\r\nhi\r\n",
        ),
        row(
            "echo-false-no-responders-nobody",
            connect(echo=False, headers=True, no_responders=True)
            + b"SUB in 2\r\nPUB nobody in 2\r\nhi\r\n",
        ),
        talk(
            "echo-false-others-get-it",
            ("a", silent + b"SUB foo 1\r\n"),
            ("b", QUIET + b"SUB foo 2\r\n"),
            ("a", b"PUB foo 2\r\nhi\r\n"),
        ),
        talk(
            "echo-false-gets-others",
            ("a", silent + b"SUB foo 1\r\n"),
            ("b", QUIET + b"SUB foo 2\r\nPUB foo 2\r\nhi\r\n"),
        ),
        talk(
            "echo-false-queue-other-member",
            ("a", silent + b"SUB foo q 1\r\n"),
            ("b", QUIET + b"SUB foo q 2\r\n"),
            ("a", b"PUB foo 2\r\nhi\r\n" * 8),
        ),
        talk(
            "echo-false-unsub-max-not-counted",
            ("a", silent + b"SUB foo 1\r\nUNSUB 1 2\r\n"),
            ("a", b"PUB foo 1\r\nx\r\n" * 3),
            ("b", QUIET + b"PUB foo 1\r\ny\r\n" * 3),
        ),
    ]


def _info_rows() -> list[Row]:
    greeting = Send("a", b"", fence=False)
    configs = (
        "plain",
        "named",
        "small",
        "noheaders",
        "advertise",
        "token",
        "user",
        "users",
        "no_auth_user",
        "permissions",
        "keys",
        "only_keys",
        "proxied_open",
        "unproxied",
        "user_without_password",
        "password_without_user",
        "authorization_of_a_time",
        "system_users",
    )
    rows = [talk(f"info-{name}", greeting, config=name) for name in configs]
    rows += [
        row("info-connect-info-plain", connect(protocol=1) + b"PING\r\n"),
        row(
            "info-connect-info-user",
            connect(protocol=1, user="ann", **{"pass": "secret"}) + b"PING\r\n",
            "user",
        ),
        # No such row for no_auth_user: there the reference's greeting says that no authentication
        # is required and its second INFO that it is.
        row("info-connect-info-verbose", b'CONNECT {"protocol":1}\r\nPING\r\nPING\r\n'),
        row("info-connect-info-not-before-connect", b"PING\r\nPING\r\n"),
    ]
    return rows


ROWS: list[Row] = [
    *_json_rows(),
    *_option_rows(),
    *_verbose_rows(),
    *_pedantic_rows(),
    *_echo_rows(),
    *_info_rows(),
    quiet("connect-nothing-else", b""),
]
