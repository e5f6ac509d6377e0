"""The OCSP answer that a server staples to its TLS handshake.

Python's `ssl` cannot ask for one, so a connection of its own is made with the OpenSSL that
`cryptography` brings. Its bindings are private to pyOpenSSL: what is missing in them is an error.
The handshake is done to its end, and with the certificate that the session has verified, so the
answer comes from who holds that certificate's key.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

from pynats_cli.connect.errors import describe
from pynats_cli.connect.natspy.transport import open_streams
from pynats_cli.connect.session import Session
from pynats_cli.connect.socks import parse_socks_proxy
from pynats_cli.errors import CliError

_READ_BYTES = 64 * 1024


async def stapled_answer(session: Session, leaf: bytes, server_name: str) -> bytes:
    """The answer in DER, empty when the server has none to show. `leaf` is the certificate that it
    has shown the session. Raises CliError."""
    handshake = _Handshake(server_name, session.context.cert, session.context.key)
    try:
        async with asyncio.timeout(session.options.timeout_s):
            await _shake_hands(session, handshake)
    except CliError:
        raise
    except (OSError, EOFError, TimeoutError, ValueError) as error:
        raise CliError(f"--ocsp: {describe(error)}") from None
    if handshake.peer_certificate() != leaf:
        raise CliError("--ocsp: the server showed another certificate when it was asked again")
    return handshake.answer()


async def _shake_hands(session: Session, handshake: _Handshake) -> None:
    url = session.client.connected_url
    proxy = session.context.socks_proxy
    reader, writer = await open_streams(
        url, parse_socks_proxy(proxy) if proxy else None, _READ_BYTES, session.options.timeout_s
    )
    try:
        if url.scheme != "wss" and not session.context.tls_first:
            await reader.readuntil(b"\n")  # INFO
        while not handshake.advance():
            writer.write(handshake.outgoing())
            data = await reader.read(_READ_BYTES)
            if not data:
                raise EOFError("the server closed the connection during the handshake")
            handshake.incoming(data)
        # The server waits for the end of the handshake, and would log that there was none.
        writer.write(handshake.outgoing())
        await writer.drain()
    finally:
        writer.close()


class _Handshake:
    """A client's side of TLS that asks for a stapled answer; bytes are given and taken."""

    def __init__(self, server_name: str, certificate: str = "", key: str = "") -> None:
        try:
            from cryptography.hazmat.bindings._rust import _openssl
        except ImportError:
            raise CliError("--ocsp: the package cryptography has no OpenSSL to use") from None
        self._ffi: Any = _openssl.ffi
        self._lib: Any = _openssl.lib
        try:
            self._begin(server_name, certificate, key)
        except AttributeError as error:
            raise CliError(f"--ocsp: the OpenSSL of cryptography lacks a name: {error}") from None

    def _begin(self, server_name: str, certificate: str, key: str) -> None:
        ffi, lib = self._ffi, self._lib
        context = ffi.gc(lib.SSL_CTX_new(lib.TLS_method()), lib.SSL_CTX_free)
        lib.SSL_CTX_set_min_proto_version(context, lib.TLS1_2_VERSION)
        if certificate and not (
            lib.SSL_CTX_use_certificate_chain_file(context, certificate.encode())
            and lib.SSL_CTX_use_PrivateKey_file(context, key.encode(), lib.SSL_FILETYPE_PEM)
        ):
            lib.ERR_clear_error()
            raise CliError(f"--ocsp: cannot use certificate {certificate}")
        # The library counts references: what is made from the context keeps it.
        self._ssl = ffi.gc(lib.SSL_new(context), lib.SSL_free)
        self._to_ssl, self._from_ssl = lib.BIO_new(lib.BIO_s_mem()), lib.BIO_new(lib.BIO_s_mem())
        lib.SSL_set_bio(self._ssl, self._to_ssl, self._from_ssl)  # which owns them now
        lib.SSL_set_connect_state(self._ssl)
        lib.SSL_set_tlsext_status_type(self._ssl, lib.TLSEXT_STATUSTYPE_ocsp)
        if server_name and not _is_address(server_name):
            name = ffi.new("char[]", server_name.encode("idna"))
            lib.SSL_set_tlsext_host_name(self._ssl, name)

    def advance(self) -> bool:
        """True at the end of the handshake, False when bytes are needed for it. Raises CliError."""
        lib = self._lib
        lib.ERR_clear_error()
        done = lib.SSL_do_handshake(self._ssl)
        if done == 1:
            return True
        if lib.SSL_get_error(self._ssl, done) == lib.SSL_ERROR_WANT_READ:
            return False
        text = lib.ERR_reason_error_string(lib.ERR_get_error())
        why = self._ffi.string(text).decode() if text != self._ffi.NULL else "no reason"
        lib.ERR_clear_error()
        raise CliError(f"--ocsp: the TLS handshake failed: {why}")

    def incoming(self, data: bytes) -> None:
        """Bytes of the server."""
        self._lib.BIO_write(self._to_ssl, data, len(data))

    def outgoing(self) -> bytes:
        """Bytes for the server."""
        return self._read(self._from_ssl)

    def peer_certificate(self) -> bytes:
        """The server's own, in DER."""
        ffi, lib = self._ffi, self._lib
        found = lib.SSL_get_peer_certificate(self._ssl)
        if found == ffi.NULL:
            return b""
        out = ffi.gc(lib.BIO_new(lib.BIO_s_mem()), lib.BIO_free)
        lib.i2d_X509_bio(out, ffi.gc(found, lib.X509_free))
        return self._read(out)

    def answer(self) -> bytes:
        """What was stapled; empty without."""
        place = self._ffi.new("unsigned char **")
        length = self._lib.SSL_get_tlsext_status_ocsp_resp(self._ssl, place)
        return bytes(self._ffi.buffer(place[0], length)) if length > 0 else b""

    def _read(self, bio: Any) -> bytes:
        room = self._ffi.new("char[]", _READ_BYTES)
        found = b""
        while (length := self._lib.BIO_read(bio, room, _READ_BYTES)) > 0:
            found += self._ffi.buffer(room, length)[:]
        return found


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
