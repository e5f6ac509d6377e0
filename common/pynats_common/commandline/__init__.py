"""What is typed and drawn by the tools.

Commands stand in a `tree`; their options are declared as dataclasses (`declare`, `kinds`), read by
`parse` and explained by `helptext`. Slips: names that do not exist (`suggest`), values that stay as
they are (`plainvalues`). A terminal: `menu`, questions (`drawing`), widths of columns (`tables`).
"""
