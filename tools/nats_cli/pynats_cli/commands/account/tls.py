"""`pynats account tls`: the certificates of the server, and when they expire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import DURATION
from pynats_common.go.durations import DAY_NS, format_duration_ns

from pynats_cli.commands.account.certificates import CertificateOf, read_chain
from pynats_cli.commands.account.stapled import Stapled, moment, read_staple
from pynats_cli.connect.peer import PeerTls, peer_tls
from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.screen.output import show


@dataclass(kw_only=True)
class TlsOptions(Shown):
    """Flags of `account tls`."""

    expire_warn: Annotated[
        int, opt("--expire-warn", kind=DURATION, help="Fail when one expires this soon; 0: never")
    ] = 7 * DAY_NS
    ocsp: Annotated[bool, opt("--ocsp", help="Show the OCSP response that the server sends")] = (
        False
    )
    pem: Annotated[bool, opt("--pem/--no-pem", help="Show the certificates themselves")] = True


async def tls(session: Session, chosen: TlsOptions) -> None:
    """Show the verified certificates of the server; an error when one expires soon."""
    found = peer_tls(session)
    if found is None:
        raise CliError("nats: connection is not tls")
    chain = read_chain(found.chain)
    stapled = await _stapled(session, found) if chosen.ocsp else None
    limit = datetime.now(UTC) + timedelta(microseconds=chosen.expire_warn // 1000)
    soon = [chosen.expire_warn > 0 and each.expires < limit for each in chain]
    show(
        chosen,
        _rows(chain, stapled, chosen.pem),
        lambda: "\n".join(_lines(chain, soon, stapled, chosen)),
    )
    if True in soon:
        number = soon.index(True)
        expires, subject = moment(chain[number].expires), chain[number].subject
        raise CliError(
            f'cert expiring soon chain=1 cert={number + 1} expiration="{expires}" '
            f'subject="{subject}"'
        )
    if stapled is not None and stapled.error():
        raise CliError(stapled.error())


async def _stapled(session: Session, found: PeerTls) -> Stapled:
    from pynats_cli.connect.staple import stapled_answer

    leaf = found.chain[0] if found.chain else b""
    return read_staple(await stapled_answer(session, leaf, found.server_name), found.chain)


def _rows(chain: list[CertificateOf], stapled: Stapled | None, pem: bool) -> list[dict[str, Any]]:
    rows = [_row(each, pem) for each in chain]
    if stapled is not None and rows:
        rows[0]["ocsp"] = stapled.data()
    return rows


def _row(certificate: CertificateOf, pem: bool) -> dict[str, Any]:
    row = {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "is_ca": certificate.is_ca,
        "expires": certificate.expires.isoformat().replace("+00:00", "Z"),
        "dns_names": list(certificate.dns_names),
        "ip_addresses": list(certificate.addresses),
        "serial": str(certificate.serial),
        "signed_with": certificate.signed_with,
    }
    return row | ({"pem": certificate.pem} if pem else {})


def _lines(
    chain: list[CertificateOf], soon: list[bool], stapled: Stapled | None, chosen: TlsOptions
) -> Iterator[str]:
    if stapled is not None and stapled.status == "absent":
        yield "# No OCSP Response found in TLS connection\n"
    yield "# TLS Verified Chains count: 1\n\n# chain: 1"
    for number, (each, expires_soon) in enumerate(zip(chain, soon, strict=True), start=1):
        is_ca = str(each.is_ca).lower()
        yield f'# chain=1 cert={number} isCA={is_ca} Subject="{each.subject}"'
        if expires_soon:
            within = format_duration_ns(chosen.expire_warn)
            yield f"# EXPIRING SOON: within {within} of {moment(each.expires)}"
        yield f"#   Expiration: {moment(each.expires)}"
        for label, names in (
            ("DNS Names", each.dns_names), ("IP Addresses", each.addresses),
            ("Email Addresses", each.emails), ("URIs", each.uris),
        ):  # fmt: skip
            if names:
                yield f"#   SAN: {label}: [{' '.join(names)}]"
        yield f"#   Serial: {each.serial}"
        yield f"#   Signed-with: {each.signed_with}"
        if chosen.pem:
            yield each.pem.rstrip()
    if stapled is not None and stapled.line():
        yield f"\n{stapled.line()}"
