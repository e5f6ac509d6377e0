from collections.abc import Callable

class Witness: ...

class Informer(Witness):
    def __init__(
        self,
        on_came: Callable[[int, bytes], object],
        on_gone: Callable[[int, bytes, bool], object],
        on_swept: Callable[[], object],
    ) -> None: ...
