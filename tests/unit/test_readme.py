"""The examples of the README and of pages are programs that run, and tests that pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("authentication.md", "embedding.md")
PAGES = (ROOT / "README.md", *(ROOT / "docs" / "guides" / name for name in PROGRAMS))
EXAMPLES = [
    example
    for page in PAGES
    for example in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[-1].strip()[:30])
def test_an_example_runs(example: str, tmp_path: Path) -> None:
    file = tmp_path / "test_example.py"
    file.write_text(example)
    is_test = "def test_" in example
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", file] if is_test else [file]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    expected = "1 passed" if is_test else "nats://" if "restart" in example else "b'hello'"
    assert expected in done.stdout
