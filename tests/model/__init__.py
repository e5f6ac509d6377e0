"""A plain model of streams and consumers, and a random load whose every outcome it predicts.

`streams`, `consumers`, `pulls` and `world` are the model: no clock, no socket, no bytes of the
protocol. `commands` draw what happens next, `session` says it to a server and compares what comes
back, `episodes` plays runs of commands and shortens those that end in a difference.

With the reference, the model imitates some of its faults (`imitate`), and commands leave out others
(`reference_faults`).
"""
