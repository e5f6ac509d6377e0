"""TLS settings of a client, turned into an `ssl.SSLContext`."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pynats_common.files import telling


class TlsError(ValueError):
    """A certificate, key or authority file that cannot be used; the message names the file."""


class NotSecure(ConnectionError):
    """A server without TLS, where TLS was asked for."""


@dataclass(frozen=True)
class ClientTls:
    """PEM file paths: own certificate and key, and authorities to trust ("" is the system's)."""

    cert: str = ""
    key: str = ""
    ca: str = ""

    def __bool__(self) -> bool:
        return bool(self.cert or self.key or self.ca)

    def context(self) -> ssl.SSLContext:
        """A context that verifies the server and its name, TLS 1.2 or newer. Raises TlsError."""
        if bool(self.cert) != bool(self.key):
            raise TlsError("a client certificate needs both a certificate and a key file")
        for path in (self.cert, self.key, self.ca):
            _require_file(path)
        with _use_of("certificate authority", self.ca):
            context = verifying_context(self.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert:
            with _use_of("certificate", self.cert):
                # The password callback keeps OpenSSL from asking on the terminal.
                context.load_cert_chain(self.cert, self.key, password=_no_password)
        return context


def verifying_context(ca: str = "") -> ssl.SSLContext:
    """A client's context that verifies the server and its name (an alternative name of its
    certificate: as in Go, a common name is none) by the authorities of a file, or the system's."""
    context = ssl.create_default_context(cafile=ca or None)
    context.hostname_checks_common_name = False
    return context


def require_tls(info: dict[str, Any]) -> None:
    """For a client of nats-py that was told to use TLS: makes it begin where the server leaves the
    choice to it. Raises NotSecure where there is none: it would log in in the clear."""
    if not (info.get("tls_required") or info.get("tls_available")):
        raise NotSecure("nats: secure connection not available")
    info["tls_required"] = True


@contextmanager
def _use_of(what: str, path: str) -> Iterator[None]:
    try:
        with telling(path) if path else nullcontext():
            yield
    except (ssl.SSLError, OSError, TlsError) as error:
        if isinstance(error, OSError) and error.errno == errno.EINTR:
            raise KeyboardInterrupt from None  # OpenSSL waited for a pipe, and was interrupted
        raise TlsError(f"cannot use {what} {path}: {_told(error)}") from None


_TEXTS: Final = {
    "NO_CERTIFICATE_OR_CRL_FOUND": "no certificate in it",
    "KEY_VALUES_MISMATCH": "the key is not that of the certificate",
    "NO_START_LINE": "no PEM in it",
}


def _told(error: Exception) -> str:
    """Without the place in the library."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return _TEXTS.get(error.reason, error.reason.lower().replace("_", " "))
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _require_file(path: str) -> None:
    if path and not is_readable_once(path):
        known = Path(path).exists()
        raise TlsError(f"{path} is no file" if known else f"file {path} does not exist")


def is_readable_once(path: str) -> bool:
    """Whether it is a file, or a pipe (`<(command)` of a shell): a device may have no end."""
    return Path(path).is_file() or Path(path).is_fifo()


def _no_password() -> str:
    raise TlsError("the private key is encrypted")


def quiet_asyncio() -> None:
    """For programs whose standard error is for people: asyncio warns of each TLS connection of
    nats-py that returning true from eof_received() has no effect, which is so."""
    import logging

    logging.getLogger("asyncio").setLevel(logging.ERROR)
