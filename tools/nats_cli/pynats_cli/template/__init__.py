"""Templates in bodies, subjects, headers and commands: Go's text/template, and what we put into it.

Knows nothing of connections or commands.
"""
