"""The exception for mistakes that a user can correct."""


class PrerollError(Exception):
    """A mistake in a request; the message is one line with file, key, value and what is allowed.

    Attributes:
        status: exit status of the command line: 2 when nothing was started, 1 when the work finished but something
            that was asked for is missing.
    """

    def __init__(self, message: str, *, status: int = 2) -> None:
        super().__init__(message)
        self.status = status
