"""The screens of `pynats top`: what is drawn, and which key does what.

Figures come from `pynats_top.collect` and `pynats_top.model`; nothing here asks a server. This room
alone loads Textual.
"""
