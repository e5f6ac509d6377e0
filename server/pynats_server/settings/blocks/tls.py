"""Reads `tls` blocks: those of clients, and of whoever else speaks TLS.

The files are read as well, so that a wrong one is told with the place of its block.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

from pynats_common.commandline.suggest import did_you_mean
from pynats_common.config import Node, kind_of, plain
from pynats_common.go.durations import parse_duration_s

from pynats_server.settings.blocks.ocsp import OCSP_PEER, read_ocsp_peer
from pynats_server.settings.schema import Reader, Reading, Setting, Table, keep_nothing
from pynats_server.settings.values import duration_text_s, path, plain_reason, refuse
from pynats_server.tls.errors import PlanError
from pynats_server.tls.options import (
    DEFAULT_TIMEOUT_S,
    FALLBACK_S,
    CertificateFiles,
    TlsOptions,
)
from pynats_server.tls.suites import GROUPS, NAMES

_PARSING: Final = "error parsing tls config"
_PIN: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_A_PIN: Final = "hex-encoded sha256 of DER encoded SubjectPublicKeyInfo"
_WORDS: Final = {"true": True, "on": True, "false": False, "off": False}
_VERSIONS: Final = {"1.0": "TLS 1.0", "1.1": "TLS 1.1"}


def read_tls(reading: Reading, node: Node, key: str) -> TlsOptions:
    """The `tls` block of clients."""
    return _read(reading, node, key, TLS)


def read_client_tls(reading: Reading, node: Node, key: str) -> TlsOptions:
    """A block of a part where this server is the client."""
    return _read(reading, node, key, CLIENT_TLS)


def _read(reading: Reading, node: Node, key: str, table: Table) -> TlsOptions:
    if not isinstance(node.value, dict):
        refuse(node, f"{key} must be a map, got {kind_of(node.value)}")
    tls = TlsOptions()
    table.read(reading, node.value, tls)
    from pynats_server.tls.plan import plan_of  # others need not load it

    try:
        plan_of(tls)
    except PlanError as error:
        refuse(node, str(error))
    return tls


# -- values -----------------------------------------------------------------------------------


def _file(reading: Reading, node: Node, key: str) -> Any:
    if not isinstance(node.value, str):
        refuse(node, f"{_PARSING}, expected '{key}' to be filename")
    return path(reading, node, key)


def _boolean(prefix: str = f"{_PARSING}, ") -> Reader:
    def read(reading: Reading, node: Node, key: str) -> bool:
        if not isinstance(node.value, bool):
            refuse(node, f"{prefix}expected '{key}' to be a boolean")
        return node.value

    return read


def _certificates(reading: Reading, node: Node, key: str) -> list[CertificateFiles]:
    def wrong(item: Node) -> NoReturn:
        refuse(item, f"error parsing certificates config: unsupported type {kind_of(item.value)}")

    if not isinstance(node.value, list):
        wrong(node)
    found: list[CertificateFiles] = []
    for item in node.value:
        if not isinstance(item.value, dict):
            wrong(item)
        pair = CertificateFiles()
        for name, value in item.value.items():
            if not isinstance(value.value, str):
                wrong(value)
            if name not in ("cert_file", "key_file"):
                refuse(value, f'error parsing certificates config: unknown field "{name}"'
                       + did_you_mean(name, ("cert_file", "key_file")))  # fmt: skip
            setattr(pair, name, path(reading, value, name))
        if pair.cert_file is None or pair.key_file is None:
            refuse(
                item,
                "error parsing certificates config: both 'cert_file' and 'cert_key' options are "
                "required",
            )
        found.append(pair)
    return found


def _names(known: tuple[str, ...], what: str) -> Callable[[Reading, Node, str], list[str]]:
    """A list of names, and not an empty one."""

    def read(reading: Reading, node: Node, key: str) -> list[str]:
        if not isinstance(node.value, list):
            refuse(node, f"{_PARSING}, '{key}' must be a list, got {kind_of(node.value)}")
        if not node.value:
            refuse(node, f"{_PARSING}, '{key}' cannot be empty")
        for item in node.value:
            if item.value not in known:
                similar = did_you_mean(str(plain(item.value)), known)
                refuse(item, f"unrecognized {what} {plain(item.value)}{similar}")
        return [str(item.value) for item in node.value]

    return read


def _min_version(reading: Reading, node: Node, key: str) -> str:
    value = node.value
    if not isinstance(value, str):
        shown = plain(value)
        shown = str(shown).lower() if isinstance(shown, bool) else str(shown)
        refuse(node, f"{_PARSING}: '{key}' wrong type: {shown}")
    if value in _VERSIONS:
        refuse(node, f"{_PARSING}: unsupported TLS version: {_VERSIONS[value]}")
    if value not in ("1.2", "1.3"):
        refuse(node, f"{_PARSING}: unknown version: {value}")
    return value


def _timeout(reading: Reading, node: Node, key: str) -> float:
    value = node.value
    if isinstance(value, str):
        try:
            return parse_duration_s(value) or DEFAULT_TIMEOUT_S
        except ValueError as error:
            refuse(node, f"{_PARSING}, '{key}' {plain_reason(error)}")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        refuse(node, f"{_PARSING}, '{key}' wrong type")
    return float(value) or DEFAULT_TIMEOUT_S


def _rate(reading: Reading, node: Node, key: str) -> int:
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        refuse(node, f"{_PARSING}, '{key}' wrong type")
    return node.value


def _pins(reading: Reading, node: Node, key: str) -> list[str]:
    if not isinstance(node.value, list):
        refuse(node, f"{_PARSING}, expected '{key}' to be a list of {_A_PIN}")
    for item in node.value:
        if not isinstance(item.value, str) or not _PIN.fullmatch(item.value):
            refuse(item, f"{_PARSING}, '{key}' key {plain(item.value)} does not look like {_A_PIN}")
    return [str(item.value).lower() for item in node.value]


def _handshake_first(reading: Reading, node: Node, key: str) -> tuple[bool, float]:
    """Whether it comes first, and for how long INFO waits for it; 0 = for ever."""
    value = node.value
    if isinstance(value, bool):
        return value, 0.0
    if not isinstance(value, str):
        refuse(node, f'field "{key}" should be a boolean or a string, got {kind_of(node.value)}')
    word = value.lower()
    if word in _WORDS:
        return _WORDS[word], 0.0
    if word in ("auto", "auto_fallback"):
        return True, FALLBACK_S
    try:
        return True, max(0.0, parse_duration_s(value))
    except ValueError:
        refuse(node, f'field "{key}"\'s value "{value}" is invalid')


def _store_handshake_first(tls: TlsOptions, value: tuple[bool, float]) -> None:
    tls.handshake_first, tls.handshake_first_fallback = value


def _known_urls(reading: Reading, node: Node, key: str) -> bool:
    if _boolean()(reading, node, key):
        refuse(node, f"{key} not supported in this context")
    return False


def _watch(reading: Reading, node: Node, key: str) -> float:
    if isinstance(node.value, bool):
        return TlsOptions().watch if node.value else 0.0
    seconds = duration_text_s(node, key)
    if seconds < 0:
        refuse(node, f"{key} value can not be negative")
    return seconds


# -- certificates from the store of Windows: named here, and of no use -----------------------


def _store_text(reading: Reading, node: Node, key: str) -> str:
    if not isinstance(node.value, str) or not node.value:
        refuse(node, f"expected '{key}' to be a valid non-empty string")
    return node.value


def _cert_store(reading: Reading, node: Node, key: str) -> NoReturn:
    if _store_text(reading, node, key).lower() not in ("windowscurrentuser", "windowslocalmachine"):
        refuse(node, "cert store type not implemented")
    refuse(node, "cert_store not compatible with current operating system")


def _cert_match_by(reading: Reading, node: Node, key: str) -> str:
    word = _store_text(reading, node, key)
    if word.lower() not in ("issuer", "subject", "thumbprint"):
        refuse(node, "cert match by type not implemented")
    return word


def _anything(reading: Reading, node: Node, key: str) -> None:
    return None


# -- tables -----------------------------------------------------------------------------------

_FILES = (
    Setting("cert_file", "certificate, perhaps followed by those that vouch for it, PEM", _file),
    Setting("key_file", "its private key, PEM, not encrypted", _file),
)
_CERTIFICATES = Table(CertificateFiles, *_FILES)
_SETTINGS = (
    *_FILES,
    Setting(
        "ca_file",
        "authorities that certificates of the other side are checked against, PEM; without it "
        "those of the system",
        _file,
    ),
    Setting(
        "certs",
        "several certificates instead of cert_file: the client names its host and gets the one "
        "that is for it, otherwise the first",
        _certificates,
        ("certificates",),
        block=_CERTIFICATES,
    ),
    Setting("verify", "clients must show a certificate", _boolean()),
    Setting(
        "verify_and_map",
        "clients must show a certificate, and it says which user they are",
        _boolean(),
    ),
    Setting(
        "verify_cert_and_check_known_urls",
        "of servers among each other; true is refused here",
        _known_urls,
        store=keep_nothing,
    ),
    Setting(
        "insecure",
        "where this server is the client: any certificate will do",
        _boolean(),
    ),
    Setting(
        "cipher_suites",
        "cipher suites of TLS 1.2, names as IANA has them; without the key all good ones. "
        "TLS 1.3 has its own, always",
        _names(NAMES, "cipher"),
    ),
    Setting(
        "allow_insecure_cipher_suites",
        "cipher_suites may have some that are broken",
        _boolean(),
    ),
    Setting(
        "curve_preferences",
        "groups of the key exchange: " + ", ".join(GROUPS),
        _names(tuple(GROUPS), "curve preference"),
    ),
    Setting("min_version", 'oldest version of TLS, "1.2" or "1.3"', _min_version),
    Setting("timeout", "seconds for a handshake", _timeout),
    Setting(
        "connection_rate_limit",
        "handshakes begun in a second; not above 0 = no limit",
        _rate,
    ),
    Setting(
        "pinned_certs",
        "only certificates of clients with these public keys: SHA-256 of them in hex, needs verify",
        _pins,
    ),
    Setting(
        "handshake_first",
        "the handshake comes before INFO: true, or for how long INFO waits for it, a duration or "
        "auto = 50ms",
        _handshake_first,
        ("first", "immediate"),
        store=_store_handshake_first,
    ),
    Setting(
        "ocsp_peer",
        "ask the authorities of certificates of clients whether they still hold: true or a block",
        read_ocsp_peer,
        block=OCSP_PEER,
    ),
    Setting("cert_store", "only on Windows: refused", _cert_store, store=keep_nothing),
    Setting("cert_match_by", "only on Windows", _cert_match_by, store=keep_nothing),
    Setting("cert_match", "only on Windows", _store_text, store=keep_nothing),
    Setting("ca_certs_match", "only on Windows", _anything, store=keep_nothing),
    Setting("cert_match_skip_invalid", "only on Windows", _boolean(""), store=keep_nothing),
    Setting(
        "watch",
        "time between looks whether the files have changed, which are then used for new "
        "connections; false = only a reload takes them",
        _watch,
        ours=True,
    ),
)
TLS = Table(TlsOptions, *_SETTINGS, unknown='error parsing tls config, unknown field "{key}"')
CLIENT_TLS = Table(
    TlsOptions, *_SETTINGS, unknown='error parsing tls config, unknown field "{key}"'
)
