"""The Textual app of `pynats top`: runs the pollers and shows the screens."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import ClassVar

from pynats_cli.errors import CliError
from rich.text import Text
from textual.app import App
from textual.binding import Binding
from textual.events import Key

from pynats_top.collect.poller import Poller
from pynats_top.collect.source import SourceError
from pynats_top.options import TopOptions
from pynats_top.screen.base import TopScreen
from pynats_top.screen.endings import signals_end
from pynats_top.screen.keys import APP_KEYS, bindings
from pynats_top.screen.main import MainScreen
from pynats_top.screen.themes import looks
from pynats_top.screen.widgets.paint import plain

FIND_S = 10.0
Find = Callable[[], Awaitable[Sequence[Poller]]]


class TopApp(App[int], inherit_bindings=False):
    """One screen of figures, and those above it: help, details."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[Binding]] = bindings(APP_KEYS)  # type: ignore[assignment]

    def __init__(
        self, pollers: Sequence[Poller], options: TopOptions, find: Find | None = None
    ) -> None:
        """`find` gives pollers of servers that were not there before."""
        self.looks = looks()
        # Without colours Textual must not turn its own ones into grey ones.
        super().__init__(ansi_color=True if len(self.looks) == 1 else None)
        self.look = self.looks[0]
        for look in self.looks:
            self.register_theme(look.theme())
        self.theme = self.look.name
        self.pollers = [*pollers]
        self._find = find
        self._main = MainScreen(self.pollers, options)

    def on_mount(self) -> None:
        self.push_screen(self._main)
        for poller in self.pollers:
            self._run(poller)
        if self._find is not None:
            self.run_worker(self._find_servers(self._find), name="newcomers", group="polls")

    def _run(self, poller: Poller) -> None:
        self.run_worker(poller.run(), name=poller.label, group="polls")

    async def _find_servers(self, find: Find) -> None:
        """Looks for servers that join, again and again."""
        while True:
            await asyncio.sleep(FIND_S)
            with suppress(SourceError):  # the pollers tell it
                for poller in await find():
                    self._main.add(poller)
                    self._run(poller)

    def on_key(self, event: Key) -> None:
        """Before bindings."""
        screen = self.screen
        if isinstance(screen, TopScreen) and screen.take(event):
            event.prevent_default()

    def next_look(self) -> None:
        """The theme after this one."""
        place = self.looks.index(self.look)
        self.look = self.looks[(place + 1) % len(self.looks)]
        self.theme = self.look.name
        for screen in self.screen_stack:
            for widget in screen.walk_children():
                widget.refresh()

    def _fatal_error(self) -> None:
        """Ends with one line: Textual would show the values of all variables, and passwords may be
        among them."""
        words = f"pynats: error: the screen has failed: {describe(self._exception)}"
        self._exit_renderables.append(Text(words))
        self._close_messages_no_wait()


def describe(error: BaseException | None) -> str:
    """An error and where it was raised, in one line."""
    if error is None:
        return "unknown"
    cause = getattr(error, "error", None)  # a worker's own error
    if isinstance(cause, BaseException):
        error = cause
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        code = trace.tb_frame.f_code
        where = f" ({code.co_name}, line {trace.tb_lineno})"
    return plain(f"{type(error).__name__}: {error}{where}")


async def show_screen(
    pollers: Sequence[Poller], options: TopOptions, find: Find | None = None
) -> int:
    """The screen until the user leaves it; the exit code. Raises CliError."""
    if sys.__stderr__ is None or not sys.__stderr__.isatty():
        raise CliError("the screen is drawn on standard error, which must be a terminal, too")
    if os.environ.get("TERM") == "dumb":
        raise CliError("the screen needs a terminal that is not dumb (TERM): use --once")
    if isinstance(sys.__stderr__, io.TextIOWrapper):
        sys.__stderr__.reconfigure(errors="replace")  # a bar that it has not is one cell, too
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)  # the terminal's own size counts, also when it changes
    app = TopApp(pollers, options, find)

    def end(code: int) -> None:
        app.exit(code, return_code=code)

    with signals_end(end):
        # Without the mouse: what is shown can be marked and copied as usual.
        result = await app.run_async(mouse=False)
    return app.return_code or result or 0
