"""`pynats-server` as a process: command line, `--help`, signals, PID and ports files.

Called by `__main__` and, for the files, by the server. Nothing here knows a running server.
"""
