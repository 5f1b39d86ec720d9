"""The caller of a request: read from claims that API Gateway's authorizer has verified, or from a verified token."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from cloudretail import emulator
from cloudretail.errors import Problem, Transient
from cloudretail.settings import Settings, load

if TYPE_CHECKING:
    from jwt import PyJWKClient

OPERATORS = "operators"
"""The group of operators, who run the system."""

STAFF = "staff"
"""The group of staff, who sell, pack, ship and take returns."""

LEEWAY = 10
"""Seconds by which this machine's clock may differ from the clock of the token's issuer."""


class IdentitySettings(Settings):
    """What a function with routes needs to verify a token by itself."""

    user_pool_id: str
    user_pool_client_id: str
    aws_region: str
    aws_endpoint_url: str | None = None

    @property
    def issuer(self) -> str:
        return f"https://cognito-idp.{self.aws_region}.amazonaws.com/{self.user_pool_id}"

    @property
    def keys_url(self) -> str:
        """The address of the pool's public keys."""
        return emulator.keys_url(self.issuer, self.aws_endpoint_url)


USER_ID = "custom:userId"
"""Attribute of a user who comes from another pool, whose `sub` Cognito does not keep; nobody can write their own."""


@dataclass(frozen=True)
class Caller:
    """A signed-in person.

    Attributes:
        user_id: Cognito's `sub`, of the user pool in which the account was first.
        email: verified e-mail address.
        name: as given at registration.
        groups: Cognito groups.
    """

    user_id: str
    email: str
    name: str
    groups: frozenset[str]

    @property
    def is_operator(self) -> bool:
        return OPERATORS in self.groups


def unauthorized(detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail)


def caller_of(claims: Mapping[str, Any]) -> Caller:
    """The caller that verified claims describe.

    Args:
        claims: the token's claims, as strings (from API Gateway) or as JSON types (from the token).

    Raises:
        Problem: status 401. It is not an ID token (API Gateway accepts access tokens too), or the e-mail address is not
            verified.
    """
    if claims.get("token_use") != "id":
        raise unauthorized("An ID token is needed here.")
    if str(claims.get("email_verified", "")).lower() != "true":
        raise unauthorized("The e-mail address of this account is not verified.")
    return Caller(
        user_id=str(claims.get(USER_ID) or claims["sub"]),
        email=str(claims["email"]),
        name=str(claims.get("name", "")),
        groups=_groups(claims.get("cognito:groups", "")),
    )


def _groups(claim: object) -> frozenset[str]:
    """The groups: a list in the token itself, and text from API Gateway."""
    return frozenset(map(str, claim if isinstance(claim, list) else emulator.list_claim(str(claim))))


@cache
def _keys(url: str) -> "PyJWKClient":
    from jwt import PyJWKClient

    return PyJWKClient(url, cache_keys=True, timeout=3)


def verify(authorization: str) -> Caller:
    """The caller of a route without an authorizer.

    Args:
        authorization: the header's value, `Bearer <ID token>`.

    Raises:
        Problem: status 401. The token is not from this shop's user pool, has expired, or is not an ID token.
        Transient: the public keys could not be fetched, so the token could not be verified.
    """
    import jwt

    settings = load(IdentitySettings)
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("The Authorization header is not of the form: Bearer <ID token>.")
    try:
        key = _keys(settings.keys_url).get_signing_key_from_jwt(token)
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=settings.issuer,
            audience=settings.user_pool_client_id,
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.PyJWKClientConnectionError as error:
        raise Transient("The user pool's keys could not be fetched") from error
    except jwt.PyJWTError:
        raise unauthorized("This token is not valid here, or has expired.") from None
    return caller_of(claims)
