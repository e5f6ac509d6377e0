"""The bundles that come with the program, and those that need an operator."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pynats_cli.commands.auth.operator
import pynats_cli.commands.server.generate  # noqa: F401 - imported before forking, see Cli
import pytest
from pynats_cli.errors import CliError
from pynats_cli.servers.bundles.builtin import BUILTIN
from pynats_cli.servers.bundles.form import answers
from pynats_cli.servers.bundles.rendering import Rendering
from pynats_common.config.parser import parse
from pynats_common.config.values import plain
from ruamel.yaml import YAML

from tests.cli.conftest import Cli
from tests.support.process import REFERENCE, server_command

OPERATOR = {
    "Name": "ACME\nlisten: 1", "Subject": "OX", "JWT": "ey.o",
    "SystemAccount": {"Name": "SYS", "Subject": "ASYS", "JWT": "ey.s"},
}  # fmt: skip


def made(name: str, **given: str) -> dict[str, str]:
    return made_for(OPERATOR, name, {key.replace("__", "."): given[key] for key in given})


def made_for(operator: Mapping[str, Any], name: str, given: Mapping[str, str]) -> dict[str, str]:
    bundle = BUILTIN[name]
    values = {"Requirements": {"Operator": operator}} if bundle.needs_operator else {}
    return Rendering(bundle, values | answers(bundle.form, given, True)).files()


def settings(text: str) -> Any:
    return plain(parse(text))


def yaml(text: str) -> Any:
    return YAML(typ="safe").load(text)


def test_compose_has_clusters_that_are_joined() -> None:
    files = made("compose", clusters="2", members="2", port="7000", domain="d", mount="./x:/x")
    names = ["n1.c1", "n2.c1", "n1.c2", "n2.c2"]
    assert {path for path in files if path.endswith(".conf")} == {f"conf/{n}.conf" for n in names}
    one = settings(files["conf/n2.c2.conf"])
    assert one["server_name"] == "n2.c2"
    assert one["client_advertise"] == "127.0.0.1:7101"
    assert one["cluster"] == {
        "name": "c2", "port": 6222,
        "routes": ["nats-route://n1.c2.d:6222", "nats-route://n2.c2.d:6222"],
    }  # fmt: skip
    assert one["gateway"]["name"] == "c2"
    assert one["gateway"]["gateways"][0] == {
        "name": "c1", "urls": ["nats://n1.c1.d:7222", "nats://n2.c1.d:7222"],
    }  # fmt: skip
    document = yaml(files["docker-compose.yaml"])
    services = document["services"]
    assert list(services) == ["cli.d", *(f"{name}.d" for name in names)]
    server = services["n2.c2.d"]
    assert server["ports"] == ["127.0.0.1:7101:4222"]
    assert server["volumes"] == [
        "./conf/n2.c2.conf:/nats-server.conf:ro", "./data/n2.c2:/data", "./x:/x",
    ]  # fmt: skip
    assert {each for row in services.values() for each in row["networks"]} == set(
        document["networks"]
    )


def test_compose_has_contexts_for_its_program() -> None:
    files = made("compose", clusters="2", members="1")
    assert files["cli/context.txt"] == "user"
    contexts = {
        Path(path).stem: json.loads(text)
        for path, text in files.items()
        if path.startswith("cli/context/")
    }
    assert set(contexts) == {"user", "c1", "c2", "system", "system_c1", "system_c2"}
    assert contexts["system_c2"]["url"] == "nats://n1.c2.nats.internal:4222"
    assert (contexts["c2"]["user"], contexts["c2"]["password"]) == ("user", "s3cret")
    # A cluster of one has routes, too: JetStream wants them where there are gateways.
    assert "cluster" in settings(files["conf/n1.c1.conf"])


def test_compose_of_one_server_without_anything() -> None:
    files = made("compose", clusters="1", members="1", password="", jetstream="no")
    one = settings(files["conf/n1.c1.conf"])
    assert not {"cluster", "gateway", "jetstream", "accounts", "system_account"} & set(one)
    assert set(files) == {
        "conf/n1.c1.conf", "docker-compose.yaml",
        "cli/context.txt", "cli/context/user.json", "cli/context/c1.json",
    }  # fmt: skip


def test_answers_cannot_change_what_is_made() -> None:
    files = made("compose", clusters="1", password='a"b }\\\n', image='x: "{', mount="#a: b")
    accounts = settings(files["conf/n1.c1.conf"])["accounts"]
    assert accounts["users"]["users"][0]["password"] == 'a"b }\\\n'
    server = yaml(files["docker-compose.yaml"])["services"]["n1.c1.nats.internal"]
    assert (server["image"], server["volumes"][-1]) == ('x: "{', "#a: b")


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("compose", {"clusters": "0"}, "clusters: must be 1 to 50"),
        ("compose", {"members": "51"}, "members: must be 1 to 50"),
        ("compose", {"port": "65500"}, "port: the servers need ports up to 65702"),
        ("kubernetes", {"replicas": "0"}, "replicas: must be 1 to 100"),
        ("operator", {"jetstream__max_mem": "much"}, "jetstream: "),
        ("operator", {"jetstream__nope": "x"}, r"does not ask for jetstream\.nope"),
    ],
)
def test_answers_that_cannot_be(name: str, given: dict[str, str], words: str) -> None:
    with pytest.raises(CliError, match=words):
        made(name, **given)


def test_a_server_of_an_operator() -> None:
    (text,) = made("operator", jetstream__max_mem="1G", resolver__dir="/r", address="::1").values()
    one = settings(text)
    assert (one["operator"], one["system_account"]) == ("ey.o", "ASYS")
    assert one["listen"] == "[::1]:4222"
    assert one["resolver"] == {
        "type": "full", "dir": "/r", "allow_delete": True, "interval": "2m", "limit": 1000,
    }  # fmt: skip
    assert one["resolver_preload"] == {"ASYS": "ey.s"}
    assert one["jetstream"]["max_mem"] == 1 << 30
    (plainer,) = made("operator", streams="no", monitor_port="0").values()
    assert not {"jetstream", "http"} & set(settings(plainer))
    with pytest.raises(CliError, match="has no system account"):
        made_for({**OPERATOR, "SystemAccount": None}, "operator", {})


def test_a_cluster_in_kubernetes() -> None:
    (text,) = made("kubernetes", resolver__allow_delete="no").values()
    config = yaml(text)["config"]
    assert config["cluster"] == {"enabled": True, "replicas": 3}
    assert config["jetstream"]["fileStore"]["pvc"] == {"enabled": True, "size": "10Gi"}
    assert config["resolver"]["merge"]["allow_delete"] is False
    assert config["merge"]["resolver_preload"] == {"ASYS": "ey.s"}
    (one,) = made("kubernetes", replicas="1", streams="no").values()
    assert yaml(one)["config"]["cluster"] == {"enabled": False}
    assert "jetstream" not in yaml(one)["config"]


@pytest.mark.reference
def test_the_real_server_takes_what_is_made(tmp_path: Path) -> None:
    texts = [*made("server").values(), *made("synadia-cloud", jetstream="yes").values()]
    for count in ("1", "2"):
        files = made("compose", clusters=count, members=count)
        texts.append(files["conf/n1.c1.conf"])
    for text in texts:
        path = tmp_path / "server.conf"
        path.write_text(text)
        done = subprocess.run(
            [*server_command(REFERENCE), "-t", "-c", path], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def test_the_operator_is_found_in_the_store(lone_cli: Cli, tmp_path: Path) -> None:
    arguments = ("server", "generate", str(tmp_path / "out"), "--source", "operator", "--defaults")
    assert lone_cli.run(*arguments).err.endswith("pynats: error: no operator found\n")
    assert lone_cli.run("auth", "operator", "add", "ACME").code == 0
    done = lone_cli.run(*arguments)
    assert done.code == 0, done.err
    one = settings((tmp_path / "out" / "server.conf").read_text())
    assert one["operator"].startswith("ey")
    assert list(one["resolver_preload"]) == [one["system_account"]]
    assert "SO" not in re.findall(r"\bS[OA]", str(one))  # no seeds
    other = ("server", "generate", str(tmp_path / "two"), "--defaults", "--source")
    assert 'operator "NOPE" not found' in lone_cli.run(*other, "operator", "--operator", "NOPE").err
    assert "needs no --operator" in lone_cli.run(*other, "compose", "--operator", "ACME").err


def test_a_bundle_of_others_gets_the_operator_as_with_nats(lone_cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "bundle"
    (root / "scaffold").mkdir(parents=True)
    (root / "bundle.yaml").write_text("description: d\nrequires: {operator: true}\n")
    (root / "scaffold.json").write_text("{}")
    (root / "scaffold" / "x").write_text(
        "{{ with .Requirements.Operator }}{{ .Name }} {{ .SystemAccount.Name }}{{ end }}"
        "{{ if .more }} {{ .more.size }}{{ end }}"
    )
    (root / "form.yaml").write_text(
        "properties:\n- {name: wanted, type: bool, default: true}\n"
        "- {name: more, conditional: input.wanted == true,"
        " properties: [{name: size, default: 1}]}\n"
    )
    assert lone_cli.run("auth", "operator", "add", "ACME").code == 0
    common = ("--source", str(root), "--defaults")
    assert lone_cli.run("server", "generate", str(tmp_path / "a"), *common).code == 0
    assert (tmp_path / "a" / "x").read_text() == "ACME SYSTEM 1"
    done = lone_cli.run("server", "generate", str(tmp_path / "b"), *common, "--set", "wanted=no")
    assert done.code == 0, done.err
    assert (tmp_path / "b" / "x").read_text() == "ACME SYSTEM"
