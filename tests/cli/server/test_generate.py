"""`pynats server generate`: bundles, their questions, and the files that come of them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.commands.server.generate import generate
from pynats_cli.errors import CliError
from pynats_cli.servers.bundles.builtin import BUILTIN
from pynats_cli.servers.bundles.bundle import Bundle, load_bundle, local_path
from pynats_cli.servers.bundles.form import answers
from pynats_cli.servers.bundles.rendering import Rendering, write_files
from pynats_common.config.parser import parse
from pynats_common.config.values import plain

from tests.cli.conftest import Cli

FORM = """
name: cluster
description: A cluster
properties:
  - name: members
    description: How many servers
    type: integer
    default: 3
  - name: jetstream
    type: bool
    default: false
  - name: store_dir
    conditional: input.jetstream == true
    default: data
  - name: size
    enum: [small, large]
    default: small
  - name: domain
    required: true
"""
CONF = """\
routes = [
{{- range $node := .members | seq | split " " }}
  nats-route://n{{ $node }}.{{ $.domain }}:6222
{{- end }}
]
{{ render "_partials/store.conf" . }}
"""


def bundle_files(**more: str) -> dict[str, str]:
    return {
        "bundle.yaml": 'description: Clusters\npost_scaffold: "made {{ .members }} servers"\n',
        "form.yaml": FORM,
        "scaffold.json": json.dumps({"skip_empty": True}),
        "scaffold/cluster.conf": CONF,
        "scaffold/empty.txt": "{{ if .jetstream }}full{{ end }}\n",
        "scaffold/_partials/store.conf": "{{ if .jetstream }}store: {{ .store_dir }}{{ end }}",
        "scaffold/each.txt": '{{ range $n := split " " (seq .members) }}'
        '{{ write (printf "nodes/n%s.txt" $n) (upper $n) }}{{ end }}',
        **more,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "bundle"
    for name, text in bundle_files().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w") as out:
        for name, text in bundle_files().items():
            out.writestr(name, text)
    return path


def made(bundle: Bundle, *, defaults: bool = True, **given: str) -> dict[str, str]:
    return Rendering(bundle, answers(bundle.form, given, defaults)).files()


def test_a_folder_and_a_zip_file_make_the_same(folder: Path, archive: Path) -> None:
    files = made(load_bundle(str(folder)), domain="x", members="2")
    assert files == {
        "cluster.conf": "routes = [\n  nats-route://n1.x:6222\n  nats-route://n2.x:6222\n]\n\n",
        "nodes/n1.txt": "1", "nodes/n2.txt": "2",
    }  # fmt: skip
    assert made(load_bundle(str(archive)), domain="x", members="2") == files


def test_questions_depend_on_answers(folder: Path) -> None:
    bundle = load_bundle(str(folder))
    files = made(bundle, domain="x", jetstream="yes", store_dir="/d")
    assert files["empty.txt"] == "full\n"
    assert files["cluster.conf"].endswith("store: /d\n")
    assert "store_dir" not in answers(bundle.form, {"domain": "x"}, True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, r"cannot prompt for user input without a terminal: --set domain=VALUE is missing"),
        ({"domain": ""}, "domain: an answer is required"),
        ({"domain": "x", "members": "many"}, "members: "),
        ({"domain": "x", "size": "huge"}, "size: must be one of small, large"),
        ({"domain": "x", "jetstream": "perhaps"}, "jetstream: 'perhaps' is neither"),
        ({"domain": "x", "other": "y"}, "does not ask for other"),
    ],
)
def test_answers_that_are_wrong_or_missing(given: dict[str, str], words: str, folder: Path) -> None:
    with pytest.raises(CliError, match=words):
        answers(load_bundle(str(folder)).form, given, True)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a\\x", "c:/x", ""])
def test_paths_outside_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CliError, match="insecure path"):
        local_path(name)
    if name:
        path = tmp_path / "b.zip"
        with zipfile.ZipFile(path, "w") as out:
            out.writestr(name, "x")
        # ZIP files have no backslashes: their library makes them slashes.
        with pytest.raises(CliError, match=r"insecure path|is no bundle"):
            load_bundle(str(path))


def test_templates_cannot_write_outside(folder: Path) -> None:
    (folder / "scaffold" / "each.txt").write_text('{{ write "../../evil" "x" }}')
    with pytest.raises(CliError, match="insecure path"):
        made(load_bundle(str(folder)), domain="x")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bundle.yaml": "version: 1\n"}, "bundles require a description"),
        ({"bundle.yaml": "a: [\n"}, "invalid YAML"),
        ({"form.yaml": "properties: [{name: domain, type: array}]"},
         "unknown type"),
        ({"scaffold.json": "{"}, "invalid JSON"),
        ({"scaffold.json": '{"source": {"a": "b"}}'}, "only source directory"),
        ({"scaffold.json": '{"post": [{"*": "rm {}"}]}'}, "post is not supported"),
        ({"scaffold/cluster.conf": "{{ nope }}"}, r"scaffold/cluster\.conf: .*nope"),
        ({"scaffold/_partials/store.conf": '{{ render "_partials/store.conf" . }}'},
         "without end"),
    ],
)  # fmt: skip
def test_bundles_that_cannot_be_used(changes: dict[str, str], words: str, folder: Path) -> None:
    for name, text in changes.items():
        (folder / name).write_text(text)
    with pytest.raises(CliError, match=words):
        made(load_bundle(str(folder)), domain="x")


def test_sources_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CliError, match=r"bundle\.yaml is missing"):
        load_bundle(str(tmp_path / "empty"))
    with pytest.raises(CliError, match="No such file"):
        load_bundle(str(tmp_path / "none"))
    with pytest.raises(CliError, match="cannot fetch"):
        load_bundle("http://127.0.0.1:1/bundle.zip")


def test_a_folder_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "made"
    assert write_files(target, {"a/b": "x"}) == [target / "a/b"]
    assert (target / "a/b").stat().st_mode & 0o777 == 0o600
    with pytest.raises(CliError, match="exists already"):
        write_files(target, {})
    with pytest.raises(CliError, match="cannot write"):
        write_files(tmp_path / "other", {"a": "x", "a/b": "y"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep"]


def test_the_command(lone_cli: Cli, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    arguments = ("server", "generate", str(target), "--source", str(folder), "--defaults")
    done = lone_cli.run(*arguments, "--set", "domain=x")
    assert (done.code, done.out) == (0, "")
    assert "made 3 servers" in done.err
    assert (target / "cluster.conf").exists()
    assert lone_cli.run(*arguments, "--set", "domain=x").code == 1
    asked = lone_cli.run("server", "gen", str(tmp_path / "none"))
    assert (asked.code, "--source is missing" in asked.err) == (1, True)
    wrong = lone_cli.run("server", "gen", str(tmp_path / "none"), "--source", "servre")
    assert wrong.code == 1
    assert f"servre is neither a file nor a built-in bundle: {', '.join(BUILTIN)}" in wrong.err


def test_help_names_what_is_built_in() -> None:
    assert f"built in: {', '.join(BUILTIN)}." in (generate.__doc__ or "")


@pytest.mark.parametrize(
    ("name", "given"),
    [("server", {"password": 'a"b'}), ("server", {"jetstream": "no"}),
     ("leafnode", {"url": "nats://h:7422", "credentials": "c.creds"})],
)  # fmt: skip
def test_what_comes_with_the_program_is_configuration(name: str, given: dict[str, Any]) -> None:
    (text,) = made(BUILTIN[name], **given).values()
    settings: Any = plain(parse(text))
    assert settings["listen"] == "127.0.0.1:4222"
    assert ("jetstream" in settings) == (given.get("jetstream") != "no")
    if "password" in given:
        assert settings["accounts"]["APP"]["users"][0]["password"] == given["password"]
