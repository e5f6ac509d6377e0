"""Anchors for rows of the generated tables, so that pages can link to a key, a flag, a metric or
an error: `[max_payload](#configuration-max_payload)`, `[tls.timeout](#configuration-tls.timeout)`,
`[10071](#errors-10071)`. The index has them, too: the search goes by it, and otherwise knows no
words that are numbers.

An anchor is the page's name, the heading if that names a block, and the first cell."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

PAGES = ("configuration", "flags", "metrics", "errors", "environment")
BLOCK = re.compile(r"[a-z_]+(\.[a-z_]+)*")  # a heading that is a path of the configuration


def mark_rows(app: Sphinx, doctree: nodes.document) -> None:
    """Rows get ids, labels that links of other pages find, and entries in the index."""
    docname = app.env.docname
    page = docname.removeprefix("reference/")
    if page not in PAGES:
        return
    domain = app.env.domains.standard_domain
    entries = []
    for row in doctree.findall(nodes.row):
        names = [node.astext() for node in row[0].findall(nodes.literal)] or [row[0].astext()]
        section = row
        while not isinstance(section, nodes.section):
            section = section.parent
        block = section[0].astext()
        prefix = f"{page}-{block}." if BLOCK.fullmatch(block) else f"{page}-"
        for name in names:
            anchor = prefix + name.lstrip("-$").replace(" ", "-").lower()
            if anchor not in domain.anonlabels and isinstance(row.parent, nodes.tbody):
                row["ids"].append(anchor)
                domain.anonlabels[anchor] = docname, anchor
                domain.labels[anchor] = docname, anchor, name
                entries.append(("single", name, anchor, "main", None))
    doctree[0].insert(1, addnodes.index(entries=entries))  # behind the title


def read_again(app: Sphinx, *_: object) -> list[str]:
    """Sphinx forgets the entries of pages that have not changed since the last build."""
    return [name for page in PAGES if (name := f"reference/{page}") in app.env.found_docs]


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx asks for this."""
    app.connect("doctree-read", mark_rows)
    app.connect("env-get-outdated", read_again)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
