"""What a new configuration changes: `comparing` says whether a running server can apply it,
`accounts` tells of users and accounts line by line. For reloads."""
