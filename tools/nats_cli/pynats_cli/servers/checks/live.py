"""Checks that ask over a connection. Whatever keeps them from asking is critical, not an error."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nats import errors as nats_errors

from pynats_cli.connect.errors import describe
from pynats_cli.connect.headers import header_pairs
from pynats_cli.errors import CliError
from pynats_cli.servers.checks import connection, jetstream, meta, request, server
from pynats_cli.servers.checks.result import Result
from pynats_cli.servers.system import requests

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

_META_SUBJECT = "$SYS.REQ.SERVER.PING.JSZ"
_FAILURES = (CliError, nats_errors.Error, TimeoutError)


class Api:
    """The JetStream API of a session; a timeout is a CliError like every other failure."""

    def __init__(self, session: Session) -> None:
        self._js = session.js

    async def request(self, subject: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            return await self._js.request(subject, payload)
        except (nats_errors.Error, TimeoutError) as error:
            raise CliError(describe(error)) from None

    async def streams(self) -> list[dict[str, Any]]:
        try:
            return await self._js.streams()
        except (nats_errors.Error, TimeoutError) as error:
            raise CliError(describe(error)) from None


async def check_round_trips(
    session: Session, limits: connection.ConnectionThresholds, result: Result
) -> None:
    """A PING, and a message to ourselves."""
    try:
        begin = time.perf_counter_ns()
        await session.flush()
        connection.judge_rtt(time.perf_counter_ns() - begin, limits, result)
    except _FAILURES as error:
        result.critical(f"rtt failed: {describe(error)}")
        return
    inbox = session.inbox
    try:
        subscription = await session.client.subscribe(inbox, max_msgs=1)
        begin = time.perf_counter_ns()
        await session.client.publish(inbox, b"round trip")
        await session.unless_refused(subscription.next_msg(timeout=session.options.timeout_s))
        connection.judge_round_trip(time.perf_counter_ns() - begin, limits, result)
    except _FAILURES as error:
        result.critical(f"did not receive from {inbox}: {describe(error)}")


async def check_meta(session: Session, expected: meta.MetaExpectation, result: Result) -> None:
    """The leader of the meta group; a server alone answers too."""
    try:
        answers = await requests.scatter(
            session, _META_SUBJECT, {"leader_only": True, "raft": True}, expect=1
        )
        if not answers:
            result.critical("no JSZ response received")
            return
        meta.judge_meta(requests.data_of(answers[0].document), expected, result)
    except _FAILURES as error:
        result.critical(f"JSZ API request failed: {describe(error)}")


async def check_jetstream(
    session: Session, limits: jetstream.JetStreamThresholds, result: Result
) -> None:
    """The account's limits and, if asked for, its streams' replicas."""
    api = Api(session)
    try:
        jetstream.judge_account(await api.request("INFO"), limits, result)
    except CliError as error:
        result.critical(f"JetStream not available: {error}")
        return
    if limits.replicas:
        try:
            jetstream.judge_replicas(await api.streams(), limits, result)
        except CliError as error:
            result.critical(f"JetStream not available: {error}")


async def check_server(
    session: Session, name: str, limits: server.ServerThresholds, result: Result
) -> None:
    """The server of this name (or id)."""
    try:
        document = await requests.ask_one(session, name, "VARZ")
        server.judge_server(requests.data_of(document), limits, result)
    except _FAILURES as error:
        result.critical(f"varz failed: {describe(error)}")


async def check_request(
    session: Session,
    subject: str,
    payload: bytes,
    headers: Sequence[tuple[str, str]],
    expected: request.AnswerExpectation,
    result: Result,
) -> None:
    """One request and its first answer."""
    begin = time.perf_counter_ns()
    try:
        message = await session.request(subject, payload, [*headers])
    except _FAILURES as error:
        request.measure_time(time.perf_counter_ns() - begin, expected, result)
        result.critical(f"could not send request: {describe(error)}")
        return
    took = time.perf_counter_ns() - begin
    request.judge_answer(message.data, dict(header_pairs(message)), took, expected, result)
