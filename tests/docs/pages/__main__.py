"""Writes every generated page below docs/, and removes those that are not made any more."""

from __future__ import annotations

from tests.docs.pages.every import DOCS, FOLDERS, made

for name, text in (pages := dict(made())).items():
    page = DOCS / name
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, "utf-8")
for folder in FOLDERS:
    for page in (DOCS / folder).glob("*.md"):
        if str(page.relative_to(DOCS)) not in pages:
            page.unlink()
