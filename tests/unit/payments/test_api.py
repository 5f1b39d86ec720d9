"""The payments API: what each request is answered, that a refused one changes nothing, and that no card shows."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudretail import origin
from cloudretail.http import MAX_BODY, encode_cursor
from cloudretail.repository import MAX_RACES
from contract import parse
from contract.values import CodRefusal
from payments import api
from payments.domain import MAX_ATTEMPTS, Payment
from tests.support.examples import NOW, ORDER, PAYMENT, name_of
from tests.support.http import Answer, call
from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS, STAFF_CLAIMS
from tests.support.wire import Wire, everything_printed, refused
from tests.unit.payments.conftest import Till
from tests.unit.payments.test_rules import RETURN_ID, paid, payment

ORDER_ID = str(ORDER["order_id"])
OTHER_CLAIMS = {**SHOPPER_CLAIMS, "sub": "user-2"}
CARD_NUMBER = "4242424242424242"
VISA = {"method": "CARD", "cardToken": "tok_visa"}


def pay(body: object = VISA, *, order_id: str = ORDER_ID, **request: Any) -> Answer:
    return call(api.handler, "POST", f"/api/orders/{order_id}/payment", body, **({"claims": SHOPPER_CLAIMS} | request))


def look(*, order_id: str = ORDER_ID, claims: Any = SHOPPER_CLAIMS) -> Answer:
    return call(api.handler, "GET", f"/api/orders/{order_id}/payment", claims=claims)


@pytest.fixture
def pending(till: Till) -> Till:
    """The order is there; payments has not heard of it yet."""
    till.has_order(ORDER_ID, "PENDING")
    return till


# --- paying ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["PENDING", "RESERVED"])
def test_a_method_can_be_chosen_before_payments_has_heard_of_the_order(till: Till, status: str) -> None:
    till.has_order(ORDER_ID, status)

    answer = pay()

    assert (answer.status, answer.body) == (
        202,
        {
            "orderId": ORDER_ID,
            "status": "OPEN",
            "challenge": None,
            "method": "CARD",
            "amount": {"amount": 15430, "currency": "SGD"},
            "attempts": 0,
            "maxAttempts": MAX_ATTEMPTS,
            "declineReason": None,
            "refunds": [],
        },
    )
    assert (till.row.state.method, till.row.state.card_token, till.row.outbox) == ("CARD", "tok_visa", None)


def test_the_choice_starts_the_attempt_if_the_rest_is_known(pending: Till) -> None:
    pending.has(payment("AR."))

    answer = pay()

    assert (answer.status, answer.body["status"], answer.body["attempts"]) == (202, "SUBMITTED", 1)
    outbox = pending.row.outbox
    assert outbox
    event = parse(outbox.events[0])
    assert (name_of(event.data), event.causation_id) == ("PaymentSubmitted", "request-1")


def test_cash_can_be_chosen(pending: Till) -> None:
    answer = pay({"method": "COD"})

    assert (answer.status, answer.body["method"]) == (202, "COD")
    assert pending.row.state.card_token is None


def test_a_choice_can_be_changed_until_the_attempt_starts(pending: Till) -> None:
    pay()

    assert pay({"method": "COD"}).status == 202
    assert (pending.row.state.method, pending.row.state.card_token) == ("COD", None)


def test_after_a_declined_attempt_another_card_can_be_tried(pending: Till) -> None:
    pending.has(payment("AR.", attempts=1))
    assert look().body["declineReason"] == "the card was declined"

    answer = pay()

    assert (answer.status, answer.body["status"], answer.body["attempts"]) == (202, "SUBMITTED", 2)


def test_paying_while_an_attempt_runs_is_refused_and_the_attempt_goes_on(pending: Till) -> None:
    pending.has(payment("AR."))
    pay()

    with pending.unchanged():
        answer = pay({"method": "COD"})
        again = pay()

    assert (answer.status, answer.problem) == (409, "payment-in-progress")
    assert again == answer


@pytest.mark.parametrize("why", CodRefusal)
def test_what_checkout_refused_to_be_paid_in_cash_cannot_be_chosen_later_and_a_card_can(
    till: Till, why: CodRefusal
) -> None:
    till.has_order(ORDER_ID, "RESERVED", codRefusal=why)

    with till.unchanged():
        answer = pay({"method": "COD"})

    assert (answer.status, answer.problem, answer.body["codRefusal"]) == (409, "cod-refused", why)
    assert pay().status == 202


def test_a_refusal_of_cash_that_this_code_does_not_know_yet_is_one_all_the_same(till: Till) -> None:
    till.has_order(ORDER_ID, "RESERVED", codRefusal="GUEST_WITHOUT_CODE")

    assert pay({"method": "COD"}).problem == "cod-refused"


def test_too_many_attempts_by_card_are_refused_and_cash_and_others_are_not(till: Till) -> None:
    for number in range(11):
        till.has_order(f"ord_{number}", "RESERVED")
    till.has_order("ord_other", "RESERVED", user="user-2")

    answers = [pay(order_id=f"ord_{number}") for number in range(11)]

    assert [answer.status for answer in answers] == [202] * 10 + [429]
    assert (answers[-1].problem, answers[-1].body["limit"]) == ("too-many-requests", "card")
    assert answers[-1].body["until"] > datetime.now(UTC).isoformat()
    assert pay({"method": "COD"}, order_id="ord_10").status == 202
    assert pay(order_id="ord_other", claims=OTHER_CLAIMS).status == 202


def test_what_is_refused_for_another_reason_is_no_attempt_by_card(till: Till) -> None:
    till.has_order(ORDER_ID, "CANCELLED")
    assert {pay().status for _ in range(12)} == {409}

    till.has_order("ord_1", "RESERVED")
    assert pay(order_id="ord_1").status == 202


@pytest.mark.parametrize("status", ["CONFIRMED", "REJECTED", "CANCELLED"])
def test_an_order_that_has_ended_cannot_be_paid(till: Till, status: str) -> None:
    till.has_order(ORDER_ID, status)

    with till.unchanged():
        answer = pay()

    assert (answer.status, answer.problem, answer.body["orderStatus"]) == (409, "not-payable", status)
    assert status not in answer.body["detail"], "a shopper reads this"
    # The problem's own `status` is the HTTP status (RFC 9457).
    assert answer.body["status"] == 409


@pytest.mark.parametrize(
    "state",
    [
        payment("ARK", "SUCCEEDED", attempts=1),
        payment("ARK", "SUCCEEDED", attempts=1, refund="REQUESTED"),
        payment("AR.", "VOIDED"),
        payment("AR.", "FAILED"),
    ],
    ids=lambda state: state.status.value,
)
def test_a_payment_that_has_ended_before_its_order_heard_of_it_cannot_be_made_again(
    pending: Till, state: Payment
) -> None:
    pending.has(state)

    with pending.unchanged():
        answer = pay()

    assert (answer.status, answer.problem) == (409, "not-payable")


def test_two_choices_at_once_are_both_taken_one_after_the_other(pending: Till, wire: Wire) -> None:
    wire.before("PutItem", lambda: pending.has(payment(".R.")), table="PaymentsTable")

    assert pay().status == 202

    assert (pending.row.state.reserved, pending.row.state.method) == (True, "CARD")


def test_a_payment_that_starts_in_between_is_not_started_twice(pending: Till, wire: Wire) -> None:
    pending.has(payment("AR."))
    wire.before("PutItem", lambda: pending.has(payment("ARK", "SUBMITTED", attempts=1)), table="PaymentsTable")

    answer = pay({"method": "COD"})

    assert (answer.status, answer.problem) == (409, "payment-in-progress")
    assert (pending.row.state.method, pending.row.state.attempts) == ("CARD", 1)


INVALID: list[tuple[str, Any, list[str]]] = [
    ("nothing", {}, ["method"]),
    ("no method", {"cardToken": "tok_visa"}, ["method"]),
    ("an unknown method", {"method": "BARTER"}, ["method"]),
    ("a method in lower case", {"method": "cod"}, ["method"]),
    ("a method that is a number", {"method": 1}, ["method"]),
    ("a card without a token", {"method": "CARD"}, ["body"]),
    ("a card with no token", {"method": "CARD", "cardToken": None}, ["body"]),
    ("cash with a token", {"method": "COD", "cardToken": "tok_visa"}, ["body"]),
    ("a card number for a token", {"method": "CARD", "cardToken": CARD_NUMBER}, ["cardToken"]),
    ("a card number in a token", {"method": "CARD", "cardToken": f"4242-{CARD_NUMBER}"}, ["cardToken"]),
    ("a card number as a number", {"method": "CARD", "cardToken": int(CARD_NUMBER)}, ["cardToken"]),
    ("an empty token", {"method": "CARD", "cardToken": ""}, ["cardToken"]),
    ("a token too long", {"method": "CARD", "cardToken": "tok_" + "a" * 61}, ["cardToken"]),
    ("a token with a line end", {"method": "CARD", "cardToken": "tok_visa\n"}, ["cardToken"]),
    ("an unknown field", {**VISA, "tip": 5}, ["tip"]),
    ("a card number beside the token", {**VISA, "cardNumber": CARD_NUMBER}, ["cardNumber"]),
    ("a security code beside the token", {**VISA, "cvc": "123"}, ["cvc"]),
]


@pytest.mark.parametrize("body, fields", [case[1:] for case in INVALID], ids=[case[0] for case in INVALID])
def test_invalid_input_is_refused_and_nothing_of_a_card_is_logged_or_answered(
    pending: Till, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], fields: list[str]
) -> None:
    printed = everything_printed(monkeypatch)

    with pending.unchanged():
        answer = pay(body)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", fields)
    for secret in (CARD_NUMBER, "tok_", '"123"'):
        assert secret not in printed.getvalue()
    assert CARD_NUMBER not in str(answer.body)
    assert "tok_visa" not in str(answer.body)


@pytest.mark.parametrize(
    "raw_body, content_type, status, problem",
    [
        (f'{{"method": "CARD", "cardToken": "{CARD_NUMBER}"', "application/json", 400, "malformed-json"),
        (f"cardToken={CARD_NUMBER}", "application/json", 400, "malformed-json"),
        (f"cardToken={CARD_NUMBER}", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (f'{{"cardToken": "{CARD_NUMBER * MAX_BODY}"}}', "application/json", 413, "body-too-large"),
        (f'["{CARD_NUMBER}"]', "application/json", 422, "invalid-input"),
        (f'"{CARD_NUMBER}"', "application/json", 422, "invalid-input"),
        ("null", "application/json", 422, "invalid-input"),
    ],
    ids=["cut off", "no JSON", "as a form", "too large", "a list", "a text", "null"],
)
def test_a_body_that_is_no_payment_is_refused_and_not_logged(
    pending: Till, monkeypatch: pytest.MonkeyPatch, raw_body: str, content_type: str, status: int, problem: str
) -> None:
    printed = everything_printed(monkeypatch)

    with pending.unchanged():
        answer = pay(None, raw_body=raw_body, headers={"Content-Type": content_type})

    assert (answer.status, answer.problem) == (status, problem)
    assert CARD_NUMBER not in printed.getvalue()
    assert CARD_NUMBER not in str(answer.body)


def test_no_body_at_all_is_refused(pending: Till) -> None:
    with pending.unchanged():
        assert pay(None).status == 422


def test_a_taken_token_is_in_no_answer_and_in_no_log_line(pending: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = everything_printed(monkeypatch)
    pending.has(payment("AR."))

    answers = [pay(), look(), pay()]

    assert [answer.status for answer in answers] == [202, 200, 409]
    assert "PaymentSubmitted" in printed.getvalue()
    assert "tok_" not in printed.getvalue()
    assert "tok_" not in str([answer.body for answer in answers])
    assert pending.row.outbox
    assert "tok_" not in str(pending.row.outbox.events)


@pytest.mark.parametrize(
    "error, times",
    [(refused("ConditionalCheckFailedException"), MAX_RACES), (refused("ThrottlingException"), 1)],
    ids=["always too late", "throttled"],
)
def test_a_shop_that_is_too_busy_says_so_logs_no_token_and_has_changed_nothing(
    pending: Till, wire: Wire, monkeypatch: pytest.MonkeyPatch, error: Exception, times: int
) -> None:
    printed = everything_printed(monkeypatch)
    wire.refuses("PutItem", error, times=times, table="PaymentsTable")

    with pending.unchanged():
        answer = pay()

    assert (answer.status, answer.problem) == (503, "try-again")
    assert "tok_" not in printed.getvalue()
    assert pay().status == 202


# --- what can be paid with ------------------------------------------------------------------------------------------


def offered() -> Answer:
    return call(api.handler, "GET", "/api/payment-methods")


@pytest.fixture
def without_gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stage that is not local, as it is deployed: it has no sandbox."""
    monkeypatch.setenv("STAGE", "prod")
    monkeypatch.setenv("CARD_GATEWAY", "")
    # Whichever test comes first in a process would look for the secret of such a stage.
    monkeypatch.setattr(origin, "came_through_cloudfront", lambda event: True)
    api._settings.cache_clear()
    yield
    api._settings.cache_clear()


def test_the_local_shop_takes_test_cards_and_cash(till: Till) -> None:
    answer = offered()

    assert (answer.status, answer.body) == (
        200,
        {"methods": ["CARD", "COD"], "cardGateway": "sandbox", "publishableKey": None},
    )


def test_a_stage_without_a_gateway_offers_cash_only(till: Till, without_gateway: None) -> None:
    assert offered().body == {"methods": ["COD"], "cardGateway": None, "publishableKey": None}


def test_a_stage_with_stripe_says_what_its_form_names_the_account_by(
    till: Till, without_gateway: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARD_GATEWAY", "stripe")
    monkeypatch.setenv("STRIPE_PUBLISHABLE_KEY", "pk_test_1")

    assert offered().body == {"methods": ["CARD", "COD"], "cardGateway": "stripe", "publishableKey": "pk_test_1"}


def test_a_stage_without_a_gateway_refuses_a_card_and_says_what_it_takes(pending: Till, without_gateway: None) -> None:
    with pending.unchanged():
        answer = pay()

    assert (answer.status, answer.problem, answer.fields) == (422, "payment-method-not-offered", ["method"])
    assert answer.body["methods"] == ["COD"]
    assert answer.body["detail"] == "CARD is not taken in this shop. You can pay by COD."
    assert pay({"method": "COD"}).status == 202


# --- looking --------------------------------------------------------------------------------------------------------


def test_before_payments_has_heard_of_the_order_it_is_waiting(pending: Till) -> None:
    with pending.unchanged():
        answer = look()

    assert (answer.status, answer.body["status"], answer.body["method"], answer.body["attempts"]) == (
        200,
        "WAITING",
        None,
        0,
    )
    assert answer.body["amount"] == {"amount": 15430, "currency": "SGD"}


@pytest.mark.parametrize(
    "state",
    [
        payment("AR."),
        payment("ARK", "SUBMITTED", attempts=1),
        payment("ARK", "SUCCEEDED", attempts=1),
        payment("ARK", "SUCCEEDED", attempts=1, refund="REQUESTED"),
        payment("ARK", "SUCCEEDED", attempts=1, refund="DONE"),
        payment("ARK", "SUCCEEDED", attempts=1, refund="TO_PAY_BY_HAND"),
        payment("AR.", "VOIDED"),
        payment("AR.", "FAILED", attempts=3),
    ],
    ids=lambda state: state.status.value,
)
def test_a_payment_shows_where_it_stands(pending: Till, state: Payment) -> None:
    pending.has(state)

    answer = look()

    assert (answer.status, answer.body["status"], answer.body["attempts"]) == (200, state.status, state.attempts)


def test_a_payment_of_a_cancelled_order_can_still_be_looked_at(till: Till) -> None:
    till.has_order(ORDER_ID, "CANCELLED")
    till.has(payment("ARK", "SUCCEEDED", attempts=1, refund="DONE"))

    seen = look().body
    assert (seen["status"], [refund["status"] for refund in seen["refunds"]]) == ("SUCCEEDED", ["DONE"])


# --- who is asking --------------------------------------------------------------------------------------------------


def test_another_shoppers_order_does_not_exist(pending: Till) -> None:
    pending.has(payment("AR."))

    with pending.unchanged():
        paid, seen = pay(claims=OTHER_CLAIMS), look(claims=OTHER_CLAIMS)
        unknown = look(order_id="ord_unknown")

    assert [answer.status for answer in (paid, seen, unknown)] == [404, 404, 404]
    assert paid == seen == unknown


@pytest.mark.parametrize(
    "claims",
    [
        None,
        {},
        {**SHOPPER_CLAIMS, "token_use": "access"},
        {**SHOPPER_CLAIMS, "email_verified": "false"},
    ],
    ids=["nobody", "no claims", "an access token", "an unverified address"],
)
def test_only_a_signed_in_shopper_is_answered(pending: Till, claims: dict[str, str] | None) -> None:
    with pending.unchanged():
        answers = [pay(claims=claims), look(claims=claims)]

    assert [(answer.status, answer.problem) for answer in answers] == [(401, "unauthorized")] * 2


@pytest.mark.parametrize("order_id", ["ord_1!", "a" * 65], ids=["another character", "too long"])
def test_what_is_no_order_id_is_refused(till: Till, order_id: str) -> None:
    assert [pay(order_id=order_id).fields, look(order_id=order_id).fields] == [["order_id"], ["order_id"]]


def test_the_order_is_read_consistently_and_with_its_owner_in_the_condition(pending: Till, wire: Wire) -> None:
    look()

    (query,) = wire.made("Query")
    assert query["ConsistentRead"] is True
    assert query["ExpressionAttributeValues"] == {":order": {"S": ORDER_ID}, ":user": {"S": "user-1"}}


def test_the_payment_of_an_order_is_that_orders_own(pending: Till) -> None:
    pay()

    assert pending.row.state.payment_id == PAYMENT["payment_id"]
    assert pending.row.state.order_id == ORDER_ID


# --- what staff pay back by hand --------------------------------------------------------------------------------------

STAFF_PATH = "/api/admin"
TO_PAY, BACK = "SUCCEEDED C took 15430; return 5990 TO_PAY_BY_HAND", {"reference": "transfer-1"}


def listed(claims: Any = STAFF_CLAIMS, **query: str) -> Answer:
    return call(api.handler, "GET", f"{STAFF_PATH}/refunds", claims=claims, query=query)


def pays_back(
    body: object = BACK, *, refund_id: str = RETURN_ID, order_id: str = ORDER_ID, claims: Any = STAFF_CLAIMS
) -> Answer:
    path = f"{STAFF_PATH}/orders/{order_id}/refunds/{refund_id}/paid"
    return call(api.handler, "POST", path, body, claims=claims)


def another(number: int, hour: int) -> Payment:
    """Another order's payment in cash, of which a return is to be paid back since this hour."""
    state = paid(TO_PAY)
    (refund,) = state.refunds
    refund = refund.model_copy(update={"requested_at": NOW.replace(hour=hour)})
    ids = {"payment_id": f"pay_{number}", "order_id": f"ord_{number}"}
    return state.model_copy(update={**ids, "refunds": (refund,)})


def test_money_that_a_person_has_given_back_is_noted_with_the_reference_and_published(till: Till) -> None:
    till.has(paid(TO_PAY))

    answer = pays_back()

    amount = {"amount": 5990, "currency": "SGD"}
    assert (answer.status, answer.body) == (202, {"refundId": RETURN_ID, "amount": amount, "status": "PAID_BY_HAND"})
    (refund,) = till.row.state.refunds
    assert (refund.paid_reference, refund.paid_by) == ("transfer-1", "staff-1")
    outbox = till.row.outbox
    assert outbox
    assert [name_of(parse(document).data) for document in outbox.events] == ["PaymentRefunded"]
    with till.unchanged():
        assert pays_back() == answer


@pytest.mark.parametrize(
    "state, body, problem",
    [
        ("SUCCEEDED C took 15430; return 5990 PAID_BY_HAND", {"reference": "transfer-2"}, "refund-paid-otherwise"),
        ("SUCCEEDED K; return 5990 REQUESTED", BACK, "refund-in-progress"),
        ("SUCCEEDED K; return 5990 DONE", BACK, "refund-done"),
    ],
    ids=["with another reference", "the provider is at it", "the provider did it"],
)
def test_money_is_given_back_once(till: Till, state: str, body: object, problem: str) -> None:
    till.has(paid(state))

    with till.unchanged():
        answer = pays_back(body)

    assert (answer.status, answer.problem) == (409, problem)
    # The problem's own `status` is the HTTP status (RFC 9457).
    assert (answer.body["status"], answer.body["refundStatus"]) == (409, state.split()[-1])


@pytest.mark.parametrize("ids", [{"refund_id": "ret_nobodys"}, {"order_id": "ord_nobodys"}])
def test_a_refund_that_is_not_there_is_not_found(till: Till, ids: dict[str, str]) -> None:
    till.has(paid(TO_PAY))

    with till.unchanged():
        answer = pays_back(**ids)

    assert (answer.status, answer.problem) == (404, "not-found")


@pytest.mark.parametrize(
    "body, fields",
    [
        ({}, ["reference"]),
        ({"reference": " "}, ["reference"]),
        ({"reference": "r" * 101}, ["reference"]),
        ({"reference": "two\nlines"}, ["reference"]),
        ({**BACK, "amount": 1}, ["amount"]),
    ],
    ids=["no reference", "blanks", "too long", "two lines", "an amount of one's own"],
)
def test_a_payment_by_hand_needs_a_reference_and_nothing_else(till: Till, body: object, fields: list[str]) -> None:
    till.has(paid(TO_PAY))

    with till.unchanged():
        answer = pays_back(body)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", fields)


def test_a_shop_too_busy_to_note_a_payment_by_hand_has_changed_nothing(till: Till, wire: Wire) -> None:
    till.has(paid(TO_PAY))
    wire.refuses("PutItem", refused("ConditionalCheckFailedException"), times=MAX_RACES, table="PaymentsTable")

    with till.unchanged():
        answer = pays_back()

    assert (answer.status, answer.problem) == (503, "try-again")
    assert pays_back().status == 202


def test_what_is_still_to_be_given_back_is_listed_the_oldest_first_page_by_page(till: Till) -> None:
    for number, hour in ((1, 9), (2, 7), (3, 8)):
        till.has(another(number, hour))

    first = listed(limit="2")
    second = listed(limit="2", cursor=first.body["nextCursor"])

    assert [each["orderId"] for each in first.body["items"]] == ["ord_2", "ord_3"]
    assert [each["orderId"] for each in second.body["items"]] == ["ord_1"]


def test_an_open_refund_says_whose_it_is_how_it_was_paid_and_why_a_person_has_to_pay(till: Till) -> None:
    till.has(paid(TO_PAY))

    (found,) = listed().body["items"]

    assert found == {
        "refundId": RETURN_ID,
        "amount": {"amount": 5990, "currency": "SGD"},
        "status": "TO_PAY_BY_HAND",
        "orderId": ORDER_ID,
        "userEmail": ORDER["user_email"],
        "method": "COD",
        "requestedAt": "2026-01-02T03:04:05Z",
        "reason": found["reason"],
    }
    assert found["reason"]


def test_what_the_provider_still_has_to_do_is_listed_too_and_what_was_done_is_not(till: Till) -> None:
    till.has(paid("SUCCEEDED K; return 5990 DONE; cancellation 9440 REQUESTED"))

    (found,) = listed().body["items"]
    assert (found["refundId"], found["status"], found["method"], found["reason"]) == (
        "cancellation",
        "REQUESTED",
        "CARD",
        None,
    )


def test_what_was_paid_back_leaves_the_list(till: Till) -> None:
    till.has(paid(TO_PAY))
    pays_back()

    assert listed().body == {"items": [], "nextCursor": None}


@pytest.mark.parametrize(
    "query, field",
    [
        ({"limit": "101"}, "limit"),
        ({"cursor": "no-cursor"}, "cursor"),
        ({"cursor": encode_cursor({"paymentId": 1, "openRefundsSince": None})}, "cursor"),
    ],
    ids=["too many", "no cursor", "a cursor of no text"],
)
def test_a_list_of_refunds_that_cannot_be_is_refused(till: Till, query: dict[str, str], field: str) -> None:
    answer = listed(**query)

    assert (answer.status, answer.problem, answer.fields) == (422, "invalid-input", [field])


def shown(order_id: str = ORDER_ID, claims: Any = STAFF_CLAIMS) -> Answer:
    return call(api.handler, "GET", f"{STAFF_PATH}/orders/{order_id}/payment", claims=claims)


def test_staff_see_what_was_taken_what_is_left_and_what_became_of_each_refund(till: Till) -> None:
    till.has(paid(TO_PAY))
    pays_back()

    body = shown().body

    assert (body["orderId"], body["status"], body["method"], body["declineReason"]) == (
        ORDER_ID,
        "SUCCEEDED",
        "COD",
        None,
    )
    amounts = {name: body[name]["amount"] for name in ("total", "collected", "left")}
    assert amounts == {"total": 15430, "collected": 15430, "left": 15430 - 5990}
    (refund,) = body["refunds"]
    assert (refund["status"], refund["paidReference"], refund["paidBy"]) == ("PAID_BY_HAND", "transfer-1", "staff-1")


@pytest.mark.parametrize("status", ["REQUESTED", "DONE", "TO_PAY_BY_HAND", "PAID_BY_HAND"])
def test_staff_are_offered_to_pay_just_what_they_can_pay(till: Till, status: str) -> None:
    till.has(paid(f"SUCCEEDED C took 15430; return 5990 {status}"))
    version = till.row.version
    (refund,) = shown().body["refunds"]

    answer = pays_back()

    assert (refund["actions"] == ["paid"]) == (answer.status == 202 and till.row.version > version)


def test_a_payment_that_has_no_amount_yet_is_shown_without_one(till: Till) -> None:
    till.has(payment(".R."))

    body = shown().body

    assert (body["status"], body["total"], body["left"], body["refunds"]) == ("OPEN", None, None, [])


def test_a_payment_of_which_nothing_is_known_yet_is_not_found(till: Till) -> None:
    answer = shown()

    assert (answer.status, answer.problem) == (404, "not-found")


@pytest.mark.parametrize("claims", [SHOPPER_CLAIMS, OPERATOR_CLAIMS], ids=["a shopper", "an operator"])
def test_nobody_but_staff_sees_or_notes_refunds(till: Till, claims: Any) -> None:
    till.has(paid(TO_PAY))

    with till.unchanged():
        answers = [
            shown(claims=claims),
            listed(claims),
            pays_back(claims=claims),
            pays_back({"no": "field"}, claims=claims),
        ]

    assert [(answer.status, answer.problem) for answer in answers] == [(403, "staff-only")] * 4
