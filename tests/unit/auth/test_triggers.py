"""What Cognito's triggers are answered. The events are those of AWS' Developer guide."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, cast

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from auth import triggers
from auth.mailer import CONFIRM, EXISTS, RESET
from cloudretail import aws
from tests.support.identity import EMAIL
from tests.support.invocations import Context

CONTEXT = cast(LambdaContext, Context())
COMMON = {
    "version": "1",
    "region": "ap-southeast-1",
    "userPoolId": "ap-southeast-1_pool",
    "userName": "user-1",
    "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "client"},
}


def message(source: str) -> dict[str, Any]:
    return COMMON | {
        "triggerSource": source,
        "request": {
            "userAttributes": {"sub": "user-1", "email": EMAIL, "name": "<b>A name</b>"},
            "codeParameter": "{####}",
            "linkParameter": "{##Click Here##}",
            "usernameParameter": None,
        },
        "response": {"smsMessage": None, "emailMessage": None, "emailSubject": None},
    }


def token(*groups: str) -> dict[str, Any]:
    return COMMON | {
        "triggerSource": "TokenGeneration_Authentication",
        "request": {
            "userAttributes": {"sub": "user-1", "email": EMAIL},
            "groupConfiguration": {"groupsToOverride": list(groups), "iamRolesToOverride": [], "preferredRole": None},
        },
        "response": {"claimsOverrideDetails": None},
    }


class TestMailsWithACode:
    @pytest.mark.parametrize(
        ("source", "says", "not_that"),
        [
            ("CustomMessage_SignUp", "Confirm your e-mail address", "new password"),
            ("CustomMessage_ResendCode", "Confirm your e-mail address", "new password"),
            ("CustomMessage_ForgotPassword", "Choose a new password", "Confirm"),
        ],
    )
    def test_say_what_the_code_is_for(self, source: str, says: str, not_that: str) -> None:
        answer = triggers.message(message(source), CONTEXT)["response"]
        for text in (answer["emailSubject"], answer["emailMessage"]):
            assert says in text
            assert not_that not in text

    @pytest.mark.parametrize("source", ["CustomMessage_SignUp", "CustomMessage_ForgotPassword"])
    def test_have_the_code_once_warn_who_did_not_ask_and_carry_nobodys_text(self, source: str) -> None:
        answer = triggers.message(message(source), CONTEXT)["response"]
        text = " ".join(answer["emailMessage"].split())
        assert text.count("{####}") == 1
        assert "Do not pass the code on" in text or "do not pass the code on" in text
        assert "A name" not in text
        # Cognito's limits.
        assert len(answer["emailMessage"]) <= 20_000
        assert len(answer["emailSubject"]) <= 140

    def test_keep_cognitos_own_text_for_any_other_purpose(self) -> None:
        event = message("CustomMessage_AdminCreateUser")
        assert triggers.message(deepcopy(event), CONTEXT) == event


@pytest.mark.parametrize("letter", [CONFIRM, RESET, EXISTS], ids=lambda letter: letter.heading)
def test_every_mail_says_the_same_in_html_and_in_plain_text(letter: Any) -> None:
    html, text = (" ".join(letter.render(kind, code="123456").split()) for kind in ("html", "txt"))
    for sentence in (letter.heading, *letter.story, letter.warning):
        assert sentence in html
        assert sentence in text
    assert letter.preview in html


class TestTokens:
    @pytest.fixture
    def cognito(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
        client = boto3.client("cognito-idp", region_name="ap-southeast-1")
        monkeypatch.setattr(aws, "cognito", lambda: client)
        with Stubber(client) as stubber:
            yield stubber
            stubber.assert_no_pending_responses()

    @pytest.mark.parametrize("factors", [[], ["SMS_MFA"]])
    def test_have_no_group_that_opens_anything_without_an_authenticator_app(
        self, cognito: Stubber, factors: list[str]
    ) -> None:
        cognito.add_response(
            "admin_get_user",
            {"Username": "user-1", "UserMFASettingList": factors},
            {"UserPoolId": "ap-southeast-1_pool", "Username": "user-1"},
        )
        details = triggers.token(token("operators", "staff"), CONTEXT)["response"]["claimsOverrideDetails"]
        assert details == {"groupOverrideDetails": {"groupsToOverride": ["second-factor-needed"]}}

    def test_of_who_never_had_a_second_factor_have_none_either(self, cognito: Stubber) -> None:
        cognito.add_response("admin_get_user", {"Username": "user-1"})
        assert triggers.token(token("operators"), CONTEXT)["response"]["claimsOverrideDetails"]

    def test_keep_their_groups_with_one(self, cognito: Stubber) -> None:
        cognito.add_response("admin_get_user", {"Username": "user-1", "UserMFASettingList": ["SOFTWARE_TOKEN_MFA"]})
        event = token("operators")
        assert triggers.token(deepcopy(event), CONTEXT) == event

    def test_of_a_shopper_cost_no_call(self, cognito: Stubber) -> None:
        event = token()
        assert triggers.token(deepcopy(event), CONTEXT) == event

    def test_are_not_issued_while_nobody_knows(self, cognito: Stubber) -> None:
        cognito.add_client_error("admin_get_user", service_error_code="TooManyRequestsException")
        with pytest.raises(ClientError):
            triggers.token(token("operators"), CONTEXT)
