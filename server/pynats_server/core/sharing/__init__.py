"""What crosses from one account to another: messages of stream imports (`shadows`), requests and
answers of service imports (`services`, `responses`)."""
