"""The items that nearly every map and array is made of, each found by one match.

A file of ten thousand users has thirty thousand entries, too many to look at each character of
them with Python code. What these patterns do not match, right or wrong, is left to the scanner,
which knows all the rules. The last group of a match says what was found.
"""

from __future__ import annotations

import re
from typing import Final

from pynats_common.config.scanner import SPACE

_FILLER = rf"[{SPACE}]*+(?:(?:\#|//)[^\r\n]*+[{SPACE}]*+)*+"
# A bare key `include` may be the directive.
_KEY = rf"""
    (?: "(?P<quoted_key>[^"]*+)" | (?!(?i:include)[{SPACE}]) (?P<key>[\w$.*>-]++)(?=[=:{SPACE}]) )
    [{SPACE}]*+ [=:]?+ [{SPACE}]*+
"""


def _value(ends: str) -> str:
    """The beginning of a map or array, or a scalar and the end of its item: a newline, or one of
    the characters `ends`."""
    return rf"""
    (?: (?P<open>[{{\[])
      | (?: "(?P<text>[^"\\\ud800-\udfff]*+)"  # surrogates are bytes that escapes may complete
          | '(?P<raw>[^']*+)'
          | (?P<integer>-?+[0-9]{{1,18}}+)(?=[\r\n\t\ {ends}])  # shorter than the largest
          | (?P<word>[A-Za-z_/][^\\'\r\n\t\ ,;\]}}]*+)
        )
        [\t\ ]*+ (?: [\r\n{ends}] | (?:\#|//)[^\r\n]*+[\r\n] )
    )
    """


_PAIR = _KEY + _value(",;}")
_ELEMENT = "(?!/)" + _value(r",\]")
_FLAGS = re.VERBOSE | re.ASCII

MAP_ITEM: Final = re.compile(rf"{_FILLER} (?: {_PAIR} | (?P<close>}}) )", _FLAGS)
ARRAY_ITEM: Final = re.compile(rf"{_FILLER} (?: {_ELEMENT} | (?P<close>\]) )", _FLAGS)
