"""INFO: the account's figures and limits; and what only clusters can do."""

from __future__ import annotations

from pynats_server.jetstream.api.request import Reply, Request
from pynats_server.jetstream.errors import api_error
from pynats_server.version import API_LEVEL


def info(request: Request) -> Reply:
    """`$JS.API.INFO`."""
    account = request.account
    domain = account.domain
    return {
        **account.info(),
        **({"domain": domain} if domain else {}),
        "api": {
            "level": API_LEVEL,
            "total": account.api_total,
            "errors": account.api_errors,
        },
        **({"tiers": account.info_of_tiers()} if account.tiers else {}),
    }


def clustered(request: Request) -> Reply:
    """Requests about replicas: this server has none."""
    raise api_error(10010)
