"""Manual pages, from what the programs say of themselves:
`python -m pynats_packaging.man FOLDER`.
"""

from pynats_packaging.man.pages import Page, manual_pages

__all__ = ["Page", "manual_pages"]
