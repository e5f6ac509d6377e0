"""A page that is not true is found, and the place is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs import expected
from tests.docs.commands import script_commands
from tests.docs.page import PageError, read
from tests.docs.ports import Ports
from tests.docs.running import Counts, Wrong, run_page

Run = Callable[[str], Counts]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(text: str) -> Counts:
        page = tmp_path / "page.md"
        page.write_text(text)
        folder = tmp_path / "run"
        folder.mkdir()
        return run_page(read(page, "page.md"), folder)

    return run


def console(*lines: str, before: str = "") -> str:
    return "\n".join([before, "```console", *lines, "```", ""])


def test_output_is_compared(run: Run) -> None:
    with pytest.raises(Wrong) as caught:
        run(console("$ echo one", "one", "$ printf 'a\\nb\\n'", "a", "c"))
    assert str(caught.value).startswith("page.md:5: $ printf")
    assert "expected:\n  a\n  c\ngot:\n  a\n  b" in str(caught.value)


def test_a_command_that_fails_is_found(run: Run) -> None:
    with pytest.raises(Wrong, match=r"(?s)page.md:4: .*exit code 1, and 0 is expected.*no/such"):
        run(console("$ true", "$ cat /no/such || exit_code=1; (exit $exit_code)"))


def test_a_command_that_must_fail_must(run: Run) -> None:
    run(console("$ true", "$ (exit 3)", before="% exit: 3\n"))


def test_one_that_must_fail_and_does_not_is_found(run: Run) -> None:
    with pytest.raises(Wrong, match="exit code 0, and 3 is expected"):
        run(console("$ true", before="% exit: 3"))


@pytest.mark.parametrize("mark", ["% not run:", "% not run", "<!-- not run -->", "% not run: root"])
def test_a_block_is_left_out_for_a_reason_only(run: Run, mark: str) -> None:
    with pytest.raises(PageError, match=r"page.md:4: `not run` says no reason"):
        run(f"{mark}\n\n```sh\nfalse\n```\n")


def test_a_reason_is_reported_and_the_syntax_is_checked(run: Run) -> None:
    counts = run("% not run: needs a second machine\n\n```sh\nfalse\n```\n")
    assert counts.reasons == ["page.md:4: needs a second machine"]


@pytest.mark.parametrize(
    ("language", "text"),
    [("sh", "if true; then\n"), ("console", "$ echo 'x\n"), ("json", "{"), ("nginx", "a: {"),
     ("yaml", "a: [1\n"), ("toml", "a = \n"), ("python", "def\n")],
)  # fmt: skip
def test_what_does_not_run_is_well_formed_still(run: Run, language: str, text: str) -> None:
    with pytest.raises(PageError, match=r"page.md:4"):
        run(f"% not run: there is a reason\n\n```{language}\n{text}\n```\n")


@pytest.mark.parametrize("info", ["", "ini", "{code-block} dockerfile"])
def test_nothing_is_passed_over(run: Run, info: str) -> None:
    with pytest.raises(PageError, match="what is to be done with it"):
        run(f"```{info}\nx\n```\n")


def test_comments_that_nobody_knows_are_mistakes(run: Run) -> None:
    with pytest.raises(PageError, match="nobody knows the comment '% notrun: x'"):
        run("% notrun: x\n\n```sh\nfalse\n```\n")


def test_programs_fail_loudly(run: Run) -> None:
    with pytest.raises(Wrong, match=r"(?s)page.md:2: \$ python program1.py.*ZeroDivisionError"):
        run("```python\n1 / 0\n```\n")


def test_tests_fail_loudly(run: Run) -> None:
    with pytest.raises(Wrong, match=r"(?s)pytest -q test_program1.py\nexit code 1.*1 failed"):
        run("```python\ndef test_it():\n    assert 1 == 2\n```\n")


OUTPUT = "```{code-block} text\n:caption: output\n2\n```\n"


def test_what_a_program_prints_is_compared(run: Run) -> None:
    with pytest.raises(Wrong, match=r"(?s)page.md:\d+: \$ program1.py\nexpected:\n  2\ngot:\n  3"):
        run(f"```python\nprint(3)\n```\n\n{OUTPUT}")


def test_output_belongs_to_a_program(run: Run) -> None:
    with pytest.raises(PageError, match="this is the output of no program"):
        run(f"```text\nprint(3)\n```\n\n{OUTPUT}")


def test_a_program_prints_what_its_mark_says(run: Run) -> None:
    with pytest.raises(Wrong, match="does not print 'four'"):
        run("<!-- prints: four -->\n```python\nprint(3)\n```\n")


def test_files_are_written_and_configurations_checked(run: Run) -> None:
    conf = "```{code-block} text\n:caption: sub/server.conf\nport: 4222\n```\n"
    assert run(conf + console("$ cat sub/server.conf", "port: 4222")).ran == 2


@pytest.mark.parametrize(
    "block", ["```{code-block} text\n:caption: a.conf\nprot: 1\n```", "```nginx\nprot: 1\n```"]
)
def test_wrong_configurations_are_found(run: Run, block: str) -> None:
    with pytest.raises(Wrong, match=r"pynats-server -t -c .*(?s:.*)prot"):
        run(f"{block}\n")


def test_a_configuration_goes_unchecked_for_a_reason_only(run: Run) -> None:
    with pytest.raises(PageError, match="`check: no` says no reason"):
        run("% check: no\n```nginx\nprot: 1\n```\n")


def test_a_server_and_who_listens_to_it(run: Run) -> None:
    """Ports are other ones, nobody waits for too little, and background output is compared."""
    counts = run(
        console(
            "$ pynats-server -m 8222 &", "...", "$ pynats sub 'orders.>' &",
            "$ curl -s localhost:8222/healthz && echo", '{"status":"ok"}',
            "$ pynats pub orders.new hello", '... Published 5 bytes to "orders.new"',
            '[#1] Received on "orders.new"', "hello", "$ pynats rtt", "nats://127.0.0.1:4222:",
            "...", "$ kill $(jobs -p); wait",
        )
    )  # fmt: skip
    assert counts.commands == 6


def test_who_fails_in_the_background_is_found(run: Run) -> None:
    with pytest.raises(Wrong, match=r"page.md:3: this ended with \[1\]"):
        run(console("$ pynats-server --no-such-flag 2>&1 | cat &", "...", "$ wait", "$ true")
            .replace("pynats-server", "pynats"))  # fmt: skip


@pytest.mark.parametrize("kill", ["kill %1", "kill -9 %1", "kill $!", "kill $(jobs -p)"])
def test_the_end_of_a_job_is_waited_for(run: Run, kill: str) -> None:
    with pytest.raises(PageError, match=r"page.md:4: at a terminal nobody waits"):
        run(console("$ echo x &", f"$ {kill}"))


def test_a_tidy_page_leaves_nothing_running(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(console("$ echo x > x", "$ tail -f x &", "x"))
    (tmp_path / "run").mkdir()
    with pytest.raises(Wrong, match=r"(?s)left in the background.*tail -f x"):
        run_page(read(page, "page.md"), tmp_path / "run", tidy=True)


def test_no_program_is_left(run: Run, tmp_path: Path) -> None:
    with pytest.raises(Wrong, match="false"):
        # A copy: a server that has had the time removes its own file.
        run(console("$ pynats-server -P server.pid &", "$ cp server.pid kept", "$ false"))
    pid = (tmp_path / "run/page/kept").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("wanted", "got", "same"),
    [
        ("a", "a", True), ("a", "b", False), ("", "a", False), ("a", "", False),
        ("...", "", True), ("...", "a\nb", True), ("a\n...", "a", True), ("...\nb", "a\nb", True),
        ("...\nb", "b\nc", False), ("a\n...\nc", "a\nb\nc", True), ("a\n...\nc", "a\nb", False),
        ("a\n...\nb\n...\nc", "a\nb\nx\nb\ny\nc", True), ("in ... ms", "in 3 ms", True),
        ("in ... ms", "in 3 s", False), ("1.5 MiB", "1x5 MiB", False),
        ("12:00:00 a", "17:59:01 a", True), ("12:00:00 a", "17:59 a", False),
        ("at 2026-11-30 12:00:00", "at 2027-01-01 00:00:59", True),
        ("at 2026-11-30", "at 2026-11-3", False), ("[7] 2026/11/30 12:00:00.1 x",
        "[7] 2027/01/01 00:00:00.123456 x", True),
        ("a\nb", "a\nb\nc", False), ("a", "a   \n\n", True),
    ],
)  # fmt: skip
def test_dots(wanted: str, got: str, same: bool) -> None:
    assert expected.matches(expected.lines_of(wanted), expected.lines_of(got)) is same


def test_ports_come_and_go() -> None:
    ports = Ports("server on 4222 and 7777")
    text = "nats://h:4222 -p 7777, 14222 42220 1.4222"
    put = ports.put(text)
    assert put == f"nats://h:{ports.real[4222]} -p {ports.real[7777]}, 14222 42220 1.4222"
    assert ports.taken_back(put) == text
    assert len({len(str(port)) for port in ports.real.values()}) == 1


def test_commands_of_a_script() -> None:
    text = "# why\na \\\n  b\n\ncat <<X\nit's\nX\nfor i in 1; do\n  c\ndone\nd 'x\ny'\n"
    assert script_commands(text) == [
        (1, "a \\\n  b"), (4, "cat <<X\nit's\nX"), (7, "for i in 1; do\n  c\ndone"),
        (10, "d 'x\ny'"),
    ]  # fmt: skip


def test_blocks_in_blocks_and_in_lists(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "````{note}\n```sh\na\n```\n````\n1. x\n\n   ```console\n   $ b\n   ```\n"
        "~~~python\nc\n~~~\n````text\n```sh\n```\n````\n"
    )
    found = [(block.line, block.language, block.text) for block in read(page, "page.md")]
    assert found == [
        (3, "sh", "a\n"), (9, "console", "$ b\n"), (12, "python", "c\n"),
        (15, "text", "```sh\n```\n"),
    ]  # fmt: skip


def test_a_block_without_an_end_is_found(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("x\n```sh\na\n")
    with pytest.raises(PageError, match=r"page.md:2: this block has no end"):
        read(tmp_path / "page.md", "page.md")
