"""Managed operators: their account server signs the account JWTs that we push."""

from __future__ import annotations

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.creds import CredsError, decode_text, extract_jwt

from pynsc.core.report import NOTE, Report

HTTP_TIMEOUT_S = 10
RESPONSE_BYTES_MAX = 2 * 1024 * 1024


def account_servers(text: str) -> list[str]:
    """The urls of a comma separated list."""
    return [url.strip().rstrip("/") for url in text.split(",") if url.strip()]


def are_http(urls: list[str]) -> bool:
    """Whether these are account servers, and not nats-servers. Raises StoreError when mixed."""
    kinds = {url.lower().startswith(("http://", "https://")) for url in urls}
    if len(kinds) > 1:
        raise StoreError(f"http and nats urls cannot be mixed: {', '.join(urls)}", "use one kind")
    return True in kinds


def fetch_first(urls: list[str], path: str, body: bytes | None = None) -> str:
    """Text of the first account server that has it (or takes `body`). Raises StoreError."""
    failures = []
    for url in urls:
        try:
            return fetch(f"{url}/{path}", body)
        except StoreError as error:
            failures.append(str(error))
    raise StoreError("; ".join(failures) or "no account server url")


def fetch(url: str, body: bytes | None = None) -> str:
    """Text at an http(s) URL (POST if there is a body). Raises StoreError."""
    import urllib.error
    import urllib.request

    if not url.lower().startswith(("http://", "https://")):
        raise StoreError(f"not an http url: {url}")
    request = urllib.request.Request(url, data=body)
    if body is not None:
        request.add_header("Content-Type", "application/jwt")
    try:
        with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_S) as response:
            data: bytes = response.read(RESPONSE_BYTES_MAX)
    except urllib.error.HTTPError as error:
        with error:
            detail = error.read(300).decode("utf-8", "replace").strip()
        raise StoreError(f"{url} answered {error.code} {detail}".strip()) from None
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot reach {url}: {getattr(error, 'reason', error)}") from None
    return decode_text(data)


def exchange_account(
    operator: jwt.OperatorClaims, claims: jwt.AccountClaims, token: str, report: Report
) -> str:
    """Pushes a self-signed account and pulls it back signed by the operator; without a server it
    stays self-signed."""
    urls = account_servers(operator.nats.account_server_url)
    if not are_http(urls):
        report.warn("no account server url in the operator JWT: kept the self-signed account")
        return token
    path = f"accounts/{claims.sub}"
    try:
        answer = fetch_first(urls, path, token.encode())
        line = report.ok("pushed account jwt to the account server")
        for text in answer.strip().splitlines()[:20]:
            line.add(NOTE, text)
        text = extract_jwt(fetch_first(urls, path))
        pulled = jwt.decode_as(jwt.AccountClaims, text)
    except (StoreError, CredsError, jwt.JwtError) as error:
        report.warn(f"account server: {error}; kept the local account, use push and pull later")
        return token
    if pulled.sub != claims.sub or not operator.did_sign(pulled):
        report.warn("account server returned a JWT of another issuer or account; ignored")
        return token
    report.ok("pulled account jwt from the account server")
    return text
