"""Stream configurations: the API's objects (`model`) and what makes one valid (`validation`).

For the API, accounts and streams. What a configuration is checked against comes in as
`context.Surroundings`, so nothing here knows of running streams.
"""
