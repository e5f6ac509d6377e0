"""Server addresses: `nats://user:secret@host:4222`, lists of them, and safe texts for logs."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from pynats_common.records import dataclass

DEFAULT_URL = "nats://127.0.0.1:4222"
DEFAULT_PORTS = {"nats": 4222, "tls": 4222, "ws": 80, "wss": 443}


@dataclass(frozen=True)
class ServerUrl:
    """One server address. The representation hides user and password."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    @property
    def address(self) -> str:
        """`host:port`, with IPv6 hosts in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def bare(self) -> str:
        """The address with its scheme and without credentials."""
        return f"{self.scheme}://{self.address}"

    @property
    def full(self) -> str:
        """The address with credentials, for connecting only."""
        if self.user is None:
            return self.bare
        secret = "" if self.password is None else ":" + quote(self.password, safe="")
        return f"{self.scheme}://{quote(self.user, safe='')}{secret}@{self.address}"

    def with_host(self, host: str) -> ServerUrl:
        """The same server by another name or IP address."""
        return ServerUrl(self.scheme, host, self.port, self.user, self.password)

    def __repr__(self) -> str:
        hidden = "xxxxx@" if self.user is not None else ""
        return f"ServerUrl({self.scheme}://{hidden}{self.address})"

    __str__ = __repr__


def parse_server_url(text: str) -> ServerUrl:
    """One address; the scheme defaults to `nats` and the port to the scheme's.

    Raises ValueError, without repeating credentials.
    """
    body = text.strip()
    if "://" not in body:
        body = f"nats://{body}"
    try:
        parts = urlsplit(body)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"invalid server url {redact_url(text)!r}: {error}") from None
    if parts.scheme not in DEFAULT_PORTS:
        known = ", ".join(DEFAULT_PORTS)
        raise ValueError(f"invalid server url scheme {parts.scheme!r}, use one of {known}")
    if not parts.hostname:
        raise ValueError(f"invalid server url {redact_url(text)!r}: host is missing")
    if port == 0:
        raise ValueError(f"invalid server url {redact_url(text)!r}: port out of range")
    return ServerUrl(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port if port is not None else DEFAULT_PORTS[parts.scheme],
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


def parse_server_urls(text: str) -> list[ServerUrl]:
    """Addresses of a comma separated list. Raises ValueError when none is left."""
    urls = [parse_server_url(part) for part in text.split(",") if part.strip()]
    if not urls:
        raise ValueError("no server url given")
    return urls


def redact_url(text: str) -> str:
    """The text with everything between scheme and host hidden, whether it parses or not."""

    def hide(part: str) -> str:
        scheme, separator, rest = part.partition("://")
        if not separator:
            scheme, rest = "", part
        _, at, host = rest.rpartition("@")
        return f"{scheme}{separator}xxxxx@{host}" if at else part

    return ",".join(hide(part) for part in text.split(","))


def host_port(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    host = host.strip("[]")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def network_of(host: str) -> str:
    """Where somebody comes from: the address, or its network of 64 bits where everybody has many
    of them."""
    if ":" not in host:
        return host
    from ipaddress import IPv6Address  # only servers need it

    address = IPv6Address(host.partition("%")[0])
    return str(address.ipv4_mapped) if address.ipv4_mapped else address.exploded[:19]


LOOPBACK = ("localhost", "127.0.0.1", "::1")


def fault_of_key_url(url: str) -> str:
    """Why no keys may be got from there; empty = nothing is wrong. Keys that came in the clear
    would be anybody's."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "it is no URL"
    if not host or parts.username or parts.password or parts.fragment:
        return "it must be a URL with a host, without credentials and fragment"
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK):
        return ""
    return "it must begin with https:// (http:// only on this machine)"
