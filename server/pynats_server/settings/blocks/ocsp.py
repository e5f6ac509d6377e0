"""Reads what is configured of OCSP: `ocsp` of the server's own certificate, `ocsp_peer` of those of
clients, and `ocsp_cache`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from pynats_common.config import Node, kind_of
from pynats_common.go.durations import parse_duration_s

from pynats_server.settings.schema import Reader, Reading, Setting, Table
from pynats_server.settings.values import path, plain_reason, refuse
from pynats_server.tls.options import OcspCacheOptions, OcspOptions, OcspPeerOptions

_PEER: Final = "error parsing tls peer config"
_CACHE: Final = "error parsing OCSP peer cache config"
_OCSP: Final = "error parsing ocsp config"
_SAVE_MIN_S: Final = 1.0
MODES: Final = ("auto", "always", "never", "must")

Filled = TypeVar("Filled")


def read_ocsp_peer(reading: Reading, node: Node, key: str) -> OcspPeerOptions:
    """`ocsp_peer`, in the short form or as a block."""
    if isinstance(node.value, bool):
        return OcspPeerOptions(verify=node.value)
    what = "error parsing ocsp peer config"
    peer = _block(reading, node, OCSP_PEER, OcspPeerOptions(), what)
    defaults = OcspPeerOptions()
    for name in ("ca_timeout", "allowed_clockskew", "cache_ttl_when_next_update_unset"):
        if getattr(peer, name) < 0:
            setattr(peer, name, getattr(defaults, name))
    return peer


def read_ocsp_cache(reading: Reading, node: Node, key: str) -> OcspCacheOptions:
    """`ocsp_cache`, in the short form or as a block."""
    if isinstance(node.value, bool):
        return OcspCacheOptions(type="local" if node.value else "none")
    return _block(reading, node, OCSP_CACHE, OcspCacheOptions(), f"error parsing {key}")


def read_ocsp(reading: Reading, node: Node, key: str) -> OcspOptions:
    """`ocsp`, in the short form or as a block."""
    if isinstance(node.value, bool):
        return OcspOptions(mode="auto" if node.value else "never")
    return _block(reading, node, OCSP, OcspOptions(), _OCSP)


def _block(reading: Reading, node: Node, table: Table, options: Filled, what: str) -> Filled:
    if not isinstance(node.value, dict):
        refuse(node, f"{what}: unsupported type {kind_of(node.value)}")
    table.read(reading, node.value, options)
    return options


def _flag(what: str) -> Reader:
    def read(reading: Reading, node: Node, key: str) -> bool:
        if not isinstance(node.value, bool):  # the real server names the key only
            refuse(node, f'{what}, unknown field ["{key}"]')
        return node.value

    return read


def _seconds(what: str, words: Callable[[float], float] = float) -> Reader:
    """Seconds as a number, or a duration."""

    def read(reading: Reading, node: Node, key: str) -> float:
        value = node.value
        if isinstance(value, str):
            try:
                return words(parse_duration_s(value))
            except ValueError as error:
                refuse(node, f"{what}, conversion error: {plain_reason(error)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            refuse(node, f"{what}, conversion error: unexpected type")
        return words(float(value))

    return read


def _cache_type(reading: Reading, node: Node, key: str) -> str:
    if not isinstance(node.value, str):
        refuse(node, f'{_CACHE}, unknown field ["{key}"]')
    word = node.value.lower()
    if word not in ("local", "none"):
        refuse(node, f"{_CACHE}, unknown type [{node.value}]")
    return word


def _store(reading: Reading, node: Node, key: str) -> Any:
    if not isinstance(node.value, str):
        refuse(node, f'{_CACHE}, unknown field ["{key}"]')
    return path(reading, node, key)


def _mode(reading: Reading, node: Node, key: str) -> str:
    if not isinstance(node.value, str):
        refuse(node, f"{_OCSP}: {key} must be a string, got {kind_of(node.value)}")
    word = node.value.lower()
    if word not in MODES:
        refuse(node, f"{_OCSP}: unsupported ocsp mode {kind_of(node.value)}")
    return word


def _urls(reading: Reading, node: Node, key: str) -> list[str]:
    """One, or a list: the real server's reader of the list never accepts one."""
    nodes = node.value if isinstance(node.value, list) else [node]
    for each in nodes:
        if not isinstance(each.value, str):
            refuse(each, f"{_OCSP}: {key} must be a string, got {kind_of(each.value)}")
    return [str(each.value) for each in nodes]


OCSP_PEER = Table(
    OcspPeerOptions,
    Setting("verify", "whether to ask at all; needs verify of the block around it", _flag(_PEER)),
    Setting("ca_timeout", "seconds for an answer", _seconds(_PEER)),
    Setting(
        "allowed_clockskew",
        "seconds that the clock of an authority may be off",
        _seconds(_PEER),
    ),
    Setting("warn_only", "nobody is kept out, there is only a line in the log", _flag(_PEER)),
    Setting("unknown_is_good", "one that its authority does not know holds", _flag(_PEER)),
    Setting(
        "allow_when_ca_unreachable",
        "a certificate holds when its authority does not answer and nothing else is known",
        _flag(_PEER),
    ),
    Setting(
        "cache_ttl_when_next_update_unset",
        "seconds that an answer without an end counts",
        _seconds(_PEER),
    ),
    unknown='error parsing tls peer config, unknown field ["{key}"]',
)
OCSP_CACHE = Table(
    OcspCacheOptions,
    Setting("type", "where answers are kept: local or none", _cache_type),
    Setting("local_store", "folder for them; default _rc_", _store),
    Setting(
        "preserve_revoked",
        "what was revoked stays revoked, also when the answer is too old",
        _flag(_CACHE),
    ),
    Setting(
        "save_interval",
        "seconds between writes, 1 at least",
        _seconds(_CACHE, lambda seconds: max(_SAVE_MIN_S, seconds)),
    ),
    unknown='error parsing OCSP peer cache config, unknown field ["{key}"]',
)
OCSP = Table(
    OcspOptions,
    Setting(
        "mode",
        "auto = when the certificate demands it, always, must = and end when it was revoked, never",
        _mode,
    ),
    Setting(
        "urls",
        "where to ask, instead of where the certificate says",
        _urls,
        ("url",),
    ),
    unknown="error parsing ocsp config: unsupported field {key}",
)
