"""Servers of an operator whose accounts are kept by `pynats auth` (or `nats auth`, `nsc`): one by
itself, and a cluster in Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynats_cli.errors import CliError
from pynats_cli.servers.bundles.builtin.writing import as_yaml, quoted
from pynats_cli.servers.bundles.bundle import Bundle

_INTERVAL = "2m"
_REPLICAS_MAX = 100


def _operator(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The operator and its system account."""
    operator = values["Requirements"]["Operator"]
    system = operator["SystemAccount"]
    if not system:
        raise CliError(
            f'operator "{operator["Name"]}" has no system account, by which servers get accounts'
        )
    return operator, system


def _limit(value: str) -> str:
    """A size of JetStream's limits, or -1."""
    from pynats_common.sizes import parse_size

    try:
        return str(parse_size(value) if value.strip() != "-1" else -1)
    except ValueError as error:
        raise CliError(f"jetstream: {error}") from None


def _server(values: Mapping[str, Any]) -> dict[str, str]:
    operator, system = _operator(values)
    resolver, store = values["resolver"], values.get("jetstream")
    lines = [
        f"# A server of operator {' '.join(str(operator['Name']).split())}",
        f"server_name: {quoted(values['server_name'])}",
        f"listen: {quoted(_address(values['address'], values['port']))}",
    ]
    if values["monitor_port"]:
        lines.append(f"http: {quoted(_address(values['address'], values['monitor_port']))}")
    lines += [
        "",
        f"operator: {quoted(operator['JWT'])}",
        f"system_account: {quoted(system['Subject'])}",
        "",
        "# Where the JWTs of accounts are kept: `pynats auth account push` sends them.",
        "resolver {",
        "  type: full",
        f"  dir: {quoted(resolver['dir'])}",
        f"  allow_delete: {str(resolver['allow_delete']).lower()}",
        f"  interval: {quoted(_INTERVAL)}",
        f"  limit: {resolver['limit']}",
        "}",
        "resolver_preload {",
        f"  {system['Subject']}: {quoted(system['JWT'])}",
        "}",
    ]
    if store:
        lines += [
            "",
            "jetstream {",
            f"  store_dir: {quoted(store['store_dir'])}",
            f"  max_mem: {_limit(store['max_mem'])}",
            f"  max_file: {_limit(store['max_file'])}",
            "}",
        ]
    return {"server.conf": "\n".join(lines) + "\n"}


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _helm_values(values: Mapping[str, Any]) -> dict[str, str]:
    operator, system = _operator(values)
    replicas, resolver, store = values["replicas"], values["resolver"], values.get("jetstream")
    if not 1 <= replicas <= _REPLICAS_MAX:
        raise CliError(f"replicas: must be 1 to {_REPLICAS_MAX}")
    config: dict[str, Any] = {
        "cluster": {"enabled": replicas > 1, **({"replicas": replicas} if replicas > 1 else {})},
        "resolver": {
            "enabled": True,
            "merge": {
                "type": "full", "interval": _INTERVAL, "timeout": "1.9s",
                "allow_delete": resolver["allow_delete"], "limit": resolver["limit"],
            },
        },
    }  # fmt: skip
    if store:
        pvc = {"enabled": True, "size": store["storage"]}
        config["jetstream"] = {"enabled": True, "fileStore": {"pvc": pvc}}
    config["merge"] = {
        "operator": operator["JWT"],
        "system_account": system["Subject"],
        "resolver_preload": {system["Subject"]: system["JWT"]},
    }
    about = (
        "Values of the Helm chart nats/nats:\n"
        "  helm repo add nats https://nats-io.github.io/k8s/helm/charts/\n"
        "  helm upgrade --install nats nats/nats -f values.yaml"
    )
    return {"values.yaml": as_yaml(about, {"natsBox": {"enabled": False}, "config": config})}


_RESOLVER = [
    {"name": "allow_delete", "description": "May accounts be deleted", "type": "bool",
     "default": True},
    {"name": "limit", "description": "How many accounts at most", "type": "integer",
     "default": 1000},
]  # fmt: skip
_STREAMS = {"name": "streams", "description": "Enable JetStream", "type": "bool", "default": True}
_IF_STREAMS = "input.streams == true"

OPERATOR = Bundle(
    description="A server of an operator of pynats auth",
    files={},
    make=_server,
    needs_operator=True,
    after="Start it: nats-server --config server.conf (or pynats-server)",
    form={"properties": [
        {"name": "server_name", "description": "Name of the server, of no other",
         "default": "nats.example.net", "required": True},
        {"name": "address", "description": "Address to listen on", "default": "0.0.0.0",
         "required": True},
        {"name": "port", "description": "Port for clients", "type": "integer", "default": 4222,
         "required": True},
        {"name": "monitor_port", "description": "Port for monitoring, 0 for none",
         "type": "integer", "default": 8222},
        _STREAMS,
        {"name": "jetstream", "conditional": _IF_STREAMS, "properties": [
            {"name": "store_dir", "description": "Directory of JetStream's data",
             "default": "/var/lib/nats/jetstream", "required": True},
            {"name": "max_mem", "description": "Memory for JetStream, -1 for no limit",
             "default": "-1", "required": True},
            {"name": "max_file", "description": "Disk for JetStream, -1 for no limit",
             "default": "-1", "required": True},
        ]},
        {"name": "resolver", "properties": [
            {"name": "dir", "description": "Directory of the accounts' JWTs",
             "default": "/var/lib/nats/resolver", "required": True},
            *_RESOLVER,
        ]},
    ]},
)  # fmt: skip

KUBERNETES = Bundle(
    description="A cluster of an operator of pynats auth, in Kubernetes with Helm",
    files={},
    make=_helm_values,
    needs_operator=True,
    after="In the new folder: helm upgrade --install nats nats/nats -f values.yaml\n"
    "Then, to reach it: kubectl port-forward service/nats 4222",
    form={"properties": [
        {"name": "replicas", "description": "How many servers", "type": "integer", "default": 3,
         "required": True},
        _STREAMS,
        {"name": "jetstream", "conditional": _IF_STREAMS, "properties": [
            {"name": "storage", "description": "Size of each server's volume", "default": "10Gi",
             "required": True},
        ]},
        {"name": "resolver", "properties": _RESOLVER},
    ]},
)  # fmt: skip
