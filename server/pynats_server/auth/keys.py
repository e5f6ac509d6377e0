"""Users with a key instead of a password: they sign the nonce."""

from __future__ import annotations

from pynats_server.auth import signatures
from pynats_server.auth.base import Answer, Hello, Refusal, Verdict
from pynats_server.auth.users import KnownUser, Users, is_silent

UNKNOWN = Refusal(why="User nkey not valid")
NO_SIGNATURE = Refusal(why="Signature missing")
NO_BASE64 = Refusal(why="Signature not valid base64")
WRONG_SIGNATURE = Refusal(why="Signature not verified")
METHOD = "nkey"


class KeyLogin:
    """Asked about whoever names a key, where there are users with keys."""

    def __init__(self, users: Users) -> None:
        self._users = users
        if users.keyed:
            signatures.prepare()

    def verify(self, hello: Hello) -> Answer | None:
        """None for one that presents something else."""
        return self._decide(hello, verified="")

    def recheck(self, hello: Hello, verdict: Verdict) -> Answer | None:
        """The same for one that is in: what it has signed was verified."""
        return self._decide(hello, verified=verdict.user or "" if verdict.method == METHOD else "")

    def _decide(self, hello: Hello, verified: str) -> Answer | None:
        users, key = self._users, hello.said.nkey
        if not users.keyed:
            return None  # then a key means nothing
        guest = users.keyed.get(users.guest)
        if guest is not None and (key == users.guest or (not key and is_silent(hello))):
            return guest.answer(hello, "no_auth_user")
        if not key:
            return None
        known = users.keyed.get(key)
        if known is None:
            return UNKNOWN
        fault = known.bars(hello) or (None if key == verified else _fault(hello, known))
        return fault or known.answer(hello, METHOD)


def _fault(hello: Hello, known: KnownUser) -> Refusal | None:
    """What is wrong with the signature."""
    if not hello.said.sig:
        return NO_SIGNATURE
    signature = signatures.decode(hello.said.sig)
    if signature is None:
        return NO_BASE64
    good = signatures.is_signed(hello.nonce, signature, known.user.nkey)
    return None if good else WRONG_SIGNATURE
