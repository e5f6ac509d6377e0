"""The same small world on both servers, and what their monitoring says of it."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import Any

from tests.support.deadline import wait_until
from tests.support.process import ServerProcess
from tests.support.raw import RawClient

# A user and two refused ones, permissions, a name, tags: the configured half of what is shown.
CONFIG = """
server_name: "scene"
server_tags: ["site:a", "b"]
server_metadata: {rack: "7"}
max_payload: 65536
ping_interval: 30s
authorization {
  timeout: 3
  users = [
    {user: alice, password: alice-secret-1}
    {user: bob, password: bob-secret-2, permissions: {publish: ["foo.>"]}}
  ]
}
"""
SECRETS = ("alice-secret-1", "bob-secret-2", "wrong-secret-3")


@dataclass
class Reply:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: str

    def json(self) -> Any:
        return json.loads(self.body)


def ask(server: ServerProcess, path: str, method: str = "GET") -> Reply:
    """One request on a connection of its own."""
    host, port = server.monitor_url.removeprefix("http://").rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request(method, path)
        reply = connection.getresponse()
        headers = {name.lower(): value for name, value in reply.getheaders()}
        return Reply(reply.status, headers, reply.read().decode())
    finally:
        connection.close()


@dataclass
class Scene:
    """A server with clients: alice subscribes, bob publishes, two more have come and gone."""

    server: ServerProcess
    clients: list[RawClient] = field(default_factory=list)

    def connect(self, options: dict[str, Any], commands: bytes = b"") -> RawClient:
        client = RawClient(self.server.port)
        client.read_info()
        text = json.dumps({"verbose": False, "pedantic": False, **options})
        client.send(b"CONNECT " + text.encode() + b"\r\n" + commands)
        client.fence()
        return client

    def build(self) -> Scene:
        alice = {"user": "alice", "pass": "alice-secret-1", "name": "<A&B>", "lang": "test",
                 "version": "1.2"}  # fmt: skip
        bob = {"user": "bob", "pass": "bob-secret-2", "headers": True, "no_responders": True}
        subscriptions = b"SUB foo.bar 1\r\nSUB foo.* q 2\r\nSUB limited 9\r\nUNSUB 9 5\r\n"
        self.clients.append(self.connect(alice, subscriptions))
        self.clients.append(self.connect(bob, b"PUB foo.bar 2\r\nhi\r\nPUB foo.baz 3\r\nhey\r\n"))
        self.clients[0].fence()
        for name in ("gone-1", "gone-2"):
            gone = self.connect({**alice, "name": name}, b"SUB zz 1\r\n")
            gone.close()
            self._wait_closed(name)
        refused = self.connect({"user": "bob", "pass": "wrong-secret-3", "name": "refused"})
        refused.close()
        self._wait_closed("refused")
        return self

    def _wait_closed(self, name: str) -> None:
        def ended() -> bool:
            closed = ask(self.server, "/connz?state=closed").json()["connections"]
            return any(entry.get("name") == name for entry in closed) or len(closed) >= 3

        wait_until(ended, f"{name} among the closed connections")

    def close(self) -> None:
        for client in self.clients:
            client.close()
