"""Reads what says where the JWTs of accounts come from: `resolver` and `resolver_preload`
(docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt/resolver)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from pynats_common.commandline.suggest import did_you_mean
from pynats_common.config import Node
from pynats_common.go.durations import format_duration_s
from pynats_common.go.quoting import quote

from pynats_server.options import Options, ResolverOptions
from pynats_server.settings.blocks.operators import go_kind
from pynats_server.settings.schema import Reading, Setting, Table
from pynats_server.settings.values import (
    boolean,
    duration_text_s,
    integer,
    path,
    refuse,
    string,
)

WHAT: Final = (
    'error parsing account resolver, should be MEM or  URL("url") or a map containing dir and '
    "type state=[FULL|CACHE])"
)
MEMORY: Final = ("mem", "memory")
_URL: Final = re.compile(r'url(?:\(\s*"?([^\s"]*?)"?\s*\)?)?', re.IGNORECASE)


def _duration_s(reading: Reading, node: Node, key: str) -> float:
    return duration_text_s(node, key)


def _kind(reading: Reading, node: Node, key: str) -> str:
    text = string(reading, node, key).lower()
    return "memory" if text in MEMORY else text


RESOLVER = Table(
    ResolverOptions,
    Setting("type", "FULL, CACHE or MEM", _kind, field="kind"),
    Setting("dir", "folder of the JWTs; it is made", path),
    Setting("allow_delete", "FULL: accounts may be deleted", boolean),
    Setting("hard_delete", "their files are removed, not only renamed", boolean),
    Setting(
        "limit",
        "JWTs that are kept: FULL refuses more (0 = any number), CACHE forgets what was not needed "
        "for the longest time (0 = 1000)",
        integer(),
    ),
    Setting("ttl", "CACHE: time after which a JWT is forgotten, 0 = never", _duration_s),
    Setting("interval", "FULL: time between looks at what other servers have", _duration_s),
    Setting("timeout", "time to wait for other servers", _duration_s),
)


def read_resolver(reading: Reading, node: Node, key: str) -> ResolverOptions:
    """MEMORY, a URL, or a block."""
    if isinstance(node.value, str):
        return _of_text(node, node.value)
    if not isinstance(node.value, dict):
        refuse(node, f"error parsing operator resolver, wrong type {go_kind(node.value)}")
    known: dict[str, Node] = {}
    for name, item in node.value.items():
        if RESOLVER.find(name) is not None:
            known[name] = item
        elif not item.used:
            similar = did_you_mean(name, [each.name for each in RESOLVER.settings])
            reading.warn(item, name, f"the resolver does not know it{similar}")
    options = ResolverOptions(kind="none")
    seen = RESOLVER.read(reading, known, options)
    if options.kind == "memory":
        return ResolverOptions(kind="memory")
    if options.kind not in ("full", "cache"):
        refuse(node, WHAT)
    if fault := fault_of_resolver(options, seen):
        refuse(node, fault)
    return options


def _of_text(node: Node, text: str) -> ResolverOptions:
    if text.strip().lower().removesuffix("()") in MEMORY:
        return ResolverOptions(kind="memory")
    found = _URL.fullmatch(text.strip())
    if found is None:
        refuse(node, WHAT)
    options = ResolverOptions(kind="url", url=found[1] or "")
    if fault := fault_of_resolver(options):
        refuse(node, fault)
    return options


def fault_of_resolver(options: ResolverOptions, seen: Collection[str] = ()) -> str:
    """Why a resolver cannot be like that; empty if it can. `seen` are keys that were given, which
    some kinds do not accept whatever they say."""
    if options.kind == "url":
        url = options.url
        return "" if _is_url(url) else f"error parsing account resolver url [{quote(url)}]"
    if options.kind not in ("full", "cache"):
        return ""
    if options.dir is None:
        return "dir has no value and needs to point to a directory"
    if options.dir.exists() and not options.dir.is_dir():
        return "dir needs to point to an accessible directory"
    if options.timeout <= 0:
        return f"Fetch timeout {format_duration_s(options.timeout)} is too smal"
    hard = options.hard_delete or "hard_delete" in seen
    if options.kind == "full":
        if options.ttl:
            return "FULL does not accept ttl"
        if hard and not options.allow_delete:
            return "hard_delete has no effect without delete"
        return ""
    if options.allow_delete:
        return "CACHE does not accept allow_delete"
    if hard:
        return "CACHE does not accept hard_delete"
    if "interval" in seen:
        return "CACHE does not accept sync"
    return "ttl can not be negative" if options.ttl < 0 else ""


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def store_resolver(options: Options, value: ResolverOptions) -> None:
    """Keeps what other keys say of it."""
    before = options.resolver
    options.resolver = replace(value, preload=before.preload)


def read_preload(reading: Reading, node: Node, key: str) -> dict[str, str]:
    """JWTs by their accounts."""
    if not isinstance(node.value, dict):
        refuse(node, "preload should be a map of account_public_key:account_jwt")
    found: dict[str, str] = {}
    for account, item in node.value.items():
        if item.used:
            continue  # it only defines a variable
        if not isinstance(item.value, str):
            reading.complain(item, "preload map value should be a string JWT")
        elif not _is_account_token(item.value):
            reading.complain(item, "invalid account JWT")
        else:
            found[account] = item.value
    return found


def _is_account_token(token: str) -> bool:
    from pynats_common.jwt import AccountClaims, JwtError, decode

    try:
        return isinstance(decode(token), AccountClaims)
    except JwtError:
        return False
