"""Consumer configurations: the API's objects (`model`), the requests about consumers (`requests`),
and what the server makes of a configuration (`preparation`).

For the API and the consumers of a stream. What a configuration is checked against comes in as
`context.Surroundings`, so nothing here knows of running consumers.
"""
