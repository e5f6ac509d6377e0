"""Who may connect, and what they may publish and subscribe."""

from __future__ import annotations

from tests.conformance.protocol.configs import ODD_HASHES
from tests.conformance.protocol.rows_connect import connect
from tests.conformance.protocol.rows_routing import hpub, pub
from tests.support.script import Row, Send, row, talk

_USE = b"SUB foo 1\r\nPUB foo 2\r\nhi\r\n"


def login(user: str, password: str = "p", **options: object) -> bytes:
    """CONNECT as `user`."""
    return connect(user=user, **{"pass": password}, **options)


def _credential_rows() -> list[Row]:
    rows = []
    attempts: dict[str, dict[str, dict[str, object]]] = {
        "token": {
            "good": {"auth_token": "tok"},
            "wrong": {"auth_token": "nope"},
            "prefix": {"auth_token": "to"},
            "longer": {"auth_token": "tokk"},
            "case": {"auth_token": "TOK"},
            "empty": {"auth_token": ""},
            "missing": {},
            "as-user": {"user": "tok"},
            "as-password": {"user": "x", "pass": "tok"},
            "as-pass-only": {"pass": "tok"},
            "with-user": {"auth_token": "tok", "user": "x", "pass": "y"},
        },
        "token_bcrypt": {
            "good": {"auth_token": "secret"},
            "wrong": {"auth_token": "secre"},
            "hash-itself": {"auth_token": "$2a$04$DtDIXr3hzDHOV13781F4H."},
            "missing": {},
            "long": {"auth_token": "s" * 100},
        },
        "user": {
            "good": {"user": "ann", "pass": "secret"},
            "wrong-password": {"user": "ann", "pass": "x"},
            "wrong-user": {"user": "bob", "pass": "secret"},
            "user-case": {"user": "Ann", "pass": "secret"},
            "no-password": {"user": "ann"},
            "no-user": {"pass": "secret"},
            "empty": {"user": "", "pass": ""},
            "missing": {},
            "as-token": {"auth_token": "secret"},
            "with-token": {"user": "ann", "pass": "secret", "auth_token": "x"},
            "with-nkey": {"user": "ann", "pass": "secret", "nkey": "UABC", "sig": "x"},
            "with-jwt": {"user": "ann", "pass": "secret", "jwt": "e30.e30.x"},
            "nkey-only": {"nkey": "UABC", "sig": "x"},
            "jwt-only": {"jwt": "e30.e30.x", "sig": "x"},
            "nul-in-password": {"user": "ann", "pass": "secret\u0000"},
        },
        "user_bcrypt": {
            "good": {"user": "ann", "pass": "secret"},
            "wrong": {"user": "ann", "pass": "Secret"},
            "nul-after": {"user": "ann", "pass": "secret\u0000x"},
            "long": {"user": "ann", "pass": "s" * 1000},
            "no-password": {"user": "ann"},
        },
        "user_bcrypt_72": {
            "71-bytes": {"user": "ann", "pass": "p" * 71},
            "72-bytes": {"user": "ann", "pass": "p" * 72},
            "73-bytes": {"user": "ann", "pass": "p" * 73},
            "another-end": {"user": "ann", "pass": "p" * 72 + "x" * 100},
            "cut-letter": {"user": "ann", "pass": "p" * 71 + "\u00e9"},
            "letter-behind": {"user": "ann", "pass": "p" * 72 + "\u00e9"},
        },
        "token_bcrypt_72": {
            "71-bytes": {"auth_token": "p" * 71},
            "72-bytes": {"auth_token": "p" * 72},
            "73-bytes": {"auth_token": "p" * 73},
        },
        "users": {
            "first": {"user": "ann", "pass": "secret"},
            "bcrypt": {"user": "bob", "pass": "secret"},
            "bcrypt-wrong": {"user": "bob", "pass": "nope"},
            "empty-password": {"user": "cat", "pass": ""},
            "empty-password-left-out": {"user": "cat"},
            "empty-password-given-one": {"user": "cat", "pass": "x"},
            "unknown": {"user": "dog", "pass": "secret"},
            "missing": {},
            "token": {"auth_token": "secret"},
        },
        "no_auth_user": {
            "nothing": {},
            "good": {"user": "ann", "pass": "secret"},
            "wrong": {"user": "ann", "pass": "x"},
            "unknown": {"user": "dog", "pass": "x"},
            "guest-with-password": {"user": "guest", "pass": "g"},
            "guest-wrong": {"user": "guest", "pass": "x"},
            "token": {"auth_token": "x"},
            "empty-user": {"user": ""},
            "pass-only": {"pass": "x"},
            "nkey": {"nkey": "UABC", "sig": "x"},
            "jwt": {"jwt": "e30.e30.x"},
        },
    }
    for config, cases in attempts.items():
        for name, options in cases.items():
            rows.append(row(f"auth-{config}-{name}", connect(**options) + _USE, config))
    return rows


def _odd_hash_rows() -> list[Row]:
    """What stands in the configuration opens no door, also where it is no good hash."""
    return [
        row(f"auth-odd-hash-{name}-{label}", login(name, given) + _USE, "odd_hashes")
        for name, text in ODD_HASHES.items()
        for label, given in (("secret", "secret"), ("itself", text), ("empty", ""))
    ] + [
        row(f"auth-odd-hash-token-{label}", connect(auth_token=given), "odd_hash_of_a_token")
        for label, given in (("itself", ODD_HASHES["short"]), ("empty", ""))
    ]


def _half_closed_rows() -> list[Row]:
    """Configurations that are nearly about users: who comes in, and who need not say who it is."""
    attempts = {
        "nothing": connect() + _USE,
        "ping-first": b"PING\r\n",
        "sub-first": b"SUB foo 1\r\n",
        "user": connect(user="ann") + _USE,
        "user-and-empty": login("ann", "") + _USE,
        "user-and-wrong": login("ann", "x") + _USE,
        "user-and-password": login("ann", "secret") + _USE,
        "password-alone": connect(**{"pass": "secret"}) + _USE,
    }
    configs = (
        "user_without_password", "password_without_user", "authorization_of_nothing",
        "authorization_of_a_time", "authorization_of_nobody", "authorization_of_defaults",
        "account_of_nobody", "system_users_and_a_time", "guest_of_websockets",
    )  # fmt: skip
    rows = [
        row(f"auth-{config}-{name}", data, config)
        for config in configs
        for name, data in attempts.items()
    ]
    quiet = Send("a", b"", fence=False), Send("b", b"", fence=False)
    return [*rows, talk("auth-silent-ones-count", *quiet, config="one_who_logs_in")]


def _order_rows() -> list[Row]:
    """What is looked at first, and what may come before CONNECT."""
    good = login("ann", "secret")
    rows = [
        row(f"auth-before-connect-{name}", data + good, "user")
        for name, data in {
            "ping": b"PING\r\n",
            "pong": b"PONG\r\n",
            "ok": b"+OK\r\n",
            "info": b"INFO {}\r\n",
            "sub": b"SUB foo 1\r\n",
            "unsub": b"UNSUB 1\r\n",
            "pub": pub(b"foo"),
            "hpub": hpub(b"foo", b"NATS/1.0\r\n\r\n"),
            "pub-bad-size": b"PUB foo x\r\n",
            "sub-bad-args": b"SUB foo\r\n",
            "pub-too-big": b"PUB foo 99999999\r\n",
            "unknown": b"NOPE\r\n",
            "empty-line": b"\r\n",
            "err": b"-ERR 'x'\r\n",
            "long-line": b"SUB " + b"x" * 5000 + b"\r\n",
            "long-garbage": b"Z" * 5000 + b"\r\n",
            "lower-ping": b"ping\r\n",
            "p-alone": b"P",
            "long-without-end": b"Z" * 5000,
            "long-connect": connect(user="ann", name="x" * 5000),
        }.items()
    ]
    rows += [
        row("auth-wrong-and-protocol-bad", login("ann", "x", protocol=7), "user"),
        row("auth-good-and-protocol-bad", login("ann", "secret", protocol=7), "user"),
        row("auth-wrong-and-no-responders-bad", login("ann", "x", no_responders=True), "user"),
        row("auth-good-and-account", login("ann", "secret", account="$SYS"), "user"),
        row("auth-broken-json", b'CONNECT {"user":"ann","pass":"secret"\r\n', "user"),
        row("auth-verbose-good", b'CONNECT {"user":"ann","pass":"secret"}\r\n', "user"),
        row("auth-verbose-wrong", b'CONNECT {"user":"ann","pass":"x"}\r\n', "user"),
        row("auth-twice-second-wrong", good + login("ann", "x") + b"PING\r\n", "user"),
        row("auth-twice-second-without", good + b"CONNECT {}\r\nPING\r\n", "user"),
        row(
            "auth-twice-other-user",
            login("ann", "secret")
            + b"SUB foo 1\r\n"
            + login("bob", "secret")
            + b"PUB foo 1\r\nx\r\n",
            "users",
        ),
        row("auth-pipelined-behind-wrong", login("ann", "x") + b"SUB foo 1\r\nPING\r\n", "user"),
        row(
            "auth-user-twice",
            b'CONNECT {"verbose":false,"user":"x","user":"ann","pass":"secret"}\r\nPING\r\n',
            "user",
        ),
        row(
            "auth-user-in-two-spellings",
            b'CONNECT {"verbose":false,"USER":"x","user":"ann","pass":"secret"}\r\nPING\r\n',
            "user",
        ),
        row(
            "auth-user-in-two-spellings-wrong-last",
            b'CONNECT {"verbose":false,"user":"ann","USER":"x","pass":"secret"}\r\nPING\r\n',
            "user",
        ),
        row(
            "auth-user-null",
            b'CONNECT {"verbose":false,"user":null,"pass":"secret"}\r\nPING\r\n',
            "user",
        ),
        row("auth-null", b"CONNECT null\r\nPING\r\n", "user"),
        row(
            "auth-password-escapes",
            b'CONNECT {"verbose":false,"user":"\\u0061nn","pass":"s\\u0065cret"}\r\nPING\r\n',
            "user",
        ),
    ]
    for name, data in {
        "ping": b"PING\r\n",
        "sub-allowed": b"SUB open.x 1\r\n" + pub(b"open.x"),
        "sub-denied": b"SUB foo 1\r\n",
        "pub-denied": pub(b"foo"),
        "hpub": hpub(b"open.x", b"NATS/1.0\r\n\r\n"),
        "unsub": b"UNSUB 1\r\n",
        "then-login": b"PING\r\n" + login("ann", "secret") + _USE,
        "then-wrong": b"PING\r\n" + login("ann", "x"),
        "info": b"INFO {}\r\nPING\r\n",
        "ok": b"+OK\r\nPING\r\n",
        "pong": b"PONG\r\nPING\r\n",
        "lower-ping": b"ping\r\n",
        "bad-verb": b"NOPE\r\n",
        "bad-args": b"SUB foo\r\n",
    }.items():
        rows.append(row(f"auth-no-user-before-connect-{name}", data, "no_auth_user"))
    return rows


_WORDS = [
    b"secret",
    b"secret.x",
    b"x.y.z",
    b"x.y",
    b"x.y.z.w",
    b"x.*.z",
    b"x.*.*",
    b"x.>",
    b"*",
    b">",
    b"*.*.z",
    b"deep.a",
    b"deep.a.b",
    b"deep",
    b"deep.>",
    b"deep.*",
    b"a.b",
    b"a.b.c",
    b"a",
    b"a.*",
    b"b.x.y",
    b"b",
    b"b.>",
    b"exact",
    b"exact.x",
    b"p.yes",
    b"p.no",
    b"p.x.no",
    b"p.*",
    b"p.>",
    b"p.x",
    b"p",
    b"def.pub.a",
    b"def.sub.a",
    b"_INBOX.x",
    b"open",
    b"a..b",
    b"secret.",
]


def _permission_rows() -> list[Row]:
    """Every restricted user tries every word as publish subject, subscription and reply."""
    rows = []
    users = ("default", "allow", "deny", "both", "nothing", "denyall")
    for user in users:
        head = login(user, pedantic=False)
        publishes = b"".join(pub(word) for word in _WORDS)
        subs = b"".join(b"SUB %s %d\r\n" % (word, n) for n, word in enumerate(_WORDS))
        queue_subs = b"".join(b"SUB %s q%d %d\r\n" % (word, n, n) for n, word in enumerate(_WORDS))
        replies = b"".join(
            pub(s, b"x", word) for word in _WORDS for s in (b"exact", b"p.yes", b"def.pub.a")
        )
        listen = login("free") + b"SUB > 1\r\n"
        rows += [
            talk(
                f"permission-pub-{user}",
                ("free", listen),
                ("a", head + publishes),
                config="permissions",
            ),
            talk(
                f"permission-hpub-{user}",
                ("free", login("free", headers=True) + b"SUB > 1\r\n"),
                (
                    "a",
                    login(user, pedantic=False, headers=True)
                    + b"".join(hpub(w, b"NATS/1.0\r\n\r\n") for w in _WORDS),
                ),
                config="permissions",
            ),
            talk(
                f"permission-sub-{user}",
                ("a", head + subs),
                ("free", login("free", pedantic=False) + publishes),
                config="permissions",
                any_order=True,
            ),
            talk(
                f"permission-queue-sub-{user}",
                ("a", head + queue_subs),
                ("free", login("free", pedantic=False) + publishes),
                config="permissions",
                any_order=True,
            ),
            talk(
                f"permission-reply-{user}",
                ("free", listen),
                ("a", head + replies),
                config="permissions",
            ),
            row(
                f"permission-verbose-{user}",
                b'CONNECT {"pedantic":false,"user":"'
                + user.encode()
                + b'","pass":"p"}\r\n'
                + pub(b"secret")
                + b"SUB secret 1\r\n"
                b"SUB secret q 2\r\nUNSUB 1\r\n" + pub(b"p.no") + b"SUB p.> 3\r\n",
                "permissions",
            ),
        ]
    for word in (b">", b"*", b"x.>", b"x.*.*", b"deep.>", b"*.*.z", b"x.*.z", b"secret"):
        for queue in (b"", b" q"):
            label = f"{word.decode()}{'-queue' if queue else ''}"
            rows.append(
                talk(
                    f"permission-deny-at-delivery-{label}",
                    ("a", login("deny") + b"SUB " + word + queue + b" 1\r\n"),
                    (
                        "free",
                        login("free")
                        + b"".join(
                            pub(w)
                            for w in (b"secret", b"x.y.z", b"x.y.w", b"deep.a", b"deep", b"ok")
                        ),
                    ),
                    config="permissions",
                )
            )
    rows += [
        talk(
            "permission-deny-queue-other-member-gets-it",
            ("a", login("deny") + b"SUB > q 1\r\n"),
            ("b", login("free") + b"SUB > q 2\r\n"),
            ("c", login("free") + pub(b"secret") * 8),
            config="permissions",
        ),
        talk(
            "permission-deny-queue-nobody-else",
            ("a", login("deny") + b"SUB > q 1\r\n"),
            (
                "c",
                login("free", headers=True, no_responders=True)
                + b"SUB in 1\r\n"
                + pub(b"secret", b"x", b"in"),
            ),
            config="permissions",
        ),
        talk(
            "permission-deny-sub-counts-as-responder",
            ("a", login("deny") + b"SUB > 1\r\n"),
            (
                "c",
                login("free", headers=True, no_responders=True)
                + b"SUB in 1\r\n"
                + pub(b"secret", b"x", b"in"),
            ),
            config="permissions",
        ),
        talk(
            "permission-deny-not-counted-towards-max",
            ("a", login("deny") + b"SUB > 1\r\nUNSUB 1 2\r\n"),
            ("c", login("free") + pub(b"secret") * 3 + pub(b"ok") * 3),
            config="permissions",
        ),
        row(
            "permission-pub-denied-then-503",
            login("deny", headers=True, no_responders=True)
            + b"SUB in 1\r\n"
            + pub(b"secret", b"x", b"in"),
            "permissions",
        ),
        row(
            "permission-subject-with-quote",
            login("nothing") + pub(b"a\"b'c") + b"SUB a\"b'c 1\r\n",
            "permissions",
        ),
        row(
            "permission-subject-utf8",
            login("nothing") + pub("ü".encode()) + b"SUB \xff 1\r\n",
            "permissions",
        ),
        row(
            "permission-many-denied",
            login("nothing") + b"".join(pub(b"s.%d" % n) for n in range(600)),
            "permissions",
        ),
        row("permission-repeated-denied", login("nothing") + pub(b"s") * 20, "permissions"),
        talk(
            "permission-sub-wider-than-allow",
            ("a", login("allow") + b"SUB a.> 1\r\n"),
            ("free", login("free") + pub(b"a.b") + pub(b"a.b.c")),
            config="permissions",
            ours={
                "a": ["-ERR 'Permissions Violation for Subscription to \"a.>\"'", "PONG", "PONG"],
                "free": ["PONG", "PONG"],
            },
            why="allow a.* must not grant a.>, which would deliver subjects that it does not cover",
        ),
        row(
            "permission-pedantic-order",
            login("nothing", pedantic=True) + pub(b"a..b") + b"SUB a..b 1\r\n",
            "permissions",
        ),
    ]
    return rows


def _queue_permission_rows() -> list[Row]:
    """Wildcard subscriptions on their own: in one group with the others the pick is random."""
    rows = []
    subjects = (b"any", b"one", b"wild", b"deep", b"star", b"foo", b"bar", b"zap", b"mix")
    queues = (
        b"",
        b"v1",
        b"v1.x",
        b"v1.x.y",
        b"v2",
        b"a.dev",
        b"a.prod",
        b"x.a.prod",
        b"dev",
        b"*",
        b">",
        b"v1.*",
    )
    publishes = ("free", login("free") + b"".join(pub(subject) for subject in subjects))
    for user in ("queues", "noqueues"):
        for queue in queues:
            for label, wanted in (("words", subjects), ("all", (b">",)), ("star", (b"*",))):
                subs = b"".join(
                    b"SUB %s %s%d\r\n" % (subject, queue + b" " if queue else b"", n)
                    for n, subject in enumerate(wanted)
                )
                rows.append(
                    talk(
                        f"permission-{user}-{queue.decode() or 'plain'}-{label}",
                        ("a", login(user) + subs),
                        publishes,
                        config="permissions",
                        any_order=True,
                    )
                )
    return rows


def _response_rows() -> list[Row]:
    def case(name: str, user: str, *after: tuple[str, bytes] | Send, ask: bytes = b"") -> Row:
        ask = ask or pub(b"svc", b"q", b"reply.1")
        return talk(
            f"responses-{name}",
            ("free", login("free") + b"SUB reply.> 1\r\nSUB own.> 2\r\n"),
            ("a", login(user) + b"SUB svc 5\r\nSUB svc.q grp 6\r\n"),
            ("free", ask),
            *after,
            config="permissions",
        )

    answer = pub(b"reply.1", b"r")
    return [
        case("one", "responder", ("a", answer)),
        case("twice", "responder", ("a", answer * 2)),
        case("without-request", "responder", ("a", pub(b"reply.2", b"r"))),
        case("other-subject", "responder", ("a", pub(b"other", b"r"))),
        case(
            "two-requests-one-reply-each",
            "responder",
            ("a", answer + pub(b"reply.2", b"r")),
            ask=pub(b"svc", b"q", b"reply.1") + pub(b"svc", b"q", b"reply.2"),
        ),
        case(
            "asked-again-renews",
            "responder",
            ("a", answer),
            ("free", pub(b"svc", b"q", b"reply.1")),
            ("a", answer * 2),
        ),
        case("three", "responder3", ("a", answer * 4)),
        case("own-subject", "responder3", ("a", pub(b"own.x", b"r") * 3 + answer * 4)),
        case("deny-list", "responderdeny", ("a", answer * 3)),
        case("deny-list-other", "responderdeny", ("a", pub(b"own.x", b"r"))),
        case("unlimited", "responderany", ("a", answer * 50)),
        case("queue-sub", "responder", ("a", answer * 2), ask=pub(b"svc.q", b"q", b"reply.1")),
        case(
            "wildcard-reply",
            "responder",
            ("a", pub(b"reply.x", b"r") + pub(b"reply.*", b"r")),
            ask=pub(b"svc", b"q", b"reply.*"),
        ),
        case("with-reply", "responder", ("a", pub(b"reply.1", b"r", b"more") * 2)),
        case("headers", "responder", ("a", answer), ask=pub(b"svc", b"", b"reply.1")),
    ]


ROWS: list[Row] = [
    *_credential_rows(),
    *_odd_hash_rows(),
    *_half_closed_rows(),
    *_order_rows(),
    *_permission_rows(),
    *_queue_permission_rows(),
    *_response_rows(),
]
