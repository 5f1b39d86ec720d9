"""The rules of accounts.

No answer tells a stranger whether an address has an account: registering, asking for a code and entering one look
the same for every address, and a wrong password looks like an unknown address. One thing is told, because the person
has to do something about it: signing in to an account that was never confirmed says so. Whoever registers an address
only to look for that answer has written to its owner.

Whoever holds the mailbox holds the account. A second registration of an unconfirmed address replaces the first, whose
password therefore never outlives it, and a reset password ends every session that was begun with another.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from cloudretail.errors import Contention, Problem, ShopError, invalid
from cloudretail.model import asks

SESSION_LASTS = 30 * 24 * 3600
"""Seconds; the validity of a refresh token as the user pool's client has it."""

ATTEMPTS = 3
"""Races with other registrations of the same address that are lost before giving up."""

# The pattern by which browsers check <input type=email> (WHATWG HTML, "valid e-mail address"), with one dot at least
# in the domain, as nobody can be written to at `shopper@localhost`.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+")


def _normalised(email: str) -> str:
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise PydanticCustomError("email", "Enter your e-mail address, like name@example.com.")
    return email


EmailAddress = Annotated[
    str,
    # Cognito's limit of a user name is 128.
    Field(max_length=128, json_schema_extra={"format": "email"}, examples=["shopper@cloudretail.example"]),
    AfterValidator(_normalised),
]

MIN_PASSWORD, MAX_PASSWORD = 8, 256
"""Characters; the upper limit is Cognito's."""


def password_flaws(password: str) -> Iterator[str]:
    """What a new password lacks, by the policy of the user pool.

    It is checked here first because replacing an unconfirmed registration begins by deleting it: a password that
    Cognito refuses afterwards would have changed something.
    """
    if len(password) < MIN_PASSWORD:
        yield f"at least {MIN_PASSWORD} characters"
    if len(password) > MAX_PASSWORD:
        yield f"at most {MAX_PASSWORD} characters"
    if not re.search("[A-Z]", password):
        yield "a capital letter (A-Z)"
    if not re.search("[a-z]", password):
        yield "a small letter (a-z)"
    if not re.search("[0-9]", password):
        yield "a number (0-9)"
    if password != password.strip():
        yield "no spaces at the beginning or end"


def _strong(password: SecretStr) -> SecretStr:
    if flaws := list(password_flaws(password.get_secret_value())):
        raise PydanticCustomError("password", "Use {flaws}.", {"flaws": ", ".join(flaws)})
    return password


NewPassword = Annotated[
    SecretStr,
    AfterValidator(_strong),
    Field(
        description="With an upper-case and a lower-case letter and a digit.",
        json_schema_extra={"minLength": MIN_PASSWORD, "maxLength": MAX_PASSWORD},
    ),
]
Password = Annotated[SecretStr, Field(min_length=1, max_length=MAX_PASSWORD), asks("Enter your password.")]


def _six_digits(code: str) -> str:
    code = code.strip()
    if not re.fullmatch("[0-9]{6}", code):
        raise PydanticCustomError("code", "Enter the 6-digit code from the e-mail.")
    return code


Code = Annotated[str, Field(examples=["123456"], repr=False), AfterValidator(_six_digits)]


def _one_line(name: str) -> str:
    name = name.strip()
    if not name:
        raise PydanticCustomError("name", "Enter your name.")
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", name):
        raise PydanticCustomError("name", "Enter your name in one line, without special characters.")
    return name


Name = Annotated[str, Field(max_length=100, examples=["Shopper"]), AfterValidator(_one_line)]


class AddressTaken(ShopError):
    """Somebody has registered this address in the meantime."""


class WrongCredentials(Problem):
    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.UNAUTHORIZED,
            "wrong-credentials",
            "That e-mail address and password do not match. Please check them.",
        )


class EmailNotConfirmed(Problem):
    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.FORBIDDEN,
            "email-not-confirmed",
            "Please confirm your e-mail address first, with the code we sent you.",
        )


class PasswordNotSet(Problem):
    """The account has a temporary password, or an operator asked for another one."""

    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.FORBIDDEN,
            "password-reset-required",
            "Please choose a new password first: use “Forgot your password?”. If no code arrives, contact us.",
        )


class SessionOver(Problem):
    def __init__(self) -> None:
        super().__init__(HTTPStatus.UNAUTHORIZED, "session-over", "You have been logged out. Please log in again.")


class TooManyRequests(Problem):
    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", "Too many attempts. Please wait a while and try again."
        )


class RegistrationRefused(Problem):
    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.UNPROCESSABLE_ENTITY, "registration-refused", "We cannot create an account with these details."
        )


def wrong_code() -> Problem:
    """The same for a wrong code, one that has expired, one that was tried too often, and an unknown address."""
    return invalid("code", "This code is wrong or has expired. Check it, or ask for a new one.")


@dataclass(frozen=True)
class Account:
    """What registration has to know of an address that is registered already.

    Attributes:
        user_id: of this registration; an address registered anew has another.
        confirmed: whether a mail to the address was answered, or an operator made the account.
    """

    user_id: str
    confirmed: bool


@dataclass(frozen=True)
class Tokens:
    """A session.

    Attributes:
        id_token: the API's bearer.
        expires_in: seconds.
        refresh_token: gets further ID tokens, until it expires itself or is revoked.
    """

    id_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)


class IdentityProvider(Protocol):
    """Keeps accounts and their passwords, mails codes and issues tokens.

    Every method may raise `TooManyRequests`, or Transient where the same call may succeed later.
    """

    def find(self, email: str) -> Account | None: ...

    def sign_up(self, email: str, password: str, name: str) -> None:
        """Make an unconfirmed account and mail its code; raises AddressTaken, RegistrationRefused or a 422 Problem."""

    def delete(self, user_id: str) -> None:
        """Forget this registration, if it is still there."""

    def confirm(self, email: str, code: str) -> None:
        """Raises `wrong_code`."""

    def resend_code(self, email: str) -> None:
        """Mail another code, where there is a registration to be confirmed."""

    def sign_in(self, email: str, password: str) -> Tokens:
        """Raises WrongCredentials, EmailNotConfirmed or PasswordNotSet."""

    def refresh(self, refresh_token: str) -> Tokens:
        """Raises SessionOver."""

    def revoke(self, refresh_token: str) -> None:
        """End this session, if it has not ended."""

    def send_reset_code(self, email: str) -> None:
        """Mail a code for a new password, where there is a confirmed account."""

    def reset_password(self, email: str, code: str, password: str) -> None:
        """Change the password and end every session of the account; raises `wrong_code`, or a 422 for the password."""


class Mailer(Protocol):
    """Writes what the identity provider does not."""

    def tell_account_exists(self, email: str) -> None:
        """Raises Transient if the mail cannot be sent."""


def register(provider: IdentityProvider, mailer: Mailer, *, email: str, password: str, name: str) -> None:
    """Register an address; whoever calls learns nothing about it, its owner is written to in any case.

    Either way the account is looked up and one mail is sent, so that the time it takes tells little.

        stranger  register                                         (a password that the owner does not know)
        owner               register: delete, sign up    confirm   (the stranger's password is gone)

    What is deleted is the registration that was seen unconfirmed, by its own id, never the address: of two people
    registering at once one deletes the other's, but neither can delete what the other has made since.

    Raises:
        Contention: others registered the same address at the same time, again and again.
        Problem: the identity provider refused the password or the name.
    """
    for _ in range(ATTEMPTS):
        account = provider.find(email)
        if account and account.confirmed:
            mailer.tell_account_exists(email)
            return
        if account:
            provider.delete(account.user_id)
        try:
            provider.sign_up(email, password, name)
        except AddressTaken:
            continue
        return
    raise Contention("Registrations of one address met too often")
