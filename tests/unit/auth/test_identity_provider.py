"""What each answer of Cognito and SES means.

That the provider on Cognito keeps the whole contract is tried on the emulator, by the integration tests: moto has no
RevokeToken and no ResendConfirmationCode, takes any code, and signs unconfirmed users in.
"""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from auth.domain import (
    EmailNotConfirmed,
    PasswordNotSet,
    RegistrationRefused,
    SessionOver,
    TooManyRequests,
    WrongCredentials,
    wrong_code,
)
from auth.identity_provider import CognitoIdentityProvider, SesMailer
from cloudretail import aws
from cloudretail.errors import Problem, Transient
from tests.support.identity import EMAIL, PASSWORD, IdentityProviderContract, InMemoryIdentityProvider

REGION = "ap-southeast-1"


class TestInMemory(IdentityProviderContract):
    @pytest.fixture
    def provider(self) -> InMemoryIdentityProvider:
        return InMemoryIdentityProvider()

    @pytest.fixture
    def post(self, provider: InMemoryIdentityProvider) -> InMemoryIdentityProvider:
        return provider


@pytest.fixture
def cognito(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Cognito, saying what a test tells it to; botocore checks each request against the service's own model."""
    client = boto3.client("cognito-idp", region_name=REGION)
    monkeypatch.setattr(aws, "cognito", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def provider() -> CognitoIdentityProvider:
    return CognitoIdentityProvider("ap-southeast-1_pool", "client")


def refused(stubber: Stubber, operation: str, code: str, message: str = "Refused.") -> None:
    stubber.add_client_error(operation, service_error_code=code, service_message=message)


Call = Callable[[CognitoIdentityProvider], object]

CALLS: dict[str, Call] = {
    "admin_get_user": lambda provider: provider.find(EMAIL),
    "sign_up": lambda provider: provider.sign_up(EMAIL, PASSWORD, "Shopper"),
    "admin_delete_user": lambda provider: provider.delete("user-1"),
    "confirm_sign_up": lambda provider: provider.confirm(EMAIL, "123456"),
    "resend_confirmation_code": lambda provider: provider.resend_code(EMAIL),
    "admin_initiate_auth": lambda provider: provider.sign_in(EMAIL, PASSWORD),
    "revoke_token": lambda provider: provider.revoke("token"),
    "forgot_password": lambda provider: provider.send_reset_code(EMAIL),
    "confirm_forgot_password": lambda provider: provider.reset_password(EMAIL, "123456", PASSWORD),
}
"""By the operation that it begins with."""


@pytest.mark.parametrize("operation", CALLS)
def test_a_throttle_of_cognito_asks_the_client_for_patience(
    cognito: Stubber, provider: CognitoIdentityProvider, operation: str
) -> None:
    refused(cognito, operation, "TooManyRequestsException")
    with pytest.raises(TooManyRequests) as problem:
        CALLS[operation](provider)
    assert (problem.value.status, problem.value.type) == (429, "too-many-requests")


@pytest.mark.parametrize("operation", CALLS)
def test_a_failure_of_cognito_may_pass(cognito: Stubber, provider: CognitoIdentityProvider, operation: str) -> None:
    refused(cognito, operation, "InternalErrorException")
    with pytest.raises(Transient):
        CALLS[operation](provider)


@pytest.mark.parametrize("operation", CALLS)
def test_a_wrong_configuration_is_not_taken_for_the_clients_mistake(
    cognito: Stubber, provider: CognitoIdentityProvider, operation: str
) -> None:
    refused(cognito, operation, "ResourceNotFoundException")
    with pytest.raises(ClientError):
        CALLS[operation](provider)


@pytest.mark.parametrize(
    "code",
    [
        "CodeMismatchException",
        "ExpiredCodeException",
        "InvalidParameterException",
        "LimitExceededException",
        "NotAuthorizedException",
        "TooManyFailedAttemptsException",
        "UserNotFoundException",
    ],
)
@pytest.mark.parametrize("operation", ["confirm_sign_up", "confirm_forgot_password"])
def test_every_reason_for_which_a_code_is_refused_reads_the_same(
    cognito: Stubber, provider: CognitoIdentityProvider, operation: str, code: str
) -> None:
    refused(cognito, operation, code)
    with pytest.raises(Problem) as problem:
        CALLS[operation](provider)
    assert (problem.value.status, problem.value.type, problem.value.errors) == (
        422,
        "invalid-input",
        wrong_code().errors,
    )


@pytest.mark.parametrize(
    "code",
    [
        "CodeDeliveryFailureException",
        "InvalidParameterException",
        "LimitExceededException",
        "NotAuthorizedException",
        "UserNotFoundException",
    ],
)
@pytest.mark.parametrize("operation", ["resend_confirmation_code", "forgot_password"])
def test_who_asks_for_a_code_does_not_learn_why_none_is_sent(
    cognito: Stubber, provider: CognitoIdentityProvider, operation: str, code: str
) -> None:
    refused(cognito, operation, code)
    CALLS[operation](provider)


@pytest.mark.parametrize("code", ["NotAuthorizedException", "UserNotFoundException"])
def test_a_sign_in_that_cognito_refuses_has_wrong_credentials(
    cognito: Stubber, provider: CognitoIdentityProvider, code: str
) -> None:
    refused(cognito, "admin_initiate_auth", code)
    with pytest.raises(WrongCredentials):
        provider.sign_in(EMAIL, PASSWORD)


@pytest.mark.parametrize("code", ["NotAuthorizedException", "UserNotFoundException"])
def test_a_refresh_that_cognito_refuses_ends_the_session(
    cognito: Stubber, provider: CognitoIdentityProvider, code: str
) -> None:
    refused(cognito, "admin_initiate_auth", code)
    with pytest.raises(SessionOver):
        provider.refresh("token")


def test_an_account_that_is_not_confirmed_says_so_at_sign_in(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    refused(cognito, "admin_initiate_auth", "UserNotConfirmedException")
    with pytest.raises(EmailNotConfirmed) as problem:
        provider.sign_in(EMAIL, PASSWORD)
    assert (problem.value.status, problem.value.type) == (403, "email-not-confirmed")


def test_a_password_that_an_operator_took_back_is_not_enough(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    refused(cognito, "admin_initiate_auth", "PasswordResetRequiredException")
    cognito.add_response("admin_initiate_auth", {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "x" * 20})
    for _ in range(2):
        with pytest.raises(PasswordNotSet) as problem:
            provider.sign_in(EMAIL, PASSWORD)
        assert (problem.value.status, problem.value.type) == (403, "password-reset-required")


def test_a_password_that_cognito_refuses_is_named_with_its_reason(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    message = "Password did not conform with policy: Password must have symbol characters"
    for operation in ("sign_up", "confirm_forgot_password"):
        refused(cognito, operation, "InvalidPasswordException", message)
        with pytest.raises(Problem) as problem:
            CALLS[operation](provider)
        assert problem.value.errors == [{"field": "password", "message": "Password must have symbol characters."}]


def test_an_address_that_cognito_refuses_is_named(cognito: Stubber, provider: CognitoIdentityProvider) -> None:
    refused(cognito, "sign_up", "InvalidParameterException", "Invalid email address format.")
    with pytest.raises(Problem) as problem:
        provider.sign_up(EMAIL, PASSWORD, "Shopper")
    assert problem.value.errors[0]["field"] == "email"


def test_a_registration_that_a_trigger_refuses_is_refused(cognito: Stubber, provider: CognitoIdentityProvider) -> None:
    refused(cognito, "sign_up", "UserLambdaValidationException", "PreSignUp failed with error secret reason.")
    with pytest.raises(RegistrationRefused) as problem:
        provider.sign_up(EMAIL, PASSWORD, "Shopper")
    assert (problem.value.status, problem.value.type) == (422, "registration-refused")
    assert "secret reason" not in problem.value.detail


def test_a_day_on_which_cognito_mails_no_more_asks_for_patience(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    refused(cognito, "sign_up", "LimitExceededException", "Exceeded daily email limit for the operation.")
    with pytest.raises(TooManyRequests):
        provider.sign_up(EMAIL, PASSWORD, "Shopper")


def test_a_code_that_cannot_be_mailed_at_registration_may_be_asked_for_again(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    refused(cognito, "sign_up", "CodeDeliveryFailureException")
    with pytest.raises(Transient):
        provider.sign_up(EMAIL, PASSWORD, "Shopper")


@pytest.mark.parametrize("code", ["UnauthorizedException", "InvalidParameterException"])
def test_a_session_that_cognito_does_not_know_needs_no_end(
    cognito: Stubber, provider: CognitoIdentityProvider, code: str
) -> None:
    refused(cognito, "revoke_token", code)
    provider.revoke("token")


def test_a_session_is_ended_by_its_refresh_token(cognito: Stubber, provider: CognitoIdentityProvider) -> None:
    cognito.add_response("revoke_token", {}, {"ClientId": "client", "Token": "token"})
    provider.revoke("token")


def test_a_password_is_reset_even_if_older_sessions_cannot_be_ended(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    cognito.add_response("confirm_forgot_password", {})
    refused(cognito, "admin_user_global_sign_out", "TooManyRequestsException")
    provider.reset_password(EMAIL, "123456", PASSWORD)


def test_a_registration_that_somebody_else_deleted_needs_no_deleting(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    refused(cognito, "admin_delete_user", "UserNotFoundException")
    provider.delete("user-1")


class TestMailOnSes:
    @pytest.fixture
    def ses(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
        client = boto3.client("sesv2", region_name=REGION)
        monkeypatch.setattr(aws, "ses", lambda: client)
        with Stubber(client) as stubber:
            yield stubber
            stubber.assert_no_pending_responses()

    def test_the_mail_goes_to_the_address_only_and_says_where_to_sign_in(self, ses: Stubber) -> None:
        sent: list[dict[str, Any]] = []
        aws.ses().meta.events.register("provide-client-params.*.SendEmail", lambda params, **_: sent.append(params))
        ses.add_response("send_email", {"MessageId": "1"})
        SesMailer("shop@cloudretail.example", "https://shop.cloudretail.example").tell_account_exists(EMAIL)
        (mail,) = sent
        assert mail["FromEmailAddress"] == "shop@cloudretail.example"
        assert mail["Destination"] == {"ToAddresses": [EMAIL]}
        text = mail["Content"]["Simple"]["Body"]["Text"]["Data"]
        assert "already has an account" in " ".join(text.split())
        assert "to https://shop.cloudretail.example\n" in text

    @pytest.mark.parametrize("code", ["MessageRejected", "TooManyRequestsException", "AccessDeniedException"])
    def test_a_mail_that_cannot_be_sent_is_told_as_an_unmailed_code_is(self, ses: Stubber, code: str) -> None:
        refused(ses, "send_email", code)
        with pytest.raises(Transient):
            SesMailer("shop@cloudretail.example", "https://shop.cloudretail.example").tell_account_exists(EMAIL)
