"""Tokens and signatures whose form is not what it should be, or nearly."""

from __future__ import annotations

import base64
import json
from typing import Any

from pynats_common.nkeys import KeyPair, encode_public

from tests.conformance.jwt.login import Login, of_claims, signing
from tests.conformance.jwt.tokens import (
    FAR,
    HEADER,
    account,
    account_key,
    activation,
    chunk,
    operator,
    text_of,
    token,
    user,
    user_key,
)
from tests.conformance.jwt.world import A_SIGNER, FOREIGN, OPERATOR, A, B, sentinel

USER = user("u", A)
GOOD = token(USER, A)
HEAD, BODY, SIGNATURE = GOOD.split(".")
ONE = ("PUB a.b | hi",)


def jwt(name: str, text: Any, **options: Any) -> Login:
    return Login(name, text, **options)


def headed(name: str, header: object, version: int = 2) -> Login:
    return Login(f"header: {name}", token(USER, A, header, version), talk=ONE)


def bodied(name: str, body: bytes) -> Login:
    return Login(f"body: {name}", token(body, A), talk=ONE)


def _text(claims: dict[str, Any]) -> bytes:
    return text_of(claims)


CHUNKS = [
    jwt("good", GOOD),
    jwt("no token", None),
    jwt("null", None, fields={"jwt": None}),
    jwt("empty", ""),
    jwt("blank", " "),
    jwt("junk", "junk"),
    jwt("a number", 5),
    jwt("a list", [GOOD]),
    jwt("an object", {"jwt": GOOD}),
    jwt("a boolean", True),
    jwt("two points", ".."),
    jwt("one chunk", HEAD),
    jwt("two chunks", f"{HEAD}.{BODY}"),
    jwt("two chunks and a point", f"{HEAD}.{BODY}."),
    jwt("four chunks", f"{GOOD}.{SIGNATURE}"),
    jwt("a point behind", f"{GOOD}."),
    jwt("no header", f".{BODY}.{SIGNATURE}"),
    jwt("no body", f"{HEAD}..{SIGNATURE}"),
    jwt("cut in its header", HEAD[:-3]),
    jwt("cut in its body", f"{HEAD}.{BODY[:-20]}"),
    jwt("cut body", f"{HEAD}.{BODY[:-20]}.{SIGNATURE}"),
    jwt("cut in its signature", GOOD[:-1]),
    jwt("signature of half", f"{HEAD}.{BODY}.{SIGNATURE[:43]}"),
    jwt("signature of zeros", f"{HEAD}.{BODY}.{chunk(bytes(64))}"),
    jwt("signature of 63 bytes", f"{HEAD}.{BODY}.{chunk(bytes(63))}"),
    jwt("signature of 65 bytes", f"{HEAD}.{BODY}.{chunk(bytes(65))}"),
    jwt("signature with more behind", f"{GOOD}AAAA"),
    jwt("signature of another", token(USER, B)),
    jwt("newline behind", GOOD + "\n"),
    jwt("newline before", "\n" + GOOD),
    jwt("newlines within", f"{HEAD}.\n{BODY}.\n{SIGNATURE}"),
    jwt("carriage return behind", GOOD + "\r"),
    jwt("blank behind", GOOD + " "),
    jwt("blank before", " " + GOOD),
    jwt("tab within", f"{HEAD}.\t{BODY}.{SIGNATURE}"),
    jwt("zero byte behind", GOOD + "\0"),
    jwt("padded signature", GOOD + "=="),
    jwt("padded body", f"{HEAD}.{BODY}=.{SIGNATURE}"),
    jwt("bearer before", "Bearer " + GOOD),
    jwt("decorated", f"-----BEGIN NATS USER JWT-----\n{GOOD}\n------END NATS USER JWT------"),
    jwt("letters that are none", "é" + GOOD[1:]),
    jwt("large and junk", "x" * 3000),
    jwt("standard letters", f"{HEAD}.{BODY}.{SIGNATURE.replace('-', '+').replace('_', '/')}"),
    jwt("an account's", token(account("A"), OPERATOR)),
    jwt("an operator's", token(operator(), OPERATOR)),
    jwt("an activation's", token(activation("B", A, "a.>"), A)),
    jwt("another spelling of the field", None, fields={"JWT": GOOD}),
    jwt("two spellings", "junk", fields={"Jwt": GOOD}),
    jwt("in the token", None, fields={"auth_token": GOOD}),
    jwt("in the password", None, fields={"user": "u", "pass": GOOD}),
]

HEADERS = [
    headed("of version 1", {"typ": "jwt", "alg": "ed25519"}),
    headed("of version 1, and signed so", {"typ": "jwt", "alg": "ed25519"}, version=1),
    headed("of version 2, signed as 1", HEADER, version=1),
    headed("large letters", {"typ": "JWT", "alg": "ED25519-NKEY"}),
    headed("mixed letters", {"typ": "jWt", "alg": "Ed25519-Nkey"}),
    headed("other keys", {"TYP": "JWT", "ALG": "ed25519-nkey"}),
    headed("alg none", {"typ": "JWT", "alg": "none"}),
    headed("alg None", {"typ": "JWT", "alg": "None"}),
    headed("alg empty", {"typ": "JWT", "alg": ""}),
    headed("alg null", {"typ": "JWT", "alg": None}),
    headed("alg missing", {"typ": "JWT"}),
    headed("alg a number", {"typ": "JWT", "alg": 5}),
    headed("alg HS256", {"typ": "JWT", "alg": "HS256"}),
    headed("alg EdDSA", {"typ": "JWT", "alg": "EdDSA"}),
    headed("alg with a blank", {"typ": "JWT", "alg": "ed25519-nkey "}),
    headed("alg twice", b'{"typ":"JWT","alg":"none","alg":"ed25519-nkey"}'),
    headed("alg twice, none last", b'{"typ":"JWT","alg":"ed25519-nkey","alg":"none"}'),
    headed("typ missing", {"alg": "ed25519-nkey"}),
    headed("typ empty", {"typ": "", "alg": "ed25519-nkey"}),
    headed("typ JWS", {"typ": "JWS", "alg": "ed25519-nkey"}),
    headed("typ a number", {"typ": 1, "alg": "ed25519-nkey"}),
    headed("typ null", {"typ": None, "alg": "ed25519-nkey"}),
    headed("more members", {**HEADER, "kid": "x", "jwk": {}, "n": [1]}),
    headed("crit", {**HEADER, "crit": ["exp"]}),
    headed("b64 false", {**HEADER, "b64": False}),
    headed("a list", [HEADER]),
    headed("a string", "JWT"),
    headed("null", None),
    headed("empty object", {}),
    headed("nothing", b""),
    headed("blanks around", b' {"typ":"JWT","alg":"ed25519-nkey"} '),
    headed("text behind", b'{"typ":"JWT","alg":"ed25519-nkey"}x'),
    headed("comma behind", b'{"typ":"JWT","alg":"ed25519-nkey",}'),
    headed("no JSON", b"\xff\xfe"),
    headed("a mark before", b'\xef\xbb\xbf{"typ":"JWT","alg":"ed25519-nkey"}'),
]

_PLAIN = json.dumps(USER)
BODIES = [
    bodied("nothing", b""),
    bodied("null", b"null"),
    bodied("a list", b"[]"),
    bodied("a string", b'"user"'),
    bodied("a number", b"5"),
    bodied("empty object", b"{}"),
    bodied("text behind", _text(USER) + b"x"),
    bodied("blanks around", b" \n" + _text(USER) + b"\n "),
    bodied("a mark before", b"\xef\xbb\xbf" + _text(USER)),
    bodied("invalid letters in the name", _text(USER).replace(b'"u"', b'"\xff"')),
    bodied("zero byte in the name", _text(USER | {"name": "a\0b"})),
    bodied("half a pair of letters", _text(USER).replace(b'"u"', b'"\\ud800"')),
    bodied("NaN", _text(USER).replace(b'"iat":1700000000', b'"iat":NaN')),
    bodied("Infinity", _text(USER).replace(b'"iat":1700000000', b'"iat":Infinity')),
    bodied("an exponent", _text(USER).replace(b'"iat":1700000000', b'"iat":17e8')),
    bodied("an integer with a fraction", _text(USER).replace(b"00000,", b"00000.0,")),
    bodied("minus zero", _text(USER | {"exp": 0}).replace(b'"exp":0', b'"exp":-0')),
    bodied("leading zero", _text(USER | {"exp": 0}).replace(b'"exp":0', b'"exp":00')),
    bodied("deep", _text(USER | {"x": 0}).replace(b'"x":0', b'"x":' + b"[" * 500 + b"]" * 500)),
    bodied("very deep", _text(USER | {"x": 0}).replace(
        b'"x":0', b'"x":' + b"[" * 11000 + b"]" * 11000)),
    bodied("more members", _text(USER | {"x": {"y": [1, None]}, "nats2": 5})),
    bodied("large keys", _text({key.upper(): value for key, value in USER.items()})),
    bodied("large keys within", _text(USER | {
        "nats": {key.upper(): value for key, value in USER["nats"].items()}})),
    bodied("iss twice", _text(USER)[:-1] + b',"iss":"%s"}' % B.public_key.encode()),
    bodied("iss twice, good last", b'{"iss":"%s",' % B.public_key.encode() + _text(USER)[1:]),
    bodied("iss in two spellings", _text(USER)[:-1] + b',"ISS":"%s"}' % B.public_key.encode()),
    bodied("iss in two spellings, good last",
           b'{"Iss":"%s",' % B.public_key.encode() + _text(USER)[1:]),
    bodied("exp in two spellings", _text(USER)[:-1] + b',"exp":1,"EXP":4000000000}'),
    bodied("exp in two spellings, past last", _text(USER)[:-1] + b',"exp":4000000000,"Exp":1}'),
    bodied("nats twice", _text(USER)[:-1] + b',"nats":{"pub":{"deny":["a.b"]}}}'),
    bodied("nats twice, null last", _text(USER)[:-1] + b',"nats":null}'),
    bodied("nats in two spellings", _text(USER)[:-1] + b',"NATS":{"pub":{"deny":["a.b"]}}}'),
    bodied("type twice", _text(USER).replace(b'"type":"user"', b'"type":"account","type":"user"')),
    bodied("deny twice", _text(user("u", A, pub={})).replace(
        b'"pub":{}', b'"pub":{"deny":["a.b"],"deny":["a.c"]}')),
    bodied("pub twice", _text(user("u", A, pub={})).replace(
        b'"pub":{}', b'"pub":{"deny":["a.b"]},"pub":{"allow":["a.>"]}')),
]  # fmt: skip


def _cut_key(length: int) -> str:
    """The beginning of an account's key, or more than all of it."""
    return (A.public_key + "A" * 10)[:length]


def _with_issuer(issuer: object) -> str:
    return token(USER | {"iss": issuer}, A)


_WRONG_SUM = A.public_key[:-1] + ("A" if A.public_key[-1] != "A" else "B")
ISSUERS = [
    *(jwt(f"iss of length {n}", _with_issuer(_cut_key(n)), talk=ONE)
      for n in (0, 1, 2, 3, 8, 15, 32, 54, 55, 57, 60)),
    jwt("iss with a wrong sum", _with_issuer(_WRONG_SUM)),
    jwt("iss in small letters", _with_issuer(A.public_key.lower())),
    jwt("iss of no letters", _with_issuer("!" * 56)),
    jwt("iss a short key with a right sum", _with_issuer(
        encode_public(A.prefix, A.raw_public_key)[:24])),
    jwt("iss the seed", _with_issuer(A.seed)),
    jwt("iss with a newline", _with_issuer(A.public_key + "\n")),
    jwt("iss with a blank", _with_issuer(A.public_key + " ")),
    of_claims("signed by its user", USER | {"iss": user_key("u").public_key}, user_key("u")),
    of_claims("signed by the operator", USER | {"iss": OPERATOR.public_key}, OPERATOR),
    of_claims("signed by a foreign operator", USER | {"iss": FOREIGN.public_key}, FOREIGN),
    of_claims("signed by an unknown account",
              user("u", account_key("nobody")), account_key("nobody")),
    of_claims("iss of B, signed by A", USER | {"iss": B.public_key}),
    of_claims("issued by A, signed by B", USER, B),
    of_claims("issued by a signing key without its account", user("u", A_SIGNER), A_SIGNER),
    of_claims("issued by a signing key",
              user("u", A_SIGNER, issuer_account=A.public_key), A_SIGNER),
    of_claims("issued by a signing key of another",
              user("u", A_SIGNER, issuer_account=B.public_key), A_SIGNER),
    of_claims("issued by A for B", user("u", A, issuer_account=B.public_key)),
    of_claims("issued by A for A", user("u", A, issuer_account=A.public_key)),
    of_claims("for an account nobody knows, by A",
              user("u", A, issuer_account=account_key("nobody").public_key)),
    of_claims("issuer_account in small letters",
              user("u", A, issuer_account=A.public_key.lower())),
    of_claims("issuer_account empty", user("u", A, issuer_account="")),
    of_claims("issuer_account of a user", user("u", A, issuer_account=user_key("u").public_key)),
    of_claims("issuer_account of a signing key, by A",
              user("u", A, issuer_account=A_SIGNER.public_key)),
    *(jwt(f"sub {name}", token(USER | {"sub": sub}, A), talk=ONE) for name, sub in {
        "of an account": A.public_key, "of nobody": "x", "of its issuer's operator":
        OPERATOR.public_key, "with a wrong sum": USER["sub"][:-1] + "A", "cut": USER["sub"][:55],
        "in small letters": USER["sub"].lower(), "of another": user_key("v").public_key,
    }.items()),
    of_claims("issued by B", user("u", B), B),
]  # fmt: skip

_NONCE_OF_ANOTHER = "AAAAAAAAAAAAAAA"


def _by(key: KeyPair, nonce: str) -> bytes:
    return key.sign(nonce.encode())


_KEY = user_key("u")


def signed(name: str, sign: Any, **options: Any) -> Login:
    return Login(f"sig: {name}", GOOD, sign=sign, **options)


def _bytes_of_nonce(nonce: str) -> bytes:
    return base64.urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4))


SIGNATURES = [
    signed("good", signing(_KEY)),
    signed("missing", lambda nonce: None),
    signed("empty", lambda nonce: ""),
    signed("null", signing(_KEY), fields={"sig": None}),
    signed("a number", lambda nonce: 5),
    signed("junk", lambda nonce: "junk"),
    signed("by another user", signing(user_key("v"))),
    signed("by the account", signing(A)),
    signed("of another nonce", lambda nonce: chunk(_by(_KEY, _NONCE_OF_ANOTHER))),
    signed("of nothing", lambda nonce: chunk(_by(_KEY, ""))),
    signed("of the nonce's bytes", lambda nonce: chunk(_KEY.sign(_bytes_of_nonce(nonce)))),
    signed("of the nonce and a newline", lambda nonce: chunk(_by(_KEY, nonce + "\n"))),
    signed("of the token", lambda nonce: chunk(_by(_KEY, GOOD))),
    signed("63 bytes", lambda nonce: chunk(_by(_KEY, nonce)[:63])),
    signed("65 bytes", lambda nonce: chunk(_by(_KEY, nonce) + b"\0")),
    signed("zeros", lambda nonce: chunk(bytes(64))),
    signed("hexadecimal", lambda nonce: _by(_KEY, nonce).hex()),
    signed("standard letters, padded",
           lambda nonce: base64.b64encode(_by(_KEY, nonce)).decode()),
    signed("with a newline", lambda nonce: chunk(_by(_KEY, nonce)) + "\n"),
    signed("with a blank", lambda nonce: chunk(_by(_KEY, nonce)) + " "),
    signed("small letters", lambda nonce: chunk(_by(_KEY, nonce)).lower()),
    signed("the key, too", signing(_KEY), fields={"nkey": _KEY.public_key}),
    signed("another key, too", signing(_KEY), fields={"nkey": user_key("v").public_key}),
    signed("junk for a key, too", signing(_KEY), fields={"nkey": "junk"}),
    signed("user and password, too", signing(_KEY), fields={"user": "x", "pass": "y"}),
    signed("a token, too", signing(_KEY), fields={"auth_token": "t"}),
    signed("an account named", signing(_KEY), fields={"account": A.public_key}),
    signed("another account named", signing(_KEY), fields={"account": B.public_key}),
    signed("a new account wanted", signing(_KEY), fields={"new_account": True}),
    signed("protocol 1", signing(_KEY), fields={"protocol": 1}),
    signed("protocol 2", signing(_KEY), fields={"protocol": 2}),
    signed("verbose", signing(_KEY), fields={"verbose": True}),
    signed("a name", signing(_KEY), fields={"name": "me"}),
    Login("only user and password", None, sign=lambda nonce: None,
          fields={"user": "u", "pass": "p"}),
    Login("only a token", None, sign=lambda nonce: None, fields={"auth_token": "t"}),
    Login("only a key", None, fields={"nkey": _KEY.public_key}),
    Login("nothing at all", None, sign=lambda nonce: None),
    Login("a ping first", first="PING"),
    Login("a subscription first", first="SUB a 1"),
    Login("a message first", first="PUB a | hi"),
    Login("another account's token later", GOOD, talk=("SUB a.> 1", "CONNECT", "PUB a.b | hi"),
          again={"jwt": token(user("v", B), B), "sig": signing(user_key("v"))}),
    Login("an invalid token later", GOOD, talk=("SUB a.> 1", "CONNECT", "PUB a.b | hi"),
          again={"jwt": token(user("v", B), A), "sig": signing(user_key("v"))}),
    Login("the same again", GOOD, talk=("SUB a.> 1", "CONNECT", "PUB a.b | hi"),
          again={"jwt": GOOD, "sig": signing(_KEY)}),
    Login("another account's token with the first signature", GOOD,
          talk=("SUB a.> 1", "CONNECT", "PUB a.b | hi"),
          again={"jwt": token(user("v", B), B)}),
    Login("nothing new later", GOOD, talk=("SUB a.> 1", "CONNECT", "PUB a.b | hi"),
          again={"verbose": False}),
    Login("a wrong signature later", GOOD, talk=("SUB a.> 1", "CONNECT", "PUB a.b | hi"),
          again={"sig": chunk(bytes(64))}),
    Login("a bearer's token later", GOOD, talk=("SUB a.> 1", "CONNECT", "PUB a.b | hi"),
          again={"jwt": sentinel()}),
]  # fmt: skip

TIMES = [
    of_claims(f"{name} {value!r}", USER | {name: value}, talk=ONE,
              ends=name == "exp" and value in (-1, 2**63 - 1, -(2**63)))
    for name, values in {
        "exp": (0, 1, -1, 1_700_000_001, FAR, 2**53, -(2**63), 2**63, 1.5, "4000000000"),
        "nbf": (0, 1, -1, 1_700_000_001, FAR, 2**63 - 1, -(2**63), 2**63, 0.5, "0"),
        "iat": (0, 1, -1, FAR, 2**63 - 1, -(2**63), 2**63, "1"),
    }.items()
    for value in values
]  # fmt: skip
ROWS = [*CHUNKS, *HEADERS, *BODIES, *ISSUERS, *SIGNATURES, *TIMES]
