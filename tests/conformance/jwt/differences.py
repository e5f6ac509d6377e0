"""Where ours differs from the real server on purpose, by the name of a test."""

from __future__ import annotations

AV = ["-ERR 'Authorization Violation'", "<closed by server>"]
_ONCE = "a field of a token occurs once: what is checked and what is used cannot differ"
_EXACT = "the names of fields are what they are"

# Tokens that ours refuses, and why.
REFUSED: dict[str, str] = {
    "body: large keys": _EXACT,
    "body: large keys within": _EXACT,
    "body: iss twice, good last": _ONCE,
    "body: iss in two spellings, good last": _ONCE,
    "body: exp in two spellings": _ONCE,
    "body: nats twice": _ONCE,
    "body: nats twice, null last": _ONCE,
    "body: nats in two spellings": _ONCE,
    "body: type twice": _ONCE,
    "body: deny twice": _ONCE,
    "body: pub twice": _ONCE,
    "body: invalid letters in the name": "a token is UTF-8",
    "may: subscribe a tab": "one blank parts a subject from a queue",
    "may: publish > within": "> is a subject's last token",
}
# Values of claims that ours refuses where the real server takes them for nothing.
REFUSED_VALUES: dict[str, tuple[str, ...]] = {
    "user: nats.tags": ("nulls",),
    "account: nats.tags": ("nulls",),
    "account: nats.signing_keys": ("numbers", "nulls", "lists"),
}
_SHOWN = "who somebody is comes from the token, not from what else is said"
_SECRET = "a bearer's token opens the door: it is not shown, also where the role makes it one"

# Parts of an answer: theirs, ours, and why.
REPLACED: dict[str, tuple[str, str, str]] = {
    "sig: another key, too": ("authorized_user=<user v>", "authorized_user=<user u>", _SHOWN),
    "sig: junk for a key, too": ("authorized_user=junk", "authorized_user=<user u>", _SHOWN),
    "sig: user and password, too": ("authorized_user=x", "authorized_user=<user u>", _SHOWN),
    "sentinel: user and password": (
        "authorized_user=x", "authorized_user=<user sentinel>", _SHOWN),
    "sentinel: a key": ("authorized_user=<user u>", "authorized_user=<user sentinel>", _SHOWN),
    "sentinel: a key and a signature": (
        "authorized_user=<user u>", "authorized_user=<user sentinel>", _SHOWN),
    "role bearer": (" with its token", "", _SECRET),
    "scoped sentinel: nothing": (" with its token", "", _SECRET),
    "push: three chunks of junk": (
        "illegal base64 data at input byte 0", "not a JWT: its header cannot be decoded",
        "other words of a refusal"),
    "push: version 1 in its body": (
        "claim failed V1 signature verification", "unsupported version of claims",
        "other words of a refusal"),
    "push: more imports than it may": (
        "allowed by the operator the account contains more imports than allowed by the operator",
        "allowed by the operator", "other words of a refusal"),
}  # fmt: skip

_LESS = "a limit below -1 is none at all, which an empty message does not exceed"
_NOTHING = "an empty list says nothing"
_WILD = "who may choose names and tags must not choose what to hear"
_LINES = "lines around a token do not matter"
_OLDER = "an older token does not bring back what has been taken away"
_LATE = "what changes elsewhere in an account costs no answers"
_TRUST = "what no log-in would accept is refused when it is pushed"
_STRICT = "ours refuses what cannot work"
_WORDS = "other words"

# Who has the plain role and nothing of his own that would bar him.
_LET_IN = [
    (
        "is account=<account A> authorized_user=<user u> issuer_key=<account scoped "
        "key plain> name_tag=A with its token"
    ),
    "> SUB a.> 1",
    "> SUB a.b 2",
    "> SUB a.* 3",
    "> SUB a.b q 4",
    "> SUB a.d p 5",
    "> SUB > 6",
    "-ERR 'Permissions Violation for Subscription to \">\"'",
    "> SUB other 7",
    "-ERR 'Permissions Violation for Subscription to \"other\"'",
    "> PUB a.b | 1",
    "MSG a.b 1 1 | 1\\r\\n",
    "MSG a.b 2 1 | 1\\r\\n",
    "MSG a.b 3 1 | 1\\r\\n",
    "MSG a.b 4 1 | 1\\r\\n",
    "> PUB a.c | 2",
    "MSG a.c 1 1 | 2\\r\\n",
    "MSG a.c 3 1 | 2\\r\\n",
    "> PUB a.b.c | 3",
    "MSG a.b.c 1 1 | 3\\r\\n",
    "> PUB other | 4",
    "-ERR 'Permissions Violation for Publish to \"other\"'",
    "> UNSUB 1",
]

# What becomes of users whose names or tags are wildcards.
_DEAF_BY_NAME = [
    "> SUB a.u.x 1",
    "-ERR 'Permissions Violation for Subscription to \"a.u.x\"'",
    "> SUB a.b.x 2",
    "-ERR 'Permissions Violation for Subscription to \"a.b.x\"'",
    "> SUB a.b.c.x 3",
    "-ERR 'Permissions Violation for Subscription to \"a.b.c.x\"'",
    "> PUB a.u | 1",
    "-ERR 'Permissions Violation for Publish to \"a.u\"'",
    "> PUB a.b | 2",
    "-ERR 'Permissions Violation for Publish to \"a.b\"'",
    "> PUB a.b.c | 3",
    "-ERR 'Permissions Violation for Publish to \"a.b.c\"'",
]
_DEAF_BY_TAG = [
    "> SUB a.blue.x 1",
    "-ERR 'Permissions Violation for Subscription to \"a.blue.x\"'",
    "> SUB a.blue 2",
    "-ERR 'Permissions Violation for Subscription to \"a.blue\"'",
    "> SUB a.red.x 3",
    "-ERR 'Permissions Violation for Subscription to \"a.red.x\"'",
    "> SUB a.red 4",
    "-ERR 'Permissions Violation for Subscription to \"a.red\"'",
    "> SUB a.green 5",
    "-ERR 'Permissions Violation for Subscription to \"a.green\"'",
    "> PUB a.blue | 1",
    "-ERR 'Permissions Violation for Publish to \"a.blue\"'",
    "> PUB a.red | 2",
    "-ERR 'Permissions Violation for Publish to \"a.red\"'",
    "> PUB a.blue.north | 3",
    "-ERR 'Permissions Violation for Publish to \"a.blue.north\"'",
    "> PUB a.red.south | 4",
    "-ERR 'Permissions Violation for Publish to \"a.red.south\"'",
    "> PUB a.green | 5",
    "-ERR 'Permissions Violation for Publish to \"a.green\"'",
]

# Whole answers of ours, and why.
WHOLE: dict[str, tuple[str, list[str]]] = {
    "may: payload -2": (
        _LESS,
        [
            (
                "is account=<account A> authorized_user=<user u> issuer_key=<account A> "
                "name_tag=A with its token"
            ),
            "> SUB a.b 1",
            "> PUB a.b | ",
            "MSG a.b 1 0 | \\r\\n",
            "> PUB a.b | 1",
            "-ERR 'Maximum Payload Violation'",
            "<closed by server>",
        ],
    ),
    "role and empty permissions": (
        _NOTHING,
        _LET_IN,
    ),
    "role and no places": (
        _NOTHING,
        _LET_IN,
    ),
    "role name of '*'": (
        _WILD,
        [
            (
                "is account=<account A> authorized_user=<user *> issuer_key=<account scoped "
                "key name> name_tag=A with its token"
            ),
            *_DEAF_BY_NAME,
        ],
    ),
    "role name of '>'": (
        _WILD,
        [
            (
                "is account=<account A> authorized_user=<user >> issuer_key=<account scoped "
                "key name> name_tag=A with its token"
            ),
            *_DEAF_BY_NAME,
        ],
    ),
    "role name of 'b.>'": (
        _WILD,
        [
            (
                "is account=<account A> authorized_user=<user b.>> issuer_key=<account "
                "scoped key name> name_tag=A with its token"
            ),
            *_DEAF_BY_NAME,
        ],
    ),
    "role tag of *": (
        _WILD,
        [
            (
                "is account=<account A> authorized_user=<user u> issuer_key=<account scoped "
                "key tag> name_tag=A tags=['team:*'] with its token"
            ),
            *_DEAF_BY_TAG,
        ],
    ),
    "role tag of >": (
        _WILD,
        [
            (
                "is account=<account A> authorized_user=<user u> issuer_key=<account scoped "
                "key tag> name_tag=A tags=['team:>'] with its token"
            ),
            *_DEAF_BY_TAG,
        ],
    ),
    "file: with lines around": (
        _LINES,
        [
            (
                "is account=<account with lines around> authorized_user=<user u> "
                "issuer_key=<account with lines around> name_tag=with lines around with its token"
            ),
            "> PUB a.b | hi",
        ],
    ),
    "an older token is pushed": (
        _OLDER,
        [
            "> push newer",
            '= {"data": {"account": "<account A>", "code": 200, "message": "jwt updated"}}',
            "> lookup A",
            "= newer",
            "> push older",
            (
                '= {"error": {"account": "<account A>", "code": 500, "description": "jwt '
                'update resulted in error - a newer jwt is stored"}}'
            ),
            "> lookup A",
            "= newer",
            "> a OPEN {}",
            "a < -ERR 'maximum account active connections exceeded'",
            "a < closed",
        ],
    ),
    "push: self-signed": (
        _TRUST,
        [
            "> push first",
            '= {"data": {"account": "<account A>", "code": 200, "message": "jwt updated"}}',
            "> push other",
            (
                '= {"error": {"account": "<account A>", "code": 500, "description": "jwt '
                'update resulted in error - account validation failed"}}'
            ),
            "> lookup A",
            "= first",
            "> a OPEN {}",
        ],
    ),
    "push: by a foreign operator": (
        _TRUST,
        [
            "> push first",
            '= {"data": {"account": "<account A>", "code": 200, "message": "jwt updated"}}',
            "> push other",
            (
                '= {"error": {"account": "<account A>", "code": 500, "description": "jwt '
                'update resulted in error - account validation failed"}}'
            ),
            "> lookup A",
            "= first",
            "> a OPEN {}",
        ],
    ),
    "push: an import of no account": (
        _STRICT,
        [
            "> push first",
            '= {"data": {"account": "<account A>", "code": 200, "message": "jwt updated"}}',
            "> push other",
            (
                '= {"error": {"account": "<account A>", "code": 500, "description": "jwt '
                "validation failed - validation errors: [import 'x': account is not an "
                'account public key]"}}'
            ),
            "> lookup A",
            "= first",
            "> a OPEN {}",
        ],
    ),
    "push: limits of both sorts": (
        _STRICT,
        [
            "> push first",
            '= {"data": {"account": "<account A>", "code": 200, "message": "jwt updated"}}',
            "> push other",
            (
                '= {"error": {"account": "<account A>", "code": 500, "description": "jwt '
                "validation failed - validation errors: [JetStream limits and tiered JetStream "
                'limits are mutually exclusive]"}}'
            ),
            "> lookup A",
            "= first",
            "> a OPEN {}",
        ],
    ),
    "push: a role of an unknown kind": (
        _WORDS,
        [
            "> push first",
            '= {"data": {"account": "<account A>", "code": 200, "message": "jwt updated"}}',
            "> push other",
            (
                '= {"error": {"account": "<account A>", "code": 500, "description": "jwt '
                "validation failed - validation errors: [signing key <account signer>: unknown "
                'kind of scope]"}}'
            ),
            "> lookup A",
            "= first",
            "> a OPEN {}",
        ],
    ),
    "push: services imported to one subject": (
        _WORDS,
        [
            "> push first",
            '= {"data": {"account": "<account A>", "code": 200, "message": "jwt updated"}}',
            "> push other",
            (
                '= {"error": {"account": "<account A>", "code": 500, "description": "jwt '
                "validation failed - validation errors: [overlapping subject namespace for "
                '\\"x\\" and \\"x\\" in same account \\"<account B>\\"]"}}'
            ),
            "> lookup A",
            "= first",
            "> a OPEN {}",
        ],
    ),
    "push: an info url of junk": (
        _WORDS,
        [
            "> push first",
            '= {"data": {"account": "<account A>", "code": 200, "message": "jwt updated"}}',
            "> push other",
            (
                '= {"error": {"account": "<account A>", "code": 500, "description": "jwt '
                "validation failed - validation errors: [info url ':' has no scheme or host]\"}}"
            ),
            "> lookup A",
            "= first",
            "> a OPEN {}",
        ],
    ),
}

# Configurations that the real server takes in its check, and ours refuses there: most of them the
# real server refuses at its start, the others no client could use.
REFUSED_AT_ONCE: dict[str, str] = {
    "operator: of OP_KEYS_BAD": "are required to be a valid public operator nkey",
    "operator: of OP_KEYS_ACCOUNT": "are required to be a valid public operator nkey",
    "operator: of OP_FUTURE": "expected major version 99 > server major version 2",
    "operator: of OP_VERSION": "asserted server version must be of the form",
    "operator: an operator and a key": "conflicting options for 'TrustedKeys'",
    "operator: with accounts": "operators do not allow Accounts to be configured directly",
    "operator: with users": "operators do not allow users to be configured directly",
    "operator: with keys": "operators do not allow users to be configured directly",
    "operator: with a callout": "operators do not allow authorization callouts",
    "resolver: full without a system account": "the system account needs to be specified",
    "operator: with a user for nobody": "no_auth_user not compatible with Trusted Operator",
    "system account: the operator's and another": "operator JWT must be identical",
    "system account: of no operator": "error resolving system account",
    "resolver: full with what nobody knows": 'invalid use of field "color"',
    "resolver: URL of nothing": "error parsing account resolver url",
    "resolver: URL of another kind": "error parsing account resolver url",
    "other: pinned, no key": "is not a valid public account nkey",
    "other: pinned, a user": "is not a valid public account nkey",
    "other: sentinel of junk": "default sentinel JWT not valid",
    "other: sentinel that is no bearer": "default sentinel must be a bearer token",
    "other: sentinel of an account": "default sentinel JWT not valid",
    "other: sentinel in a file": "default sentinel JWT not valid",
    "other: sentinel without an operator": "default sentinel requires operators and accounts",
    "other: sentinel and a user for nobody": "not compatible with Trusted Operator",
}
# The check of the real server makes a resolver's folder; ours leaves that to the start.
REFUSED_AT_START = ("resolver: full below a file",)
# Our words where the real server's are those of Go, or say less.
OTHER_WORDS: dict[str, str] = {
    "operator: a list of numbers": "unsupported type int64 where string is expected",
    "operator: a list of lists": "where string is expected",
    "operator: junk like a token": "not a JWT: its header cannot be decoded",
    "operator: of OP_V3": "unsupported version of claims",
    "operator: of OP_NULL": "nats: expected an object",
    "operator: of OP_KEYS_TEXT": "nats.signing_keys: expected a list",
    "resolver: full without a folder": "dir has no value and needs to point to a directory",
    "resolver: full with no folder": "dir has no value and needs to point to a directory",
    "resolver: cache without a folder": "dir has no value and needs to point to a directory",
    "resolver: full in a file": "dir needs to point to an accessible directory",
    "resolver: full with an interval of junk": 'invalid duration "x"',
    "resolver: full with a timeout of junk": 'missing unit in duration "5"',
    "resolver: cache with a ttl of junk": 'invalid duration "x"',
    "resolver: URL as a type": "error parsing account resolver, should be MEM",
}

_ANSWER = ("> a REPLY | answer", "b < MSG in.1 1 6 | answer\\r\\n")
_AGAIN = ("> a REPLY | again", "b < MSG in.1 1 5 | again\\r\\n")
# Lines of ours that follow the first of others, and why: the name of a test without what many have.
LATE = "late answer: "
ADDED: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "another export, too": (_LATE, [_ANSWER]),
    "the export is as it was, under another name": (_LATE, [_ANSWER]),
    "the export is wider": (_LATE, [_ANSWER]),
    "the export answers in streams": (_LATE, [_ANSWER]),
    "the export waits longer": (_LATE, [_ANSWER]),
    "the export is measured": (_LATE, [_ANSWER]),
    "the export may be traced": (_LATE, [_ANSWER]),
    "the exporter has another name": (_LATE, [_ANSWER]),
    "a stream goes on": (_LATE, [_ANSWER, _AGAIN]),
    "of two services one goes": (_LATE, [("> a AGAIN 2 | answer", _ANSWER[1])]),
    "the answer has a reply, and the import goes": (
        _LATE, [("> b REPLY | more", "a < MSG back 2 4 | more\\r\\n")]),
}  # fmt: skip


def expected(name: str, theirs: list[str]) -> list[str]:
    """What ours has to answer where the real server answers `theirs`."""
    if name in WHOLE:
        assert theirs != WHOLE[name][1], f"{name} is no difference any more"
        return WHOLE[name][1]
    added = ADDED.get(name.removeprefix(LATE)) if name.startswith(LATE) else None
    if added is not None:
        ours = list(theirs)
        for before, line in added[1]:
            assert line not in theirs, f"{name} is no difference any more"
            ours.insert(ours.index(before) + 1, line)
        return ours
    if name in REFUSED:
        assert theirs != AV, f"{name} is no difference any more"
        return AV
    if name not in REPLACED:
        return theirs
    before, after, _ = REPLACED[name]
    assert any(before in line for line in theirs), f"{name} is no difference any more"
    return [line.replace(before, after) for line in theirs]
