"""The rules of accounts.

No answer reveals whether an address has an account. Registering, requesting a code and entering one look the same for
every address, and a wrong password looks like an unknown address. There is one exception, because the person has to
act: signing in to an account that was never confirmed says so. An attacker who registers an address to get that answer
has sent a mail to its owner.

The owner of the mailbox is the owner of the account. Until the code is entered, only the address is stored; name and
password come with the code. A stranger who registers an address, before its owner or after, gains nothing by it.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from auth.passwords import MAX_PASSWORD, MIN_PASSWORD, normalised, password_flaws
from cloudretail.errors import ShopError
from cloudretail.model import asks
from cloudretail.text import Line, cleaned_digits

SESSION_LASTS = 30 * 24 * 3600
"""Seconds: the validity of a refresh token, as in the user pool's client."""

# The pattern by which browsers check <input type=email> (WHATWG HTML, "valid e-mail address"). Here the domain needs at
# least one dot, as no mail reaches `shopper@localhost`.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+")


def _address(email: str) -> str:
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise PydanticCustomError("email", "Enter your e-mail address, like name@example.com.")
    return email


EmailAddress = Annotated[
    str,
    # Cognito's limit of a user name is 128.
    Field(max_length=128, json_schema_extra={"format": "email"}, examples=["shopper@cloudretail.example"]),
    AfterValidator(_address),
]


def _strong(password: SecretStr) -> SecretStr:
    clear = normalised(password.get_secret_value())
    if flaws := list(password_flaws(clear)):
        raise PydanticCustomError("password", "Use {flaws}.", {"flaws": ", ".join(flaws)})
    return SecretStr(clear)


NewPassword = Annotated[
    SecretStr,
    AfterValidator(_strong),
    Field(
        description=(
            "With an upper-case and a lower-case letter and a digit, or at least 16 characters of any kind. "
            "Common passwords are refused."
        ),
        json_schema_extra={"minLength": MIN_PASSWORD, "maxLength": MAX_PASSWORD},
    ),
]
Password = Annotated[
    SecretStr,
    Field(min_length=1, max_length=MAX_PASSWORD),
    AfterValidator(lambda password: SecretStr(normalised(password.get_secret_value()))),
    asks("Enter your password."),
]


def _six_digits(what: str) -> AfterValidator:
    def check(code: str) -> str:
        code = cleaned_digits(code)
        if not re.fullmatch("[0-9]{6}", code):
            raise PydanticCustomError("code", "Enter the 6-digit code from {what}.", {"what": what})
        return code

    return AfterValidator(check)


_A_CODE = Field(max_length=64, examples=["123456"])
Code = Annotated[str, _A_CODE, _six_digits("the e-mail")]
AppCode = Annotated[str, _A_CODE, _six_digits("your authenticator app")]
Name = Annotated[str, Line(max_length=100), Field(examples=["Shopper"]), asks("Enter your name.")]


class AccountError(ShopError):
    """Base of the reasons why a user cannot get into an account."""


class AddressTaken(AccountError):
    """This address is registered already."""


class AddressRefused(AccountError):
    """The identity provider does not accept an address of this form."""


class PasswordRefused(AccountError):
    """The identity provider does not accept this password. The text says why."""


class WrongCode(AccountError):
    """The code is wrong, has expired or was tried too often, or the address does not wait for one."""


class WrongCredentials(AccountError):
    """The address is unknown, or the password is wrong."""


class EmailNotConfirmed(AccountError):
    """The account's address was never confirmed."""


class PasswordNotSet(AccountError):
    """The account has a temporary password, or an operator demanded a new one."""


class SecondFactorNeeded(AccountError):
    """The password is right, and the account also asks for the code of an authenticator app."""


class WrongSecondFactor(AccountError):
    """The code is not the one that the authenticator app shows now."""


class SessionOver(AccountError):
    """The session was ended, has expired, or never existed."""


class TooManyRequests(AccountError):
    """The identity provider limits requests at present."""


@dataclass(frozen=True)
class Account:
    """The account of an address that is registered.

    Attributes:
        user_id: of the account.
        confirmed: whether the address was confirmed by its code, or an operator made the account.
    """

    user_id: str
    confirmed: bool


@dataclass(frozen=True)
class Tokens:
    """A session.

    Attributes:
        id_token: the API's bearer token.
        expires_in: seconds.
        refresh_token: gets new ID tokens, until it expires, is revoked, or is replaced by the next refresh token.
    """

    id_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)


class IdentityProvider(Protocol):
    """Stores accounts and passwords, mails codes and issues tokens.

    Every method may raise `TooManyRequests`, or Transient if the same call may succeed later.
    """

    def find(self, email: str) -> Account | None: ...

    def sign_up(self, email: str) -> None:
        """Make an unconfirmed account that nobody can sign in to, and mail its code.

        Raises AddressTaken or AddressRefused.
        """

    def confirm(self, email: str, code: str) -> None:
        """Confirm the address with its mailed code; raises WrongCode."""

    def set_up(self, email: str, password: str, name: str | None) -> None:
        """Set the password of a confirmed account and, unless None, its name; raises PasswordRefused."""

    def rename(self, email: str, name: str) -> None:
        """Give an account another name; it stands in the tokens from the next one on."""

    def check_password(self, email: str, password: str) -> None:
        """Raises as `sign_in` where this is not the account's password. No code of an authenticator app is asked for:
        whoever is logged in has entered one."""

    def resend_code(self, email: str) -> None:
        """Mail another code, if the address waits to be confirmed."""

    def send_reset_code(self, email: str) -> None:
        """Mail a code for a new password, if there is a confirmed account."""

    def reset_password(self, email: str, code: str, password: str) -> None:
        """Change the password of a confirmed account by the mailed code; raises WrongCode or PasswordRefused."""

    def sign_out_everywhere(self, email: str) -> None:
        """End every session of the account. An ID token that somebody has lives to its end, a few minutes."""

    def sign_in(self, email: str, password: str, app_code: str | None = None) -> Tokens:
        """Log in.

        Raises WrongCredentials, EmailNotConfirmed, PasswordNotSet, SecondFactorNeeded or WrongSecondFactor.
        """

    def refresh(self, refresh_token: str) -> Tokens:
        """New tokens of a session; raises SessionOver."""

    def revoke(self, refresh_token: str) -> None:
        """Make a refresh token useless; nothing changes if it is so already."""

    def begin_second_factor(self, email: str, password: str) -> str:
        """Make a secret for an authenticator app (base32); it counts once `finish_second_factor` was called.

        Raises as `sign_in`: an account that has a second factor already keeps it.
        """

    def finish_second_factor(self, email: str, password: str, app_code: str) -> None:
        """Ask for the app's code at every sign-in from now on; raises as `sign_in`."""


class Users(Protocol):
    """Ends accounts. Each method may be called again, also where there is no such user any more."""

    def disable(self, username: str) -> None:
        """Let nobody log in to the account any more, and end its sessions."""

    def delete(self, username: str) -> None:
        """Delete the account with all that the identity provider keeps of it."""


class Mailer(Protocol):
    """Sends the mails about accounts that the identity provider does not send."""

    def tell_account_exists(self, email: str) -> None:
        """Mail the owner of an address that it has an account already; raises Transient if that fails."""
