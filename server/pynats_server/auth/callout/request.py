"""What the service is asked: who the server is, who wants to come in, and what it presents.

Secrets are in it as the client has given them (the service must check them), so it is sealed
where the service has a curve key.
"""

from __future__ import annotations

import time
from typing import Final

from pynats_common.jwt import encode
from pynats_common.jwt.claims import (
    AuthorizationRequestBody,
    AuthorizationRequestClaims,
    ClientInformation,
    ClientTls,
    ConnectOptions,
    ServerId,
)

from pynats_server.auth.base import Hello, Verdict
from pynats_server.auth.callout.server import AskingServer
from pynats_server.tls.peer import PeerTls
from pynats_server.version import VERSION

AUDIENCE: Final = "nats-authorization-request"
XKEY_HEADER: Final = "Nats-Server-Xkey"
REDACTED: Final = "[REDACTED]"  # in the place of a name, for a client that has a token
_TYPES: Final = {"WEBSOCKET": "websocket", "MQTT": "mqtt", "MQTT_WS": "mqtt"}  # the others: nats


def request(
    server: AskingServer,
    hello: Hello,
    *,
    subject: str,
    user_key: str,
    timeout_s: float,
    sealed: bool = False,
    guest: str = "",
    presented: Verdict | None = None,
) -> AuthorizationRequestClaims:
    """The claims of a request. `subject` is who will sign the answer, `user_key` whom it must be
    for; `guest` is the user that a client without credentials stands for, `presented` what its JWT
    says."""
    options = server.options
    return AuthorizationRequestClaims(
        aud=AUDIENCE,
        exp=int(time.time() + timeout_s),
        sub=subject,
        nats=AuthorizationRequestBody(
            server_id=ServerId(
                name=server.name,
                host=server.advertised()[0],
                id=server.identity.id,
                version=VERSION,
                tags=list(options.server_tags),
                xkey=server.identity.xkey if sealed else "",
            ),
            user_nkey=user_key,
            client_info=_client(hello, guest, presented),
            connect_opts=_said(hello, guest, presented is not None),
            client_tls=_tls(hello.tls) if hello.tls is not None else None,
        ),
    )


def wrap(server: AskingServer, claims: AuthorizationRequestClaims, key: str) -> tuple[bytes, bytes]:
    """The text of a request and its headers; sealed for the service where it has a curve key."""
    text = encode(claims, server.identity.key).encode()
    if not key:
        return text, b""
    headers = f"NATS/1.0\r\n{XKEY_HEADER}: {server.identity.xkey}\r\n\r\n"
    return server.identity.curve.seal(text, key), headers.encode()


def _client(hello: Hello, guest: str, presented: Verdict | None) -> ClientInformation:
    said = hello.said
    key = presented.user or "" if presented is not None else ""
    return ClientInformation(
        host=hello.host,
        id=hello.cid,
        user=said.nkey
        or hello.mapped
        or said.user
        or guest
        or key
        or (REDACTED if said.auth_token else ""),
        name=said.name,
        tags=list(presented.tags) if presented is not None else [],
        name_tag=presented.name_tag if presented is not None else "",
        kind="Client",
        type=_TYPES.get(hello.kind, "nats"),
        nonce=hello.nonce if said.sig else "",
    )


def _said(hello: Hello, guest: str, with_jwt: bool) -> ConnectOptions:
    said = hello.said
    return ConnectOptions(
        jwt=said.jwt if with_jwt else "",
        nkey=said.nkey,
        sig=said.sig,
        auth_token=said.auth_token,
        user=hello.mapped or said.user or guest,
        password=said.password,
        name=said.name,
        lang=said.lang,
        version=said.version,
        protocol=said.protocol,
    )


def _tls(tls: PeerTls) -> ClientTls:
    found = ClientTls(version=tls.version, cipher=tls.cipher)
    if tls.verified:
        found.verified_chains = [[_pem(der) for der in tls.verified]]
    else:
        found.certs = [_pem(der) for der in tls.sent]
    return found


def _pem(der: bytes) -> str:
    import ssl

    return ssl.DER_cert_to_PEM_cert(der)
