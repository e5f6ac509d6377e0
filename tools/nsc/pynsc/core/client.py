"""Connections for push, pull and tool with nats-py; keys stay in this process."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.store import load_token
from pynats_common.network.tls import quiet_asyncio, require_tls, verifying_context
from pynats_common.nkeys import KeyPair, Prefix, create_pair

if TYPE_CHECKING:
    from pynsc.cli import TlsOptions
    from pynsc.core.session import Session

SYSTEM_USER_VALID_S = 120
CONNECT_TIMEOUT_S = 5
CLOSE_TIMEOUT_S = 0.2
_CURVES = {"P256": "prime256v1", "P384": "secp384r1", "P521": "secp521r1", "X25519": "X25519"}


def tls_context(options: TlsOptions) -> ssl.SSLContext | None:
    """Context for the TLS flags, or None when none was given."""
    from pynsc.core.values import items

    if not (options.tls_first or options.ca_cert or options.client_cert or options.tls_curves):
        return None
    try:
        context = verifying_context(options.ca_cert)
        if options.client_cert:
            context.load_cert_chain(options.client_cert, options.client_key or None)
        curves = items(options.tls_curves)
        if len(curves) == 1:
            context.set_ecdh_curve(_CURVES[curves[0].upper()])
        elif curves:
            raise StoreError("only one of --tls-curves can be set with Python's TLS", "give one")
    except KeyError:
        raise StoreError("unknown TLS curve", f"one of {', '.join(_CURVES)}") from None
    except (OSError, ssl.SSLError, ValueError) as error:
        raise StoreError(f"TLS files: {error}") from None
    return context


def run_client(
    urls: list[str],
    token: str,
    pair: KeyPair,
    work: Callable[[Any], Awaitable[None]],
    options: TlsOptions,
) -> None:
    """Connects as this user, awaits `work(client)`, closes. Raises StoreError."""
    if not urls:
        raise StoreError("no server url", "set one with edit operator --service-url")
    context = tls_context(options)
    quiet_asyncio()
    try:
        asyncio.run(_connect_and_work(urls, token, pair, work, context, options.tls_first))
    except StoreError:
        raise
    except Exception as error:  # nats-py raises many kinds; all become one line
        if isinstance(error, ConnectionRefusedError):
            raise StoreError(f"server {', '.join(urls)}: connection refused",
                             "is the server running there?") from None  # fmt: skip
        detail = str(error).removeprefix("nats: ") or type(error).__name__
        raise StoreError(f"server {', '.join(urls)}: {detail}") from None


async def _connect_and_work(
    urls: list[str], token: str, pair: KeyPair, work: Callable[[Any], Awaitable[None]],
    context: ssl.SSLContext | None, tls_first: bool,
) -> None:  # fmt: skip
    from nats.aio.client import Client

    # With the handshake first, it has been by the time of INFO.
    wanted = not tls_first and (context or any(url.startswith("tls://") for url in urls))

    class Verifying(Client):  # type: ignore[misc]
        """Also where nobody but the server wants TLS."""

        @property
        def ssl_context(self) -> ssl.SSLContext:
            return context or verifying_context()

        async def _process_info(
            self, info: dict[str, Any], initial_connection: bool = False
        ) -> None:
            if wanted and initial_connection:
                require_tls(info)
            await super()._process_info(info, initial_connection)

    def sign(nonce: str) -> bytes:
        return base64.b64encode(pair.sign(nonce.encode()))

    errors: list[Exception] = []

    async def on_error(error: Exception) -> None:
        errors.append(error)

    kwargs: dict[str, Any] = {"tls": context, "tls_handshake_first": tls_first} if context else {}
    client = Verifying()
    try:
        # nats-py retries a refused first connection forever, hence the time-out.
        await asyncio.wait_for(
            client.connect(
                servers=urls, user_jwt_cb=lambda: bytearray(token.encode()), signature_cb=sign,
                allow_reconnect=False, max_reconnect_attempts=1, reconnect_time_wait=0.1,
                connect_timeout=CONNECT_TIMEOUT_S, error_cb=on_error, name="pynsc", **kwargs,
            ),
            CONNECT_TIMEOUT_S,
        )  # fmt: skip
    except Exception as error:
        with contextlib.suppress(Exception):  # only the reason of the first failure matters
            # After a failed TLS handshake nats-py would wait forever for the end of the connection.
            await asyncio.wait_for(client.close(), CLOSE_TIMEOUT_S)
        if isinstance(error, TimeoutError) and not errors:
            raise StoreError("cannot reach the server", f"is it running at {urls[0]}?") from None
        raise (errors[-1] if errors else error) from None
    try:
        await work(client)
    finally:
        await client.close()


def system_identity(session: Session, account: str = "", user: str = "") -> tuple[str, KeyPair]:
    """JWT and key of a system user: a named one, or a new one that is valid for two minutes."""
    store = session.store()
    operator = store.operator()
    name = account or store.account_named(operator.nats.system_account)
    if not name:
        raise StoreError("no system account", "run edit operator --system-account NAME, or pull it")
    claims = store.account(name)
    if user:
        known = store.user(name, user)
        pair = session.keys.get(known.sub)
        if pair is None:
            raise StoreError(f'key of system user "{user}" is not stored')
        return load_token(store.user_path(name, user)), pair
    allowed = claims.nats.signing_key_ids()
    if not operator.nats.strict_signing_key_usage:
        allowed.insert(0, claims.sub)
    for public in allowed:
        signer = session.keys.get(public)
        if signer is None or claims.nats.scope_of(public) is not None:
            continue
        pair = create_pair(Prefix.USER)
        temporary = jwt.new_user(pair.public_key, "pynsc temporary system user")
        temporary.exp = int(time.time()) + SYSTEM_USER_VALID_S
        if public != claims.sub:
            temporary.nats.issuer_account = claims.sub
        return jwt.encode(temporary, signer), pair
    # Only scoped keys are left, or none: try a stored user.
    for known_user in store.users(name):
        pair_or_none = session.keys.get(store.user(name, known_user).sub)
        if pair_or_none is not None:
            return system_identity(session, name, known_user)
    raise StoreError(f'no unscoped key of system account "{name}" is stored', "use --system-user")
