"""Flags whose value may be left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
from pynats_common.commandline.declare import arg, opt, parameters
from pynats_common.commandline.help.text import flag_text
from pynats_common.commandline.parse import BadUsageError, parse


@dataclass(kw_only=True)
class Options:
    subject: Annotated[str, arg("Subject")] = ""
    plot: Annotated[
        str, opt("--plot", placeholder="FILE", bare="-", takes=lambda word: word.endswith(".png"))
    ] = ""
    form: Annotated[str, opt("--form", bare="yaml")] = ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), Options()),
        (("--plot",), Options(plot="-")),
        (("--plot", "foo"), Options(subject="foo", plot="-")),
        (("--plot", "foo.png"), Options(plot="foo.png")),
        (("--plot=foo",), Options(plot="foo")),
        (("--plot=", "foo.png"), Options(subject="foo.png", plot="")),
        (("foo.png", "--plot"), Options(subject="foo.png", plot="-")),
        (("--plot", "a.png", "b.png"), Options(subject="b.png", plot="a.png")),
        (("--plot", "--form"), Options(plot="-", form="yaml")),
        (("--form", "foo.png"), Options(subject="foo.png", form="yaml")),
        (("--", "--plot"), Options(subject="--plot")),
    ],
)
def test_a_value_is_attached_or_recognised(words: tuple[str, ...], expected: Options) -> None:
    assert parse(Options, words) == expected


def test_a_word_is_taken_once() -> None:
    with pytest.raises(BadUsageError, match=r"unexpected 'c\.png'"):
        parse(Options, ("--plot", "a.png", "b.png", "c.png"))


def test_help_shows_that_the_value_may_be_left_out() -> None:
    texts = [flag_text(item) for item in parameters(Options) if not item.positional]
    assert texts == ["    --plot[=FILE]", "    --form[=TEXT]"]
