"""A plain model of accounts that share: `topology` draws some, `predict` says who gets a message,
`play` has the clients of a server say and hear it, `run` goes on for as long as one likes.

The model knows nothing of shadows, caches or looking ahead: it asks each rule for each message.
"""
