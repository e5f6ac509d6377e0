"""Runs the configured checks for one scrape."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from nats import errors as nats_errors

from pynats_cli.connect.errors import describe
from pynats_cli.connect.opening import open_session
from pynats_cli.connect.session import Session, connected_to
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.servers.checks.connection import ConnectionThresholds, judge_connect
from pynats_cli.servers.checks.result import Result
from pynats_cli.servers.exporter.config import CheckSpec
from pynats_cli.servers.exporter.kinds import KINDS

_AT_ONCE = 8
_FAILURES = (CliError, nats_errors.Error, TimeoutError, ConnectionError)
_BAD_ANSWERS = (KeyError, TypeError, ValueError, AttributeError)


class Collector:
    """Runs all checks. Used in `async with`: connections to be reused stay open between scrapes."""

    def __init__(self, options: GlobalOptions, checks: Sequence[CheckSpec]) -> None:
        self._options = options
        self._checks = checks
        self._stack = AsyncExitStack()
        self._kept: dict[str, Session] = {}
        self._one_scrape = asyncio.Lock()
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Collector:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.__aexit__(*error)  # type: ignore[arg-type]

    async def collect(self) -> list[Result]:
        """The results of all checks, in the order of the configuration."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(spec: CheckSpec) -> Result:
            async with places:
                return await self._run(spec)

        async with self._one_scrape:
            return [*await asyncio.gather(*(one(spec) for spec in self._checks))]

    async def _run(self, spec: CheckSpec) -> Result:
        result = Result(suite=spec.kind, name=spec.name)
        try:
            if not KINDS[spec.kind].connects:
                # Reads files: not in the loop.
                await asyncio.to_thread(asyncio.run, self._judge(spec, None, result))
            elif spec.reuse_connection:
                await self._judge(spec, await self._kept_session(spec.context), result)
            else:
                begin = time.perf_counter_ns()
                async with open_session(self._options_for(spec.context)) as session:
                    _judge_connect(spec, session, time.perf_counter_ns() - begin, result)
                    await self._judge(spec, session, result)
        except _FAILURES as error:
            result.critical(f"connection failed: {describe(error)}")
        return result

    async def _judge(self, spec: CheckSpec, session: Session | None, result: Result) -> None:
        # A copy: the checks take their thresholds out of it and fill in those of metadata.
        values: dict[str, Any] = dict(spec.values)
        try:
            await KINDS[spec.kind].run(session, values, result)
        except _BAD_ANSWERS as error:
            result.critical(f"unexpected answer: {type(error).__name__}: {error}")

    def _options_for(self, context: str) -> GlobalOptions:
        """The program's own connection unless the check names a context."""
        if not context:
            return self._options
        return replace(self._options, context=context, server="", explicit=frozenset())

    async def _kept_session(self, context: str) -> Session:
        async with self._opening:
            session = self._kept.get(context)
            if session is None or session.client.is_closed:
                session = await self._stack.enter_async_context(
                    open_session(self._options_for(context))
                )
                self._kept[context] = session
            return session


def _judge_connect(spec: CheckSpec, session: Session, took_ns: int, result: Result) -> None:
    if spec.kind == "connection":
        limits = ConnectionThresholds(**spec.values)
        judge_connect(took_ns, connected_to(session.client), limits, result)
