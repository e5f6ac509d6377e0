"""The container file, the compose example and the manifests for Kubernetes: what they say of the
server is so, with their configurations."""

from __future__ import annotations

import asyncio
import fnmatch
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pynats_server.options import Options
from pynats_server.process.flags import parse_command_line
from pynats_server.server.server import Server
from ruamel.yaml import YAML

from tests.support.deadline import PATIENCE_S
from tests.support.jetstream import connect
from tests.support.monitoring import get

ROOT = Path(__file__).resolve().parents[3]
PACKAGING = ROOT / "packaging"
COMPOSE = PACKAGING / "container" / "compose"
BASE = PACKAGING / "kubernetes" / "base"
CONTAINERFILE = (PACKAGING / "container" / "Containerfile").read_text()
# The oldest and the newest that the manifests are for.
KUBERNETES = ("1.28", "1.37")
PASSWORD_HASH = "$2b$04$Y2hN7/4X3f.wbR3mzG8D2.QZfyC5QTOPKtq1nMzSbpjenYv3vqdty"  # of "p"


def all_of(path: Path) -> list[dict[str, Any]]:
    return list(YAML(typ="safe", pure=True).load_all(path))


def manifests() -> list[dict[str, Any]]:
    (listed,) = all_of(BASE / "kustomization.yaml")
    return [one for name in listed["resources"] for one in all_of(BASE / name)]


def manifest(kind: str, name: str = "pynats") -> dict[str, Any]:
    (found,) = (
        one for one in manifests() if one["kind"] == kind and one["metadata"]["name"] == name
    )
    return found


def pod() -> dict[str, Any]:
    found: dict[str, Any] = manifest("StatefulSet")["spec"]["template"]["spec"]
    return found


def instruction(name: str) -> str:
    """The last of the container file."""
    found: list[str] = re.findall(rf"^{name} (.*)", CONTAINERFILE, re.MULTILINE)
    return found[-1]


def hashes(configuration: str) -> str:
    """The secret that a configuration needs."""
    names = sorted(set(re.findall(r"\$(\w+_hash)", configuration)))
    assert len(names) >= 3
    return "".join(f'{name}: "{PASSWORD_HASH}"\n' for name in names)


def options_of(text: str, folder: Path) -> Options:
    """Of a configuration, that stores in the folder and takes any port."""
    assert '"/data"' in text
    home = folder / "etc" / "pynats"
    home.mkdir(parents=True)
    secrets = home / re.findall(r'^include "(.*)"$', text, re.MULTILINE)[0]
    secrets.parent.mkdir(parents=True, exist_ok=True)
    secrets.write_text(hashes(text))
    path = home / "server.conf"
    path.write_text(text.replace('"/data"', f'"{folder}/data"'))
    options = Options.load(path)
    assert (options.port, options.http_port) == (4222, 8222)
    options.host, options.port, options.http_port = "127.0.0.1", -1, -1
    options.log.log_file = folder / "server.log"
    return options


# -- the image ----------------------------------------------------------------------------------


def test_what_the_image_is_built_from_gets_into_the_context() -> None:
    allowed = [
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {
        *(path.split("/")[0] for path in project["tool"]["setuptools"]["package-dir"].values()),
        *project["project"]["license-files"], project["project"]["readme"],
        "pyproject.toml", "setup.py", "dist/x.whl",
    }  # fmt: skip
    sources = re.findall(r"^COPY (?!--from)(\S+) /etc", CONTAINERFILE, re.MULTILINE)
    assert sources
    needed |= set(sources)
    missing = [
        name for name in needed if not any(fnmatch.fnmatch(name, pattern) for pattern in allowed)
    ]
    assert missing == []
    for pattern in allowed:
        assert pattern == "dist/*.whl" or (ROOT / pattern).exists(), pattern


def test_the_image_starts_with_flags_appended() -> None:
    entry = YAML(typ="safe", pure=True).load(instruction("ENTRYPOINT"))
    assert entry == ["pynats-server", "-c", "/etc/pynats/server.conf"]
    path = str(PACKAGING / "container" / "server.conf")
    options = parse_command_line(["-c", path]).options
    assert options is not None
    assert (options.port, options.http_port, options.jetstream.enabled) == (4222, 8222, False)
    options = parse_command_line(["-c", path, "-js", "-p", "5"]).options
    assert options is not None
    assert (options.port, options.jetstream.enabled) == (5, True)
    assert options.jetstream.store_dir == Path("/data")


def test_nobody_is_root() -> None:
    (user,) = re.findall(r"useradd --uid (\d+)", CONTAINERFILE)
    assert instruction("USER") == f"{user}:0"
    assert pod()["securityContext"]["runAsUser"] == int(user)
    assert f"-o {user} -g 0 -m 0770 /data" in CONTAINERFILE  # for a user of any number, in group 0


# -- compose ------------------------------------------------------------------------------------


def test_files_that_the_compose_example_names() -> None:
    (example,) = all_of(COMPOSE / "compose.yaml")
    made = {secret["file"] for secret in example["secrets"].values()}
    script = (COMPOSE / "make-secrets").read_text()
    assert all(Path(name).name in script for name in made)
    for name, service in example["services"].items():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            known = source in example["volumes"] or (COMPOSE / source).is_file()
            assert known, volume
        assert set(service.get("secrets", ())) <= set(example["secrets"])
        for other, condition in service.get("depends_on", {}).items():
            assert condition == {"condition": "service_healthy"}
            assert "healthcheck" in example["services"][other], name
    server = example["services"]["server"]
    build = server["build"]
    assert (COMPOSE / build["context"] / build["dockerfile"]).samefile(
        PACKAGING / "container" / "Containerfile"
    )
    assert f"CMD {server['healthcheck']['test'][1:]}".replace("'", '"') in CONTAINERFILE
    (ours,) = all_of(COMPOSE / "prometheus.yml")
    (job,) = ours["scrape_configs"]
    assert job["job_name"] == "pynats"
    assert job["static_configs"][0]["targets"] == ["server:8222"]
    (provided,) = all_of(COMPOSE / "grafana" / "dashboards.yaml")
    folder = provided["providers"][0]["options"]["path"]
    assert f"{folder}/dashboard.json:ro" in example["services"]["grafana"]["volumes"][-1]


def test_secrets_are_made_for_everybody(tmp_path: Path) -> None:
    script = tmp_path / "make-secrets"
    script.write_bytes((COMPOSE / "make-secrets").read_bytes())
    program = tmp_path / "pynats"
    program.write_text(
        "#!/bin/sh\n"
        f"echo 'Generated password: a&b/c$'; echo '       bcrypt hash: {PASSWORD_HASH}'\n"
    )
    program.chmod(0o755)
    for expected in (0, 1):  # and never again
        done = subprocess.run(
            ["sh", script], env=os.environ | {"PYNATS": str(program)}, capture_output=True
        )
        assert done.returncode == expected, done.stderr
    made = tmp_path / "secrets"
    assert sorted((made / "hashes.conf").read_text().splitlines()) == sorted(
        hashes((COMPOSE / "server.conf").read_text()).splitlines()
    )
    assert (made / "prometheus").read_text() == "a&b/c$"
    assert made.stat().st_mode & 0o777 == 0o700


def test_accounts_of_the_compose_example(tmp_path: Path) -> None:
    options = options_of((COMPOSE / "server.conf").read_text(), tmp_path)

    async def scenario() -> None:
        async with Server(options) as server:
            assert (await get(server, "/metrics"))[0] == 401
            assert (await get(server, "/healthz"))[0] == 200
            headers = b"Authorization: Basic cHJvbWV0aGV1czpw\r\n"
            assert (await get(server, "/metrics", headers))[0] == 200
            url = f"nats://127.0.0.1:{server.client_port}"
            orders = await connect(url, user="orders", password="p")
            shop = await connect(url, user="shop", password="p")
            news = await shop.subscribe("events.>")
            await shop.flush()

            async def answer(message: Any) -> None:
                await orders.publish("orders.events.new", b"event")
                await message.respond(b"accepted")

            await orders.subscribe("orders.new", cb=answer)
            await orders.flush()
            assert (await shop.request("orders.new", b"order")).data == b"accepted"
            message = await news.next_msg(PATIENCE_S)
            assert (message.subject, message.data) == ("events.new", b"event")
            await shop.jetstream().add_stream(name="S", subjects=["shop.>"])
            await shop.close()
            await orders.close()

    asyncio.run(asyncio.wait_for(scenario(), 3 * PATIENCE_S))


# -- Kubernetes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", KUBERNETES)
def test_manifests_fit_the_schema(version: str) -> None:
    import kubernetes_validate

    for one in [*manifests(), *all_of(BASE / "secret.example.yaml")]:
        kubernetes_validate.validate(one, version, strict=True)


def test_a_mistake_does_not_fit_the_schema() -> None:
    import kubernetes_validate

    wrong = manifest("StatefulSet")
    wrong["spec"]["template"]["spec"]["containers"][0]["livenessProb"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES[-1], strict=True)


def test_the_pod_is_allowed_under_the_restricted_policy() -> None:
    (container,) = pod()["containers"]
    security = pod()["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] != 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not any(pod().get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))
    (volume,) = pod()["volumes"]
    assert set(volume) == {"name", "projected"}


def test_names_in_the_manifests_fit_each_other() -> None:
    labels = manifest("StatefulSet")["spec"]["template"]["metadata"]["labels"]
    services = [one for one in manifests() if one["kind"] == "Service"]
    assert len(services) == 2
    selectors = [one["spec"]["selector"] for one in services]
    for kind in ("StatefulSet", "PodDisruptionBudget"):
        selectors.append(manifest(kind)["spec"]["selector"]["matchLabels"])
    selectors.append(manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"])
    assert all(selector.items() <= labels.items() for selector in selectors)
    names = {port["name"] for port in pod()["containers"][0]["ports"]}
    policy = manifest("NetworkPolicy")["spec"]["ingress"]
    used = {port["targetPort"] for one in services for port in one["spec"]["ports"]}
    used |= {port["port"] for rule in policy for port in rule["ports"]}
    assert used == names == {"client", "monitor"}
    assert manifest("StatefulSet")["spec"]["serviceName"] in [
        one["metadata"]["name"] for one in services
    ]
    (example,) = all_of(BASE / "secret.example.yaml")
    sources = pod()["volumes"][0]["projected"]["sources"]
    assert {"secret": {"name": example["metadata"]["name"]}} in sources
    (scraped,) = all_of(PACKAGING / "kubernetes" / "monitoring" / "servicemonitor.yaml")
    headless = manifest("Service", "pynats-headless")
    chosen = scraped["spec"]["selector"]["matchLabels"]
    assert chosen.items() <= headless["metadata"]["labels"].items()
    assert headless["metadata"]["labels"][scraped["spec"]["jobLabel"]] == "pynats"


def test_the_rule_object_has_the_alert_rules() -> None:
    folder = PACKAGING / "kubernetes" / "monitoring"
    (rule,) = all_of(folder / "prometheusrule.yaml")
    (alerts,) = all_of(PACKAGING / "prometheus" / "alerts.yml")
    assert rule["spec"] == alerts, "renew it: make-rule > prometheusrule.yaml"


def test_a_server_with_the_config_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes answer as they should in each state; lame duck fits into the grace period."""
    (container,) = pod()["containers"]
    for variable in container["env"]:
        monkeypatch.setenv(variable["name"], "pynats-0")
    text = manifest("ConfigMap")["data"]["server.conf"]
    (example,) = all_of(BASE / "secret.example.yaml")
    wanted = re.findall(r"^(\w+):", hashes(text), re.MULTILINE)
    given = re.findall(r"^(\w+):", example["stringData"]["hashes.conf"], re.MULTILINE)
    assert sorted(given) == sorted(wanted)
    options = options_of(text, tmp_path)
    assert options.server_name == "pynats-0"
    assert pod()["terminationGracePeriodSeconds"] >= options.lame_duck_duration + 10
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["pynats-server", "-sl", "ldm=1"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"client": 4222, "monitor": 8222}
    paths = {
        kind: container[f"{kind}Probe"]["httpGet"]["path"]
        for kind in ("startup", "liveness", "readiness")
    }

    async def scenario() -> None:
        async with Server(options) as server:

            async def statuses() -> dict[str, int]:
                return {kind: (await get(server, path))[0] for kind, path in paths.items()}

            assert set((await statuses()).values()) == {200}
            url = f"nats://127.0.0.1:{server.client_port}"
            client = await connect(url, user="app", password="p")
            await client.jetstream().add_stream(name="S", subjects=["s"])
            # A stream in trouble concerns the alert, and neither the others nor a restart.
            store = tmp_path / "data" / "jetstream"
            assert (store / "APP" / "streams" / "S").is_dir()
            (store / "GONE" / "streams" / "S").mkdir(parents=True)
            (store / "GONE" / "streams" / "S" / "meta.inf").write_text("{}")
            assert (await get(server, "/healthz"))[0] == 503
            assert set((await statuses()).values()) == {200}
            server.enter_lame_duck()  # which waits for the client
            assert (await statuses())["readiness"] == 500
            await client.close()

    asyncio.run(asyncio.wait_for(scenario(), 3 * PATIENCE_S))
