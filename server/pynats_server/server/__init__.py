"""One broker: `server` composes the rooms, `state` is what they share.

`listen` (where clients come in), `info`, `accepted` (options that were checked), `jetstream_life`,
`reload`, `lame_duck`, `log_levels` and `run_files` are its parts. Other rooms may import `state`
and `info`, `process` also `accepted`, and nothing else from here.
"""
