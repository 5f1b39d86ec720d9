"""Who can take cards: the one list of payment providers."""

from collections.abc import Callable, Mapping

from payments.providers import SANDBOX, Provider, open_sandbox

GATEWAYS: Mapping[str, Callable[[], Provider | None]] = {
    SANDBOX: open_sandbox,
}
"""By name, how each is opened from a function's environment, or None on a stage without it.

Which of them takes new attempts is the stage's choice (`CARD_GATEWAY`); all are asked for what they took.
"""
