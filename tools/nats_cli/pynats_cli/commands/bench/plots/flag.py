"""The flag `--plot`: alone it is a plot at the terminal, with a name it is a file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import Kind
from pynats_common.go.quoting import quote_excerpt

from pynats_cli.errors import CliError
from pynats_cli.screen import output

if TYPE_CHECKING:
    from pynats_bench.clients.timeline import Timeline

AT_THE_TERMINAL = "-"
ENDINGS = (".png", ".svg")


def names_file(word: str) -> bool:
    """Whether a word can only be the name of a plot: a subject may follow `--plot` too."""
    return word.lower().endswith(ENDINGS)


def _where(text: str) -> str:
    if text != AT_THE_TERMINAL and not names_file(text):
        raise ValueError(f"must end in .png or .svg, got {quote_excerpt(text)}")
    return text


PLOT = Kind("FILE.png|FILE.svg", _where)


@dataclass(kw_only=True)
class Plotted:
    """Option of a command that can plot what it measured."""

    plot: Annotated[
        str,
        opt("--plot", kind=PLOT, bare=AT_THE_TERMINAL, takes=names_file, panel="Output",
            help="Plot throughput and latency over time: at the terminal, or into a file"),
    ] = ""  # fmt: skip


def check(options: Plotted, structured: bool) -> None:
    """Before the run: whether there will be a plot. Raises CliError."""
    if not options.plot:
        return
    if options.plot == AT_THE_TERMINAL:
        if structured:
            raise CliError("--plot needs a file beside --json and --output: --plot FILE.png")
        return
    if find_spec("matplotlib") is None:
        raise CliError("--plot FILE needs matplotlib: pip install 'pynats-toolbox[plot]'")
    folder = Path(options.plot).absolute().parent
    if not folder.is_dir():
        raise CliError(f"--plot: no folder {folder}")


def show(options: Plotted, timeline: Timeline, title: str) -> None:
    """After the run: the plot at the terminal, or the file and a line that names it."""
    if options.plot == AT_THE_TERMINAL:
        from pynats_cli.commands.bench.plots.terminal import shown

        output.write("\n" + shown(timeline, title))
    elif options.plot:
        from pynats_cli.commands.bench.plots.files import draw

        try:
            draw(timeline, title, Path(options.plot))
        except OSError as error:
            raise CliError(f"--plot: {options.plot}: {error.strerror or error}") from None
        output.note(f"Plotted into {options.plot}")
        if len(timeline.rates) < 2:
            output.log("WARNING: the run was too short for a plot over time: raise --msgs")
