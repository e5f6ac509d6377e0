"""Reads the `proxies` block: whose signatures count."""

from __future__ import annotations

from pynats_common.config import Node, kind_of
from pynats_common.nkeys import is_valid_public

from pynats_server.options import ProxyOptions
from pynats_server.settings.schema import Reading, Setting, Table
from pynats_server.settings.texts import shown_key
from pynats_server.settings.values import refuse, string


def read_proxies(reading: Reading, node: Node, key: str) -> ProxyOptions:
    """The `proxies` block. Raises `ConfigError` if it cannot be used."""
    if not isinstance(node.value, dict):
        refuse(node, f"expected proxies to be a map/struct, got {kind_of(node.value)}")
    proxies = ProxyOptions()
    PROXIES.gather(reading, node.value, proxies)
    return proxies


def fault_of_proxies(proxies: ProxyOptions) -> str:
    """What is wrong with proxies that a program has configured; empty = nothing."""
    for key in proxies.trusted:
        if not is_valid_public(key):
            return f"proxy trusted key {shown_key(key)} is invalid"
    return ""


def _read_trusted(reading: Reading, node: Node, key: str) -> list[str]:
    if not isinstance(node.value, list):
        refuse(node, f"expected proxies' trusted field to be an array, got {kind_of(node.value)}")
    found: list[str] = []
    for item in node.value:
        if not isinstance(item.value, dict):
            reading.complain(
                item,
                f"expected proxies' trusted entry to be a map/struct, got {kind_of(item.value)}",
            )
            continue
        proxy = _Proxy()
        seen = PROXY.gather(reading, item.value, proxy)
        if "key" in seen:
            found.append(proxy.key)
        else:
            reading.complain(item, 'proxy trusted key "" is invalid')
    return list(dict.fromkeys(found))


def _read_key(reading: Reading, node: Node, key: str) -> str:
    text = string(reading, node, key)
    if not is_valid_public(text):
        refuse(node, f"invalid proxy key {shown_key(text)}")
    return text


class _Proxy:
    """An entry of the list."""

    key = ""


PROXY = Table(
    _Proxy,
    Setting("key", "its public NKey, of any kind", _read_key, ("public_key",)),
)
PROXIES = Table(
    ProxyOptions,
    Setting(
        "trusted",
        "proxies that sign the nonce for the clients that come through them: a list of blocks",
        _read_trusted,
        block=PROXY,
    ),
)
