"""The compiled heart of consumers: from stored messages to receivers, and acknowledgements back.

`state` is the deterministic part, changed by operations alone; `feed` finds and delivers, its
subclasses know the receivers (`pulls`); `interest` knows which consumers a message concerns;
`router` finds consumers for what arrives; `alarms` is the one timer.
"""
