"""The list of payment providers for cards."""

from collections.abc import Callable, Mapping

from payments.providers import SANDBOX, Provider, open_sandbox

GATEWAYS: Mapping[str, Callable[[], Provider | None]] = {
    SANDBOX: open_sandbox,
}
"""Opens each provider from a function's environment, by name; None on a stage without it.

The stage's setting `CARD_GATEWAY` says which one gets new attempts. Each is asked about the attempts that it has.
"""
