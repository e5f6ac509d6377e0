"""One broker: `server` composes the rooms, `state` is what they share.

`listen`, `info`, `lame_duck` and `reload` are its parts. Other rooms may import `state` and `info`
and nothing else from here.
"""
