"""Colours for configurations in the server's grammar: blocks of `nginx`, as other places that show
our pages call what looks most like it."""

from __future__ import annotations

from typing import Any

from pygments.lexer import RegexLexer, bygroups
from pygments.token import Comment, Keyword, Name, Number, Punctuation, String, Text
from sphinx.application import Sphinx


class NatsConfiguration(RegexLexer):
    """Keys, values, comments; what it does not know is plain text."""

    name = "NATS configuration"
    aliases = ("nats",)
    tokens = {  # noqa: RUF012
        "root": [
            (r"\s+", Text),
            (r"(#|//).*?$", Comment.Single),
            (r"\b(include)(\s+)(\S+)", bygroups(Keyword, Text, String)),
            (r'("[^"\n]*"|[\w$.*>-]+)(\s*)([:=])', bygroups(Name.Attribute, Text, Punctuation)),
            (r"([\w$.-]+)(\s*)(?=[{\[])", bygroups(Name.Attribute, Text)),
            (r'"(\\.|[^"\\])*"|\'[^\']*\'', String),
            (r"\$\w+", Name.Variable),
            (r"\b(true|false|yes|no|on|off|enabled|disabled)\b", Keyword.Constant),
            (r"-?\d[\d.]*(%|[a-zA-Z]+)?(?![\w.:-])", Number),
            (r"[{}\[\],]", Punctuation),
            (r"[^\s{}\[\],]+", Text),
        ]
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx asks for this."""
    app.add_lexer("nginx", NatsConfiguration)
    app.add_lexer("conf", NatsConfiguration)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
