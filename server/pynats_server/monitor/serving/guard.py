"""Who may ask for monitoring: `http_auth`, checked at every request.

Plain secrets are compared at once, in a time that does not depend on what is given. bcrypt hashes
are compared in one thread of their own, one after the other: addresses take turns, and each has a
few that may wait. A stranger so costs one core at most, and delays only those of his network. What
was right is remembered (as a keyed digest), so who asks every few seconds waits only once.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import enum
import hmac
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pynats_server.auth.secrets import check_bcrypt, equal, is_bcrypt
from pynats_server.monitor.serving.http import Peer, Response
from pynats_server.monitor.source import MonitorSource
from pynats_server.options import HttpAuth
from pynats_server.work import Rotation

WAITING_MAX = 64  # comparisons with hashes that wait
WAITING_PER_NETWORK = 8  # of them, those of one address
RETRY_S = 1  # what who must come back later is told to wait
REALM = "pynats-server"


class Admission(enum.Enum):
    """What a request may see."""

    GRANTED = 0
    REFUSED = 1  # no credentials, or wrong ones
    BUSY = 2  # too many comparisons wait


@dataclass(frozen=True, slots=True)
class Given:
    """Credentials of a request: a user and password, or a token as the secret of nobody."""

    user: bytes | None
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, header: str) -> Given | None:
        """Those of an `Authorization` header; None when there are none."""
        scheme, _, value = header.strip().partition(" ")
        match scheme.lower():
            case "bearer":
                return cls(None, value.strip().encode("latin-1"))
            case "basic":
                try:
                    plain = base64.b64decode(value.strip(), validate=True)
                except (binascii.Error, ValueError):
                    return None
                user, colon, password = plain.partition(b":")
                return cls(user, password) if colon else None
        return None


@dataclass(eq=False, slots=True)
class _Comparison:
    """One that waits or is under way, for all requests of a network that give the same."""

    given: bytes
    hashed: str
    digest: bytes
    outcome: asyncio.Future[bool]


class Guard:
    """The door of one server's monitoring."""

    def __init__(self, source: MonitorSource) -> None:
        self._source = source
        self.refusals = 0  # requests with wrong credentials
        self._key = secrets.token_bytes(32)
        self._right: dict[bool, bytes] = {}  # whether a token -> digest of what was right last
        self._turns: Rotation[str, bytes] = Rotation()  # network -> digest
        self._waiting: dict[tuple[str, bytes], _Comparison] = {}
        self._per_network: dict[str, int] = {}  # how many of them wait
        self._comparing: asyncio.Future[bool] | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def admit(self, peer: Peer, header: str) -> Admission:
        """What who sends this `Authorization` header may see."""
        while True:
            auth = self._source.options.http_auth
            if auth is None:
                return Admission.GRANTED
            admission = await self._admit(auth, peer, Given.of(header))
            if self._source.options.http_auth == auth:
                return admission  # otherwise a reload changed the rules meanwhile

    def close(self) -> None:
        """Compares no more."""
        self._turns.clear()
        self._waiting.clear()
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _admit(self, auth: HttpAuth, peer: Peer, given: Given | None) -> Admission:
        if given is None:
            return Admission.REFUSED
        right = await self._is_right(auth, peer.network, given)
        if right is None:
            return Admission.BUSY
        if not right:
            self.refusals += 1
            self._source.log.part("monitor").warn_rarely(
                f"Monitoring: wrong credentials from {peer.network or 'an unknown address'}"
            )
        return Admission.GRANTED if right else Admission.REFUSED

    async def _is_right(self, auth: HttpAuth, network: str, given: Given) -> bool | None:
        """None when too many wait."""
        is_token = given.user is None
        expected = auth.token if is_token else auth.password
        if not expected:
            return False
        named = is_token or equal(given.user or b"", auth.user)
        if not is_bcrypt(expected):
            return equal(given.secret, expected) and named
        digest = self._digest(given, expected)
        if self._remembers(is_token, digest):
            return True
        # With a wrong user, too: how long an answer takes must not tell which names exist.
        right = await self._compare(network, given.secret, expected, digest)
        if right and named:
            self._right[is_token] = digest
        return right if right is None else right and named

    def _digest(self, given: Given, hashed: str) -> bytes:
        user = given.user or b""
        text = b"%d:%b%b%b" % (len(user), user, hashed.encode(), given.secret)
        return hmac.digest(self._key, text, "sha256")

    def _remembers(self, is_token: bool, digest: bytes) -> bool:
        return hmac.compare_digest(self._right.get(is_token, b""), digest)

    # -- comparisons with hashes ------------------------------------------------------------

    async def _compare(
        self, network: str, given: bytes, hashed: str, digest: bytes
    ) -> bool | None:  # fmt: skip
        comparison = self._waiting.get((network, digest))
        if comparison is None:
            mine = self._per_network.get(network, 0)
            if mine >= WAITING_PER_NETWORK or len(self._waiting) >= WAITING_MAX:
                return None
            outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            comparison = _Comparison(given, hashed, digest, outcome)
            self._waiting[network, digest] = comparison
            self._per_network[network] = mine + 1
            self._turns.add(network, digest)
            self._go_on()
        return await asyncio.shield(comparison.outcome)

    def _go_on(self) -> None:
        """Begins the next comparison, if none is under way."""
        if self._comparing is not None or not len(self._turns):
            return
        network, digest = self._turns.next()
        comparison = self._waiting[network, digest]
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "monitoring log-in")
        loop = asyncio.get_running_loop()
        self._comparing = loop.run_in_executor(
            self._thread, check_bcrypt, comparison.given, comparison.hashed
        )
        self._comparing.add_done_callback(lambda done: self._ended(network, comparison, done))

    def _ended(
        self, network: str, comparison: _Comparison, done: asyncio.Future[bool]
    ) -> None:  # fmt: skip
        self._comparing = None
        if self._waiting.pop((network, comparison.digest), None) is None:
            return  # closed
        self._per_network[network] -= 1
        if not self._per_network[network]:
            del self._per_network[network]
        error = None if done.cancelled() else done.exception()
        if error is not None:  # a bug of ours must not keep the others waiting
            self._source.log.part("monitor").error(f"monitoring log-in failed: {error!r}")
        comparison.outcome.set_result(not done.cancelled() and error is None and done.result())
        self._go_on()


def challenge(auth: HttpAuth | None) -> Iterator[tuple[str, str]]:
    """The headers that say how to log in."""
    if auth is not None and auth.user:
        yield "WWW-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"'
    if auth is not None and auth.token:
        yield "WWW-Authenticate", f'Bearer realm="{REALM}"'


def refusal(admission: Admission, auth: HttpAuth | None) -> Response:
    """The answer to who may not see what he asked for."""
    if admission is Admission.BUSY:
        response = Response.text(503, "503 Service Unavailable: too many log-ins\n")
        response.headers.append(("Retry-After", str(RETRY_S)))
        return response
    response = Response.text(401, "401 Unauthorized\n")
    response.headers += challenge(auth)
    return response
