"""The process behind a connection, if it is on this machine and ours to see.

Linux tells the owner of a socket in two steps: its number is in `/proc/net/tcp`, and a link of that
number is among the descriptors of the process.
"""

from __future__ import annotations

import enum
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pynats_bench.judging.disturbance import process_cpu_seconds


class Place(enum.Enum):
    """Where a server runs, as far as it matters for what can be seen of it."""

    SEEN = "here"
    HIDDEN = "here, but its process cannot be seen"  # another user's, or in a container
    REMOTE = "elsewhere"


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """Where a server runs; `pid` is 0 unless its process can be seen."""

    place: Place
    pid: int = 0

    @property
    def elsewhere(self) -> bool:
        return self.place is Place.REMOTE

    def cpu_seconds(self) -> float | None:
        """CPU time that it has used so far; None where that cannot be seen, or any more."""
        if not self.pid:
            return None
        try:
            return process_cpu_seconds(self.pid)
        except OSError:
            return None


def behind(link: socket.socket) -> ServerProcess:
    """The process at the other end of a TCP connection."""
    ours, theirs = link.getsockname()[:2], link.getpeername()[:2]
    if ours[0] != theirs[0] and not _is_loopback(theirs[0]):
        return ServerProcess(Place.REMOTE)
    wanted = (_as_listed(*theirs), _as_listed(*ours))
    for inode in _inodes(*wanted):
        if pid := _owner(inode):
            return ServerProcess(Place.SEEN, pid)
    return ServerProcess(Place.HIDDEN)


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def _as_listed(host: str, port: int) -> tuple[int, int]:
    """An address in a form that does not depend on how it is written: servers that listen on `::`
    have IPv4 peers with an address of IPv6."""
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return int(mapped or address), port


def _inodes(local: tuple[int, int], remote: tuple[int, int]) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if _read(fields[1]) == local and _read(fields[2]) == remote and fields[9] != "0":
                yield fields[9]


def _read(text: str) -> tuple[int, int]:
    """`0100007F:1F90`: words of 32 bits in the machine's order, and a port."""
    words, _, port = text.partition(":")
    raw = b"".join(
        int(words[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(words), 8)
    )
    return _as_listed(str(ipaddress.ip_address(raw)), int(port, 16))


def _owner(inode: str) -> int:
    wanted = f"socket:[{inode}]"
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            descriptors = list((process / "fd").iterdir())
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                if str(descriptor.readlink()) == wanted:
                    return int(process.name)
            except OSError:
                continue
    return 0
