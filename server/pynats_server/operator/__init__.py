"""Operator mode: who is trusted, and the accounts that JWTs make."""

from pynats_server.operator.accounts import ClaimedAccounts
from pynats_server.operator.claims import Claimed
from pynats_server.operator.errors import ClaimsError
from pynats_server.operator.trust import Trust

__all__ = ["Claimed", "ClaimedAccounts", "ClaimsError", "Trust"]
