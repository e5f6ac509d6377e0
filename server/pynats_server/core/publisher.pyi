from pynats_server.core.receiver import Receiver

class Publisher(Receiver):
    verbose: bool
    pedantic: bool
    no_responders: bool
    max_control_line: int
    max_payload: int
