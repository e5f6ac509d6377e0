"""Errors of a connection in one line, in the words of `nats`."""

from __future__ import annotations

import asyncio
import ssl

from nats import errors as nats_errors
from pynats_common.network.tls import NotSecure

from pynats_cli.errors import CliError

NO_SERVERS = "nats: no servers available for connection"


CONNECTION_LOST = "nats: connection lost"


def describe(error: BaseException) -> str:
    """One line for an error of the client or the operating system, in the words of `nats`."""
    if isinstance(error, (CliError, NotSecure)):
        return str(error)
    if isinstance(error, ssl.SSLError):
        return f"tls: {getattr(error, 'verify_message', '') or error.reason or error}"
    if isinstance(error, (asyncio.TimeoutError, nats_errors.TimeoutError)):
        return "nats: timeout"
    if isinstance(error, (nats_errors.UnexpectedEOF, ConnectionResetError, BrokenPipeError)):
        return CONNECTION_LOST
    if isinstance(error, UnicodeError):  # the host name is invalid
        return "cannot connect: no such host"
    if isinstance(error, OSError):
        return f"cannot connect: {error.strerror or error}"
    text = str(error).strip() or type(error).__name__
    text = text.replace("nats: '", "nats: ").removesuffix("'")
    return text if text.startswith("nats:") else f"nats: {text}"
