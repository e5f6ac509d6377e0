"""Every example of every topic is a command line of ours, with its flags."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pynats_cli.commands import ROOT
from pynats_cli.global_options import split_global_options
from pynats_cli.reference.cheats.book import all_topics, command_lines, text_of, topics
from pynats_common.commandline.parse import BadValueError, parse
from pynats_common.commandline.tree import Command, walk

# The topics of the original, but for commands that are not here yet.
THEIRS = {
    "account", "auth", "backup", "consumer", "context", "errors", "events", "kv",
    "latency", "object", "publish", "reply", "schemas", "server", "stream", "subscribe",
}  # fmt: skip


def examples() -> Iterator[tuple[str, list[str]]]:
    for topic, text in all_topics().items():
        for words in command_lines(text):
            yield topic, words


EXAMPLES = list(examples())


def test_there_are_examples_of_every_topic() -> None:
    assert set(topics()) >= THEIRS
    assert {topic for topic, _ in EXAMPLES} == set(topics())
    assert text_of("pub") == text_of("publish") and text_of("nope") is None
    assert all("nats " not in text.replace("pynats ", "") for text in all_topics().values())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: " ".join(e[1])[:60])
def test_the_example_is_a_command_line(example: tuple[str, list[str]]) -> None:
    words = example[1]
    if "|" in words:
        words = words[: words.index("|")]
    _, rest = split_global_options(words, {})
    try:
        found = walk(ROOT, rest)
        assert isinstance(found.node, Command), f"{words} is no command"
        options = found.node.options()
    except ModuleNotFoundError as error:
        # That nothing of the original is missing, the inventory's tests look after.
        assert (error.name or "").startswith("pynats_cli.commands."), error
        pytest.skip(f"{' '.join(rest[:2])} is not in this version yet")
    try:
        parse(options, found.arguments)
    except BadValueError as error:  # the files of examples are not here
        assert "does not exist" in str(error)
