"""Runs the blocks of a page from top to bottom, in a fresh folder with a home of its own."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs import checks, expected
from tests.docs.commands import prompts, script_commands
from tests.docs.page import Block, PageError
from tests.docs.ports import CLIENTS as CLIENTS_PORT
from tests.docs.ports import MONITORING as MONITORING_PORT
from tests.docs.ports import Ports
from tests.docs.relay import Relay
from tests.docs.shell import Ran, Shell
from tests.docs.stub import CLIENTS, MONITORING, RELAY
from tests.support.deadline import DeadlineExceeded, wait_until

SHELL = ("sh", "bash", "shell")
STARTED = "Server is ready"
_BACKGROUND = re.compile(r"(?<!&)&\s*(#.*)?$")
# Until the end of a job is waited for, it has its ports, its files and its number.
_ENDS_JOBS_UNAWAITED = re.compile(
    r"^kill\s+(?:-(?:s\s+)?(?:TERM|INT|QUIT|KILL|2|9|15)\s+)?(?:(?:%\S+|\$!|\$\(jobs -p\))\s*)+$"
)
_LISTENS = re.compile(r"^pynats (sub|subscribe|reply|events|consumer sub|service serve)\b")
_READS_A_STREAM = re.compile(r" --(stream|durable|direct|all|new|last|since|start-sequence)\b")
_TARGET = re.compile(r"(?<![\d&])>>?\s*([^\s&|>]+)")
KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONDONTWRITEBYTECODE", "LD_PRELOAD", "ASAN_OPTIONS")


class Wrong(AssertionError):
    """What a page shows is not what happens."""


@dataclass
class Job:
    """A command in the background. What of its output has been compared is `seen` lines."""

    ran: Ran
    place: str
    seen: int = 0

    def news(self, back: Callable[[str], str]) -> list[str]:
        return expected.lines_of(back(self.ran.output))[self.seen :]

    def take(self, back: Callable[[str], str]) -> None:
        self.seen = len(expected.lines_of(back(self.ran.output)))


@dataclass
class Counts:
    """Of what was done with the blocks."""

    ran: int = 0
    commands: int = 0
    reasons: list[str] = field(default_factory=list)


def run_page(blocks: list[Block], folder: Path, tidy: bool = False) -> Counts:
    """Raises Wrong, PageError or DeadlineExceeded, which say where. A tidy page ends what it
    starts, because the next one goes on in the same terminal."""
    counts = Counts()
    if not blocks:
        return counts
    page = _Page(blocks, folder)
    with ExitStack() as stack:
        page.open(stack)
        for at, block in enumerate(blocks):
            if block.reason is not None:
                checks.unrun(block)
                counts.reasons.append(f"{block.place}: {block.reason}")
            elif not block.is_output:
                output = blocks[at + 1] if at + 1 < len(blocks) else None
                page.run(block, output if output is not None and output.is_output else None)
                counts.ran += block.language != "text" or bool(block.caption)
            elif at == 0 or not _prints(blocks[at - 1]):
                raise PageError(f"{block.place}: this is the output of no program")
        page.nothing_failed()
        if tidy:
            page.nothing_runs()
    counts.commands = page.commands
    return counts


def _prints(block: Block) -> bool:
    return block.language == "python" and not block.caption


class _Page:
    def __init__(self, blocks: list[Block], folder: Path) -> None:
        self._ports = Ports("".join(block.text for block in blocks))
        self.folder = folder / "page"
        self._home = folder / "home"
        self._outputs = folder / "outputs"
        for made in (self.folder, self._home, self._outputs):
            made.mkdir()
        self._jobs: list[Job] = []
        self._programs = 0
        self.commands = 0

    def open(self, stack: ExitStack) -> None:
        self._relay = relay = stack.enter_context(Relay())
        home = self._home
        environ = {name: value for name, value in os.environ.items() if name in KEPT} | {
            "PATH": f"{relay.folder}:{_system_path()}", "HOME": str(home), "USER": "you",
            "XDG_CONFIG_HOME": str(home / ".config"), "XDG_DATA_HOME": str(home / ".local/share"),
            "XDG_CACHE_HOME": str(home / ".cache"), "TZ": "UTC", "TERM": "dumb",
            RELAY: str(relay.socket), CLIENTS: str(self._ports.real[CLIENTS_PORT]),
            MONITORING: str(self._ports.real[MONITORING_PORT]),
        }  # fmt: skip
        self._shell = stack.enter_context(Shell(self.folder, self._outputs, environ))

    def run(self, block: Block, output: Block | None) -> None:
        """`output` is the block that shows what the program prints."""
        if block.language == "console":
            self._console(block)
        elif block.language in SHELL:
            self._script(block)
        elif block.caption:
            self._file(block)
        elif block.language == "python":
            self._program(block, output)
        elif block.language in checks.CONFIGURATIONS:
            self._checked(block)
        elif block.language in checks.READERS:
            checks.readable(block)
        elif block.language != "text":
            what = f"a block of {block.language!r}" if block.language else "a block of no language"
            raise PageError(f"{block.place}: {what}: what is to be done with it?")

    # -- files ------------------------------------------------------------------------------------

    def _file(self, block: Block) -> None:
        checks.readable(block)
        if "fragment" not in block.marks:
            path = (self.folder / block.caption).resolve()
            if not path.is_relative_to(self.folder):
                raise PageError(f"{block.place}: {block.caption} is outside of the page's folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._ports.put(block.text))
        if block.caption.endswith((".conf", ".toml")):
            self._checked(block)

    def _checked(self, block: Block) -> None:
        """By the server that is to have this configuration."""
        check, _, reason = block.marks.get("check", "").partition(" ")
        if check == "no":
            if not reason:
                raise PageError(f"{block.place}: `check: no` says no reason")
            checks.unrun(block)
            return
        name = block.caption if "fragment" not in block.marks else ""
        if not name:
            self._programs += 1
            name = f".checked{self._programs}.{'toml' if block.language == 'toml' else 'conf'}"
            (self.folder / name).write_text(self._ports.put(block.text))
        self._succeeds(f"pynats-server -t -c {shlex.quote(name)}", block.place)

    # -- programs ---------------------------------------------------------------------------------

    def _program(self, block: Block, output: Block | None) -> None:
        self._programs += 1
        is_test = "def test_" in block.text
        name = f"{'test_' if is_test else ''}program{self._programs}.py"
        (self.folder / name).write_text(self._ports.put(block.text))
        ran = self._succeeds(f"{'pytest -q' if is_test else 'python'} {name}", block.place)
        if output is not None:
            self._compare(output.text, ran, name, output.place)
        prints = block.marks.get("prints", "")
        if prints not in ran.output:
            raise Wrong(f"{block.place}: this does not print {prints!r}, but\n{ran.output}")

    # -- commands ---------------------------------------------------------------------------------

    def _script(self, block: Block) -> None:
        commands = script_commands(block.text)
        for number, (line, command) in enumerate(commands, 1):
            code = block.marks.get("exit", "0") if number == len(commands) else "0"
            self._command(command, "", int(code), f"{block.page}:{block.line + line}")

    def _console(self, block: Block) -> None:
        commands = list(prompts(block))
        for number, (line, command, output) in enumerate(commands, 1):
            code = block.marks.get("exit", "0") if number == len(commands) else "0"
            self._command(command, output, int(code), f"{block.page}:{line}")

    def _command(self, command: str, output: str, code: int, place: str) -> None:
        if _ENDS_JOBS_UNAWAITED.match(command):
            raise PageError(f"{place}: at a terminal nobody waits for the end: {command} && wait")
        if _BACKGROUND.search(command):
            self._start(command, output, place)
            return
        ran = self._succeeds(command, place, code)
        if output:
            self._compare(output, ran, command, place)

    def _succeeds(self, command: str, place: str, code: int = 0) -> Ran:
        ran = self._run(command, place)
        if ran.code != code:
            raise Wrong(
                f"{place}: $ {command}\nexit code {ran.code}, and {code} is expected; it says:\n"
                f"{self._ports.taken_back(ran.output)}{self._of_jobs()}"
            )
        return ran

    def _run(self, command: str, place: str) -> Ran:
        self.commands += 1
        try:
            return self._shell.run(self._ports.put(command))
        except AssertionError as error:
            raise type(error)(f"{place}: {error}{self._of_jobs()}") from None

    def _start(self, command: str, output: str, place: str) -> None:
        """A command in the background, until it does what it is to do."""
        ran = self._run(command, place)
        job = Job(ran, place)
        wanted = expected.lines_of(output)
        target = _TARGET.search(command.rstrip("& "))
        into = self.folder / target[1] if target is not None else None

        def begun() -> bool:
            got = job.news(self._ports.taken_back)
            if wanted and not expected.begins(wanted, got):
                return False
            if command.startswith("pynats-server"):
                return any(STARTED in text for text in (ran.output, *self._logs()))
            if codes := self._relay.failures.get(ran.ready_file):
                raise DeadlineExceeded(f"`{command}` ended with {codes}")
            if _LISTENS.match(command) and not _READS_A_STREAM.search(command):
                return ran.ready
            return bool(wanted or got or ran.ready or (into and into.exists() and _size(into)))

        try:
            wait_until(begun, f"what `{command}` begins with")
        except DeadlineExceeded as error:
            shown = _difference(wanted, job.news(self._ports.taken_back))
            raise Wrong(f"{place}: {error}\n{shown}{self._of_jobs()}") from None
        if wanted:
            job.take(self._ports.taken_back)
        self._jobs.append(job)

    def _logs(self) -> Iterator[str]:
        for path in self.folder.rglob("*.log"):
            yield path.read_text(errors="replace")

    def _compare(self, output: str, ran: Ran, command: str, place: str) -> None:
        """With what a command has said, and what was said in the background, which may come
        later."""
        back = self._ports.taken_back
        wanted = expected.lines_of(output)
        own = expected.lines_of(back(ran.output))

        def same() -> bool:
            if expected.matches(wanted, own):
                return True
            news = [job.news(back) for job in self._jobs]
            for job, lines in zip(self._jobs, news, strict=True):
                if lines and expected.ends(wanted, own, lines):
                    job.take(back)
                    return True
            every = [line for lines in news for line in lines]
            if len(self._jobs) > 1 and expected.ends(wanted, own, every):
                for job in self._jobs:
                    job.take(back)
                return True
            if not (self._jobs and expected.may_become(wanted, own)):
                raise DeadlineExceeded("the output")
            return False

        try:
            wait_until(same, "the output")
        except DeadlineExceeded:
            shown = _difference(wanted, own)
            raise Wrong(f"{place}: $ {command}\n{shown}{self._of_jobs()}") from None

    def _of_jobs(self) -> str:
        """What was said in the background, for whoever reads of a failure."""
        said = ["\n".join(job.news(self._ports.taken_back)[-40:]) for job in self._jobs]
        return "".join(f"\nin the background:\n{text}" for text in said if text)

    def nothing_failed(self) -> None:
        """Raises Wrong if a program in the background has failed by itself."""
        for job in self._jobs:
            codes = self._relay.failures.get(job.ran.ready_file, [])
            if codes:
                raise Wrong(f"{job.place}: this ended with {codes}:\n{job.ran.output}")

    def nothing_runs(self) -> None:
        """Raises Wrong if the page leaves a program in the background."""
        if left := expected.lines_of(self._run("jobs -r", "the end").output):
            shown = "\n".join(left)
            raise Wrong(f"this is left in the background, where the next page begins:\n{shown}")


def _system_path() -> str:
    """Without the environment of this interpreter: the stubs stand for what is in there."""
    ours = str(Path(sys.executable).parent)
    return os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if folder != ours
    )


def _size(path: Path) -> int:
    return path.stat().st_size


def _difference(wanted: list[str], got: list[str]) -> str:
    return "\n".join(["expected:", *(f"  {line}" for line in wanted), "got:",
                      *(f"  {line}" for line in got)])  # fmt: skip
