"""`pynats service serve`: a demo service that sends back what it gets."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import KEY_VALUE

from pynats_cli.messages.micro.demo import EchoService, demo_headers
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.output import line, log
from pynats_cli.signals import stop_event

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class ServeOptions:
    """Flags of `service serve`."""

    name: Annotated[str, arg("Name of the service")]
    header: Annotated[
        dict[str, str],
        opt("--header", "-H", kind=KEY_VALUE, placeholder="K:V",
            help="Add a header to answers; may be repeated"),
    ] = field(default_factory=dict)  # fmt: skip


async def serve(session: Session, options: ServeOptions) -> int:
    """Run a demo service: its endpoint `NAME.echo` sends back bodies and headers, and says in
    headers who answered. Ctrl-C ends it."""
    from pynats_cli.connect.session import connected_to

    headers = demo_headers(options.header)
    service = EchoService(
        session,
        options.name,
        headers,
        lambda subject: log(f"Handling request on subject {subject}"),
    )
    await service.start()
    screen = Columns(
        f"NATS CLI Service {service.name} handler {os.getpid()} waiting for requests on "
        f"{connected_to(session.client)}"
    )
    screen.section("Listening Subjects")
    screen.add(service.subject, "Echo Service")
    if headers:
        screen.section("Custom Response Headers")
        for name, value in headers.items():
            screen.add(name, value)
    screen.section("Requests Log")
    line(screen.render())
    with stop_event() as stopped:
        await stopped.wait()
    await service.stop()
    return stopped.code
