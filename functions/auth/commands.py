"""The use cases of accounts: each is a function over the ports of the domain."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth import deletion
from auth.deletion import AwaitedOrder, Deletion
from auth.domain import (
    AddressTaken,
    IdentityProvider,
    Mailer,
    SessionOver,
    Tokens,
    Users,
    WrongCode,
)
from cloudretail.decider import Decision, Nothing
from cloudretail.envelope import Cause
from cloudretail.repository import Repository, transact
from cloudretail.telemetry import count, logger

MOST_COOKIES = 5
"""How many refresh tokens of one request are tried. A browser has one, or two if an older cookie has another path."""


def register(provider: IdentityProvider, mailer: Mailer, email: str) -> None:
    """Register an address. The caller learns nothing about it, and its owner gets a mail in any case.

    In both cases the account is looked up and one mail is sent, so that the time it takes reveals little. Nothing is
    deleted or replaced, so registering somebody else's address does no harm.

    Raises:
        AddressRefused: the identity provider does not accept an address of this form.
        Transient: no mail could be sent.
    """
    account = provider.find(email)
    if account is None:
        # A concurrent registration may be quicker. The address then waits for its code, which is the same outcome.
        try:
            provider.sign_up(email)
        except AddressTaken:
            provider.resend_code(email)
    elif account.confirmed:
        mailer.tell_account_exists(email)
    else:
        provider.resend_code(email)


def confirm(provider: IdentityProvider, *, email: str, code: str, password: str, name: str) -> None:
    """Confirm an address with its code, and set name and password.

    They are set only if this call used the code: setting a password alone would confirm the address.

        owner     code taken   (crash)    code again: refused, a reset code is mailed   reset: password and name set
        stranger                          wrong code: refused, the password stays

    Raises:
        WrongCode: the code is wrong, or the address was confirmed before.
        PasswordRefused: the identity provider does not accept the password.
    """
    try:
        provider.confirm(email, code)
    except WrongCode:
        account = provider.find(email)
        if account and account.confirmed:
            provider.send_reset_code(email)
        raise
    provider.set_up(email, password, name)


def forgot_password(provider: IdentityProvider, email: str) -> None:
    """Mail a code for a new password. An address that was never confirmed gets the code that confirms it.

    Cognito sends a reset code to confirmed addresses only.
    """
    account = provider.find(email)
    if account and not account.confirmed:
        provider.resend_code(email)
    else:
        # This is called for an unknown address too, so that the answer takes the same time.
        provider.send_reset_code(email)


def reset_password(provider: IdentityProvider, *, email: str, code: str, password: str, name: str | None) -> None:
    """Set a new password by the newest mailed code, and end all other sessions of the account.

    Args:
        provider: of the accounts.
        email: of the account.
        code: for a new password; for an address that was never confirmed, the code that confirms it.
        password: the new password.
        name: the new name of the account; None leaves it as it is.

    Raises:
        WrongCode: the code is neither of these.
        PasswordRefused: the identity provider does not accept the password.
    """
    try:
        provider.reset_password(email, code, password)
    except WrongCode:
        account = provider.find(email)
        if account is None or account.confirmed:
            raise
        provider.confirm(email, code)
        provider.set_up(email, password, name)
    else:
        if name is not None:
            provider.set_up(email, password, name)
    _end_older_sessions(provider, email)


def change_password(provider: IdentityProvider, *, email: str, password: str, new_password: str) -> None:
    """Change the password of somebody who is logged in, and end every session that the old one began.

    Raises:
        WrongCredentials: `password` is not the account's.
        PasswordRefused: by the identity provider.
    """
    provider.check_password(email, password)
    provider.set_up(email, new_password, None)
    _end_older_sessions(provider, email)


@dataclass(frozen=True)
class DeletionPorts:
    """What deleting an account works on.

    Attributes:
        deletions: by user id.
        users: of the identity provider.
        waits: what the deletion of an account waits for now.
    """

    deletions: Repository[Deletion]
    users: Users
    waits: Callable[[str], Sequence[AwaitedOrder]]


def request_deletion(
    ports: DeletionPorts, user_id: str, cause: Cause, now: datetime, *, username: str | None = None
) -> Deletion:
    """Somebody leaves: from now on nobody can log in to their account. All else comes by itself.

        the row is written    (crash)    every minute: disabled and signed out, as the request would have done

    Returns:
        The deletion: requested now, or before.
    """
    transact(ports.deletions, user_id, lambda found: deletion.request(found, user_id, now, username), cause, now)
    return _sign_out_for_good(ports, user_id, username or user_id, cause, now)


def go_on(
    ports: DeletionPorts, known: Deletion, token_life: timedelta, cause: Cause, now: datetime
) -> Sequence[AwaitedOrder]:
    """Go on with a deletion that is not published yet; returns what it waits for."""
    if known.signed_out_at is None:
        known = _sign_out_for_good(ports, known.user_id, known.account, cause, now)
    waited_for = ports.waits(known.user_id)
    if not waited_for:

        def publish(found: Deletion | None) -> Decision[Deletion]:
            return deletion.publish(found, token_life, now) if found else Nothing("there is no such deletion")

        transact(ports.deletions, known.user_id, publish, cause, now)
    return waited_for


def _sign_out_for_good(ports: DeletionPorts, user_id: str, account: str, cause: Cause, now: datetime) -> Deletion:
    ports.users.disable(account)

    def sign_out_(found: Deletion | None) -> Decision[Deletion]:
        return deletion.sign_out(found, now) if found else Nothing("there is no such deletion")

    settled = transact(ports.deletions, user_id, sign_out_, cause, now)
    assert settled.state, "it was requested"
    return settled.state


def _end_older_sessions(provider: IdentityProvider, email: str) -> None:
    try:
        provider.sign_out_everywhere(email)
    except Exception:
        # The password is changed, and its code spent: an error here would send its owner round for nothing.
        logger.exception("Older sessions outlive the password that was changed")
        count("SessionsNotEnded")


def refresh(provider: IdentityProvider, refresh_tokens: Sequence[str]) -> Tokens:
    """Continue a session with new tokens.

    Args:
        provider: of the tokens.
        refresh_tokens: those of all session cookies; a browser does not say which is the newest.

    Raises:
        SessionOver: none of them is valid any more.
    """
    for token in refresh_tokens[:MOST_COOKIES]:
        with suppress(SessionOver):
            return provider.refresh(token)
    raise SessionOver


def sign_out(provider: IdentityProvider, refresh_tokens: Sequence[str]) -> None:
    """End the sessions of these tokens."""
    for token in refresh_tokens[:MOST_COOKIES]:
        provider.revoke(token)
