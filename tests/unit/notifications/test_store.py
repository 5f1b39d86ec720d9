"""A mail is claimed before it is sent: one suite for the real store and the one in memory."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from cloudretail import dynamodb
from cloudretail.retries import LEAST_DELIVERIES, PATIENCE
from notifications.domain import MailId
from notifications.store import LEASE, Claim, DynamoDBSentMails, SentMails
from tests.support.examples import NOW
from tests.support.mails import InMemorySentMails
from tests.support.tables import TEMPLATE, items_of
from tests.support.turns import calls_take_turns
from tests.support.wire import Wire, refused

MAIL = MailId("ord_1", "OrderConfirmed")
MOMENT = timedelta(milliseconds=1)
LATER = NOW + timedelta(seconds=5)
RAN_OUT = NOW + LEASE


@pytest.fixture(params=["on DynamoDB", "in memory"])
def mails(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SentMails:
    if request.param == "in memory":
        return InMemorySentMails()
    request.getfixturevalue("tables")
    calls_take_turns(monkeypatch)
    return DynamoDBSentMails("SentMailsTable")


def claims_at_once(mails: SentMails, now: datetime) -> Counter[Claim]:
    start = Barrier(8)

    def claim(_: int) -> Claim:
        start.wait(timeout=10)
        return mails.claim(MAIL, now)

    with ThreadPoolExecutor(8) as threads:
        return Counter(threads.map(claim, range(8)))


def test_who_asks_first_sends(mails: SentMails) -> None:
    assert mails.claim(MAIL, NOW) is Claim.OURS


def test_a_claim_holds_off_others_until_its_lease_has_run_out(mails: SentMails) -> None:
    mails.claim(MAIL, NOW)
    assert mails.claim(MAIL, NOW) is Claim.HELD
    assert mails.claim(MAIL, RAN_OUT - MOMENT) is Claim.HELD


def test_a_claim_whose_lease_has_run_out_is_taken_over_once(mails: SentMails) -> None:
    mails.claim(MAIL, NOW)
    assert mails.claim(MAIL, RAN_OUT) is Claim.OURS
    assert mails.claim(MAIL, RAN_OUT) is Claim.HELD


def test_what_was_sent_is_never_sent_again(mails: SentMails) -> None:
    mails.claim(MAIL, NOW)
    mails.mark_sent(MAIL, "ses-1", LATER)
    assert mails.claim(MAIL, LATER) is Claim.SENT
    assert mails.claim(MAIL, RAN_OUT) is Claim.SENT
    assert mails.claim(MAIL, NOW.replace(year=NOW.year + 10)) is Claim.SENT


def test_what_was_given_up_can_be_claimed_at_once(mails: SentMails) -> None:
    mails.claim(MAIL, NOW)
    mails.give_up(MAIL, NOW)
    assert mails.claim(MAIL, NOW + MOMENT) is Claim.OURS
    assert mails.claim(MAIL, NOW + MOMENT) is Claim.HELD


def test_who_comes_back_late_does_not_give_up_the_claim_of_its_successor(mails: SentMails) -> None:
    mails.claim(MAIL, NOW)
    mails.claim(MAIL, RAN_OUT)
    mails.give_up(MAIL, NOW)
    assert mails.claim(MAIL, RAN_OUT + MOMENT) is Claim.HELD


def test_what_was_sent_stays_sent_when_somebody_gives_up(mails: SentMails) -> None:
    mails.claim(MAIL, NOW)
    mails.mark_sent(MAIL, "ses-1", LATER)
    mails.give_up(MAIL, NOW)
    assert mails.claim(MAIL, RAN_OUT) is Claim.SENT


def test_giving_up_what_was_never_claimed_claims_nothing(mails: SentMails) -> None:
    mails.give_up(MAIL, NOW)
    assert mails.claim(MAIL, NOW) is Claim.OURS


def test_who_sent_although_somebody_took_over_still_ends_it(mails: SentMails) -> None:
    mails.claim(MAIL, NOW)
    mails.claim(MAIL, RAN_OUT)
    mails.mark_sent(MAIL, "ses-1", RAN_OUT + MOMENT)
    assert mails.claim(MAIL, RAN_OUT + 2 * LEASE) is Claim.SENT


def test_mails_of_other_kinds_and_orders_are_claimed_by_themselves(mails: SentMails) -> None:
    mails.claim(MAIL, NOW)
    assert mails.claim(MailId("ord_1", "OrderCancelled"), NOW) is Claim.OURS
    assert mails.claim(MailId("ord_2", "OrderConfirmed"), NOW) is Claim.OURS


def test_a_moment_is_the_same_in_every_time_zone(mails: SentMails) -> None:
    mails.claim(MAIL, NOW.astimezone(timezone(timedelta(hours=8))))
    assert mails.claim(MAIL, RAN_OUT - MOMENT) is Claim.HELD
    assert mails.claim(MAIL, RAN_OUT.astimezone(timezone(-timedelta(hours=5)))) is Claim.OURS


def test_of_threads_that_claim_at_once_one_sends(mails: SentMails) -> None:
    assert claims_at_once(mails, NOW) == {Claim.OURS: 1, Claim.HELD: 7}


def test_of_threads_that_take_over_at_once_one_sends(mails: SentMails) -> None:
    mails.claim(MAIL, NOW)
    assert claims_at_once(mails, RAN_OUT) == {Claim.OURS: 1, Claim.HELD: 7}


def test_a_lease_outlives_the_function_that_took_it() -> None:
    template = yaml_parse(TEMPLATE.read_text())
    own: dict[str, Any] = template["Resources"]["NotificationsReactions"]["Properties"]
    timeout = own.get("Timeout", template["Globals"]["Function"]["Timeout"])
    assert timedelta(seconds=timeout) < LEASE


def test_a_lease_runs_out_before_a_message_that_waits_for_it_is_a_dead_letter() -> None:
    assert PATIENCE > LEASE
    assert LEAST_DELIVERIES > 1


# What only the real one has to do with.


def test_a_record_tells_an_operator_when_and_under_which_id_and_not_to_whom(tables: None) -> None:
    mails = DynamoDBSentMails("SentMailsTable")
    mails.claim(MAIL, NOW)
    assert [dynamodb.from_item(item) for item in items_of("SentMailsTable")] == [
        {
            "orderId": "ord_1",
            "mail": "OrderConfirmed",
            "status": "CLAIMED",
            "claimedAt": "2026-01-02T03:04:05.000+00:00",
            "leaseUntil": "2026-01-02T03:04:25.000+00:00",
        }
    ]
    mails.mark_sent(MAIL, "ses-1", LATER)
    assert [dynamodb.from_item(item) for item in items_of("SentMailsTable")] == [
        {
            "orderId": "ord_1",
            "mail": "OrderConfirmed",
            "status": "SENT",
            "claimedAt": "2026-01-02T03:04:05.000+00:00",
            "sentAt": "2026-01-02T03:04:10.000+00:00",
            "messageId": "ses-1",
        }
    ]


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
def test_a_failure_of_dynamodb_is_no_claim_of_somebody_else(
    tables: None, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    mails = DynamoDBSentMails("SentMailsTable")
    Wire(monkeypatch).refuses(operation, refused("ThrottlingException"), times=2)
    with pytest.raises(ClientError, match="ThrottlingException"):
        mails.claim(MAIL, NOW)
        mails.give_up(MAIL, NOW)
