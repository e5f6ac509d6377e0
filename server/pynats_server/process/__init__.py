"""`pynats-server` as a process: command line, `--help`, signals, PID and ports files.

Called by `__main__`; the server uses it for the files. Nothing here knows a running server.
"""
