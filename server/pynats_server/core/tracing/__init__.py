"""Messages that are traced: which ones ask for it, and the slow way that notes all that happens.

    Nats-Trace-Dest: subject     where the events go
    Nats-Trace-Only: true        the message itself goes nowhere
    traceparent: 00-…-…-01       traced where the account has a `msg_trace` (W3C Trace Context)

`request` recognises them, a `Trail` is what is known of one so far, `walk` is routing for them.
"""
