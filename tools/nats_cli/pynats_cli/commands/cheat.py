"""`pynats cheat`: examples by topic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.go.quoting import quote

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.reference.cheats.book import all_topics, text_of, topics
from pynats_cli.screen.output import line, note, write

_FRONT = "---\ntags: [nats]\n---\n\n"


@dataclass(kw_only=True)
class CheatOptions:
    topic: Annotated[str, arg("Topic to show; all topics are listed if absent")] = ""
    list: Annotated[bool, opt("--list", help="List the topics")] = False
    save: Annotated[
        str, opt("--save", placeholder="DIRECTORY",
                 help="Save all topics for the program 'cheat'")
    ] = ""  # fmt: skip


def cheat(global_options: GlobalOptions, options: CheatOptions) -> None:
    """Show examples of a topic. They are in the form of the program `cheat`
    (https://github.com/cheat/cheat), for which --save writes them to a directory."""
    if options.save:
        _save(Path(options.save))
        return
    text = text_of(options.topic) if options.topic and not options.list else None
    if text is not None:
        write(text)
        return
    if options.topic and not options.list:
        note(f"There are no examples of {quote(options.topic)}")
    line("\n".join(["Available Cheats:", "", *(f"    {topic}" for topic in topics())]))


def _save(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for topic, text in all_topics().items():
            (folder / topic).write_text(_FRONT + text)
            line(f"Saved cheat to {folder / topic}")
    except OSError as error:
        raise CliError(f"{folder}: {error.strerror}") from None
