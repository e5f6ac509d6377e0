"""What parts of the server need that send by themselves, as consumers do: who listens (`audience`,
`watches`), and when to send (`sender`)."""
