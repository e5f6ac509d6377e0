"""Auth callout: log-ins decided by one service, which both servers ask."""
