"""Pages of docs/reference that are made from the code: one module for each.

`make pages` writes them. They stand with the tests because they look at all programs and at the
recorded cases, and some ask a running server; nothing of that is installed.
"""
