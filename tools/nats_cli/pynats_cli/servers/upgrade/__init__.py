"""What a newer server would break: `facts` gathers what is there from configurations, JWTs and a
running server, `rules` says what each release changes for it."""
