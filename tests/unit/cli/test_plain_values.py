"""Plain values of command lines: the same as Typer's own conversion gives, without its cost."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from typing import Annotated, Any

import pytest
import typer
from pynats_common.commandline.plainvalues import with_plain_values
from typer.core import TyperCommand

from tests.support.deadline import PATIENCE_S


class Colour(StrEnum):
    RED = "red"


class _Plain(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        return with_plain_values(super().get_params(ctx))


def length(text: str | int) -> int:
    return text if isinstance(text, int) else len(text)


def answer(cls: type[TyperCommand], arguments: list[str]) -> Any:
    """What the command gets, or the parser's complaint."""
    found: dict[str, Any] = {}
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    def command(
        first: Annotated[str, typer.Argument()],
        more: Annotated[list[str] | None, typer.Argument()] = None,
        text: Annotated[str | None, typer.Option("--text")] = None,
        texts: Annotated[list[str] | None, typer.Option("--texts")] = None,
        empty: Annotated[list[str], typer.Option("--empty")] = [],  # noqa: B006 - as Typer has it
        number: Annotated[int, typer.Option("--number", min=1, max=60)] = 3,
        free: Annotated[int, typer.Option("--free")] = -1,
        share: Annotated[float, typer.Option("--share")] = 0.5,
        flag: Annotated[bool | None, typer.Option("--flag/--no-flag")] = None,
        colour: Annotated[Colour, typer.Option("--colour")] = Colour.RED,
        numbers: Annotated[list[int] | None, typer.Option("--numbers")] = None,
        parsed: Annotated[int, typer.Option("--parsed", parser=length)] = 7,
        cased: Annotated[str, typer.Option("--cased", parser=str.upper)] = "a",
    ) -> None:
        found.update(locals())
        del found["found"]

    app.command(cls=cls)(command)
    try:
        typer.main.get_command(app).main(args=arguments, standalone_mode=False)
    except Exception as error:
        told = getattr(error, "format_message", None)
        return told() if told else repr(error)
    return found, [type(value) for value in found.values()]


LINES = [
    [], ["x"], ["x", "y", "z"], ["x", "--text", ""], ["x", "--texts", "a", "--texts", "b"],
    ["x", "--number", "5"], ["x", "--number", "0"], ["x", "--number", "61"],
    ["x", "--number", "+7"], ["x", "--number", "a"],
    ["x", "--free", "-9"], ["x", "--free", "1.5"], ["x", "--free", "1_0"],
    ["x", "--free", "9" * 30], ["x", "--share", "2"], ["x", "--share", "y"], ["x", "--flag"],
    ["x", "--no-flag"], ["x", "--colour", "red"], ["x", "--colour", "blue"],
    ["x", "--numbers", "1", "--numbers", "2"], ["x", "--numbers", "y"], ["x", "--parsed", "abc"],
    ["x", "--cased", "b"], ["x", "--empty", "e"], ["x", "--nosuch"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", LINES, ids=" ".join)
def test_plain_values_are_what_typer_makes_of_them(arguments: list[str]) -> None:
    assert answer(_Plain, arguments) == answer(TyperCommand, arguments)


COMMANDS = [
    "pynats context ls", "pynats context save one -s nats://a --description d",
    "pynats pub x y --count 3", "pynats pub --help", "pynats sub x --count 1 --raw",
    "pynats request x y --replies 2", "pynats reply x y --count 2", "pynats rtt 1",
    "pynsc list operators", "pynsc add operator O", "pynsc edit account --tag x", "pynsc push -A",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_imports_what_it_does_not_need(command: str, tmp_path: Any) -> None:
    program, *arguments = command.split()
    module = {"pynats": "pynats_cli.app", "pynsc": "pynsc.__main__"}[program]
    code = (
        f"import sys; sys.argv = ['{program}', *{arguments!r}]\n"
        f"from {module} import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('pydantic', 'rich', 'hypothesis') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S,
        check=True, env={"HOME": str(tmp_path), "NATS_URL": "nats://127.0.0.1:1", "PATH": ""},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr
