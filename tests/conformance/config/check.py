"""One configuration through the real server's `-t` (its record, as a rule) and through ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from pynats_server.process.flags import parse_command_line

from tests.support.process import run_reference
from tests.support.records import Recorded

NAME = "a.conf"
CHECK = ("-t", "-c", NAME)
PROGRAM = "nats-server: "


def theirs(
    recorded: Recorded,
    folder: Path,
    args: Sequence[str] = CHECK,
    environ: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Exit code and complaints of the real server.

    It goes through maps in random order, see `stable`.
    """

    def ask() -> dict[str, int | str]:
        done = run_reference(*args, folder=folder, environ=environ)
        return {"exit": done.returncode, "stderr": stable(done.stderr)}

    answer = recorded.of(ask)
    return answer["exit"], answer["stderr"]


def ours(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: Sequence[str] = CHECK,
    environ: Mapping[str, str] | None = None,
) -> tuple[int | None, str]:
    """Exit code and complaints of pynats-server."""
    monkeypatch.chdir(folder)
    for name, value in (environ or {}).items():
        monkeypatch.setenv(name, value)
    command = parse_command_line(list(args), "nats-server")
    return command.exit_code, command.stderr


_CHANGING = (
    (re.compile(r"0x[0-9a-f]{9,}"), "<address>"),
    (re.compile(r"a\.conf:\d+:\d+: (?=Duplicate 'store_dir')"), ""),  # of either of the two
    # The place of whichever key of the map came last.
    (
        re.compile(
            r"(a\.conf:\d+:)\d+(?=: .*(?:both 'cert_file' and|Authorization callouts require))"
        ),
        r"\1<any>",
    ),
    # Encrypted keys, read as if they were none: noise.
    (re.compile(r"(?<=failed to parse private key: asn1: )[^\n]*"), "<anything>"),
)


def stable(output: str) -> str:
    """Lines sorted, behind the program's name, and without what differs from one run to another."""
    for pattern, instead in _CHANGING:
        output = pattern.sub(instead, output)
    lines = output.removeprefix(PROGRAM).split("\n")
    sorted_lines = "\n".join([*sorted(line for line in lines if line), ""])
    return PROGRAM + sorted_lines if output.startswith(PROGRAM) else sorted_lines


# What the real server takes from Go's own messages, and what we say instead.
_GO_WORDS = (
    (re.compile(r"\btime: (?=invalid|missing|unknown)"), ""),
    (re.compile(r'strconv\.ParseInt: parsing "[^"]*": invalid syntax'), "must be a size"),
    (re.compile(r"must be int64 or string"), "must be an integer or a text"),
)
_OUR_WORDS = (
    (re.compile(r" \(did you mean .*\?\)$"), ""),
    (re.compile(r"must be a number with a unit, got .*"), "must be a size"),
    (re.compile(r'(must be an integer or a text) such as "10G"'), r"\1"),
)


def complaints(output: str) -> list[str]:
    """The lines, sorted and without the program's name, Go's words, and our suggestions."""
    text = output.removeprefix(PROGRAM)
    lines = [line for line in text.split("\n") if line]
    for pattern, instead in (*_GO_WORDS, *_OUR_WORDS):
        lines = [pattern.sub(instead, line) for line in lines]
    return sorted(lines)


LINE = re.compile(r"a\.conf:\d+:")
COLUMN = re.compile(r"a\.conf:\d+:\d+")
PANIC = re.compile("interface conversion")  # of Go: no words, and a place nearby
_WRAPPED = re.compile(r"^(Parse error on line \d+: ')?(.*?)'?$", re.DOTALL)


def check_verdict(
    text: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    recorded: Recorded,
    comparable: Callable[[str], list[str]] = complaints,
    loose: Mapping[re.Pattern[str], re.Pattern[str]] | None = None,
) -> None:
    """Ours says of a configuration what theirs does. Compared is what `comparable` makes of it; but
    of complaints that match a pattern in `loose` only the place, as far as the pattern there says.
    """
    (folder / NAME).write_text(text)
    expected_code, expected = theirs(recorded, folder)
    code, output = ours(folder, monkeypatch)
    assert (code, output) == (expected_code, output), expected
    if code == 0:
        assert output == expected
        return
    if "a.conf:" not in expected:  # ours knows the place all the same
        found = _WRAPPED.match(expected.removeprefix(PROGRAM).strip())
        assert found is not None
        for words in complaints(found[2].partition(", got")[0]):
            assert words in output
        return
    for pattern, of_place in {PANIC: LINE, **(loose or {})}.items():
        if pattern.search(expected):
            place = of_place.search(expected)
            assert place is not None and place[0] in output, expected
            return
    assert comparable(output) == comparable(expected)
