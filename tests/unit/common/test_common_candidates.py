"""Completion and introspection of a small tree of commands."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from pynats_common.commandline.candidates import candidates
from pynats_common.commandline.declare import Parameter, arg, opt
from pynats_common.commandline.help.introspect import introspect
from pynats_common.commandline.kinds import DURATION, KEY_VALUE, UNSIGNED, Choice
from pynats_common.commandline.shellscripts import SHELLS, completion_script
from pynats_common.commandline.tree import Command, Elsewhere, Group

HERE = "tests_small_tree"


@dataclass(kw_only=True)
class GroupOptions:
    everything: Annotated[bool, opt("--all", help="All of them")] = False


@dataclass(kw_only=True)
class AddOptions(GroupOptions):
    name: Annotated[str, arg("Its name")]
    parts: Annotated[list[str], arg("Its parts")] = field(default_factory=list)
    storage: Annotated[str, opt("--storage", "-s", help="Where", kind=Choice("file", "memory"))] = (
        "file"
    )
    age: Annotated[int | None, opt("--age", help="How old", kind=DURATION, env="AGE")] = None
    most: Annotated[int, opt("--most", help="How many", kind=UNSIGNED)] = 3
    meta: Annotated[dict[str, str], opt("--meta", help="More", kind=KEY_VALUE)] = field(
        default_factory=dict
    )
    purge: Annotated[bool | None, opt("--purge/--no-purge", help="Or not")] = None
    secret: Annotated[bool, opt("--secret", hidden=True)] = False


def add(session: object, options: AddOptions) -> None:
    """Add a thing.

    In two paragraphs."""


ROOT = Group(
    "prog",
    "A program",
    commands=(
        Group("thing", "Things", options=f"{HERE}:GroupOptions", aliases=("t",), commands=(
            Command("add", "Add a thing", f"{HERE}:add", ("new",)),
            Command("rm", "Remove", f"{HERE}:add", hidden=True),
        )),
        Command("later", "To come", "no_such_module_here:later"),
        Elsewhere("gone", "To come", "no_such_module_here:GROUP"),
    ),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = types.ModuleType(HERE)
    module.__spec__ = __spec__
    vars(module).update(add=add, GroupOptions=GroupOptions)
    monkeypatch.setitem(sys.modules, HERE, module)
    yield


Offer = Callable[..., list[str]]


@pytest.fixture
def offered() -> Offer:
    def values(path: tuple[str, ...], item: Parameter, given: dict[str, str]) -> list[str]:
        return [f"{'-'.join(path)}:{item.name}", *given.values()]

    def ask(*words: str) -> list[str]:
        return candidates(ROOT, words[:-1], words[-1], values, ["--global"])

    return ask


def test_commands_and_flags_are_offered(offered: Offer) -> None:
    assert offered("") == ["thing"]
    assert offered("thing", "") == ["add"]
    assert offered("t", "--") == ["--all", "--global"]
    assert offered("thing", "nope", "") == []
    assert offered("gone", "") == []
    flags = offered("thing", "--all", "new", "--")
    assert {"--all", "--storage", "--purge", "--no-purge", "--global", "--help"} <= set(flags)
    assert "--secret" not in flags
    assert offered("thing", "add", "--no") == ["--no-purge"]


def test_values_are_offered_where_they_stand(offered: Offer) -> None:
    assert offered("thing", "add", "") == ["prog-thing-add:name"]
    assert offered("thing", "add", "X", "") == ["X", "prog-thing-add:parts"]
    assert offered("thing", "add", "X", "Y", "p") == ["prog-thing-add:parts"]
    assert offered("thing", "add", "--storage", "") == ["file", "memory"]
    assert offered("thing", "add", "-s", "m") == ["memory"]
    assert offered("thing", "add", "--storage=f") == ["--storage=file"]
    # How bash says it.
    assert offered("thing", "add", "--storage", "=", "f") == ["file"]
    assert offered("thing", "add", "--storage", "=") == ["file", "memory"]
    assert offered("thing", "add", "--age", "5m", "p") == ["prog-thing-add:name"]
    assert offered("thing", "add", "--purge", "p") == ["prog-thing-add:name"]
    assert offered("thing", "add", "--", "--") == []


def test_what_cannot_be_printed_is_not_offered() -> None:
    found = candidates(ROOT, ["thing", "add"], "", lambda *_: ["a\nb", "\x1b[31m", "good"])
    assert found == ["good"]


def test_the_tree_is_told() -> None:
    told = introspect(ROOT, "v1", [{"name": "global"}])
    assert (told["name"], told["version"], told["flags"]) == ("prog", "v1", [{"name": "global"}])
    (group,) = told["commands"]
    assert group["aliases"] == ["t"] and [flag["name"] for flag in group["flags"]] == ["all"]
    command, hidden = group["commands"]
    assert hidden["hidden"] is True and command["help_long"].endswith("In two paragraphs.")
    flags = {flag["name"]: flag for flag in command["flags"]}
    assert "all" not in flags  # the group's
    assert flags["storage"] == {
        "name": "storage", "help": "Where", "short": ord("s"), "default": ["file"],
        "boolean": False, "completions": ["file", "memory"], "cumulative": False,
    }  # fmt: skip
    assert flags["age"]["envar"] == "AGE" and flags["purge"]["negatable"] is True
    assert flags["meta"]["cumulative"] is True and flags["secret"]["hidden"] is True
    assert command["args"] == [
        {"name": "name", "help": "Its name", "required": True, "cumulative": False},
        {"name": "parts", "help": "Its parts", "cumulative": True},
    ]
    schema: dict[str, Any] = command["schema"]
    kinds = {name: item["type"] for name, item in schema["properties"].items()}
    assert schema["required"] == ["name"] and kinds == {
        "name": "string", "parts": "array", "storage": "string", "age": "string",
        "most": "integer", "meta": "object", "purge": "boolean",
    }  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_are_for_the_program(shell: str) -> None:
    script = completion_script(shell, "prog")
    assert "prog __complete" in script and "PROGRAM" not in script
