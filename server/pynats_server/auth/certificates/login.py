"""Log-ins of those whose certificate names a user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pynats_common.go.quoting import quote
from pynats_common.go.text import shortened

from pynats_server.auth.base import Hello, Refusal
from pynats_server.auth.certificates.dn import Dn, parse_dn, same_as
from pynats_server.auth.passwords import Attempt
from pynats_server.auth.users import KnownUser, Users

if TYPE_CHECKING:
    from pynats_server.auth.certificates.names import CertificateNames

METHOD = "certificate"
NO_TLS = Refusal(why="User required in cert, no TLS connection state")
NO_CERTIFICATE = Refusal(why="User required in cert, no peer certificates found")
NO_NAME = Refusal(why="User required in cert, none found")


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
        said, name = hello.said, known.user.name
        if said.user and hello.notes is not None:
            claimed = _shown(said.user)
            hello.notes.warn(f"User {claimed} found in connect proto, but user required from cert")
        hello.mapped = name
        return known.bars(hello) or Attempt(known, said.password, known.user.password, METHOD)

    def _find(self, hello: Hello) -> KnownUser | Refusal:
        if hello.tls is None:
            return NO_TLS
        if not hello.tls.verified:
            return NO_CERTIFICATE
        try:
            names = self._names_of(hello.tls.verified[0])
        except ValueError as error:
            return Refusal(why=f"User required in cert, which cannot be read: {error}")
        notes = hello.notes if hello.notes is not None and hello.notes.debug_enabled else None
        if notes is not None and len(hello.tls.sent) > 1:
            notes.debug("Multiple peer certificates found, selecting first")
        if not names.any:
            return NO_NAME
        for found, how, shown in self._ways(names):
            known = next((each for each in found if each.admits(hello.kind)), None)
            if known is not None:
                if notes is not None:
                    notes.debug(f"Using {how} for auth [{_shown(known.user.name)}]")
                return known
            if notes is not None and shown is not None:
                notes.debug(f"{how} could not be used for auth [{_shown(shown)}]")
        return Refusal(why=f"User in cert [{_shown(names.text)}], not found")

    def _ways(
        self, names: CertificateNames
    ) -> Iterator[tuple[Iterable[KnownUser], str, str | None]]:
        """In their order: the users that it may name, what names them, and what the log shows if
        none of them may come in."""
        yield self._known(names.emails), "email found in cert", None
        yield self._known(names.hosts), "SAN found in cert", None
        yield self._known(names.uris), "URI found in cert", None
        if names.subject is not None:
            same = self._by_dn.get(same_as(names.subject), [])
            first = sorted(same, key=lambda each: each[0] != names.subject)
            yield (known for _, known in first), "DistinguishedNameMatch", names.text
        if names.domain_text:
            yield self._known([names.domain_text]), "RDNSequence", names.domain_text
        yield self._known([names.text]), "certificate subject", None

    def _known(self, names: Iterable[str]) -> Iterator[KnownUser]:
        return (self._named[name] for name in names if name in self._named)


def _shown(text: str) -> str:
    return quote(shortened(text))
