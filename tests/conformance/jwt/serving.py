"""Servers of one configuration each, by the name that rows give it."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.pool import ServerPool
from tests.support.process import ServerProcess

Serve = Callable[[ServerPool, str], ServerProcess]


def by_name(prefix: str, config: Callable[[ServerPool, str], str]) -> Serve:
    """The server of a name in a pool. Its configuration is written once: servers of equal names and
    texts are one."""
    texts: dict[tuple[int, str], str] = {}

    def get(pool: ServerPool, name: str) -> ServerProcess:
        key = (id(pool), name)
        if key not in texts:
            texts[key] = config(pool, name)
        return pool.get(f"{prefix}-{name.replace(' ', '-')}", texts[key])

    return get
