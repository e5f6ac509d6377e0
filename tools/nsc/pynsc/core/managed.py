"""Managed operators: their account server signs the account JWTs that we push."""

from __future__ import annotations

from pynats_common import jwt

from pynsc.core.errors import NscError
from pynsc.core.report import NOTE, Report

HTTP_TIMEOUT_S = 10
RESPONSE_BYTES_MAX = 2 * 1024 * 1024


def fetch(url: str, body: bytes | None = None) -> str:
    """Text at an http(s) URL (POST if there is a body). Raises NscError."""
    import urllib.error
    import urllib.request

    if not url.startswith(("http://", "https://")):
        raise NscError(f"not an http url: {url}")
    request = urllib.request.Request(url, data=body)
    if body is not None:
        request.add_header("Content-Type", "application/jwt")
    try:
        with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_S) as response:
            data: bytes = response.read(RESPONSE_BYTES_MAX)
    except urllib.error.HTTPError as error:
        detail = error.read(300).decode("utf-8", "replace").strip()
        raise NscError(f"{url} answered {error.code} {detail}".strip()) from None
    except (OSError, ValueError) as error:
        raise NscError(f"cannot reach {url}: {getattr(error, 'reason', error)}") from None
    return data.decode("utf-8", "replace")


def exchange_account(
    operator: jwt.OperatorClaims, claims: jwt.AccountClaims, token: str, report: Report
) -> str:
    """Pushes a self-signed account and pulls it back signed by the operator; without a server it
    stays self-signed."""
    url = operator.nats.account_server_url
    if not url.startswith(("http://", "https://")):
        report.warn("no account server url in the operator JWT: kept the self-signed account")
        return token
    target = f"{url.rstrip('/')}/accounts/{claims.sub}"
    try:
        answer = fetch(target, token.encode())
        line = report.ok("pushed account jwt to the account server")
        for text in answer.strip().splitlines()[:20]:
            line.add(NOTE, text)
        text = fetch(target).strip()
        pulled = jwt.decode_as(jwt.AccountClaims, text)
    except (NscError, jwt.JwtError) as error:
        report.warn(f"account server: {error}; kept the local account, use push and pull later")
        return token
    if pulled.sub != claims.sub or not operator.did_sign(pulled):
        report.warn("account server returned a JWT of another issuer or account; ignored")
        return token
    report.ok("pulled account jwt from the account server")
    return text
