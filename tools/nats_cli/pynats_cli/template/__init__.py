"""Templates in bodies, subjects, headers and commands: Go's text/template with our functions.

Independent of connections and commands.
"""
