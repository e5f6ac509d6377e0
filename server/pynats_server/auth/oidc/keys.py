"""The public keys of one provider: fetched when they are needed, kept, and fetched again when a
token names another.

What is there stays in force while the provider cannot be reached. How often it is asked does not
depend on how many tokens name keys that do not exist.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from pynats_server.auth.oidc.fetching import FetchError, get_object
from pynats_server.options import OidcIssuer

DISCOVERY: Final = "/.well-known/openid-configuration"
RSA_BITS_MIN: Final = 2048
KEYS_MAX: Final = 256  # of one provider
# Which kind of key an algorithm is used with: a public key is never the secret of an HMAC.
KINDS: Final = {
    "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA", "PS512": "RSA",
    "ES256": "EC", "ES384": "EC", "ES512": "EC", "EdDSA": "OKP",
}  # fmt: skip

Key = tuple[str, str, PyJWK]  # its id, the algorithm that it says it is for, and the key


class Keys:
    """Used on the loop's thread; `warn` gets a line for the log. A reload changes `settings`."""

    def __init__(
        self,
        settings: OidcIssuer,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._warn = warn
        self._clock = clock
        self._keys: list[Key] = []
        self._fetched = -float("inf")
        self._tried = -float("inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key that a token names. Without a name, the only one that its algorithm is used
        with."""
        found = self._find(kid, algorithm)
        now = self._clock()
        if found is not None:
            if now - self._fetched > self.settings.refresh:
                self._fetch(now)  # for those who come later
            return found
        task = self._fetch(now)
        if task is None:
            return None
        await asyncio.shield(task)
        return self._find(kid, algorithm)

    def _find(self, kid: str, algorithm: str) -> PyJWK | None:
        kind = KINDS[algorithm]
        fit = [
            key
            for name, only_for, key in self._keys
            if key.key_type == kind and only_for in ("", algorithm) and (not kid or name == kid)
        ]
        return fit[0] if len(fit) == 1 or (fit and kid) else None

    def _fetch(self, now: float) -> asyncio.Task[None] | None:
        """The fetching that is under way, or begins; None where the last is too recent."""
        if self._fetching is None:
            if now - self._tried < self.settings.retry:
                return None
            self._tried = now
            self._fetching = asyncio.ensure_future(self._get())
        return self._fetching

    async def _get(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            self._keys = await loop.run_in_executor(None, fetch, self.settings)
            self._fetched = self._clock()
        except FetchError as error:
            kept = " (those that were fetched before stay in force)" if self._keys else ""
            self._warn(f"oidc: keys of {self.settings.issuer} could not be fetched{kept}: {error}")
        finally:
            self._fetching = None


def fetch(settings: OidcIssuer) -> list[Key]:
    """The keys of a provider. Raises FetchError."""
    timeout_s, ca_file = settings.timeout, settings.ca_file
    url = settings.jwks_url
    if not url:
        place = settings.issuer.rstrip("/") + DISCOVERY
        document = get_object(place, timeout_s, ca_file)
        if document.get("issuer") != settings.issuer:
            raise FetchError(f"{place}: the document is of another issuer")
        url = document.get("jwks_uri", "")
        if not isinstance(url, str) or not url:
            raise FetchError(f"{place}: the document has no jwks_uri")
    document = get_object(url, timeout_s, ca_file)
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise FetchError(f"{url}: the document has no keys")
    found = [key for entry in entries[:KEYS_MAX] if (key := _key(entry)) is not None]
    if not found:
        raise FetchError(f"{url}: the document has no usable keys")
    return found


def _key(entry: Any) -> Key | None:
    """None for what is no public key to verify with."""
    if not isinstance(entry, dict) or entry.get("kty") not in KINDS.values():
        return None
    operations = entry.get("key_ops", ["verify"])
    if entry.get("use", "sig") != "sig" or "verify" not in operations:
        return None
    kid, algorithm = entry.get("kid", ""), entry.get("alg", "")
    if not isinstance(kid, str) or (algorithm and algorithm not in KINDS):
        return None
    public = {name: value for name, value in entry.items() if name not in _PRIVATE}
    try:
        key = PyJWK(public, algorithm or _usual(public))
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if getattr(key.key, "key_size", RSA_BITS_MIN) < RSA_BITS_MIN and key.key_type == "RSA":
        return None
    return kid, algorithm, key


_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth"))


def _usual(entry: dict[str, Any]) -> str | None:
    """An algorithm of this kind of key; of curves, the only one."""
    kind, curve = entry.get("kty"), entry.get("crv")
    if kind == "RSA":
        return "RS256"
    if kind == "OKP":
        return "EdDSA"
    return {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}.get(str(curve))
