"""What the API believes of where a request comes from, on AWS and on a laptop."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from cloudretail import aws, origin
from cloudretail.errors import Transient
from cloudretail.http import Api
from cloudretail.origin import FRESH_FOR, READ_AGAIN_AFTER, Secret, client_address, read_secret
from cloudretail.settings import MissingSetting, load
from tests.support.invocations import Context, http_event
from tests.support.tables import shop_tables


@pytest.fixture
def on_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A function's environment on a stage that is not local, and the secret that CloudFront sends."""
    with shop_tables(monkeypatch):
        made = aws.secrets().create_secret(Name="origin", SecretString="the-secret")
        monkeypatch.setenv("STAGE", "prod")
        monkeypatch.setenv("ORIGIN_SECRET", made["ARN"])
        origin._secret.cache_clear()
        yield "the-secret"
    origin._secret.cache_clear()


def answer(headers: dict[str, str]) -> dict[str, Any]:
    api = Api()

    @api.get("/api/where")
    def where() -> dict[str, str]:
        return {"address": api.client_address}

    return api.handle(http_event("GET", "/api/where", headers=headers), cast(LambdaContext, Context()))


def test_on_aws_the_client_is_whom_cloudfront_names_beside_its_secret(on_aws: str) -> None:
    answered = answer({"X-Origin-Secret": on_aws, "X-Client-Address": "203.0.113.7"})
    assert (answered["statusCode"], answered["body"]) == (200, '{"address":"203.0.113.7"}')


@pytest.mark.parametrize("headers", [{}, {"X-Origin-Secret": ""}, {"X-Origin-Secret": "a-guess"}])
def test_on_aws_a_request_past_cloudfront_is_refused_and_learns_nothing(on_aws: str, headers: dict[str, str]) -> None:
    answered = answer(headers | {"X-Client-Address": "203.0.113.7"})
    assert answered["statusCode"] == 403
    assert "secret" not in answered["body"].lower()
    assert "cloudfront" not in answered["body"].lower()


def test_on_aws_a_request_past_cloudfront_learns_not_even_whether_its_body_would_do(on_aws: str) -> None:
    answered = Api().handle(http_event("POST", "/api/none", raw_body="{not json"), cast(LambdaContext, Context()))
    assert answered["statusCode"] == 403


@pytest.mark.parametrize("secret", ["", None])
def test_no_function_on_aws_goes_without_the_secret(monkeypatch: pytest.MonkeyPatch, secret: str | None) -> None:
    monkeypatch.setenv("STAGE", "prod")
    monkeypatch.delenv("ORIGIN_SECRET", raising=False)
    if secret is not None:
        monkeypatch.setenv("ORIGIN_SECRET", secret)
    with pytest.raises(MissingSetting, match="ORIGIN_SECRET"):
        load(origin.OriginSettings)


def test_an_outage_before_the_secret_was_ever_read_is_an_answer_and_no_crash(
    on_aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_: str) -> frozenset[str]:
        raise Transient("Secrets Manager does not answer")

    monkeypatch.setattr(origin, "read_secret", unreachable)
    assert answer({"X-Origin-Secret": on_aws})["statusCode"] == 503


def test_while_a_new_secret_is_rolled_out_the_one_before_counts_too(on_aws: str) -> None:
    arn = aws.secrets().list_secrets()["SecretList"][0]["ARN"]
    assert read_secret(arn) == {"the-secret"}
    aws.secrets().put_secret_value(SecretId=arn, SecretString="the-next")
    assert read_secret(arn) == {"the-secret", "the-next"}
    aws.secrets().put_secret_value(SecretId=arn, SecretString="the-one-after")
    assert read_secret(arn) == {"the-next", "the-one-after"}


def test_a_secret_that_cannot_be_read_at_all_is_no_empty_one(on_aws: str) -> None:
    with pytest.raises(ClientError):
        read_secret("another")


class Kept:
    """A secret whose values and clock are set by hand."""

    def __init__(self, *values: str) -> None:
        self.values: frozenset[str] | Exception = frozenset(values)
        self.reads = 0
        self.now = 0.0
        self.secret = Secret(self._read, lambda: self.now)

    def _read(self) -> frozenset[str]:
        self.reads += 1
        if isinstance(self.values, Exception):
            raise self.values
        return self.values


def test_the_secret_is_read_once_for_many_requests() -> None:
    kept = Kept("a")
    assert all(kept.secret.matches("a") for _ in range(100))
    assert kept.reads == 1


def test_a_flood_of_wrong_secrets_does_not_become_a_flood_of_reads() -> None:
    kept = Kept("a")
    assert not any(kept.secret.matches(f"guess-{number}") for number in range(100))
    assert kept.reads == 1


def test_a_new_secret_is_believed_by_processes_that_have_read_the_old_one() -> None:
    kept = Kept("old")
    assert kept.secret.matches("old")
    kept.values, kept.now = frozenset({"new", "old"}), READ_AGAIN_AFTER
    assert kept.secret.matches("new")


def test_a_secret_that_was_taken_back_is_refused_within_minutes() -> None:
    kept = Kept("stolen")
    assert kept.secret.matches("stolen")
    kept.values, kept.now = frozenset({"new"}), FRESH_FOR
    assert not kept.secret.matches("stolen")


def test_the_shop_stays_open_while_the_secret_cannot_be_read_again() -> None:
    kept = Kept("a")
    assert kept.secret.matches("a")
    kept.values, kept.now = Transient("away"), FRESH_FOR
    assert kept.secret.matches("a")
    with pytest.raises(Transient):
        kept.secret.matches("b")


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("not an address", "unknown"),
    ],
)
def test_all_addresses_of_one_client_are_one(address: str, client: str) -> None:
    assert client_address(http_event("GET", "/api/x", headers={"X-Client-Address": address})) == client


def test_on_a_laptop_nobody_needs_a_secret_and_the_client_is_whom_the_gateway_sees() -> None:
    assert answer({})["body"] == '{"address":"127.0.0.1"}'
