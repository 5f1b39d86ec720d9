"""What each answer of Cognito and SES means.

That the provider on Cognito keeps the whole contract is tried on the emulator, by the integration tests: moto has no
RevokeToken and no ResendConfirmationCode, takes any code, and signs unconfirmed users in.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from auth.domain import (
    AddressRefused,
    EmailNotConfirmed,
    PasswordNotSet,
    PasswordRefused,
    SecondFactorNeeded,
    SessionOver,
    Tokens,
    TooManyRequests,
    WrongCode,
    WrongCredentials,
    WrongSecondFactor,
)
from auth.identity_provider import CognitoIdentityProvider, Visit
from auth.mailer import SesMailer
from cloudretail import aws
from cloudretail.errors import Transient
from tests.support.identity import APP_CODE, EMAIL, PASSWORD, IdentityProviderContract, InMemoryIdentityProvider

REGION = "ap-southeast-1"
POOL = "ap-southeast-1_pool"
CLIENT, SECRET = "client", "the-secret-of-the-app-client"
VISIT = Visit("203.0.113.7", "Firefox", "shop.cloudretail.example", "/api/auth/login")


class TestInMemory(IdentityProviderContract):
    @pytest.fixture
    def provider(self) -> InMemoryIdentityProvider:
        return InMemoryIdentityProvider()

    @pytest.fixture
    def post(self, provider: InMemoryIdentityProvider) -> InMemoryIdentityProvider:
        return provider

    @pytest.fixture
    def app(self) -> Callable[[str], str]:
        return lambda _: APP_CODE


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
    """One that has asked for the client's secret already."""
    provider = CognitoIdentityProvider(POOL, CLIENT, lambda: VISIT)
    provider.__dict__["_secret"] = SECRET
    return provider


CONTEXT = {
    "IpAddress": "203.0.113.7",
    "ServerName": "shop.cloudretail.example",
    "ServerPath": "/api/auth/login",
    "HttpHeaders": [{"headerName": "User-Agent", "headerValue": "Firefox"}],
}


def hash_of(username: str) -> str:
    """As AWS' own example in Python makes it (Developer guide, "Computing secret hash values")."""
    digest = hmac.new(bytes(SECRET, "utf-8"), bytes(username + CLIENT, "utf-8"), digestmod=hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def refused(stubber: Stubber, operation: str, code: str, message: str = "Refused.") -> None:
    stubber.add_client_error(operation, service_error_code=code, service_message=message)


Call = Callable[[CognitoIdentityProvider], object]

CALLS: dict[str, Call] = {
    "admin_get_user": lambda provider: provider.find(EMAIL),
    "sign_up": lambda provider: provider.sign_up(EMAIL),
    "admin_update_user_attributes": lambda provider: provider.set_up(EMAIL, PASSWORD, "Shopper"),
    "admin_set_user_password": lambda provider: provider.set_up(EMAIL, PASSWORD, None),
    "get_tokens_from_refresh_token": lambda provider: provider.refresh("token"),
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
    with pytest.raises(TooManyRequests):
        CALLS[operation](provider)


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
    with pytest.raises(WrongCode):
        CALLS[operation](provider)


@pytest.mark.parametrize(
    "code",
    [
        "CodeDeliveryFailureException",
        "InvalidParameterException",
        "LimitExceededException",
        "NotAuthorizedException",
        "UserLambdaValidationException",
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


@pytest.mark.parametrize("code", ["NotAuthorizedException", "RefreshTokenReuseException", "UserNotFoundException"])
def test_a_refresh_that_cognito_refuses_ends_the_session(
    cognito: Stubber, provider: CognitoIdentityProvider, code: str
) -> None:
    refused(cognito, "get_tokens_from_refresh_token", code)
    with pytest.raises(SessionOver):
        provider.refresh("token")


def test_an_account_that_is_not_confirmed_says_so_at_sign_in(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    refused(cognito, "admin_initiate_auth", "UserNotConfirmedException")
    with pytest.raises(EmailNotConfirmed):
        provider.sign_in(EMAIL, PASSWORD)


def test_a_password_that_an_operator_took_back_is_not_enough(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    refused(cognito, "admin_initiate_auth", "PasswordResetRequiredException")
    cognito.add_response("admin_initiate_auth", {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "x" * 20})
    for _ in range(2):
        with pytest.raises(PasswordNotSet):
            provider.sign_in(EMAIL, PASSWORD)


def test_a_password_that_cognito_refuses_is_named_with_its_reason(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    message = "Password did not conform with policy: Password must have symbol characters"
    for operation in ("admin_set_user_password", "confirm_forgot_password"):
        refused(cognito, operation, "InvalidPasswordException", message)
        with pytest.raises(PasswordRefused, match=r"^Password must have symbol characters\.$"):
            CALLS[operation](provider)


def test_an_address_that_cognito_refuses_is_named(cognito: Stubber, provider: CognitoIdentityProvider) -> None:
    refused(cognito, "sign_up", "InvalidParameterException", "Invalid email address format.")
    with pytest.raises(AddressRefused):
        provider.sign_up(EMAIL)


@pytest.mark.parametrize("operation", ["sign_up", "admin_initiate_auth", "get_tokens_from_refresh_token"])
@pytest.mark.parametrize(
    "code", ["UserLambdaValidationException", "UnexpectedLambdaException", "InvalidLambdaResponseException"]
)
def test_a_trigger_of_the_pool_that_fails_may_answer_the_next_time(
    cognito: Stubber, provider: CognitoIdentityProvider, operation: str, code: str
) -> None:
    refused(cognito, operation, code)
    with pytest.raises(Transient):
        CALLS[operation](provider)


def test_a_day_on_which_cognito_mails_no_more_asks_for_patience(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    refused(cognito, "sign_up", "LimitExceededException", "Exceeded daily email limit for the operation.")
    with pytest.raises(TooManyRequests):
        provider.sign_up(EMAIL)


def test_a_code_that_cannot_be_mailed_at_registration_may_be_asked_for_again(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    refused(cognito, "sign_up", "CodeDeliveryFailureException")
    with pytest.raises(Transient):
        provider.sign_up(EMAIL)


@pytest.mark.parametrize("code", ["UnauthorizedException", "InvalidParameterException"])
def test_a_session_that_cognito_does_not_know_needs_no_end(
    cognito: Stubber, provider: CognitoIdentityProvider, code: str
) -> None:
    refused(cognito, "revoke_token", code)
    provider.revoke("token")


def test_a_session_is_ended_by_its_refresh_token(cognito: Stubber, provider: CognitoIdentityProvider) -> None:
    cognito.add_response("revoke_token", {}, {"ClientId": CLIENT, "ClientSecret": SECRET, "Token": "token"})
    provider.revoke("token")


class TestTheClientsSecret:
    """Cognito takes these calls unsigned: the hash tells this service from anybody who knows its id."""

    @pytest.mark.parametrize(
        "operation",
        ["sign_up", "confirm_sign_up", "resend_confirmation_code", "forgot_password", "confirm_forgot_password"],
    )
    def test_stands_behind_every_call_about_a_user(
        self, cognito: Stubber, provider: CognitoIdentityProvider, operation: str
    ) -> None:
        sent: list[dict[str, Any]] = []
        aws.cognito().meta.events.register("provide-client-params.*.*", lambda params, **_: sent.append(params))
        refused(cognito, operation, "TooManyRequestsException")
        with pytest.raises(TooManyRequests):
            CALLS[operation](provider)
        assert sent[0]["SecretHash"] == hash_of(EMAIL)

    def test_is_asked_for_once(self, cognito: Stubber) -> None:
        cognito.add_response(
            "describe_user_pool_client",
            {"UserPoolClient": {"ClientSecret": SECRET}},
            {"UserPoolId": POOL, "ClientId": CLIENT},
        )
        provider = CognitoIdentityProvider(POOL, CLIENT, lambda: VISIT)
        for token in ("one", "two"):
            cognito.add_response("revoke_token", {}, {"ClientId": CLIENT, "ClientSecret": SECRET, "Token": token})
            provider.revoke(token)


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("admin_initiate_auth", {"ContextData": CONTEXT}),
        *(
            (operation, {"UserContextData": {"IpAddress": "203.0.113.7"}})
            for operation in (
                "sign_up",
                "confirm_sign_up",
                "resend_confirmation_code",
                "forgot_password",
                "confirm_forgot_password",
            )
        ),
    ],
)
def test_cognito_is_told_from_where_somebody_asks(
    cognito: Stubber, provider: CognitoIdentityProvider, operation: str, told: dict[str, Any]
) -> None:
    sent: list[dict[str, Any]] = []
    aws.cognito().meta.events.register("provide-client-params.*.*", lambda params, **_: sent.append(params))
    refused(cognito, operation, "TooManyRequestsException")
    with pytest.raises(TooManyRequests):
        CALLS[operation](provider)
    assert {name: value for name, value in sent[0].items() if name.endswith("ContextData")} == told


def test_nobody_knows_the_password_of_an_address_that_was_not_confirmed(
    cognito: Stubber, provider: CognitoIdentityProvider
) -> None:
    sent: list[dict[str, Any]] = []
    aws.cognito().meta.events.register("provide-client-params.*.SignUp", lambda params, **_: sent.append(params))
    for _ in range(2):
        cognito.add_response("sign_up", {"UserConfirmed": False, "UserSub": "user-1"})
        provider.sign_up(EMAIL)
    assert sent[0]["Password"] != sent[1]["Password"]
    assert all(len(each["Password"]) >= 64 for each in sent)
    assert sent[0]["UserAttributes"] == [{"Name": "email", "Value": EMAIL}]


class TestRefreshing:
    """As recorded from AWS' documentation: with rotation on, the answer has the next token; without, it has none."""

    RESULT: ClassVar = {"IdToken": "id", "AccessToken": "access", "ExpiresIn": 300, "TokenType": "Bearer"}
    REQUEST: ClassVar = {"ClientId": CLIENT, "ClientSecret": SECRET, "RefreshToken": "first"}

    @pytest.mark.parametrize(("answered", "goes_on_with"), [({"RefreshToken": "second"}, "second"), ({}, "first")])
    def test_goes_on_with_the_newest_token(
        self, cognito: Stubber, provider: CognitoIdentityProvider, answered: dict[str, str], goes_on_with: str
    ) -> None:
        cognito.add_response(
            "get_tokens_from_refresh_token", {"AuthenticationResult": self.RESULT | answered}, self.REQUEST
        )
        assert provider.refresh("first") == Tokens("id", 300, goes_on_with)


class TestTheSecondFactor:
    CHALLENGE: ClassVar = {
        "ChallengeName": "SOFTWARE_TOKEN_MFA",
        "Session": "s" * 20,
        "ChallengeParameters": {"USER_ID_FOR_SRP": "user-1"},
    }

    def test_is_asked_for_after_the_password(self, cognito: Stubber, provider: CognitoIdentityProvider) -> None:
        cognito.add_response("admin_initiate_auth", self.CHALLENGE)
        with pytest.raises(SecondFactorNeeded):
            provider.sign_in(EMAIL, PASSWORD)

    def test_is_proved_in_the_name_that_the_challenge_has(
        self, cognito: Stubber, provider: CognitoIdentityProvider
    ) -> None:
        cognito.add_response("admin_initiate_auth", self.CHALLENGE)
        cognito.add_response(
            "admin_respond_to_auth_challenge",
            {"AuthenticationResult": {"IdToken": "id", "ExpiresIn": 300, "RefreshToken": "refresh"}},
            {
                "UserPoolId": POOL,
                "ClientId": CLIENT,
                "ChallengeName": "SOFTWARE_TOKEN_MFA",
                "Session": "s" * 20,
                "ChallengeResponses": {
                    "USERNAME": "user-1",
                    "SOFTWARE_TOKEN_MFA_CODE": APP_CODE,
                    "SECRET_HASH": hash_of("user-1"),
                },
                "ContextData": CONTEXT,
            },
        )
        assert provider.sign_in(EMAIL, PASSWORD, APP_CODE) == Tokens("id", 300, "refresh")

    @pytest.mark.parametrize("code", ["CodeMismatchException", "ExpiredCodeException", "NotAuthorizedException"])
    def test_that_is_not_proved_is_no_wrong_password(
        self, cognito: Stubber, provider: CognitoIdentityProvider, code: str
    ) -> None:
        cognito.add_response("admin_initiate_auth", self.CHALLENGE)
        refused(cognito, "admin_respond_to_auth_challenge", code)
        with pytest.raises(WrongSecondFactor):
            provider.sign_in(EMAIL, PASSWORD, APP_CODE)

    @pytest.mark.parametrize("code", ["CodeMismatchException", "EnableSoftwareTokenMFAException"])
    def test_is_not_set_up_with_a_code_of_another_app(
        self, cognito: Stubber, provider: CognitoIdentityProvider, code: str
    ) -> None:
        cognito.add_response(
            "admin_initiate_auth",
            {"AuthenticationResult": {"IdToken": "id", "AccessToken": "access", "ExpiresIn": 300}},
        )
        refused(cognito, "verify_software_token", code)
        with pytest.raises(WrongSecondFactor):
            provider.finish_second_factor(EMAIL, PASSWORD, APP_CODE)


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
        SesMailer("shop@cloudretail.example", "mails", "https://shop.cloudretail.example").tell_account_exists(EMAIL)
        (mail,) = sent
        assert mail["FromEmailAddress"] == "shop@cloudretail.example"
        assert mail["ConfigurationSetName"] == "mails"
        assert mail["Destination"] == {"ToAddresses": [EMAIL]}
        for text in (mail["Content"]["Simple"]["Body"][form]["Data"] for form in ("Text", "Html")):
            assert "already has an account" in " ".join(text.split())
            assert "https://shop.cloudretail.example/login" in text

    @pytest.mark.parametrize("code", ["MessageRejected", "TooManyRequestsException", "AccessDeniedException"])
    def test_a_mail_that_cannot_be_sent_is_told_as_an_unmailed_code_is(self, ses: Stubber, code: str) -> None:
        refused(ses, "send_email", code)
        with pytest.raises(Transient):
            SesMailer("shop@cloudretail.example", "mails", "https://shop.cloudretail.example").tell_account_exists(
                EMAIL
            )
