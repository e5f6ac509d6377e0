"""What a group of cases shares: a server with two accounts, and what the tenant put there."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from pynats_bench.contender import Contender, Running, free_port
from pynats_bench.pauses.probe import USER as PROBE
from pynats_bench.pauses.tenant import USER as TENANT
from pynats_bench.pauses.tenant import Tenant

CONFIG = """
http: "127.0.0.1:{http}"
max_payload: 8MB
max_pending: 256MB
max_control_line: 64KB
jetstream {{ store_dir: "{folder}", max_mem: 8GB, max_file: 32GB }}
accounts {{
  TENANT {{ jetstream: enabled, users: [ {{ user: {tenant}, password: {tenant} }} ] }}
  PROBE {{ jetstream: enabled, users: [ {{ user: {probe}, password: {probe} }} ] }}
}}
"""


@dataclass(slots=True)
class World:
    """A running server; `tenant` is a connection that is there from the beginning, and `keep` are
    more of them. `size` is the number of subjects and messages where a case has many."""

    contender: Contender
    size: int
    timeout_s: float
    folder: Path
    cores: frozenset[int] | None = None
    http_port: int = 0
    running: Running = field(init=False)
    tenant: Tenant = field(init=False)
    keep: list[Tenant] = field(default_factory=list)
    _all: list[Tenant] = field(default_factory=list)
    _open: ExitStack = field(init=False)

    def __enter__(self) -> Self:
        self.http_port = free_port()
        config = self.folder / "server.conf"
        config.write_text(
            CONFIG.format(http=self.http_port, folder=self.folder, tenant=TENANT, probe=PROBE)
        )
        with ExitStack() as stack:
            self.running = stack.enter_context(
                Running(self.contender, config=config, cores=self.cores)
            )
            stack.callback(self._drop)
            self.renew()
            self._open = stack.pop_all()
        return self

    def renew(self) -> None:
        """Another connection in place of one that has waited in vain."""
        self.tenant = Tenant(self.running.endpoint, self.timeout_s, self._all)
        self.keep.append(self.tenant)

    def tidy(self) -> None:
        """Closes what a case has left open, besides what it keeps for later ones."""
        for tenant in self._all:
            if tenant not in self.keep:
                tenant.close()
        self._all[:] = self.keep

    def _drop(self) -> None:
        self.keep.clear()
        self.tidy()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._open.close()

    def http(self, path: str, times: int = 1, patience_s: float = 0.0) -> None:
        """Gets a page of monitoring `times` times on one connection. With `patience_s`, does not
        read the answers but waits so long."""
        with socket.create_connection(("127.0.0.1", self.http_port), 5) as link:
            link.settimeout(self.timeout_s)
            head = f"GET {path} HTTP/1.1\r\nHost: x\r\n"
            link.sendall(f"{head}\r\n".encode() * (times - 1))
            link.sendall(f"{head}Connection: close\r\n\r\n".encode())
            if patience_s:
                time.sleep(patience_s)
                return
            while link.recv(1 << 18):
                pass


Step = Callable[[World], None]


@dataclass(frozen=True, slots=True)
class Case:
    """`act` is measured, and what it caused for `rest_s` after; `prepare` is not. `kind` is what
    the probe does. Cases of one `group` share a server, in order, and what they did to it."""

    name: str
    title: str
    act: Step
    prepare: Step | None = None
    group: str = ""
    kind: str = "ping"
    rest_s: float = 0.3
