"""Whether a request has come through CloudFront, and from which client.

    client ──> CloudFront: X-Client-Address, by a viewer function, over whatever the client sent
                           X-Origin-Secret, by the origin's settings    ──> API Gateway ──> function: looks at both

A client that knows API Gateway's address can also call it directly, past CloudFront. Such a request could carry the
address of any client, and its attempts would count as that client's. So on AWS a request without the secret is refused.
A laptop has no secret.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated, Any

from botocore.exceptions import ClientError
from pydantic import Field, ValidationInfo, field_validator

from cloudretail import aws, dynamodb
from cloudretail.settings import Settings, load
from cloudretail.telemetry import logger

ADDRESS = "x-client-address"
SECRET = "x-origin-secret"  # noqa: S105 the name of a header

FRESH_FOR = 300
"""Seconds after which the secret is read again, so that a value that was revoked is refused soon."""

READ_AGAIN_AFTER = 10
"""Seconds between two reads of the secret because of wrong values. A wrong value may be a new secret, so it causes a
read; a flood of wrong values must not cause many."""


class OriginSettings(Settings):
    """The secret that CloudFront sends. Every stage has one but `local`."""

    stage: str
    origin_secret: Annotated[str | None, Field(validate_default=True)] = None

    @field_validator("origin_secret")
    @classmethod
    def _on_aws_there_is_one(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value and info.data.get("stage") != "local":
            raise ValueError("no stage but local goes without")
        return value or None


class Secret:
    """The secret by which a request proves that it has come through CloudFront. While a new value is being rolled out,
    the previous one is valid too.

    Args:
        read: reads the valid values.
        clock: monotonic seconds.
    """

    def __init__(self, read: Callable[[], frozenset[str]], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._values: frozenset[str] = frozenset()
        self._read_at = float("-inf")

    def matches(self, value: str) -> bool:
        """Whether `value` is valid. Raises what `read` raises, unless `value` was valid at the last read."""
        age = self._clock() - self._read_at
        known = self._has(value)
        if age >= (FRESH_FOR if known else READ_AGAIN_AFTER):
            try:
                self._values = self._read()
            except Exception:
                # An outage of Secrets Manager must not close the shop.
                if not known:
                    raise
                logger.exception("Could not read the origin's secret again")
                return True
            self._read_at = self._clock()
        return self._has(value)

    def _has(self, value: str) -> bool:
        return any(hmac.compare_digest(value.encode(), known.encode()) for known in self._values)


def read_secret(secret_id: str) -> frozenset[str]:
    """The current and the previous value of a secret in Secrets Manager. The first value has no previous one."""
    values = {aws.secrets().get_secret_value(SecretId=secret_id)["SecretString"]}
    try:
        values.add(aws.secrets().get_secret_value(SecretId=secret_id, VersionStage="AWSPREVIOUS")["SecretString"])
    except ClientError as error:
        if dynamodb.code(error) != "ResourceNotFoundException":
            raise
    return frozenset(values)


@cache
def _secret() -> Secret | None:
    """The secret, once per process; None on a laptop."""
    secret_id = load(OriginSettings).origin_secret
    return Secret(lambda: read_secret(secret_id)) if secret_id else None


def came_through_cloudfront(event: Mapping[str, Any]) -> bool:
    """Whether a request (payload format 2.0, lower-case names of headers) has come through CloudFront."""
    secret = _secret()
    return secret is None or secret.matches(event["headers"].get(SECRET, ""))


def address_of(event: Mapping[str, Any]) -> IPv4Address | IPv6Address | None:
    """The address that a request was sent from; None if it has none."""
    # Without CloudFront, as on a laptop, there is no such header. The client then calls the gateway itself.
    address = event["headers"].get(ADDRESS) or event["requestContext"]["http"].get("sourceIp", "")
    try:
        ip = ip_address(address)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip


def client_address(event: Mapping[str, Any]) -> str:
    """The client of a request: its IPv4 address, or the /64 network of its IPv6 address.

    A client at home or on a phone has a whole /64 network, and may send each request from another address of it.
    Sources: RFC 6177 and RFC 7278.
    """
    ip = address_of(event)
    if ip is None:
        return "unknown"
    return str(ip_network((ip, 64), strict=False) if isinstance(ip, IPv6Address) else ip)
