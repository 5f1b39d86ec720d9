"""Every difference between a laptop and AWS that a function can notice. Each function here has one caller.

On a laptop the emulator (ministack) and `sam local` take the place of AWS. They deliver some things in another form.
Each function here accepts both forms, so that no other code has to know where it runs. For what the emulator lacks,
the template has the conditions `IsLocal` and `IsAws`.

One thing is done on AWS as the emulator needs it: a consumer sets the visibility of its messages one by one
(`batch.py`). The emulator demands a permission for the batch call that AWS does not have. Failures are rare, so the
extra calls cost little.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def keys_url(issuer: str, endpoint: str | None) -> str:
    """The address of a user pool's public keys: under its issuer on AWS, at the emulator on a laptop.

    Args:
        issuer: the pool's issuer, which ends in the pool's id.
        endpoint: address of the emulator; None on AWS.
    """
    base = f"{endpoint}/{issuer.rpartition('/')[2]}" if endpoint else issuer
    return f"{base}/.well-known/jwks.json"


def list_claim(claim: str) -> list[str]:
    """The members of a list in a token's claims: `[a b]` from API Gateway, `["a", "b"]` from the emulator's."""
    try:
        parsed = json.loads(claim)
    except ValueError:
        return claim.strip().removeprefix("[").removesuffix("]").replace(",", " ").split()
    return [str(each) for each in parsed] if isinstance(parsed, list) else [str(parsed)]


def with_lower_case_headers(event: Mapping[str, Any]) -> dict[str, Any]:
    """The request with lower-case names of headers, as API Gateway passes them. `sam local start-api` passes them as
    they were sent."""
    return {**event, "headers": {name.lower(): value for name, value in event["headers"].items()}}


def cookies(listed: Sequence[str], headers: Mapping[str, str]) -> Sequence[str]:
    """A request's cookies as `name=value`. API Gateway passes them as a list, the emulator in their header.

    Args:
        listed: the event's list of cookies.
        headers: the event's headers, by lower-case names.
    """
    return listed or [cookie.strip() for cookie in headers.get("cookie", "").split(";")]
