"""A headless Chromium, driven through a pipe by its own protocol (DevTools): pages as a reader sees
them, and what they complain of."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.deadline import PATIENCE_S, Deadline, DeadlineExceeded, wait_until
from tests.support.descriptors import readable

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # tests may run as root, and open nothing but pages of ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)
Json = dict[str, Any]


def program() -> str | None:
    """The browser of this machine; None if it has none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class BrowserFailed(AssertionError):
    """It ended, or refused a command."""


class Browser:
    """One process. Its pages are opened by `page`."""

    def __init__(self, folder: Path) -> None:
        found = program()
        if found is None:
            pytest.skip("there is no Chromium on this machine")
        theirs_in, self._out = _pipe()
        self._in, theirs_out = _pipe()
        command = [found, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        log = os.open(folder / "browser.log", os.O_WRONLY | os.O_CREAT, 0o600)
        self._pid = os.posix_spawn(
            found,
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs_in, 3),
                (os.POSIX_SPAWN_DUP2, theirs_out, 4),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setpgroup=0,
        )
        for end in (theirs_in, theirs_out, log):
            os.close(end)
        self._buffer = b""
        self._last = 0
        self.events: list[Json] = []

    def call(self, method: str, session: str = "", **parameters: Any) -> Json:
        """The result of a command; events that come meanwhile are kept."""
        self._last += 1
        command: Json = {"id": self._last, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        rest = json.dumps(command).encode() + b"\0"
        while rest:
            rest = rest[os.write(self._out, rest) :]
        deadline = Deadline(PATIENCE_S)
        while True:
            message = self._next(deadline, method)
            if message.get("id") != self._last:
                self.events.append(message)
            elif "error" in message:
                raise BrowserFailed(f"{method}: {message['error']}")
            else:
                result: Json = message["result"]
                return result

    def _next(self, deadline: Deadline, what: str) -> Json:
        while b"\0" not in self._buffer:
            if not readable(self._in, max(0.0, deadline.remaining())):
                raise DeadlineExceeded(f"the browser did not answer: {what}")
            data = os.read(self._in, 1 << 20)
            if not data:
                raise BrowserFailed("the browser has ended")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: Json = json.loads(line)
        return message

    def page(self) -> Page:
        """A new page, with no cookies or credentials of others."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        return Page(self, attached["sessionId"], target["targetId"])

    def close(self) -> None:
        """Ends it, and all of its processes."""
        with suppress(OSError, BrowserFailed, DeadlineExceeded):
            self.call("Browser.close")
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._out)
        os.close(self._in)


class Page:
    """One page, in a window of 1400 by 900 to begin with."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser = browser
        self._session = session
        self._target = target
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.do(f"{domain}.enable")
        self.resize(1400, 900)

    def do(self, method: str, **parameters: Any) -> Json:
        """One command of the protocol."""
        return self._browser.call(method, self._session, **parameters)

    def resize(self, width: int, height: int) -> None:
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip

    def scheme(self, name: str) -> None:
        """`light` or `dark`."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.do("Emulation.setEmulatedMedia", features=features)

    def headers(self, **headers: str) -> None:
        """Are sent with every request from now on."""
        self.do("Network.setExtraHTTPHeaders", headers=headers)

    def goto(self, url: str) -> None:
        self.do("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, which may be a promise."""
        found = self.do(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise BrowserFailed(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait(self, expression: str) -> None:
        """Until the expression is true."""

        def holds() -> bool:
            try:
                return bool(self.evaluate(expression))
            except BrowserFailed:  # the page is being loaded
                return False

        try:
            wait_until(holds, f"in the page: {expression}")
        except DeadlineExceeded:
            text = self.evaluate("document.documentElement.innerText")
            raise DeadlineExceeded(f"{expression} is false; the page says:\n{text}") from None

    def text(self, selector: str) -> str:
        """What an element says; empty if there is none."""
        return str(
            self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")
        )

    def complaints(self) -> list[str]:
        """What the page has logged, thrown, or was kept from (by its policy)."""
        found = []
        for event in self._events():
            parameters = event.get("params", {})
            match event.get("method"):
                case "Runtime.exceptionThrown":
                    found.append(str(parameters["exceptionDetails"]))
                case "Runtime.consoleAPICalled":
                    found.append(str(parameters["args"]))
                case "Log.entryAdded":
                    found.append(str(parameters["entry"]["text"]))
                case "Audits.issueAdded":
                    found.append(str(parameters["issue"]))
        return found

    def requests(self) -> list[str]:
        """The addresses that were asked so far."""
        return [
            str(event["params"]["request"]["url"])
            for event in self._events()
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def _events(self) -> list[Json]:
        self.evaluate("0")  # what has happened before has been told then
        return [each for each in self._browser.events if each.get("sessionId") == self._session]

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """A PNG file of the window, or of the whole page."""
        found = self.do("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are none of those that the browser's must become."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """A browser with its files in a folder. Skips the test where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    browser = Browser(folder)
    try:
        yield browser
    finally:
        browser.close()
