"""The keys, declared once: bindings, the help page and the line at the bottom come from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from textual.binding import Binding


@dataclass(frozen=True)
class Key:
    """A key: its name for a keymap, what is pressed, what it does, what help says of it."""

    id: str
    keys: str
    action: str
    help: str
    short: str = ""  # in the line at the bottom; nothing: not there
    shown: str = ""  # as people write it
    group: str = ""
    replay: bool = False  # only where a recording is played
    priority: bool = False

    @property
    def display(self) -> str:
        return self.shown or self.keys.split(",")[0]

    def binding(self) -> Binding:
        return Binding(self.keys, self.action, self.short or self.help, show=False,
                       key_display=self.display, tooltip=self.help, id=self.id,
                       priority=self.priority)  # fmt: skip


VIEW, WHERE, TABLE, REPLAY, REST = "Figures", "Tabs and servers", "Table", "Recording", "Program"

# In the order of help; the line at the bottom takes them by `_FIRST`.
KEYS = (
    Key("sort", "o", "sort", "sort by another column", "sort", group=VIEW),
    Key("limit", "n", "limit", "ask the server for at most so many connections", "limit",
        group=VIEW),
    Key("subscriptions", "s", "subscriptions", "show or hide the subscriptions of connections",
        "subs", group=VIEW),
    Key("lookup", "d", "lookup", "show names of hosts in place of addresses", "names", group=VIEW),
    Key("raw", "b", "raw", "show whole numbers in place of 1.2K", "raw", group=VIEW),
    Key("rates", "space", "rates", "show what connections move each second, or in all", "rates",
        "space", group=VIEW),
    Key("pause", "p", "pause", "stop the clock, or go on", "pause", group=VIEW),
    Key("overview", "1", "tab('overview')", "all servers, and rates over time", group=WHERE),
    Key("connections", "2", "tab('connections')", "connections", group=WHERE),
    Key("accounts", "3", "tab('accounts')", "accounts", group=WHERE),
    Key("streams", "4", "tab('streams')", "streams", group=WHERE),
    Key("consumers", "5", "tab('consumers')", "consumers", group=WHERE),
    Key("slow", "6", "tab('slow')", "slow consumers: who, where, since when", group=WHERE),
    Key("next_tab", "tab", "step_tab(1)", "the next tab", group=WHERE),
    Key("previous_tab", "shift+tab", "step_tab(-1)", "the tab before", group=WHERE),
    Key("previous_server", "left_square_bracket", "server(-1)", "the server before", "server",
        "[", group=WHERE),
    Key("next_server", "right_square_bracket", "server(1)", "the next server", "server", "]",
        group=WHERE),
    Key("filter", "slash", "filter", "show only rows with these words, as you type", "filter",
        "/", group=TABLE),
    Key("reverse", "r", "reverse", "turn the order round", "reverse", group=TABLE),
    Key("details", "enter", "details", "details of the chosen row", "details", "Enter",
        group=TABLE),
    Key("back", "escape", "back", "take back the filter, then the choice", "", "Esc",
        group=TABLE),
    Key("down", "down,j", "move(1)", "the next row", "", "↓ j", group=TABLE),
    Key("up", "up,k", "move(-1)", "the row before", "", "↑ k", group=TABLE),
    Key("page_down", "pagedown", "page(1)", "a page on", "", "PgDn", group=TABLE),
    Key("page_up", "pageup", "page(-1)", "a page back", "", "PgUp", group=TABLE),
    Key("first", "home,g", "edge(-1)", "the first row", "", "Home g", group=TABLE),
    Key("last", "end,G", "edge(1)", "the last row", "", "End G", group=TABLE),
    Key("right", "right", "sideways(1)", "columns to the right", "", "→", group=TABLE),
    Key("left", "left", "sideways(-1)", "columns to the left", "", "←", group=TABLE),
    Key("step_on", "full_stop", "step(1)", "the next poll of the recording", "step", ".",
        group=REPLAY, replay=True),
    Key("step_back", "comma", "step(-1)", "the poll before", "back", ",", group=REPLAY,
        replay=True),
    Key("skip_on", "greater_than_sign", "skip(1)", "a minute on", "", ">", group=REPLAY,
        replay=True),
    Key("skip_back", "less_than_sign", "skip(-1)", "a minute back", "", "<", group=REPLAY,
        replay=True),
    Key("faster", "plus", "speed(2)", "twice as fast", "faster", "+", group=REPLAY, replay=True),
    Key("slower", "minus", "speed(0.5)", "half as fast", "slower", "-", group=REPLAY,
        replay=True),
    Key("theme", "t", "theme", "the next theme", "theme", group=REST),
    Key("help", "question_mark,h", "help", "this page", "help", "? h", group=REST),
    Key("quit", "q", "app.quit", "leave", "quit", "q", group=REST),
    Key("suspend", "ctrl+z", "suspend_process", "back to the shell, until fg", "", "Ctrl-Z",
        group=REST),
    Key("interrupt", "ctrl+c", "quit", "leave, whatever is asked", "", "Ctrl-C", group=REST,
        priority=True),
)  # fmt: skip

_SCROLL = ("down", "up", "page_down", "page_up", "first", "last", "right", "left")
_NAMED = {key.id: key for key in KEYS}
APP_KEYS = tuple(_NAMED[name] for name in ("interrupt", "suspend"))  # on every screen
MAIN_KEYS = tuple(key for key in KEYS if key not in APP_KEYS)
# Where the details of a connection are shown.
BACK = Key("leave", "escape,enter,q", "leave", "back to the table", "back", "Esc")
DETAIL_KEYS = (BACK, *(_NAMED[name] for name in _SCROLL))
DETAIL_FOOTER = (BACK, replace(_NAMED["down"], short="more"))

_PLAIN = ("quit", "help", "sort", "limit", "filter", "details", "rates", "subscriptions", "pause",
          "raw", "reverse", "theme", "lookup")  # fmt: skip
_PLAYED = ("quit", "help", "pause", "step_on", "step_back", "filter", "details", "faster",
           "slower", "rates", "theme")  # fmt: skip


def bindings(keys: Iterable[Key]) -> list[Binding]:
    return [key.binding() for key in keys]


def footer(width: int, replay: bool, servers: int) -> list[Key]:
    """The keys that matter most, as many as there is room for."""
    wanted = list(_PLAYED if replay else _PLAIN)
    if servers > 1:
        wanted.insert(3, "next_server")
    found: list[Key] = []
    for name in wanted:
        key = _NAMED[name]
        width -= len(key.display) + len(key.short) + 3
        if width < 0:
            break
        found.append(key)
    return found


def help_lines(replay: bool) -> list[tuple[str, str]]:
    """What help says: a key and what it does; a title stands where there is no key."""
    lines: list[tuple[str, str]] = []
    group = ""
    for key in KEYS:
        if key.replay and not replay:
            continue
        if key.group != group:
            group = key.group
            lines.append(("", group))
        lines.append((key.display, key.help))
    return lines
