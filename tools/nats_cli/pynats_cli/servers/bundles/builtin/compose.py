"""Clusters for development, joined by gateways, to be run by Docker Compose.

The images are those of `nats-server`: `pynats-server` cannot be in a cluster yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pynats_cli.errors import CliError
from pynats_cli.servers.bundles.builtin.writing import as_yaml, quoted
from pynats_cli.servers.bundles.bundle import Bundle

_CLIENTS, _ROUTES, _GATEWAYS, _MONITORING = 4222, 6222, 7222, 8222
_PER_CLUSTER = 100  # ports on this machine
_CLUSTERS_MAX, _MEMBERS_MAX = 50, 50
_STORE = "/data"
_CLI_IMAGE = "natsio/nats-box:latest"


class _Plan:
    """The servers, by their answers."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.domain = str(values["domain"])
        self.clusters = _count("clusters", values["clusters"], _CLUSTERS_MAX)
        self.members = _count("members", values["members"], _MEMBERS_MAX)
        last = int(values["port"]) + (self.clusters - 1) * _PER_CLUSTER + self.members - 1
        if not (int(values["port"]) > 0 and last <= 0xFFFF):
            raise CliError(f"port: the servers need ports up to {last}")

    def cluster_names(self) -> list[str]:
        return [f"c{number}" for number in range(1, self.clusters + 1)]

    def hosts(self, cluster: str) -> list[str]:
        return [f"n{number}.{cluster}.{self.domain}" for number in range(1, self.members + 1)]

    def servers(self) -> Iterator[tuple[str, str, int]]:
        """The cluster, the host and the port on this machine of each."""
        for row, cluster in enumerate(self.cluster_names()):
            for column, host in enumerate(self.hosts(cluster)):
                yield cluster, host, int(self.values["port"]) + row * _PER_CLUSTER + column

    def name(self, host: str) -> str:
        return host.removesuffix(f".{self.domain}")


def _count(name: str, value: int, most: int) -> int:
    if not 1 <= value <= most:
        raise CliError(f"{name}: must be 1 to {most}")
    return value


def _make(values: Mapping[str, Any]) -> dict[str, str]:
    plan = _Plan(values)
    files = {
        f"conf/{plan.name(host)}.conf": _configuration(plan, cluster, host, port)
        for cluster, host, port in plan.servers()
    }
    files["docker-compose.yaml"] = as_yaml(
        "NATS clusters for development. Start them: docker compose up", _services(plan)
    )
    contexts = _contexts(plan)
    for name, context in contexts.items():
        files[f"cli/context/{name}.json"] = json.dumps(context, indent=2) + "\n"
    files["cli/context.txt"] = next(iter(contexts))
    return files


def _configuration(plan: _Plan, cluster: str, host: str, port: int) -> str:
    lines = [
        f"server_name: {quoted(plan.name(host))}",
        f"listen: 0.0.0.0:{_CLIENTS}",
        f"http_port: {_MONITORING}",
        "# Where a program on this machine finds the server.",
        f"client_advertise: {quoted(f'127.0.0.1:{port}')}",
        f"server_tags: [{quoted(cluster)}]",
    ]
    if plan.values["jetstream"]:
        lines += ["", "jetstream {", f"  store_dir: {quoted(_STORE)}", "}"]
    if plan.members > 1 or plan.clusters > 1:  # JetStream needs routes beside gateways
        routes = [quoted(f"nats-route://{other}:{_ROUTES}") for other in plan.hosts(cluster)]
        lines += ["", "cluster {", f"  name: {quoted(cluster)}", f"  port: {_ROUTES}"]
        lines += ["  routes: [", *(f"    {route}" for route in routes), "  ]", "}"]
    if plan.clusters > 1:
        gateways = [_gateway(plan, each) for each in plan.cluster_names()]
        lines += ["", "gateway {", f"  name: {quoted(cluster)}", f"  port: {_GATEWAYS}"]
        lines += ["  gateways: [", *(f"    {gateway}" for gateway in gateways), "  ]", "}"]
    return "\n".join([*lines, *_accounts(plan.values)]) + "\n"


def _gateway(plan: _Plan, cluster: str) -> str:
    urls = ", ".join(quoted(f"nats://{host}:{_GATEWAYS}") for host in plan.hosts(cluster))
    return f"{{ name: {quoted(cluster)}, urls: [{urls}] }}"


def _accounts(values: Mapping[str, Any]) -> list[str]:
    password = values["password"]
    if not password:
        return []
    return [
        "", "accounts {",
        f"  users {{ {'jetstream: enabled, ' if values['jetstream'] else ''}"
        f"users: [ {{ user: user, password: {quoted(password)} }} ] }}",
        f"  system {{ users: [ {{ user: system, password: {quoted(password)} }} ] }}",
        "}", "system_account: system",
    ]  # fmt: skip


def _services(plan: _Plan) -> dict[str, Any]:
    values = plan.values
    services: dict[str, Any] = {
        f"cli.{plan.domain}": {
            "image": _CLI_IMAGE, "entrypoint": "/bin/sh", "tty": True, "stdin_open": True,
            "profiles": ["cli"], "networks": ["shared"],
            "volumes": ["./cli:/root/.config/nats"],
        }
    }  # fmt: skip
    for cluster, host, port in plan.servers():
        name, store = plan.name(host), str(values["data"]).rstrip("/")
        services[host] = {
            "image": values["image"],
            "hostname": host,
            "command": ["--config", values["configPath"]],
            "networks": ["shared", f"nats-{cluster}"],
            "ports": [f"127.0.0.1:{port}:{_CLIENTS}"],  # the password is known
            "volumes": [
                f"./conf/{name}.conf:{values['configPath']}:ro",
                *([f"{store}/{name}:{_STORE}"] if values["jetstream"] else []),
                *([values["mount"]] if values["mount"] else []),
            ],
        }
    networks = ["shared", *(f"nats-{cluster}" for cluster in plan.cluster_names())]
    return {"services": services, "networks": {name: {} for name in networks}}


def _contexts(plan: _Plan) -> dict[str, dict[str, str]]:
    """For the whole (its first cluster) and for each cluster, and the system account of each."""
    found = {}
    kinds = {"user": ("User Account", "user", "green")}
    if plan.values["password"]:
        kinds["system"] = ("System Account", "system", "red")
    for kind, (title, user, colour) in kinds.items():
        for cluster in ("", *plan.cluster_names()):
            urls = [f"nats://{host}:{_CLIENTS}" for host in plan.hosts(cluster or "c1")]
            whose = {"user": user, "password": plan.values["password"]}
            name = f"{kind}_{cluster}" if cluster else kind
            if kind == "user" and cluster:
                name = cluster
            found[name] = {
                "description": f"NATS {title}{f' in Cluster {cluster}' if cluster else ''}",
                "url": ",".join(urls),
                **(whose if plan.values["password"] else {}),
                "color_scheme": colour,
            }
    return found


COMPOSE = Bundle(
    description="Clusters of nats-server for development, with Docker Compose",
    files={},
    make=_make,
    after=(
        "{{ .clusters }} clusters of {{ .members }} servers; the first one listens on port "
        "{{ .port }} of this machine.\n\nIn the new folder:\n\n  docker compose up\n"
        "  docker compose run cli.{{ .domain }}"
    ),
    form={"properties": [
        {"name": "data", "description": "Directory of the servers' data", "default": "./data",
         "required": True},
        {"name": "domain", "description": "DNS domain of the network", "default": "nats.internal",
         "required": True},
        {"name": "image", "description": "Docker image", "default": "nats:latest",
         "required": True},
        {"name": "clusters", "description": "How many clusters", "type": "integer", "default": 3,
         "required": True},
        {"name": "members", "description": "How many servers in each", "type": "integer",
         "default": 3, "required": True},
        {"name": "port", "description": "Port of the first server of the first cluster",
         "type": "integer", "default": 10000, "required": True},
        {"name": "configPath", "description": "Place of the configuration in a container",
         "default": "/nats-server.conf", "required": True},
        {"name": "password", "description": "Password of the users user and system; empty for none",
         "default": "s3cret"},
        {"name": "jetstream", "description": "Enable JetStream", "type": "bool", "default": True},
        {"name": "mount", "description": "What else containers mount (SOURCE:TARGET)"},
    ]},
)  # fmt: skip
