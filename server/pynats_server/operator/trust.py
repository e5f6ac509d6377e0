"""Whom a server in operator mode trusts: the operators of its configuration."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pynats_server.log.logger import Logger
from pynats_server.options import Options
from pynats_server.settings.operators import decode_operators

if TYPE_CHECKING:
    from pynats_common.jwt import OperatorClaims


class Trust:
    """The keys that may sign accounts."""

    def __init__(self, options: Options) -> None:
        self.tokens = tuple(options.operator.tokens)
        self.operators: tuple[OperatorClaims, ...] = tuple(decode_operators(options))
        self.pinned = frozenset(options.operator.pinned_accounts)
        self._system = options.system_account
        trusted, strict = set(options.operator.trusted_keys), set()
        for each in self.operators:
            trusted.update(each.nats.signing_keys)
            if each.nats.strict_signing_key_usage:
                strict.update(each.nats.signing_keys)
            else:
                trusted.add(each.sub)
        self._trusted = frozenset(trusted)
        self._strict = frozenset(strict)

    def is_trusted(self, issuer: str) -> bool:
        """Whether accounts that this key has signed count."""
        return issuer in self._trusted

    def is_strict(self, issuer: str) -> bool:
        """Whether users of such an account need one of its signing keys: its own key is no good."""
        return issuer in self._strict

    def admits(self, account: str) -> bool:
        """Whether the account is among those that are wanted."""
        return not self.pinned or account in self.pinned or account == self._system

    def announce(self, log: Logger) -> None:
        """The lines of the log about the operators, at the start."""
        if not self.operators:
            return
        log.notice("Trusted Operators")
        for each in self.operators:
            log.notice(f'  System  : "{each.aud}"')
            log.notice(f'  Operator: "{each.name}"')
            log.notice(f"  Issued  : {_shown(each.iat)}")
            log.notice(f"  Expires : {_shown(each.exp) if each.exp else 'Never'}")
        if not self._system:
            log.warn("Trusted Operators should utilize a System Account")


def _shown(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime(seconds))
    except (OverflowError, ValueError):
        return str(seconds)
