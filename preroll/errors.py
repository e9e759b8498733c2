"""The one exception for what a user can mend."""


class PrerollError(Exception):
    """A mistake in what was asked for; its message is one line naming file, key, value and what is allowed.

    Attributes:
        status: exit status of the command line: 2 when nothing was started, 1 when the work finished but something
            that was asked for is missing.
    """

    def __init__(self, message: str, *, status: int = 2) -> None:
        super().__init__(message)
        self.status = status
