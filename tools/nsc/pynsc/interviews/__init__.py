"""Questions of the interactive mode, one function per command; `pynsc.table` names them.

They run before the command, fill in its options, and ask only for missing ones.
"""
