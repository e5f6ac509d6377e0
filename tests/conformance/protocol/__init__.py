"""The client protocol: pynats-server against the reference, byte script by byte script.

Rows live in `rows_*.py` (data only), configurations in `configs.py`, the comparison in
`test_differential.py`. To add a case, add a row.
"""
