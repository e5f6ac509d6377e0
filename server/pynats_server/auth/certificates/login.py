"""Log-ins of those whose certificate names a user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pynats_server.auth.base import Hello, Refusal
from pynats_server.auth.certificates.dn import Dn, parse_dn, same_as
from pynats_server.auth.passwords import Attempt
from pynats_server.auth.users import KnownUser, Users

METHOD = "certificate"
NO_TLS = Refusal(why="User required in cert, no TLS connection state")
NO_CERTIFICATE = Refusal(why="User required in cert, no peer certificates found")
NO_NAME = Refusal(why="User required in cert, none found")
UNKNOWN = Refusal(why="User in cert, not found")


class CertificateLogin:
    """Finds the user that a certificate names. What the client says in CONNECT names nobody."""

    def __init__(self, users: Users) -> None:
        # Loads the library that reads certificates: that takes longer than the loop may wait.
        from pynats_server.auth.certificates.names import names_of

        self._names_of = names_of
        self._named = users.named
        self._by_dn: dict[Dn, list[tuple[Dn, KnownUser]]] = {}
        for name, known in users.named.items():
            dn = parse_dn(name)
            if dn is not None:
                self._by_dn.setdefault(same_as(dn), []).append((dn, known))

    def attempt(self, hello: Hello) -> Attempt | Refusal:
        """The user it names, whose password is to be compared if there is one."""
        known = self._find(hello)
        if isinstance(known, Refusal):
            return known
        return known.bars(hello) or Attempt(known, hello.said.password, known.user.password, METHOD)

    def _find(self, hello: Hello) -> KnownUser | Refusal:
        if hello.tls is None:
            return NO_TLS
        if not hello.tls.verified:
            return NO_CERTIFICATE
        try:
            names = self._names_of(hello.tls.verified[0])
        except ValueError as error:
            return Refusal(why=f"User required in cert, which cannot be read: {error}")
        if not names.any:
            return NO_NAME
        candidates = self._in_order(
            (*names.emails, *names.hosts, *names.uris), names.subject, names.texts
        )
        return next((known for known in candidates if known.admits(hello.kind)), UNKNOWN)

    def _in_order(
        self, others: Iterable[str], subject: Dn | None, texts: Iterable[str]
    ) -> Iterator[KnownUser]:
        yield from self._known(others)
        if subject is not None:
            same = self._by_dn.get(same_as(subject), [])
            yield from (known for dn, known in same if dn == subject)
            yield from (known for dn, known in same if dn != subject)
        yield from self._known(texts)

    def _known(self, names: Iterable[str]) -> Iterator[KnownUser]:
        return (self._named[name] for name in names if name in self._named)
