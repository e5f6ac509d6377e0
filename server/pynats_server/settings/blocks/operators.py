"""Reads the keys of operator mode: who signs the accounts, and which of them are wanted
(docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt)."""

from __future__ import annotations

from pynats_common.config import Node, NodeValue, kind_of
from pynats_common.creds import CredsError, decode_text, extract_jwt
from pynats_common.go.errno import error_text
from pynats_common.nkeys import Prefix, is_valid_public

from pynats_server.settings.schema import Reading, Setting
from pynats_server.settings.values import refuse

JWT_BEGINS = "eyJ"  # as every JSON object does in base64
FILE_BYTES_MAX = 2 * 1024 * 1024
_GO_KINDS = {
    "string": "string",
    "integer": "int64",
    "float": "float64",
    "boolean": "bool",
    "map": "map[string]interface {}",
    "array": "[]interface {}",
}


def go_kind(value: NodeValue) -> str:
    """What the real server calls the type of a value."""
    kind = kind_of(value)
    return _GO_KINDS.get(kind, kind)


def read_operators(reading: Reading, node: Node, key: str) -> list[str]:
    """JWTs, or the files that have them: one or a list."""
    items = node.value if isinstance(node.value, list) else [node]
    if not isinstance(node.value, str | list):
        refuse(node, f"error parsing operators: unsupported type {go_kind(node.value)}")
    tokens = []
    for item in items:
        if not isinstance(item.value, str):
            refuse(
                item,
                f"error parsing operators: unsupported type {go_kind(item.value)} where string "
                "is expected",
            )
        tokens.append(_read_operator(item, item.value))
    return tokens


def _read_operator(node: Node, value: str) -> str:
    # By name, because tokens take 20 ms to load, which nobody else needs at the start.
    from pynats_common.jwt import JwtError, OperatorClaims, decode

    text = value
    if not value.startswith(JWT_BEGINS):
        try:
            with open(value, "rb") as file:  # noqa: PTH123 (an empty path is none, not the folder)
                text = decode_text(file.read(FILE_BYTES_MAX))
        except (OSError, ValueError) as error:
            reason = error_text(error) if isinstance(error, OSError) else str(error)
            verb = "read" if isinstance(error, IsADirectoryError) else "open"
            refuse(node, f"error parsing operator JWT: {verb} {value}: {reason}")
    try:
        token = extract_jwt(text)
        claims = decode(token)
    except CredsError:
        refuse(node, "error parsing operator JWT: expected 3 chunks")
    except JwtError as error:
        refuse(node, f"error parsing operator JWT: {error}")
    if not isinstance(claims, OperatorClaims):
        refuse(node, "error parsing operator JWT: not operator claim")
    return token


def read_trusted_keys(reading: Reading, node: Node, key: str) -> list[str]:
    """Public keys of operators."""
    keys = _keys(node, "trusted")
    for item, text in keys:
        if not is_valid_public(text, Prefix.OPERATOR):
            refuse(item, f'trust key "{text}" required to be a valid public operator nkey')
    return [text for _, text in keys]


def read_pinned_accounts(reading: Reading, node: Node, key: str) -> list[str]:
    """Public keys of accounts, which are checked when the server starts."""
    return [text for _, text in _keys(node, "resolver_pinned_accounts")]


def _keys(node: Node, key: str) -> list[tuple[Node, str]]:
    items = node.value if isinstance(node.value, list) else [node]
    if not isinstance(node.value, str | list):
        refuse(node, f"error parsing {key}: unsupported type {go_kind(node.value)}")
    found = []
    for item in items:
        if not isinstance(item.value, str):
            kind = go_kind(item.value)
            refuse(item, f"error parsing {key}: unsupported type in array {kind}")
        found.append((item, item.value))
    return found


def read_sentinel(reading: Reading, node: Node, key: str) -> str:
    """A user JWT, which is checked when the server starts."""
    if not isinstance(node.value, str):
        kind = go_kind(node.value)
        refuse(node, f"interface conversion: interface {{}} is {kind}, not string")
    return node.value


OPERATOR_MODE = (
    Setting(
        "operator",
        "JWTs of the operators, or files with them, one or a list: accounts are known by JWTs that "
        "an operator has signed, and users by JWTs of their accounts",
        read_operators,
        ("operators", "root", "roots", "root_operator", "root_operators"),
        field="operator.tokens",
        go_name="TrustedOperators",
    ),
    Setting(
        "trusted_keys",
        "public keys of operators, instead of their JWTs",
        read_trusted_keys,
        ("trusted",),
        field="operator.trusted_keys",
        go_name="TrustedKeys",
    ),
    Setting(
        "resolver_pinned_accounts",
        "public keys of the only accounts that are used in operator mode, besides the system "
        "account",
        read_pinned_accounts,
        field="operator.pinned_accounts",
        go_name="ResolverPinnedAccounts",
    ),
    Setting(
        "default_sentinel",
        "user JWT of clients that have none, a bearer token (operator mode)",
        read_sentinel,
        field="operator.default_sentinel",
        reloadable=True,
        go_name="DefaultSentinel",
    ),
)
