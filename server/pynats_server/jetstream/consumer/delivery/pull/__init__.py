"""Pull consumers: `feed` delivers to the requests that wait; `line` and `priority` know whose turn
it is; `requests` reads what is asked for.
"""
