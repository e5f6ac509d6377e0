"""`pynats server check request|credential`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import DURATION, KEY_VALUE, REGEX
from pynats_common.go.text import bytes_of

from pynats_cli.commands.server.check.options import CheckOptions
from pynats_cli.commands.server.check.running import give, run_check
from pynats_cli.servers.checks.credential import CredentialExpectation, check_credential
from pynats_cli.servers.checks.request import AnswerExpectation
from pynats_cli.servers.checks.result import Result

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session
    from pynats_cli.global_options import GlobalOptions


@dataclass(kw_only=True)
class RequestOptions(CheckOptions):
    subject: Annotated[str, opt("--subject", help="Subject of the request")]
    payload: Annotated[str, opt("--payload", help="Body of the request")] = ""
    headers: Annotated[
        dict[str, str], opt("--headers", help="Header of the request", kind=KEY_VALUE)
    ] = field(default_factory=dict)
    match_payload: Annotated[
        re.Pattern[str] | None,
        opt("--match-payload", help="Pattern that must be in the answer", kind=REGEX)
    ] = None  # fmt: skip
    match_headers: Annotated[
        dict[str, str],
        opt("--match-headers", help="Header the answer must have", kind=KEY_VALUE)
    ] = field(default_factory=dict)  # fmt: skip
    response_critical: Annotated[
        int | None, opt("--response-critical", help="Critical time of the answer", kind=DURATION)
    ] = None
    response_warn: Annotated[
        int | None, opt("--response-warn", help="Warn if the answer takes this long", kind=DURATION)
    ] = None


async def request(options: GlobalOptions, chosen: RequestOptions) -> int:
    """Checks a service by a request."""
    expected = AnswerExpectation(
        payload=chosen.match_payload, headers=chosen.match_headers,
        response_warn=chosen.response_warn, response_critical=chosen.response_critical,
    )  # fmt: skip
    result = Result(suite="request", name=chosen.subject)
    headers = [*chosen.headers.items()]

    async def check(session: Session) -> None:
        from pynats_cli.servers.checks.live import check_request

        await check_request(
            session, chosen.subject, bytes_of(chosen.payload), headers, expected, result
        )

    return await run_check(options, chosen, result, check)


@dataclass(kw_only=True)
class CredentialOptions(CheckOptions):
    credential: Annotated[str, opt("--credential", placeholder="FILE", help="Credentials file")]
    validity_warn: Annotated[
        int | None,
        opt("--validity-warn", help="Warn if it ends within this time", kind=DURATION)
    ] = None  # fmt: skip
    validity_critical: Annotated[
        int | None,
        opt("--validity-critical", help="Critical if it ends within this time", kind=DURATION)
    ] = None  # fmt: skip
    require_expiry: Annotated[
        bool, opt("--require-expiry/--no-require-expiry", help="It must end at some time")
    ] = True


def credential(_: GlobalOptions, chosen: CredentialOptions) -> int:
    """Checks a credentials file; needs no server."""
    expected = CredentialExpectation(
        validity_warn=chosen.validity_warn, validity_critical=chosen.validity_critical,
        require_expiry=chosen.require_expiry,
    )  # fmt: skip
    result = Result(suite="credential", name="Credential")
    check_credential(Path(chosen.credential), expected, result)
    return give(chosen, result)
