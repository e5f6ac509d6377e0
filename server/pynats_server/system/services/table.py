"""All services, by the names under which requests arrive."""

from __future__ import annotations

from typing import Final

from pynats_server.system.services.claims import CLAIMS
from pynats_server.system.services.context import Bare, Deed, Service
from pynats_server.system.services.counting import COUNTING
from pynats_server.system.services.of_account import OF_ACCOUNT
from pynats_server.system.services.of_clients import OF_CLIENTS
from pynats_server.system.services.of_server import OF_SERVER

SERVICES: Final[dict[str, Service | Bare | Deed]] = {
    **{f"SERVER {name}": service for name, service in OF_SERVER.items()},
    **{f"ACCOUNT {name}": service for name, service in OF_ACCOUNT.items()},
    **OF_CLIENTS,
    **COUNTING,
    **CLAIMS,
}
