"""`pynats service request`: a request to an endpoint, by the names of service and endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import arg, opt

from pynats_cli.commands.request import MANY, RequestOptions, send_requests
from pynats_cli.flags import TEMPLATE_HELP, Input, Translate, WithHeaders
from pynats_cli.messages.micro import discovery
from pynats_cli.messages.publisher.source import MessageSource
from pynats_cli.template.messages import parse_headers

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class CallOptions(Input, WithHeaders):
    """Flags of `service request`."""

    service: Annotated[str, arg("Name of the service")]
    endpoint: Annotated[str, arg("Name of the endpoint")]
    payload: Annotated[str | None, arg("Request body")] = None
    raw: Annotated[bool, opt("--raw", "-r", help="Show only replies' bodies")] = False
    count: Annotated[int, opt("--count", help="Send this many requests")] = 1
    translate: Translate = ""


async def request(session: Session, options: CallOptions) -> int:
    parse_headers(options.header, 1)  # reports mistakes before anything is sent
    info = await discovery.first_of(session, "INFO", options.service)
    subject = discovery.subject_of_endpoint(info, options.endpoint)
    source = MessageSource.of(subject, options.payload, options)
    return await send_requests(
        session,
        source,
        RequestOptions(
            subject=subject,
            raw=options.raw,
            count=options.count if options.count >= 1 else MANY,
            translate=options.translate,
            header=options.header,
        ),
    )


request.__doc__ = "Send a request to an endpoint of a service." + TEMPLATE_HELP
