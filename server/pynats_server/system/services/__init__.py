"""What a server answers in its system account.

`Desk` takes the requests and knows whose turn it is; it is there from the start on. How they are
answered (`answering` and what it uses) is loaded with the first of them.
"""

from pynats_server.system.services.desk import Desk

__all__ = ["Desk"]
