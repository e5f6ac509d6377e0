"""Screens that more than one walkthrough shows."""

from __future__ import annotations


def new_stream(name: str, subjects: str, age: str = "unlimited") -> str:
    """What is said of a stream that has been made with defaults."""
    return f"""\
Stream {name} was created

Information for Stream {name} created <time>

                     Subjects: {subjects}
                     Replicas: 1
                      Storage: File

Options:

                    Retention: Limits
              Acknowledgments: true
               Discard Policy: Old
             Duplicate Window: 2m0s
                   Direct Get: true
  Allows Atomic Batch Publish: false
    Allows Fast Batch Publish: false
              Allows Counters: false
            Allows Msg Delete: true
       Allows Per-Message TTL: false
                 Allows Purge: true
             Allows Schedules: false
               Allows Rollups: false

Limits:

             Maximum Messages: unlimited
          Maximum Per Subject: unlimited
                Maximum Bytes: unlimited
                  Maximum Age: {age}
         Maximum Message Size: unlimited
            Maximum Consumers: unlimited

State:

                 Host Version: <word>
           Required API Level: 0 hosted at level <n>
                     Messages: 0
                        Bytes: 0 B
               First Sequence: 0
                Last Sequence: 0
             Active Consumers: 0
"""
