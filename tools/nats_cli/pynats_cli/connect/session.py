"""A connected client with its settings: what commands ask and wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from nats import errors as nats_errors
from nats.aio.msg import Msg
from pynats_common.contexts import Context

from pynats_cli.connect.errors import CONNECTION_LOST, describe
from pynats_cli.connect.headers import Headers
from pynats_cli.connect.natspy.client import PatchedClient
from pynats_cli.connect.pulse import Pulse
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.jetstream.api import JetStream

_LOOK_S = 0.02


class Session:
    """A connected client with its settings."""

    def __init__(self, client: PatchedClient, context: Context, options: GlobalOptions) -> None:
        self.client = client
        self.context = context
        self.options = options
        self._errors: list[Exception] = []
        self._waiting: list[asyncio.Future[Any]] = []
        self._asking: list[asyncio.Future[Any]] = []  # those of them that one connection answers
        self._ends: Callable[[], object] | None = None
        self._lost = False  # while somebody was told so
        self._pulse = Pulse()

    @contextmanager
    def open(self) -> Iterator[None]:
        """What runs in it ends with a CliError when the client gives up: its user has expired or
        was revoked, for example. nats-py leaves it waiting for messages."""
        task = asyncio.current_task()
        assert task is not None
        gone = False

        def end() -> None:
            nonlocal gone
            gone = True
            task.cancel()

        self._ends = end
        self._pulse.start()
        try:
            yield
        except asyncio.CancelledError:
            if not gone or task.uncancel() > 0:
                raise
            raise self._failed(nats_errors.ConnectionClosedError()) from None
        except nats_errors.ConnectionClosedError as error:
            raise self._failed(error) from None
        finally:
            self._ends = None
            self._pulse.stop()

    def _failed(self, error: BaseException) -> CliError:
        """The error for the user: for a closed connection why it was closed."""
        if isinstance(error, nats_errors.ConnectionClosedError):
            said = [self.client.last_error, *reversed(self._errors)]
            error = next((item for item in said if item is not None), error)
        return CliError(describe(error))

    def disconnected(self) -> bool:
        """The connection is lost. True if that ends something: no reply comes on another one, and
        what is asked before there is one fails as well."""
        for asking in self._asking:
            if not asking.done():
                asking.set_exception(CliError(CONNECTION_LOST))
                self._lost = True
        return self._lost

    def reconnected(self) -> None:
        """There is a connection again: what kept it away is over. Refusals are not."""
        self._lost = False
        self._errors = [error for error in self._errors if _is_refusal(error)]

    def end(self) -> None:
        """The client has given up."""
        if self._ends is not None:
            self._ends()

    def note_error(self, error: Exception) -> None:
        """Keeps an asynchronous error for `check`, and ends the requests that wait."""
        self._errors.append(error)
        for waiting in self._waiting:
            if not waiting.done() and _is_refusal(error):
                waiting.set_exception(CliError(describe(error)))

    def check_refused(self) -> None:
        """Raises CliError when the server has refused a publish or a subscription."""
        for error in self._errors:
            if _is_refusal(error):
                raise CliError(describe(error))

    @property
    def js(self) -> JetStream:
        """The JetStream API."""
        return JetStream(self)

    async def request(
        self,
        subject: str,
        data: bytes = b"",
        headers: list[tuple[str, str]] | None = None,
        timeout_s: float = 0,
    ) -> Msg:
        """The first reply. Raises CliError when the server refuses the request, nats-py's
        NoRespondersError and TimeoutError. `timeout_s` 0 is --timeout."""
        asking = self.client.request(
            subject,
            data,
            timeout=timeout_s or self.options.timeout_s,
            headers=Headers(headers) if headers else None,
        )
        return await self.unless_refused(asking)

    async def unless_refused(self, answer: Awaitable[Any]) -> Any:
        """What is awaited. Raises CliError as soon as the server says that something sent before
        is not permitted, and when the connection is lost: no answer will come then. One that was
        lost while the user was asked something is no such loss."""
        if self._pulse.stood_still():
            await self._come_back()
        if self._lost:
            if asyncio.iscoroutine(answer):
                answer.close()
            raise CliError(CONNECTION_LOST)
        refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(refused)
        self._asking.append(refused)
        asking = asyncio.ensure_future(answer)
        try:
            await asyncio.wait({asking, refused}, return_when=asyncio.FIRST_COMPLETED)
            if refused.done():
                refused.result()
            return await asking
        finally:
            self._waiting.remove(refused)
            self._asking.remove(refused)
            refused.cancel()
            abandon(asking)

    async def _come_back(self) -> None:
        """Waits for another connection if the server has given up the one before."""
        timeout_s = self.options.timeout_s
        with suppress(CliError, TimeoutError, nats_errors.Error):
            await self.unless_refused(self.client.flush(timeout=timeout_s))
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while (self._lost or not self.client.is_connected) and not self.client.is_closed:
                    await asyncio.sleep(_LOOK_S)

    @contextmanager
    def refusals(self) -> Iterator[asyncio.Future[Any]]:
        """A future that fails with the server's words if it refuses something meanwhile."""
        refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(refused)
        try:
            yield refused
        finally:
            self._waiting.remove(refused)
            refused.cancel()

    async def flush(self) -> None:
        """One round trip. Raises what nats-py does, and CliError like `unless_refused`."""
        await self.unless_refused(self.client.flush(timeout=self.options.timeout_s))

    async def check(self) -> None:
        """Round trip to the server; raises CliError if the server reported an error before."""
        try:
            # nats-py writes a PING at once, before buffered data; only the second PING is sent
            # after everything that was published or subscribed before.
            await self.flush()
            await self.flush()
        except (TimeoutError, nats_errors.Error) as error:
            raise self._failed(error) from None
        if self._errors:
            raise CliError(describe(self._errors[-1]))

    @property
    def server_info(self) -> dict[str, Any]:
        """INFO of the connected server, as it was last."""
        return self.client.info

    @property
    def inbox(self) -> str:
        """A new inbox subject under the configured prefix."""
        return str(self.client.new_inbox())

    def jetstream_prefix(self) -> str:
        """Subject prefix of the JetStream API, without a final dot."""
        if self.context.jetstream_domain:
            return f"$JS.{self.context.jetstream_domain}.API"
        return (self.context.jetstream_api_prefix or "$JS.API").rstrip(".")


def _is_refusal(error: Exception) -> bool:
    return "permissions violation" in str(error).lower()


def abandon(waiting: asyncio.Future[Any]) -> None:
    """Cancels what waits for a message. Closing the connection may still fail it before it sees
    that; nobody wants to know then."""
    waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
    waiting.cancel()


def connected_to(client: PatchedClient) -> str:
    """Address of the connected server, without credentials."""
    url = client.connected_url
    return f"{url.scheme}://{url.hostname}:{url.port}" if url is not None else "nowhere"
