"""Configurations with operators and resolvers, good and not. `@OP@` is the operator's token,
`@SYS@` the system account's key; see `values` for the others."""

from __future__ import annotations

from functools import cache

from tests.conformance.jwt.tokens import (
    ISSUED,
    account,
    account_key,
    activation,
    changed,
    operator,
    operator_key,
    token,
    user,
    user_key,
)
from tests.conformance.jwt.world import FOREIGN, OPERATOR, OPERATOR_SIGNER, SYS, A, sentinel

_SYSTEM = token(account("SYS"), OPERATOR)
_GOOD = "operator: @OP@\nresolver: MEMORY\n"
_PRELOADED = _GOOD + "resolver_preload { @A@: @A_TOKEN@ }\n"
_FULL = "operator: @OP@\nsystem_account: @SYS@\nresolver_preload { @SYS@: @SYS_TOKEN@ }\n"


@cache
def values() -> dict[str, str]:
    """What stands for the words between @."""
    plain = operator(signing_keys=[OPERATOR_SIGNER.public_key])
    return {
        "OP": token(plain, OPERATOR),
        "OP_SYS": token(operator(system_account=SYS.public_key), OPERATOR),
        "OP_OLD": token(plain | {"exp": ISSUED + 1}, OPERATOR),
        "OP_EARLY": token(plain | {"nbf": 4_000_000_000}, OPERATOR),
        "OP_BY_SIGNER": token(plain | {"iss": OPERATOR_SIGNER.public_key}, OPERATOR_SIGNER),
        "OP_FOREIGN": token(operator("foreign operator"), FOREIGN),
        "OP_FORGED": token(plain, FOREIGN),
        "OP_NAMELESS": token(plain | {"name": ""}, OPERATOR),
        "OP_V3": token(changed(plain, "nats.version", 3), OPERATOR),
        "OP_NULL": token(plain | {"nats": None}, OPERATOR),
        "OP_KEYS_TEXT": token(changed(plain, "nats.signing_keys", "x"), OPERATOR),
        "OP_KEYS_BAD": token(changed(plain, "nats.signing_keys", ["x"]), OPERATOR),
        "OP_KEYS_ACCOUNT": token(changed(plain, "nats.signing_keys", [A.public_key]), OPERATOR),
        "OP_KEYS_NULL": token(changed(plain, "nats.signing_keys", None), OPERATOR),
        "OP_SYS_BAD": token(operator(system_account="x"), OPERATOR),
        "OP_SYS_USER": token(operator(system_account=user_key("u").public_key), OPERATOR),
        "OP_STRICT": token(operator(strict_signing_key_usage=True), OPERATOR),
        "OP_FUTURE": token(operator(assert_server_version="99.0.0"), OPERATOR),
        "OP_PAST": token(operator(assert_server_version="2.0.0"), OPERATOR),
        "OP_VERSION": token(operator(assert_server_version="junk"), OPERATOR),
        "OP_URLS": token(operator(operator_service_urls=["junk"]), OPERATOR),
        "OP_SERVER_URL": token(operator(account_server_url="junk"), OPERATOR),
        "OKEY": OPERATOR.public_key,
        "SYS": SYS.public_key,
        "SYS_TOKEN": _SYSTEM,
        "SYS_OLD": token(account("SYS") | {"exp": ISSUED + 1}, OPERATOR),
        "SYS_FOREIGN": token(account("SYS", FOREIGN), FOREIGN),
        "A": A.public_key,
        "A_TOKEN": token(account("A"), OPERATOR),
        "A_OLD": token(account("A") | {"exp": ISSUED + 1}, OPERATOR),
        "A_FOREIGN": token(account("A", FOREIGN), FOREIGN),
        "A_FORGED": token(account("A"), FOREIGN),
        "A_ODD": token(account("A", mappings={"a..b": []}), OPERATOR),
        "A_NULL": token(account("A") | {"nats": None}, OPERATOR),
        "B": account_key("B").public_key,
        "UKEY": user_key("u").public_key,
        "USER": token(user("u", A), A),
        "ACTIVATION": token(activation("B", A, "a.>"), A),
        "BEARER": sentinel(),
        "BEARER_OLD": token(user("u", A, bearer_token=True) | {"exp": ISSUED + 1}, A),
        "NO_SIGNER": operator_key("nobody").public_key,
    }


FILES = {"op.jwt": "@OP@", "foreign.jwt": "@OP_FOREIGN@\n", "account.jwt": "@A_TOKEN@",
         "junk.jwt": "junk", "empty.jwt": "",
         "decorated.jwt": "-----BEGIN NATS OPERATOR JWT-----\n@OP@\n"
                          "------END NATS OPERATOR JWT------\n"}  # fmt: skip


def filled(text: str) -> str:
    for name, value in values().items():
        text = text.replace(f"@{name}@", value)
    return text


OPERATORS = {
    "good": _GOOD,
    "quoted": 'operator: "@OP@"\nresolver: MEMORY\n',
    "by another word": "operators: @OP@\nresolver: MEMORY\n",
    "a list": "operator: [@OP@]\nresolver: MEMORY\n",
    "two": "operator: [@OP@, @OP_FOREIGN@]\nresolver: MEMORY\n",
    "twice the same": "operator: [@OP@, @OP@]\nresolver: MEMORY\n",
    "a file": 'operator: "op.jwt"\nresolver: MEMORY\n',
    "a file with a newline": 'operator: ["foreign.jwt"]\nresolver: MEMORY\n',
    "a decorated file": 'operator: "decorated.jwt"\nresolver: MEMORY\n',
    "a file of an account": 'operator: "account.jwt"\nresolver: MEMORY\n',
    "a file of junk": 'operator: "junk.jwt"\nresolver: MEMORY\n',
    "an empty file": 'operator: "empty.jwt"\nresolver: MEMORY\n',
    "no such file": 'operator: "missing.jwt"\nresolver: MEMORY\n',
    "a folder": 'operator: "."\nresolver: MEMORY\n',
    "empty": 'operator: ""\nresolver: MEMORY\n',
    "an empty list": "operator: []\nresolver: MEMORY\n",
    "a number": "operator: 5\nresolver: MEMORY\n",
    "a list of numbers": "operator: [5]\nresolver: MEMORY\n",
    "a list of lists": "operator: [[@OP@]]\nresolver: MEMORY\n",
    "a map": "operator { jwt: @OP@ }\nresolver: MEMORY\n",
    "a boolean": "operator: true\nresolver: MEMORY\n",
    "junk like a token": "operator: eyJ0.eyJ1.AAAA\nresolver: MEMORY\n",
    "cut": f"operator: {'@OP@'}x.y\nresolver: MEMORY\n",
    "an account": "operator: @A_TOKEN@\nresolver: MEMORY\n",
    "a user": "operator: @USER@\nresolver: MEMORY\n",
    "an activation": "operator: @ACTIVATION@\nresolver: MEMORY\n",
    "a key": "operator: @OKEY@\nresolver: MEMORY\n",
    **{f"of {name}": f"operator: @{name}@\nresolver: MEMORY\n" for name in (
        "OP_OLD", "OP_EARLY", "OP_BY_SIGNER", "OP_FORGED", "OP_NAMELESS", "OP_V3", "OP_NULL",
        "OP_KEYS_TEXT", "OP_KEYS_BAD", "OP_KEYS_ACCOUNT", "OP_KEYS_NULL", "OP_SYS_BAD",
        "OP_SYS_USER", "OP_STRICT", "OP_FUTURE", "OP_PAST", "OP_VERSION", "OP_URLS",
        "OP_SERVER_URL",
    )},
    "no resolver": "operator: @OP@\n",
    "no resolver, but preloads": "operator: @OP@\nresolver_preload { @A@: @A_TOKEN@ }\n",
    "a resolver and nobody trusted": "resolver: MEMORY\n",
    "preloads and nobody trusted": "resolver: MEMORY\nresolver_preload { @A@: @A_TOKEN@ }\n",
    "a key trusted": "trusted: @OKEY@\nresolver: MEMORY\n",
    "keys trusted": "trusted_keys: [@OKEY@, @NO_SIGNER@]\nresolver: MEMORY\n",
    "no key trusted": "trusted: x\nresolver: MEMORY\n",
    "an account trusted": "trusted: @A@\nresolver: MEMORY\n",
    "a number trusted": "trusted: 5\nresolver: MEMORY\n",
    "nobody of a list trusted": "trusted: []\nresolver: MEMORY\n",
    "an operator and a key": "operator: @OP@\ntrusted: @OKEY@\nresolver: MEMORY\n",
    "with accounts": _GOOD + "accounts { A { users = [ { user: a, password: b } ] } }\n",
    "with users": _GOOD + "authorization { users = [ { user: a, password: b } ] }\n",
    "with a user": _GOOD + "authorization { user: a, password: b }\n",
    "with a token": _GOOD + "authorization { token: b }\n",
    "with an empty authorization": _GOOD + "authorization { timeout: 1 }\n",
    "with keys": _GOOD + "authorization { users = [ { nkey: @UKEY@ } ] }\n",
    "with a user for nobody": _GOOD + "no_auth_user: a\n",
    "with a callout": _GOOD + "authorization { auth_callout { issuer: @A@, auth_users: [a] } }\n",
}  # fmt: skip
SYSTEM_ACCOUNTS = {
    "good": _FULL + "resolver: MEMORY\n",
    "by another word": _FULL.replace("system_account", "system") + "resolver: MEMORY\n",
    "not preloaded": _GOOD + "system_account: @SYS@\n",
    "no key": _GOOD + "system_account: SYS\n",
    "the key of a user": _GOOD + f"system_account: {user_key('u').public_key}\n",
    "empty": _GOOD + 'system_account: ""\n',
    "a number": _GOOD + "system_account: 5\n",
    "the operator's": "operator: @OP_SYS@\nresolver: MEMORY\n"
                      "resolver_preload { @SYS@: @SYS_TOKEN@ }\n",
    "the operator's, not preloaded": "operator: @OP_SYS@\nresolver: MEMORY\n",
    "the operator's and the same": "operator: @OP_SYS@\nsystem_account: @SYS@\nresolver: MEMORY\n"
                                   "resolver_preload { @SYS@: @SYS_TOKEN@ }\n",
    "the operator's and another": "operator: @OP_SYS@\nsystem_account: @A@\nresolver: MEMORY\n"
                                  "resolver_preload { @A@: @A_TOKEN@ }\n",
    "expired": _GOOD + "system_account: @SYS@\nresolver_preload { @SYS@: @SYS_OLD@ }\n",
    "foreign": _GOOD + "system_account: @SYS@\nresolver_preload { @SYS@: @SYS_FOREIGN@ }\n",
    "of two operators": "operator: [@OP_SYS@, @OP_FOREIGN@]\nresolver: MEMORY\n",
    "of no operator": "system_account: @SYS@\n",
}  # fmt: skip
_RESOLVER = _FULL + "resolver "
RESOLVERS = {
    "memory in small letters": "operator: @OP@\nresolver: memory\n",
    "memory as a type": _RESOLVER + "{ type: memory }\n",
    "mem as a type": _RESOLVER + "{ type: mem }\n",
    "memory, called": "operator: @OP@\nresolver: MEMORY()\n",
    "nothing": 'operator: @OP@\nresolver: ""\n',
    "junk": "operator: @OP@\nresolver: JUNK\n",
    "a number": "operator: @OP@\nresolver: 5\n",
    "a list": "operator: @OP@\nresolver: [MEMORY]\n",
    "an empty map": _RESOLVER + "{}\n",
    "by another word": "operator: @OP@\naccount_resolver: MEMORY\n",
    "and a third": "operator: @OP@\naccounts_resolver: MEMORY\n",
    "an unknown type": _RESOLVER + "{ type: junk, dir: jwt }\n",
    "a number for a type": _RESOLVER + "{ type: 5, dir: jwt }\n",
    "full": _RESOLVER + "{ type: full, dir: jwt }\n",
    "full in large letters": _RESOLVER + "{ type: FULL, dir: jwt }\n",
    "full, quoted": _RESOLVER + "{ type: \"full\", dir: './jwt' }\n",
    "full without a folder": _RESOLVER + "{ type: full }\n",
    "full with no folder": _RESOLVER + '{ type: full, dir: "" }\n',
    "full with a number": _RESOLVER + "{ type: full, dir: 5 }\n",
    "full below a file": _RESOLVER + '{ type: full, dir: "op.jwt/x" }\n',
    "full in a file": _RESOLVER + '{ type: full, dir: "op.jwt" }\n',
    "full in many folders": _RESOLVER + '{ type: full, dir: "a/b/c" }\n',
    "full without a system account": "operator: @OP@\nresolver { type: full, dir: jwt }\n",
    "full with everything": _RESOLVER + '{ type: full, dir: jwt, allow_delete: true,'
                            ' hard_delete: true, interval: "2m", limit: 10, timeout: "1s" }\n',
    "full with ttl": _RESOLVER + '{ type: full, dir: jwt, ttl: "2m" }\n',
    "full with allow_delete of a text": _RESOLVER + '{ type: full, dir: jwt, allow_delete: "x" }\n',
    "full with hard_delete alone": _RESOLVER + "{ type: full, dir: jwt, hard_delete: true }\n",
    "full with a limit of 0": _RESOLVER + "{ type: full, dir: jwt, limit: 0 }\n",
    "full with a limit of -1": _RESOLVER + "{ type: full, dir: jwt, limit: -1 }\n",
    "full with a limit of a text": _RESOLVER + '{ type: full, dir: jwt, limit: "x" }\n',
    "full with an interval of 5": _RESOLVER + "{ type: full, dir: jwt, interval: 5 }\n",
    "full with an interval of junk": _RESOLVER + '{ type: full, dir: jwt, interval: "x" }\n',
    "full with a negative interval": _RESOLVER + '{ type: full, dir: jwt, interval: "-1s" }\n',
    "full with a timeout of junk": _RESOLVER + '{ type: full, dir: jwt, timeout: "5" }\n',
    "full with a timeout of 5": _RESOLVER + "{ type: full, dir: jwt, timeout: 5 }\n",
    "full with what nobody knows": _RESOLVER + "{ type: full, dir: jwt, color: red }\n",
    "cache": _RESOLVER + "{ type: cache, dir: jwt }\n",
    "cache without a folder": _RESOLVER + "{ type: cache }\n",
    "cache with everything": _RESOLVER + '{ type: cache, dir: jwt, limit: 10, ttl: "2m",'
                             ' timeout: "1s" }\n',
    "cache with an interval": _RESOLVER + '{ type: cache, dir: jwt, interval: "2m" }\n',
    "cache with allow_delete": _RESOLVER + "{ type: cache, dir: jwt, allow_delete: true }\n",
    "cache with hard_delete": _RESOLVER + "{ type: cache, dir: jwt, hard_delete: true }\n",
    "cache with a ttl of junk": _RESOLVER + '{ type: cache, dir: jwt, ttl: "x" }\n',
    "cache with a ttl of 0": _RESOLVER + '{ type: cache, dir: jwt, ttl: "0s" }\n',
    "memory with a folder": _RESOLVER + "{ type: memory, dir: jwt }\n",
    "URL": 'operator: @OP@\nresolver: URL("http://127.0.0.1:1/jwt/v1/accounts/")\n',
    "URL without quotes": "operator: @OP@\nresolver: URL(http://127.0.0.1:1/jwt/)\n",
    "URL in small letters": 'operator: @OP@\nresolver: url("http://127.0.0.1:1/")\n',
    "URL of nothing": 'operator: @OP@\nresolver: URL("")\n',
    "URL of junk": 'operator: @OP@\nresolver: URL("::")\n',
    "URL of another kind": 'operator: @OP@\nresolver: URL("ftp://127.0.0.1/")\n',
    "URL without an end": 'operator: @OP@\nresolver: "URL(http://127.0.0.1:1/"\n',
    "URL as a type": 'operator: @OP@\nresolver { type: url, url: "http://127.0.0.1:1/" }\n',
    "URL of a text": 'operator: @OP@\nresolver: "http://127.0.0.1:1/"\n',
    "tls": _GOOD + "resolver_tls { insecure: true }\n",
    "tls of a text": _GOOD + "resolver_tls: x\n",
    "tls with a file": _GOOD + 'resolver_tls { ca_file: "missing.pem" }\n',
}  # fmt: skip
PRELOADS = {
    "good": _PRELOADED,
    "none": _GOOD + "resolver_preload {}\n",
    "by another word": _GOOD + "resolver_preloads { @A@: @A_TOKEN@ }\n",
    "under no key": _GOOD + "resolver_preload { A: @A_TOKEN@ }\n",
    "under another's key": _GOOD + "resolver_preload { @B@: @A_TOKEN@ }\n",
    "junk": _GOOD + "resolver_preload { @A@: junk }\n",
    "empty": _GOOD + 'resolver_preload { @A@: "" }\n',
    "a number": _GOOD + "resolver_preload { @A@: 5 }\n",
    "a list": _GOOD + "resolver_preload: [@A_TOKEN@]\n",
    "a text": _GOOD + "resolver_preload: @A_TOKEN@\n",
    "a user's": _GOOD + "resolver_preload { @A@: @USER@ }\n",
    "expired": _GOOD + "resolver_preload { @A@: @A_OLD@ }\n",
    "foreign": _GOOD + "resolver_preload { @A@: @A_FOREIGN@ }\n",
    "forged": _GOOD + "resolver_preload { @A@: @A_FORGED@ }\n",
    "with an invalid mapping": _GOOD + "resolver_preload { @A@: @A_ODD@ }\n",
    "without claims": _GOOD + "resolver_preload { @A@: @A_NULL@ }\n",
    "twice": _GOOD + "resolver_preload { @A@: @A_TOKEN@, @A@: @A_TOKEN@ }\n",
}
PINNED = "operator: @OP@\nsystem_account: @SYS@\nresolver: MEMORY\n" \
         "resolver_preload { @SYS@: @SYS_TOKEN@ }\n"  # fmt: skip
OTHERS = {
    "pinned": PINNED + "resolver_pinned_accounts: [@A@]\n",
    "pinned, one": PINNED + "resolver_pinned_accounts: @A@\n",
    "pinned, none": PINNED + "resolver_pinned_accounts: []\n",
    "pinned, no key": PINNED + "resolver_pinned_accounts: [A]\n",
    "pinned, a user": PINNED + f"resolver_pinned_accounts: [{user_key('u').public_key}]\n",
    "pinned, a number": PINNED + "resolver_pinned_accounts: 5\n",
    "pinned without an operator": "resolver_pinned_accounts: [@A@]\n",
    "sentinel": _PRELOADED + "default_sentinel: @BEARER@\n",
    "sentinel of junk": _PRELOADED + "default_sentinel: junk\n",
    "sentinel that is no bearer": _PRELOADED + "default_sentinel: @USER@\n",
    "sentinel that has expired": _PRELOADED + "default_sentinel: @BEARER_OLD@\n",
    "sentinel of an account": _PRELOADED + "default_sentinel: @A_TOKEN@\n",
    "sentinel of nothing": _PRELOADED + 'default_sentinel: ""\n',
    "sentinel of a number": _PRELOADED + "default_sentinel: 5\n",
    "sentinel in a file": _PRELOADED + 'default_sentinel: "op.jwt"\n',
    "sentinel without an operator": "default_sentinel: @BEARER@\n",
    "sentinel and a user for nobody": _PRELOADED + "default_sentinel: @BEARER@\nno_auth_user: a\n",
}
CASES: dict[str, str] = {
    f"{kind}: {name}": text
    for kind, cases in {
        "operator": OPERATORS,
        "system account": SYSTEM_ACCOUNTS,
        "resolver": RESOLVERS,
        "preload": PRELOADS,
        "other": OTHERS,
    }.items()
    for name, text in cases.items()
}
