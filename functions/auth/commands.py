"""What people do with accounts: each use case a function over the ports of the domain."""

from collections.abc import Sequence
from contextlib import suppress

from auth.domain import (
    AddressTaken,
    IdentityProvider,
    Mailer,
    SessionOver,
    Tokens,
    WrongCode,
)

MOST_COOKIES = 5
"""Refresh tokens of one request that are tried. A browser has one, or two where an older cookie has another path."""


def register(provider: IdentityProvider, mailer: Mailer, email: str) -> None:
    """Register an address. The caller learns nothing about it; its owner gets a mail in any case.

    Either way the account is looked up and one mail is sent, so that the time it takes reveals little. Nothing is ever
    deleted or replaced: a registration holds nothing that could be worth it.

    Raises:
        AddressRefused: the identity provider takes no address of this form.
        Transient: no mail could be sent.
    """
    account = provider.find(email)
    if account is None:
        # Somebody else may be quicker; then the address waits for its code, as it does now.
        try:
            provider.sign_up(email)
        except AddressTaken:
            provider.resend_code(email)
    elif account.confirmed:
        mailer.tell_account_exists(email)
    else:
        provider.resend_code(email)


def confirm(provider: IdentityProvider, *, email: str, code: str, password: str, name: str) -> None:
    """Take the address for its owner's, who brings a name and a password with the code.

    They are set only where the code was taken in this very call: setting a password alone would confirm the address.

        owner     code taken   (crash)    code again: refused, a reset code is mailed   reset: password and name set
        stranger                          wrong code: refused, the password stays

    Raises:
        WrongCode: as it is for a wrong code, also where the address was confirmed before.
        PasswordRefused: by the identity provider.
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
    """Mail the code that leads into the account: one for a new password, or the one that the address still waits for.

    Cognito mails nobody a reset code whose address was never confirmed.
    """
    account = provider.find(email)
    if account and not account.confirmed:
        provider.resend_code(email)
    else:
        # Also for an unknown address, so that the answer takes as long.
        provider.send_reset_code(email)


def reset_password(provider: IdentityProvider, *, email: str, code: str, password: str, name: str | None) -> None:
    """Choose a new password by the newest code that was mailed, and end every session that another one began.

    Args:
        provider: of the accounts.
        email: of the account.
        code: for a new password; for an address that was never confirmed, the code that confirms it.
        password: the new one.
        name: the account's from now on; None to leave it as it is.

    Raises:
        WrongCode: it is neither.
        PasswordRefused: by the identity provider.
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
    provider.sign_out_everywhere(email)


def refresh(provider: IdentityProvider, refresh_tokens: Sequence[str]) -> Tokens:
    """Go on with a session.

    Args:
        provider: of the tokens.
        refresh_tokens: of all cookies of that name; a browser does not say which is the newest.

    Raises:
        SessionOver: none of them is good any more.
    """
    for token in refresh_tokens[:MOST_COOKIES]:
        with suppress(SessionOver):
            return provider.refresh(token)
    raise SessionOver


def sign_out(provider: IdentityProvider, refresh_tokens: Sequence[str]) -> None:
    """End the sessions of these tokens."""
    for token in refresh_tokens[:MOST_COOKIES]:
        provider.revoke(token)
