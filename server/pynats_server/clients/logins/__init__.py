"""How clients log in, and why they must leave again.

`login` has CONNECT from its arrival to its verdict, `checks` the answers that take time, `audit`
the line for each log-in, `refusals` the lines about those refused. Who is in is looked at again
when users, accounts or permissions change (`reauthorize`), and when the JWT of an account does
(`claimed`).
"""
