"""The documentation site: `make docs` builds it into build/site. Nothing is loaded from elsewhere,
neither by the build nor by the pages."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

with (HERE.parent / "pyproject.toml").open("rb") as _file:
    release = version = tomllib.load(_file)["project"]["version"]

project = "PyNATS"
author = "The PyNATS authors"
copyright = f"{author}, Apache-2.0"
language = "en"

extensions = ["myst_parser", "sphinx_copybutton", "key_anchors", "nats_configuration"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_static", "_extensions"]
root_doc = "index"
nitpicky = True

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"PyNATS {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(HERE / "_extensions" / "scorer.js")
html_favicon = "_static/icon.svg"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_logo": "icon.svg",
    "dark_logo": "icon.svg",
    "navigation_with_keys": True,
    "light_css_variables": {
        "color-brand-primary": "#1a5f8a",
        "color-brand-content": "#1a5f8a",
        "color-brand-visited": "#5b4a9c",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7cc4ee",
        "color-brand-content": "#7cc4ee",
        "color-brand-visited": "#b8a7f0",
    },
}

# What is copied from `console` blocks are the commands.
copybutton_prompt_text = r"\$ |> "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"
