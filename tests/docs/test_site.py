"""The site is built without a warning, needs nothing from elsewhere, and names every page."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.page import read

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ROOMS = ("tutorial", "guides", "reference", "explanation", "development")
BUILT = all(find_spec(name) for name in ("sphinx", "myst_parser", "furo", "sphinx_copybutton"))

# What a browser loads by itself.
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\b(?:src|data|srcset)=["']([^"']*)"""
    r"""|<link\b(?![^>]*rel=["'](?:next|prev|canonical|index|search|author)["'])[^>]*?href=["']([^"']*)"""
)
_LOADED_BY_STYLE = re.compile(r"""url\(\s*["']?([^"')]*)|@import\s+["']([^"']*)""")
_LINK = re.compile(r"\]\((?P<target>[^)\s]*)(?:\s+\"[^\"]*\")?\)|<(?P<plain>https?://[^>\s]*)>")
ELSEWHERE = re.compile(r"([a-z]+:)?//")
_HEADING = re.compile(r"<h([1-6])\b")


# Pages that are written as well, which is most of the work of `make docs`; all are read, and their
# links followed. {page: anchors of rows of its tables}
WRITTEN: dict[str, tuple[str, ...]] = {
    "reference/configuration": (
        "max_payload", "jetstream.sync_interval", "tls.cert_file", "max_conn",
    ),
    "reference/metrics": ("nats_server_connections", "nats_server_stream_lost_messages"),
    "reference/errors": ("10047", "409-exceeded-maxwaiting"),
    "reference/flags": ("js", "store_dir"),
    "reference/environment": ("nats_url",),
    "explanation/durability": (),
    "tutorial/index": (),
    "index": (),
}  # fmt: skip
_BUILD = """
import sys
from sphinx.cmd.build import main
docs, work, *pages = sys.argv[1:]
usual = ["--quiet", "--no-color", "--nitpicky", "-d", f"{work}/read"]
sys.exit(main([*usual, "--fail-on-warning", "--keep-going", "-b", "dummy", docs, f"{work}/none"])
         or main([*usual, docs, f"{work}/html", *pages]))
"""
_FEWER = "WARNING: search index couldn't be loaded, but not all documents will be built"


@pytest.mark.timeout(300)
def test_the_site(tmp_path: Path) -> None:
    """One test, because the site is built for it."""
    if not BUILT:
        pytest.skip("the extra `docs` is not installed")
    pages = [DOCS / f"{name}.md" for name in WRITTEN]
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, DOCS, tmp_path, *pages],
        capture_output=True, text=True, timeout=290,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if not line.startswith(_FEWER)]
    assert (done.returncode, said) == (0, [])
    site = tmp_path / "html"
    nothing_comes_from_elsewhere(site)
    pages_are_accessible(site)
    rows_of_tables_can_be_linked_to(site)
    the_search_knows_the_pages(site)


def nothing_comes_from_elsewhere(site: Path) -> None:
    every = list(loaded(site))
    assert len(every) > 10 * len(WRITTEN)
    elsewhere = [(page, what) for page, what in every if ELSEWHERE.match(what)]
    assert elsewhere == []
    scripts = "".join(path.read_text() for path in site.rglob("*.js"))
    assert not re.search(r"(fetch|import|open)\(\s*[\"'`]https?:", scripts)


def loaded(site: Path) -> Iterator[tuple[str, str]]:
    for path in site.rglob("*"):
        form = {".html": _LOADED, ".css": _LOADED_BY_STYLE, ".svg": _LOADED}.get(path.suffix)
        for found in form.finditer(path.read_text()) if form is not None else ():
            yield path.relative_to(site).as_posix(), next(filter(None, found.groups()), "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<script defer src="https://cdn.example/x.js"></script>'),
        ("a.html", "<link rel='stylesheet' href='//fonts.example/x.css'>"),
        ("a.html", '<img alt="x" src="http://example.org/x.png">'),
        ("a.css", "@import 'https://fonts.example/x.css';"),
        ("a.css", "src: url( https://fonts.example/x.woff2 )"),
    ],
)
def test_what_comes_from_elsewhere_is_seen(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    ((_, what),) = loaded(tmp_path)
    assert ELSEWHERE.match(what)


@pytest.mark.skipif(not BUILT, reason="the extra `docs` is not installed")
def test_code_of_pages_can_be_coloured() -> None:
    """`make docs` warns where it cannot."""
    from pygments.lexers import get_lexer_by_name
    from pygments.token import Error

    for path in DOCS.rglob("*.md"):
        for block in read(path, path.relative_to(ROOT).as_posix()):
            if block.language in ("python", "json", "yaml", "toml", "sh", "bash", "console"):
                kinds = {
                    kind for kind, _ in get_lexer_by_name(block.language).get_tokens(block.text)
                }
                assert Error not in kinds, block.place


def pages_are_accessible(site: Path) -> None:
    """To who hears them, or goes through them by keys: a language, headings in order, texts for
    pictures."""
    for path in site.rglob("*.html"):
        text = path.read_text()
        assert '<html class="no-js" lang="en"' in text, path
        assert "skip-to-content" in text, path
        article = text.partition("<article")[2].partition("</article>")[0]
        levels = [int(level) for level in _HEADING.findall(article)]
        if path.name not in ("genindex.html", "search.html"):
            assert levels[0] == 1, path
            assert levels.count(1) == 1, path
            assert all(b - a <= 1 for a, b in pairwise(levels)), path
        for picture in re.findall(r"<img\b[^>]*>", text):
            assert re.search(r"\balt=\"", picture), (path, picture)


def rows_of_tables_can_be_linked_to(site: Path) -> None:
    """Keys, metrics, errors: `[…](#configuration-max_payload)`."""
    for page, anchors in WRITTEN.items():
        text = (site / f"{page}.html").read_text()
        for anchor in anchors:
            assert f'id="{Path(page).name}-{anchor}"' in text
    linked = (site / "explanation" / "durability.html").read_text()
    assert 'href="../reference/errors.html#errors-10047"' in linked


def the_search_knows_the_pages(site: Path) -> None:
    index = (site / "searchindex.js").read_text()
    for name in ("reference/configuration", "tutorial/index"):
        assert f'"{name}"' in index
    for key, anchor in {
        "10039": "errors-10039",
        "max_payload": "configuration-max_payload",
    }.items():
        assert re.search(rf'"{key}":\[[^"]*("[^"]*",true\],\[\d+,)*"{anchor}",true\]', index), key
    assert "searchindex.js" in (site / "search.html").read_text()


@pytest.mark.parametrize("room", ROOMS)
def test_an_index_names_each_page_of_its_room(room: str) -> None:
    index = (DOCS / room / "index.md").read_text()
    for path in (DOCS / room).glob("*.md"):
        if path.name != "index.md":
            line = re.search(rf"^.*\]\({path.name}\).*$", index, re.MULTILINE)
            assert line is not None, f"docs/{room}/index.md does not name {path.name}"
            assert len(line[0].split()) > 4, f"what is {path.name} about?"


def links() -> Iterator[tuple[Path, str]]:
    for path in (ROOT / "README.md", *DOCS.rglob("*.md")):
        text = path.read_text()
        for block in read(path, path.name):
            text = text.replace(block.text, "")
        for found in _LINK.finditer(text):
            yield path, found["target"] or found["plain"] or ""


def test_links_are_well_formed() -> None:
    """Those to elsewhere are not followed: there is no network here."""
    for path, target in links():
        parts = urlsplit(target)
        if parts.scheme:
            assert parts.scheme in ("https", "http"), (path, target)
            assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), (path, target)
        elif parts.path:
            assert (path.parent / parts.path).exists(), (path, target)
