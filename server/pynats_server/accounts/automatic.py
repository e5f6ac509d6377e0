"""What every account imports of the system account without being told to: it may ask for itself
(docs.nats.io/running-a-nats-service/configuration/sys_accounts).

Under which subjects, and which accounts have them, is the real server's; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pynats_server.accounts.names import Names
from pynats_server.accounts.plan import ServiceLink
from pynats_server.options import ServiceExport

CONNZ: Final = ServiceExport("$SYS.REQ.ACCOUNT.*.CONNZ", response="stream")
STATZ: Final = ServiceExport("$SYS.REQ.ACCOUNT.*.STATZ", response="stream")
SUBSCRIBERS: Final = ServiceExport("$SYS.DEBUG.SUBSCRIBERS")
USER: Final = ServiceExport("$SYS.REQ.USER.*.INFO")
EXPORTS: Final = (SUBSCRIBERS, CONNZ, STATZ, USER)
"""What the system account exports beside what its configuration says; imports of the configuration
cannot refer to it."""

_IMPORTS: Final = tuple(
    (tuple(local.split(".")), service, tuple(service.subject.split(".")), service is USER)
    for local, service in (
        ("$SYS.REQ.ACCOUNT.PING.CONNZ", CONNZ),
        ("$SYS.REQ.SERVER.PING.CONNZ", CONNZ),
        ("$SYS.REQ.ACCOUNT.PING.STATZ", STATZ),
        ("$SYS.REQ.USER.INFO", USER),
    )
)
EVERY_ACCOUNT: Final = "PING"  # in requests: nobody may ask under that name


def automatic_links(name: str, system: str, others: Iterable[ServiceLink]) -> list[ServiceLink]:
    """Those of an account that has the `others`, where it imports nothing else under their names.
    Subjects cannot have every name: an account whose name is no token has none of them."""
    if "." in name or name in ("*", ">") or any(mark in name for mark in " \t\r\n"):
        return []
    taken = {link.names.source for link in others if link.exporter == system}
    links = []
    for local, service, remote, share in _IMPORTS:
        if local in taken or (name == EVERY_ACCOUNT and service is STATZ):
            continue
        if name == system and service is not USER:
            continue
        made = tuple(name if token == "*" else token for token in remote)
        links.append(ServiceLink(system, Names(local, made), share, service))
    return links
