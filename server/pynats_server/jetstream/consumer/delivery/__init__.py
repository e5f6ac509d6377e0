"""The compiled heart of consumers: from stored messages to receivers, and acknowledgements back.

`state` is the deterministic part, changed by operations alone. `finding` looks for what comes next,
`awaiting` knows what becomes of what was delivered, `building` makes deliveries, and `feed` sends
them; its subclasses know the receivers (`pull`, `push`). `interest` knows which consumers a message
concerns; `router` finds consumers for what arrives; `alarms` is the one timer.
"""
