"""Names for completion: contexts of this machine, and what a server knows.

Whatever goes wrong, there are no names: whoever types has asked nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pynats_common.commandline.declare import Parameter
from pynats_common.go.durations import MILLISECOND_NS

from pynats_cli.global_options import COLOR_SCHEMES, GlobalOptions

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

_LONGEST_NS = 1_500 * MILLISECOND_NS
"""For a server to answer: people wait while they type."""
_MOST = 1_000
_KV, _OBJECTS = "KV_", "OBJ_"


def contexts() -> list[str]:
    """Names of the contexts on this machine."""
    from pynats_common.contexts import ContextStore

    try:
        return list(ContextStore().names())
    except OSError:
        return []


def global_values(flag: str) -> list[str]:
    """Names for a global flag's value."""
    if flag == "--context":
        return contexts()
    return list(COLOR_SCHEMES) if flag == "--colors" else []


class Names:
    """Names for the values of commands, asked of the server that the global flags name."""

    def __init__(self, options: GlobalOptions) -> None:
        timeout = min(options.timeout_ns, _LONGEST_NS)
        self._options = replace(options, timeout_ns=timeout, trace=False)

    def values(
        self, path: tuple[str, ...], parameter: Parameter, given: dict[str, str]
    ) -> list[str]:
        """Names that a parameter could take."""
        group = path[1] if len(path) > 1 else ""
        name = parameter.name
        if path[1:] == ("bench", "compare"):
            return contexts() if name in ("a", "b") else []
        if group == "context":
            return contexts() if parameter.positional and path[-1] != "add" else []
        if group == "schema" and name == "schema":
            from pynats_cli.reference.schemas.catalog import identifiers

            return identifiers()
        if group == "cheat":
            from pynats_cli.reference.cheats.book import topics

            return topics()
        ask = self._question(group, name, given)
        return [] if ask is None else self._asked(ask)

    def _question(
        self, group: str, name: str, given: dict[str, str]
    ) -> Callable[[Session], Awaitable[list[str]]] | None:
        stream = given.get("stream", "")
        if name == "stream" or (name in ("name", "source", "mirror") and group == "stream"):
            return _streams
        of_stream = ("consumer",) if group == "bench" else ("consumer", "name", "durable")
        if name in of_stream and group in ("consumer", "bench") and stream:
            return lambda session: _consumers(session, stream)
        if name == "bucket" and group in ("kv", "object", "bench"):
            prefix = _OBJECTS if group == "object" else _KV
            return lambda session: _buckets(session, prefix)
        if name == "service" and group == "service":
            return _services
        return None

    def _asked(self, ask: Callable[[Session], Awaitable[list[str]]]) -> list[str]:
        async def work() -> list[str]:
            from pynats_cli.connect.opening import open_session

            async with open_session(self._options) as session:
                return (await ask(session))[:_MOST]

        try:
            return asyncio.run(asyncio.wait_for(work(), 2 * _LONGEST_NS / 1e9))
        except Exception:  # see above
            return []


async def _listed(session: Session, subject: str, key: str) -> list[str]:
    found: list[str] = []
    async for item in session.js.pages(subject, key):
        found.append(str(item))
        if len(found) >= _MOST:
            break
    return found


async def _streams(session: Session) -> list[str]:
    return await _listed(session, "STREAM.NAMES", "streams")


async def _consumers(session: Session, stream: str) -> list[str]:
    return await _listed(session, f"CONSUMER.NAMES.{stream}", "consumers")


async def _buckets(session: Session, prefix: str) -> list[str]:
    names = await _streams(session)
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


async def _services(session: Session) -> list[str]:
    from pynats_cli.messages.micro.discovery import all_of

    found: list[dict[str, Any]] = await all_of(session, "PING")
    return [str(item.get("name", "")) for item in found]
