"""One stream (`stream`), what can happen to it (`operations`), and its features.

A feature (expiry, schedules, republishing, mirrors and sources, batches) takes a
`host.StreamHost` and knows neither the stream's class nor its account. `backup` makes archives of
streams and streams of archives. For the account and the API.
"""
