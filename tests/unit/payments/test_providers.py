"""What every payment provider does, and what each test token of the sandbox is for."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from payments.providers import (
    FLAKY_FAILURES,
    Accepted,
    Answer,
    CashOnDelivery,
    Provider,
    ProviderTimeout,
    ProviderUnavailable,
    Refused,
    Sandbox,
    TestToken,
)
from tests.support.examples import sgd
from tests.support.turns import calls_take_turns
from tests.support.wire import Wire, refused
from tests.unit.payments.conftest import Till

DECLINED = Refused("the card was declined")
UNKNOWN = Refused("the card is unknown")


class ProviderContract:
    """A test class derives from it, and has a fixture `provider` and a `token` that it accepts."""

    token: str | None

    def test_a_charge_is_accepted(self, provider: Provider) -> None:
        assert provider.charge("pay_1:1", sgd(1990), self.token) == Accepted()

    def test_the_same_key_twice_is_the_same_answer(self, provider: Provider) -> None:
        first = provider.charge("pay_1:1", sgd(1990), self.token)

        assert provider.charge("pay_1:1", sgd(1990), self.token) == first

    def test_what_was_never_charged_is_not_found(self, provider: Provider) -> None:
        provider.charge("pay_1:1", sgd(1990), self.token)

        assert provider.find("pay_1:2") is None
        assert provider.find("pay_2:1") is None

    def test_what_is_found_is_what_was_answered(self, provider: Provider) -> None:
        answer = provider.charge("pay_1:1", sgd(1990), self.token)

        assert provider.find("pay_1:1") in (None, answer)

    def test_asking_changes_nothing(self, provider: Provider) -> None:
        before = provider.find("pay_1:1")

        assert before is None
        assert provider.charge("pay_1:1", sgd(1990), self.token) == Accepted()

    def test_the_same_refund_twice_is_the_same_answer(self, provider: Provider) -> None:
        provider.charge("pay_1:1", sgd(1990), self.token)
        first = provider.refund("pay_1:refund", "pay_1:1", sgd(1990))

        assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == first

    def test_what_is_found_of_a_refund_is_what_was_answered(self, provider: Provider) -> None:
        provider.charge("pay_1:1", sgd(1990), self.token)
        assert provider.find("pay_1:refund") is None
        answer = provider.refund("pay_1:refund", "pay_1:1", sgd(1990))

        assert provider.find("pay_1:refund") in (None, answer)

    def test_what_was_never_charged_is_not_given_back(self, provider: Provider) -> None:
        assert isinstance(provider.refund("pay_1:refund", "pay_1:1", sgd(1990)), Refused)

    def test_a_refund_does_not_undo_what_is_known_of_the_charge(self, provider: Provider) -> None:
        provider.charge("pay_1:1", sgd(1990), self.token)
        provider.refund("pay_1:refund", "pay_1:1", sgd(1990))

        assert provider.charge("pay_1:1", sgd(1990), self.token) == Accepted()


class TestCashOnDelivery(ProviderContract):
    token = None

    @pytest.fixture
    def provider(self) -> Provider:
        return CashOnDelivery()

    def test_cash_is_never_given_back_by_a_provider(self, provider: Provider) -> None:
        provider.charge("pay_1:1", sgd(1990), None)

        assert isinstance(provider.refund("pay_1:refund", "pay_1:1", sgd(1990)), Refused)


class TestSandbox(ProviderContract):
    token = "tok_visa"

    @pytest.fixture
    def provider(self, till: Till) -> Provider:
        return Sandbox("SandboxChargesTable")

    def test_a_charge_is_remembered_once_by_its_key(self, provider: Provider, till: Till) -> None:
        provider.charge("pay_1:1", sgd(1990), "tok_visa")
        with till.unchanged():
            provider.charge("pay_1:1", sgd(1990), "tok_visa")
            provider.charge("pay_1:1", sgd(5), "tok_declined")

        (row,) = till.rows("SandboxChargesTable")
        assert (row["chargeKey"], row["amount"], row["currency"], row["outcome"]) == (
            "pay_1:1",
            1990,
            "SGD",
            "ACCEPTED",
        )

    @pytest.mark.parametrize("token", [*TestToken, "tok_other"])
    def test_no_token_is_remembered(self, provider: Provider, till: Till, token: str) -> None:
        for _ in range(FLAKY_FAILURES + 1):
            try:
                provider.charge("pay_1:1", sgd(1990), token)
            except (ProviderTimeout, ProviderUnavailable):
                continue

        assert "tok_" not in str(till.rows("SandboxChargesTable"))

    @pytest.mark.parametrize(
        "token, answer",
        [
            ("tok_visa", Accepted()),
            ("tok_norefund", Accepted()),
            ("tok_declined", DECLINED),
            ("tok_other", UNKNOWN),
            ("", UNKNOWN),
            (None, UNKNOWN),
        ],
    )
    def test_a_token_is_answered_as_the_table_says(self, provider: Provider, token: str | None, answer: Answer) -> None:
        assert provider.charge("pay_1:1", sgd(1990), token) == answer
        assert provider.find("pay_1:1") == answer

    def test_a_timeout_has_charged_all_the_same(self, provider: Provider) -> None:
        with pytest.raises(ProviderTimeout):
            provider.charge("pay_1:1", sgd(1990), "tok_timeout")

        assert provider.find("pay_1:1") == Accepted()
        assert provider.charge("pay_1:1", sgd(1990), "tok_timeout") == Accepted()
        assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == Accepted()

    def test_a_flaky_card_is_out_of_reach_twice_and_then_accepted(self, provider: Provider) -> None:
        for _ in range(FLAKY_FAILURES):
            with pytest.raises(ProviderUnavailable):
                provider.charge("pay_1:1", sgd(1990), "tok_flaky")
            assert provider.find("pay_1:1") is None

        assert provider.charge("pay_1:1", sgd(1990), "tok_flaky") == Accepted()
        assert provider.find("pay_1:1") == Accepted()

    def test_each_attempt_with_a_flaky_card_is_out_of_reach_anew(self, provider: Provider) -> None:
        for key in ("pay_1:1", "pay_1:2"):
            for _ in range(FLAKY_FAILURES):
                with pytest.raises(ProviderUnavailable):
                    provider.charge(key, sgd(1990), "tok_flaky")
            assert provider.charge(key, sgd(1990), "tok_flaky") == Accepted()

    def test_what_was_charged_is_given_back_once(self, provider: Provider, till: Till) -> None:
        provider.charge("pay_1:1", sgd(1990), "tok_visa")

        assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == Accepted()
        with till.unchanged():
            assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == Accepted()

    def test_a_card_that_takes_no_refunds_says_so_each_time(self, provider: Provider) -> None:
        provider.charge("pay_1:1", sgd(1990), "tok_norefund")

        for _ in range(2):
            assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == Refused("this card takes no refunds")

    @pytest.mark.parametrize("token", ["tok_declined", "tok_other"])
    def test_what_was_declined_is_not_given_back(self, provider: Provider, token: str) -> None:
        provider.charge("pay_1:1", sgd(1990), token)

        assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == Refused("there is no such charge")

    def test_what_was_only_tried_is_not_given_back(self, provider: Provider) -> None:
        with pytest.raises(ProviderUnavailable):
            provider.charge("pay_1:1", sgd(1990), "tok_flaky")

        assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == Refused("there is no such charge")

    def test_a_second_call_that_overtakes_the_first_decides_for_both(
        self, provider: Provider, till: Till, wire: Wire
    ) -> None:
        wire.before("UpdateItem", lambda: provider.charge("pay_1:1", sgd(1990), "tok_declined"))

        assert provider.charge("pay_1:1", sgd(1990), "tok_visa") == DECLINED
        assert till.charges() == {"pay_1:1": "REFUSED"}

    def test_its_memory_is_read_consistently(self, provider: Provider, wire: Wire) -> None:
        provider.charge("pay_1:1", sgd(1990), "tok_visa")
        provider.refund("pay_1:refund", "pay_1:1", sgd(1990))

        assert [call["ConsistentRead"] for call in wire.made("GetItem")] == [True] * 5

    def test_a_failure_of_its_memory_is_raised_and_charges_nothing(
        self, provider: Provider, till: Till, wire: Wire
    ) -> None:
        error = refused("ThrottlingException")
        wire.refuses("UpdateItem", error)

        with pytest.raises(type(error)):
            provider.charge("pay_1:1", sgd(1990), "tok_visa")

        assert till.charges() == {}

    def test_charges_with_one_key_at_the_same_moment_are_one(
        self, provider: Provider, till: Till, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls_take_turns(monkeypatch)
        together = Barrier(8)

        def charge(token: str) -> Answer:
            together.wait(timeout=10)
            return provider.charge("pay_1:1", sgd(1990), token)

        with ThreadPoolExecutor(8) as workers:
            answers = set(workers.map(charge, ["tok_visa", "tok_declined"] * 4))

        assert len(answers) == 1
        assert len(till.charges()) == 1
