"""The main screen: head, table, tabs, and what the keys do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding

from pynats_top.collect.poller import Poller
from pynats_top.collect.source import CONNECTIONS, CONSUMERS, PARTS, SERVERS
from pynats_top.lookup import Names
from pynats_top.model.figures import AccountFigures, ConnectionFigures
from pynats_top.model.jetstream import StreamFigures
from pynats_top.model.slow import SlowConsumer
from pynats_top.options import ALL, TopOptions
from pynats_top.screen.base import TopScreen
from pynats_top.screen.contents import contents_of, sorts_of
from pynats_top.screen.details import ConnectionScreen
from pynats_top.screen.heading import heading, rest_of
from pynats_top.screen.help import HelpScreen
from pynats_top.screen.keys import MAIN_KEYS, Key, bindings, footer
from pynats_top.screen.replaying import change_speed, place_text, skipped, stepped
from pynats_top.screen.themes import Themed
from pynats_top.screen.view import OVERVIEW, TABS, TITLES, View
from pynats_top.screen.widgets.bars import KeyLine, TabLine
from pynats_top.screen.widgets.charts import Chart, Charts, charts_of
from pynats_top.screen.widgets.grid import Grid
from pynats_top.screen.widgets.head import Head
from pynats_top.screen.widgets.line import TextLine
from pynats_top.screen.widgets.prompt import Prompt, Question, Step
from pynats_top.screen.widgets.small import Small, is_small

_COMPACT_BELOW, _BARE_BELOW = 20, 14
_MINUTE_S = 60.0
SORT, LIMIT, FILTER = "sort", "limit", "filter"


def _first_tab(view: str, servers: int) -> str:
    """The one that was asked for; without that what all servers do, or who is connected."""
    if view in TABS and view != CONNECTIONS:
        return view
    return OVERVIEW if servers > 1 or view in (SERVERS, ALL) else CONNECTIONS


class MainScreen(TopScreen, inherit_bindings=False):
    """Knows what the user has chosen; the widgets are told what to show."""

    BINDINGS: ClassVar[list[Binding]] = bindings(MAIN_KEYS)  # type: ignore[assignment]
    CSS = """
    MainScreen { layout: vertical; overflow: hidden; }
    MainScreen > Small, MainScreen > Charts { display: none; }
    MainScreen.-overview > Charts { display: block; }
    MainScreen.-overview > Grid { height: auto; max-height: 50%; margin-bottom: 1; }
    MainScreen.-bare > TabLine, MainScreen.-bare > KeyLine { display: none; }
    MainScreen.-small > * { display: none; }
    MainScreen.-small > Small { display: block; }
    """

    def __init__(self, pollers: list[Poller], options: TopOptions) -> None:
        """More may be added to the pollers: see `add`."""
        super().__init__()
        self._pollers = pollers
        self._options = options
        self.view = View(
            tab=_first_tab(options.view, len(pollers)), raw=options.raw,
            subscriptions=options.subscriptions, lookup=options.lookup, limit=options.limit,
        )  # fmt: skip
        self.view.sorts[CONNECTIONS] = options.sort
        self._replay = bool(options.replay)
        self._stale = False
        self._names = Names()
        self._head, self._prompt, self._count = Head(), Prompt(), TextLine()
        self._grid, self._charts = Grid(), Charts(self._find_charts)
        self._tabs, self._keys = TabLine(TITLES), KeyLine(self._find_keys)

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._prompt
        yield self._count
        yield self._grid
        yield self._charts
        yield self._tabs
        yield self._keys
        yield Small()

    def on_mount(self) -> None:
        for poller in self._pollers:
            poller.on_change = self.figures_changed
        self._look()
        self._draw()

    def add(self, poller: Poller) -> None:
        """One more server, of which the same is asked as of the others."""
        view = self.view
        poller.set_sort(view.sorts[CONNECTIONS])
        poller.set_limit(view.limit)
        poller.set_subscriptions(view.subscriptions)
        poller.set_auth(view.accounts)
        poller.look_at(())
        if self.poller.paused:
            poller.paused = True
        poller.on_change = self.figures_changed
        self._pollers.append(poller)
        self._keys.refresh()
        self.figures_changed()

    def on_unmount(self) -> None:
        self._names.close()

    # Drawing

    @property
    def poller(self) -> Poller:
        return self._pollers[self.view.server]

    def figures_changed(self) -> None:
        """Draws once however often it is called until then."""
        if not self._stale:
            self._stale = True
            self.call_later(self._draw)

    def on_resize(self, event: events.Resize) -> None:
        columns, lines = event.size
        self.set_class(is_small(columns, lines), "-small")
        self.set_class(lines < _BARE_BELOW, "-bare")
        self.call_later(self._draw)

    def _draw(self) -> None:
        self._stale = False
        if not self.is_attached:
            return
        columns, lines = self.size
        view, poller = self.view, self.poller
        several = len(self._pollers) > 1
        place = f"  ({view.server + 1} of {len(self._pollers)}, [ and ] change)" if several else ""
        head = heading(poller, place, view.raw, columns, lines < _COMPACT_BELOW)
        self._head.show(head)
        self._prompt.show_idle(rest_of(poller, head[0], columns))
        if view.lookup and poller.snapshot is not None:
            self._names.look(row.ip for row in poller.snapshot.connections)
        names = self._names.known
        contents = contents_of(view, poller, self._pollers, columns, names, self._replay)
        self._count.show(contents.count, contents.notes)
        self.set_class(view.tab == OVERVIEW, "-overview")
        self._grid.show(contents.columns, contents.rows, contents.identity, contents.marked,
                        contents.empty, contents.tone)  # fmt: skip
        if view.tab == OVERVIEW:
            if several and poller in contents.rows:
                self._grid.go(contents.rows.index(poller))
            self._grid.styles.height = max(len(contents.rows), 1) + 1
            self._charts.draw()
        else:
            self._grid.styles.height = "1fr"
        self.call_after_refresh(self._show_seen)
        if 0 < self._options.refreshes <= poller.polls:
            self.app.exit(0)

    def _show_seen(self) -> None:
        first, end, number = self._grid.seen
        seen = f"{first + 1}-{end} of {number} " if end - first < number else ""
        paused = "paused " if self.poller.paused else ""
        self._tabs.show(self.view.tab, f"{place_text(self.poller)}{paused}{seen}")

    def _find_charts(self, room: int) -> list[Chart]:
        return charts_of(self.poller, room, self.view.raw)

    def _find_keys(self, width: int) -> list[Key]:
        return footer(width, self._replay, len(self._pollers))

    def _look(self) -> None:
        """Only what is looked at is asked for, but all of it where it is recorded; of a recording
        all is there, and to ask would be to go on in it."""
        if self._replay:
            return
        for number, poller in enumerate(self._pollers):
            looked = self.view.parts if number == self.view.server else ()
            poller.look_at(PARTS if self._options.record else looked)

    # Questions

    def take(self, key: events.Key) -> bool:
        taken = self._prompt.take(key)
        if taken is not None:
            self._answered(*taken)
        return taken is not None

    def on_paste(self, event: events.Paste) -> None:
        self._prompt.paste(event.text)
        if self._prompt.question is not None:
            self._answered(Step.TYPED, self._prompt.question)

    def _ask(self, kind: str, label: str, answers: Sequence[str] = (), text: str = "") -> None:
        self._prompt.ask(Question(kind, label, answers, text))

    def action_sort(self) -> None:
        answers = sorts_of(self.view.tab)
        if not answers:
            self._prompt.say("servers are in the order in which they were named")
        else:
            self._ask(SORT, f"sort by [{self.view.sorted_by}]: ", answers)

    def action_limit(self) -> None:
        self._ask(LIMIT, f"limit   [{self.view.limit}]: ")

    def action_filter(self) -> None:
        self._ask(FILTER, "filter: ", text=self.view.filter)

    def _answered(self, step: Step, question: Question) -> None:
        """Does what an answer says; a filter at every key."""
        text = question.text.strip()
        if question.kind == FILTER:
            self.view.filter = "" if step is Step.LEFT else question.text
        elif step is Step.ENTERED and text:
            if question.kind == SORT:
                self._sort_by(text)
            else:
                self._limit_to(text)
        self._draw()

    def _sort_by(self, text: str) -> None:
        if text not in sorts_of(self.view.tab):
            self._prompt.say(f"invalid order: {text}")
            return
        self.view.sorts[self.view.tab] = text
        if self.view.tab == CONNECTIONS and not self._replay:
            for poller in self._pollers:
                poller.set_sort(text)

    def _limit_to(self, text: str) -> None:
        if not (text.isascii() and text.isdigit() and 0 < int(text) <= 2**31 - 1):
            self._prompt.say(f"invalid limit: {text}")
            return
        self.view.limit = int(text)
        if not self._replay:
            for poller in self._pollers:
                poller.set_limit(self.view.limit)

    # Figures

    def action_subscriptions(self) -> None:
        self.view.subscriptions = not self.view.subscriptions
        if not self._replay:
            for poller in self._pollers:
                poller.set_subscriptions(self.view.subscriptions)
        self._draw()

    def action_lookup(self) -> None:
        self.view.lookup = not self.view.lookup
        self._draw()
        if self.view.lookup:
            self.run_worker(self._wait_for_names(), group="names", exclusive=True)

    async def _wait_for_names(self) -> None:
        snapshot = self.poller.snapshot
        if snapshot is not None:
            await self._names.wait({row.ip for row in snapshot.connections})
            self._draw()

    def action_raw(self) -> None:
        self.view.raw = not self.view.raw
        self._draw()

    def action_rates(self) -> None:
        self.view.rates = not self.view.rates
        self._draw()

    def action_pause(self) -> None:
        self._pause(not self.poller.paused)

    def _pause(self, paused: bool) -> None:
        for poller in self._pollers:
            if poller.paused != paused:
                poller.paused = paused
        self._draw()

    # Tabs and servers

    def action_tab(self, name: str) -> None:
        if name != self.view.tab:
            self.view.tab = name
            self._grid.forget()
            self._look()
            self._draw()

    def action_step_tab(self, step: int) -> None:
        self.action_tab(self.view.step_tab(step))

    def action_server(self, step: int) -> None:
        self._go_to_server((self.view.server + step) % len(self._pollers))

    def _go_to_server(self, number: int) -> None:
        if number != self.view.server:
            self.view.server = number
            if self.view.tab != OVERVIEW:
                self._grid.forget()
            self._look()
            self._draw()

    # The table

    def action_reverse(self) -> None:
        self.view.reverse = not self.view.reverse
        self._draw()

    def action_back(self) -> None:
        if self.view.filter:
            self.view.filter = ""
        else:
            self._grid.forget()
        self._draw()

    def action_move(self, step: int) -> None:
        self._grid.move(step)
        self._moved()

    def action_page(self, direction: int) -> None:
        self._grid.page(direction)
        self._moved()

    def action_edge(self, direction: int) -> None:
        self._grid.edge(direction)
        self._moved()

    def _moved(self) -> None:
        """In the overview the chosen server is the one whose rates are shown."""
        row = self._grid.chosen
        if isinstance(row, Poller):
            self._go_to_server(self._pollers.index(row))
        self._show_seen()

    def action_sideways(self, direction: int) -> None:
        self._grid.sideways(direction)

    def action_details(self) -> None:
        """What the chosen row leads to."""
        row = self._grid.chosen
        if row is None:
            self._prompt.say("there is nothing to show")
        elif isinstance(row, Poller):
            self._go_to_server(self._pollers.index(row))
            self.action_tab(CONNECTIONS)
        elif isinstance(row, (ConnectionFigures, SlowConsumer)):
            self._show_connection(row.cid)
        elif isinstance(row, StreamFigures):
            self._follow(row.name, CONSUMERS)
        elif isinstance(row, AccountFigures):
            self._ask_accounts()
            self._follow(row.title, CONNECTIONS)
        else:
            self._prompt.say("there are no details of it")

    def _follow(self, name: str, tab: str) -> None:
        """What has the name in another tab."""
        self.view.filter = name
        self.action_tab(tab)

    def _ask_accounts(self) -> None:
        self.view.accounts = True
        if not self._replay:
            for poller in self._pollers:
                poller.set_auth(True)

    def _show_connection(self, cid: int) -> None:
        poller = self.poller
        screen = ConnectionScreen(poller, cid)

        def changed() -> None:
            self.figures_changed()
            screen.ask()

        poller.on_change = changed

        def left(_: None) -> None:
            poller.on_change = self.figures_changed

        self.app.push_screen(screen, left)

    # A recording

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._replay or action not in ("step", "skip", "speed")

    def action_step(self, step: int) -> None:
        self._pause(True)
        self._move(lambda poller: stepped(poller, step))

    def action_skip(self, minutes: int) -> None:
        self._move(lambda poller: skipped(poller, minutes * _MINUTE_S))

    def action_speed(self, factor: float) -> None:
        for poller in self._pollers:
            change_speed(poller, factor)
        self._draw()

    def _move(self, find: Callable[[Poller], int]) -> None:
        for poller in self._pollers:
            self.run_worker(poller.go_to(find(poller)), group=f"move {id(poller)}", exclusive=True)

    # The program

    def action_theme(self) -> None:
        cast(Themed, self.app).next_look()

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen(self._replay))
