"""Every difference between a laptop and AWS that a function can notice. Each function here has one caller.

On a laptop the emulator (ministack) and `sam local` take the place of AWS, and deliver some things in another form.
Each function here accepts both forms, so that no other code has to know where it runs. What the emulator lacks is
behind `IsLocal` and `IsAws` in the template.

One thing is done on AWS in the emulator's way: a consumer sets the visibility of its messages one by one
(`batch.py`), since the emulator takes the batch's call for a permission of its own. Failures are rare.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def keys_url(issuer: str, endpoint: str | None) -> str:
    """Where a user pool's public keys are: with its issuer; on a laptop with the emulator.

    Args:
        issuer: the pool's, ending in its id.
        endpoint: address of the emulator; None on AWS.
    """
    base = f"{endpoint}/{issuer.rpartition('/')[2]}" if endpoint else issuer
    return f"{base}/.well-known/jwks.json"


def list_claim(claim: str) -> list[str]:
    """The members of a list among a token's claims: `[a b]` from the gateway, `["a", "b"]` from the emulator's."""
    try:
        parsed = json.loads(claim)
    except ValueError:
        return claim.strip().removeprefix("[").removesuffix("]").replace(",", " ").split()
    return [str(each) for each in parsed] if isinstance(parsed, list) else [str(parsed)]


def with_lower_case_headers(event: Mapping[str, Any]) -> dict[str, Any]:
    """A request whose headers have lower-case names, as the gateway gives them; `sam local start-api` leaves them as
    they were sent."""
    return {**event, "headers": {name.lower(): value for name, value in event["headers"].items()}}


def cookies(listed: Sequence[str], headers: Mapping[str, str]) -> Sequence[str]:
    """A request's cookies as `name=value`: in a list of their own from the gateway, in their header from the emulator.

    Args:
        listed: of the event.
        headers: of the event, by lower-case names.
    """
    return listed or [cookie.strip() for cookie in headers.get("cookie", "").split(";")]
