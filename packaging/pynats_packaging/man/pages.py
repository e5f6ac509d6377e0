"""Which manual pages there are, and the name of each."""

from __future__ import annotations

from dataclasses import dataclass

from pynats_packaging.man.cli import cli_pages
from pynats_packaging.man.configuration import configuration_page
from pynats_packaging.man.program import program_page
from pynats_packaging.man.stores import nsc_page
from pynats_packaging.programs import flag_programs
from pynats_packaging.programs.server import CONFIGURATION


@dataclass(frozen=True)
class Page:
    """A page: its name, the section of the manual, and roff."""

    name: str
    section: int
    text: str

    @property
    def file(self) -> str:
        """`pynats.1`."""
        return f"{self.name}.{self.section}"


def manual_pages(version: str, date: str) -> list[Page]:
    """Every page, as of a release and a date."""
    programs = flag_programs()
    pages = [Page(each.name, each.section, program_page(each, version, date)) for each in programs]
    pages.append(Page(CONFIGURATION, 5, configuration_page(version, date)))
    pages.append(Page("pynsc", 1, nsc_page(version, date)))
    taken = {page.name for page in pages}
    pages += [Page(name, 1, text) for name, text in cli_pages(version, date, taken).items()]
    assert len({page.name for page in pages}) == len(pages)
    return pages
