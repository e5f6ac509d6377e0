"""`pynats top`: what servers do right now, at a terminal or as text.

Collecting (`collect`), figures (`model`) and text know nothing of the screen; `screen` alone loads
Textual.
"""
