"""User ids: those of accounts are UUIDs of Cognito, and those of guests begin with a word."""

GUEST_PREFIX = "guest_"
"""What the user id of a guest begins with."""


def is_guest(user_id: str) -> bool:
    """Whether this is the user id of a guest."""
    return user_id.startswith(GUEST_PREFIX)
