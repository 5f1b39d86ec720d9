"""The command's errors: each is a sentence for its user.

OpsError                a sentence for the user; the command prints it and exits with 1
├── NoShop              no shop runs here, or there is no such stack
├── UnreadableState     the file that says what runs here is damaged
├── PortTaken           another process listens on a port of the shop
├── ProcessDied         a process of the local shop ended by itself; carries the end of its log
├── BuildFailed         `sam build` failed; carries the end of its output
├── DeployFailed        `sam deploy` failed; names the resources and their reasons
├── ColdFunction        a function does not start
└── Refused             the shop's API answered a call with an error
"""


class OpsError(Exception):
    """A sentence for the user, without a traceback.

    Args:
        message: what is wrong and what to do about it.
        detail: the end of a log or a list of reasons, shown under the message as it is.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class NoShop(OpsError):
    pass


class UnreadableState(OpsError):
    pass


class PortTaken(OpsError):
    pass


class ProcessDied(OpsError):
    pass


class BuildFailed(OpsError):
    pass


class DeployFailed(OpsError):
    pass


class ColdFunction(OpsError):
    pass


class Refused(OpsError):
    """The shop's API answered with an error, or did not answer.

    Args:
        message: the request, and its outcome.
        said: only the API's own words, for users who did not type a request; empty if it did not answer.
    """

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said
