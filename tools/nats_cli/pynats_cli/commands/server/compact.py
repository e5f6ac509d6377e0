"""Short names of servers: what all have in common at the end is left out."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence


def compact_names(names: Sequence[str]) -> list[str]:
    """Names without the domain that all share; addresses stay whole, and no name becomes empty."""
    hosts = [name for name in names if not _is_address(name)]
    split = [name.split(".") for name in hosts]
    shared = 0
    while split and all(
        len(parts) > shared + 1 and parts[-shared - 1] == split[0][-shared - 1] for parts in split
    ):
        shared += 1
    short = {host: ".".join(parts[: len(parts) - shared])
             for host, parts in zip(hosts, split, strict=True)}  # fmt: skip
    return [short.get(name, name) for name in names]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
