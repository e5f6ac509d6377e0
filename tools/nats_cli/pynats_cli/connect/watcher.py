"""What nats-py tells of a connection: errors, its loss and its return."""

from __future__ import annotations

from typing import Any

from nats import errors as nats_errors

from pynats_cli.connect.errors import NO_SERVERS, describe
from pynats_cli.connect.session import Session, connected_to
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import log


class Watcher:
    """Callbacks of nats-py: collects errors while connecting, traces and notes them afterwards."""

    def __init__(self, options: GlobalOptions, servers: int) -> None:
        self._trace = options.trace
        self._attempts_left = servers
        self.session: Session | None = None
        self.last_error: Exception | None = None

    def callbacks(self) -> dict[str, Any]:
        """What nats-py's `connect` takes of this."""
        return {
            "error_cb": self.on_error,
            "disconnected_cb": self.on_disconnected,
            "reconnected_cb": self.on_reconnected,
            "closed_cb": self.on_closed,
            "discovered_server_cb": self.on_discovered,
        }

    async def on_error(self, error: Exception) -> None:
        """An error of one server while connecting, of the connection afterwards. Raises CliError
        when no server is left to try."""
        if self.session is not None:
            self.session.note_error(error)
            away = not self.session.client.is_connected
            ends = isinstance(error, nats_errors.UnexpectedEOF)  # `on_disconnected` says so
            if self._trace or (away and isinstance(error, nats_errors.Error) and not ends):
                log(f">>> Unexpected NATS error: {describe(error)}")
            return
        if not isinstance(error, ConnectionRefusedError):
            self.last_error = error
        self._attempts_left -= 1
        if self._attempts_left <= 0:
            # Stops the client's own loop, which would try each server again.
            raise CliError(describe(self.last_error) if self.last_error else NO_SERVERS)

    async def on_disconnected(self) -> None:
        """The connection is lost: requests that wait end, or the user is told why."""
        if self.session is None or self.session.client.is_closed:
            return
        if not self.session.disconnected():
            reason = _words_of_loss(self.session.client.lost_by)
            log(f">>> Disconnected due to: {reason}, will attempt reconnect")

    async def on_closed(self) -> None:
        """nats-py gives up: what runs in the session ends."""
        if self.session is not None:
            self.session.end()

    async def on_reconnected(self) -> None:
        """There is a connection again, to this server or another one."""
        if self.session is not None:
            self.session.client.read_ahead()
            self.session.reconnected()
            log(f">>> Reconnected to {connected_to(self.session.client)}")

    async def on_discovered(self) -> None:
        """A server told of others."""
        if self._trace:
            log(">>> Discovered new servers")


def _words_of_loss(reason: Exception | None) -> str:
    if reason is None or isinstance(reason, (nats_errors.UnexpectedEOF, ConnectionResetError)):
        return "EOF"
    return describe(reason)
