"""What every payment provider does, and what each test token of the sandbox is for."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from cloudretail.breaker import OPENS_AT, Breaker
from cloudretail.errors import Held
from cloudretail.failure_log import DynamoDBFailureRows
from payments.providers import (
    FLAKY_FAILURES,
    LATER,
    SOON,
    Accepted,
    Answer,
    Challenged,
    Ended,
    GivenBack,
    GuardedProvider,
    Pending,
    Provider,
    ProviderTimeout,
    ProviderUnavailable,
    Refused,
    Sandbox,
    TestToken,
)
from tests.support.examples import NOW, sgd
from tests.support.turns import calls_take_turns
from tests.support.wire import Wire, refused
from tests.unit.payments.conftest import Till

DECLINED = Refused("the card was declined")
UNKNOWN = Refused("the card is unknown")


def charge(provider: Provider, token: str, key: str = "pay_1:1") -> Answer:
    return provider.confirm(provider.create(key, sgd(1990), token))


class ProviderContract:
    """A test class derives from it, and has fixtures: `provider`, and a `token` that it accepts and one `declined`."""

    def test_an_attempt_moves_money_only_once_it_is_confirmed(self, provider: Provider, token: str) -> None:
        reference = provider.create("pay_1:1", sgd(1990), token)
        assert provider.find(reference) is None
        assert isinstance(provider.refund("pay_1:refund", reference, sgd(1990)), Refused)

        assert provider.confirm(reference) == Accepted()
        assert provider.find(reference) == Accepted()

    def test_the_same_key_twice_is_the_same_attempt(self, provider: Provider, token: str) -> None:
        assert provider.create("pay_1:1", sgd(1990), token) == provider.create("pay_1:1", sgd(1990), token)
        assert provider.create("pay_1:2", sgd(1990), token) != provider.create("pay_1:1", sgd(1990), token)

    @pytest.mark.parametrize("later", ["confirm", "cancel"])
    @pytest.mark.parametrize("first", ["accepted", "declined", "ended"])
    def test_the_first_answer_stands(
        self, provider: Provider, first: str, later: str, token: str, declined: str
    ) -> None:
        reference = provider.create("pay_1:1", sgd(1990), declined if first == "declined" else token)
        answer = provider.cancel(reference) if first == "ended" else provider.confirm(reference)
        assert type(answer).__name__.lower() == {"declined": "refused"}.get(first, first)

        assert getattr(provider, later)(reference) == answer
        assert provider.find(reference) == answer

    def test_what_was_ended_is_not_confirmed_by_a_request_that_comes_late(self, provider: Provider, token: str) -> None:
        reference = provider.create("pay_1:1", sgd(1990), token)

        assert provider.cancel(reference) == Ended()
        assert provider.confirm(reference) == Ended()
        assert isinstance(provider.refund("pay_1:refund", reference, sgd(1990)), Refused)

    def test_the_same_refund_twice_is_the_same_answer(self, provider: Provider, token: str) -> None:
        reference = provider.create("pay_1:1", sgd(1990), token)
        provider.confirm(reference)
        assert provider.find_refund("pay_1:refund", reference) is None
        first = provider.refund("pay_1:refund", reference, sgd(1990))

        assert provider.refund("pay_1:refund", reference, sgd(1990)) == first
        assert provider.find_refund("pay_1:refund", reference) == first == GivenBack(1990)

    def test_what_was_never_charged_is_not_given_back(self, provider: Provider) -> None:
        assert isinstance(provider.refund("pay_1:refund", "pay_1:1", sgd(1990)), Refused)

    def test_a_refund_does_not_undo_what_is_known_of_the_charge(self, provider: Provider, token: str) -> None:
        reference = provider.create("pay_1:1", sgd(1990), token)
        provider.confirm(reference)
        provider.refund("pay_1:refund", reference, sgd(1990))

        assert provider.confirm(reference) == Accepted()
        assert provider.cancel(reference) == Accepted()


class OfTheSandbox(ProviderContract):
    """With the sandbox's tokens."""

    @pytest.fixture
    def token(self) -> str:
        return "tok_visa"

    @pytest.fixture
    def declined(self) -> str:
        return "tok_declined"


class TestBehindABreaker(OfTheSandbox):
    @pytest.fixture
    def provider(self, till: Till) -> Provider:
        breaker = Breaker(DynamoDBFailureRows("FailuresTable"), "payment-worker", "sandbox")
        return GuardedProvider(Sandbox("SandboxChargesTable"), breaker)

    def test_one_that_is_away_is_not_called_and_whoever_calls_waits(self, provider: Provider, till: Till) -> None:
        for number in range(OPENS_AT):
            with pytest.raises(ProviderUnavailable):
                charge(provider, "tok_flaky", f"pay_{number}:1")
        with till.unchanged(), pytest.raises(Held, match="sandbox is away: ProviderUnavailable"):
            charge(provider, "tok_visa", "pay_9:1")


class TestSandbox(OfTheSandbox):
    @pytest.fixture
    def provider(self, till: Till) -> Provider:
        return Sandbox("SandboxChargesTable")

    def test_what_was_never_made_is_not_found(self, provider: Provider) -> None:
        charge(provider, "tok_visa")

        assert provider.find("pay_1:2") is None
        assert provider.find("pay_2:1") is None

    def test_an_attempt_is_remembered_once_by_its_key(self, provider: Provider, till: Till) -> None:
        charge(provider, "tok_visa")
        with till.unchanged():
            charge(provider, "tok_visa")
            provider.create("pay_1:1", sgd(5), "tok_declined")

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
                charge(provider, token)
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
        ],
    )
    def test_a_token_is_answered_as_the_table_says(self, provider: Provider, token: str, answer: Answer) -> None:
        assert charge(provider, token) == answer
        assert provider.find("pay_1:1") == answer

    def test_a_challenge_takes_no_money_and_stays_the_same_until_the_bank_answers(self, provider: Provider) -> None:
        asked = charge(provider, "tok_3ds")

        assert isinstance(asked, Challenged)
        assert provider.find("pay_1:1") == provider.confirm("pay_1:1") == asked
        assert asked.challenge not in repr(asked)
        assert isinstance(provider.refund("pay_1:refund", "pay_1:1", sgd(1990)), Refused)

    def test_a_bank_that_agrees_charges_once_whatever_it_says_later(self, provider: Sandbox) -> None:
        asked = charge(provider, "tok_3ds")
        assert isinstance(asked, Challenged)

        assert provider.answer_challenge("pay_1:1", asked.challenge, agreed=True)
        assert not provider.answer_challenge("pay_1:1", asked.challenge, agreed=False)
        assert provider.find("pay_1:1") == provider.cancel("pay_1:1") == Accepted()

    def test_a_bank_that_has_refused_can_be_asked_again_until_the_attempt_is_ended(self, provider: Sandbox) -> None:
        asked = charge(provider, "tok_3ds")
        assert isinstance(asked, Challenged)

        assert provider.answer_challenge("pay_1:1", asked.challenge, agreed=False)
        assert provider.find("pay_1:1") == Refused("your bank did not agree")
        assert provider.cancel("pay_1:1") == Ended()
        assert not provider.answer_challenge("pay_1:1", asked.challenge, agreed=True)
        assert provider.find("pay_1:1") == Ended()

    def test_only_who_was_given_a_challenge_can_answer_it(self, provider: Sandbox) -> None:
        charge(provider, "tok_3ds")

        assert not provider.answer_challenge("pay_1:1", "pay_1:1/guessed", agreed=True)
        assert not provider.answer_challenge("pay_1:2", "pay_1:2/guessed", agreed=True)
        assert isinstance(provider.find("pay_1:1"), Challenged)

    def test_a_timeout_has_charged_all_the_same(self, provider: Provider) -> None:
        with pytest.raises(ProviderTimeout):
            charge(provider, "tok_timeout")

        assert provider.find("pay_1:1") == Accepted()
        assert charge(provider, "tok_timeout") == Accepted()
        assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == GivenBack(1990)

    def test_a_flaky_card_is_out_of_reach_twice_and_then_accepted(self, provider: Provider) -> None:
        for _ in range(FLAKY_FAILURES):
            with pytest.raises(ProviderUnavailable):
                charge(provider, "tok_flaky")
            assert provider.find("pay_1:1") is None

        assert charge(provider, "tok_flaky") == Accepted()
        assert provider.find("pay_1:1") == Accepted()

    def test_each_attempt_with_a_flaky_card_is_out_of_reach_anew(self, provider: Provider) -> None:
        for key in ("pay_1:1", "pay_1:2"):
            for _ in range(FLAKY_FAILURES):
                with pytest.raises(ProviderUnavailable):
                    charge(provider, "tok_flaky", key)
            assert charge(provider, "tok_flaky", key) == Accepted()

    def test_a_flaky_card_that_is_called_off_between_its_failures_takes_nothing(self, provider: Provider) -> None:
        with pytest.raises(ProviderUnavailable):
            charge(provider, "tok_flaky")
        assert provider.cancel("pay_1:1") == Ended()

        assert [provider.confirm("pay_1:1") for _ in range(FLAKY_FAILURES + 1)] == [Ended()] * (FLAKY_FAILURES + 1)

    def test_what_was_charged_is_given_back_once(self, provider: Provider, till: Till) -> None:
        charge(provider, "tok_visa")

        assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == GivenBack(1990)
        with till.unchanged():
            assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == GivenBack(1990)

    def test_a_card_that_takes_no_refunds_says_so_each_time(self, provider: Provider) -> None:
        charge(provider, "tok_norefund")

        for _ in range(2):
            assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == Refused("this card takes no refunds")

    @pytest.mark.parametrize("token", ["tok_declined", "tok_other"])
    def test_what_was_declined_is_not_given_back(self, provider: Provider, token: str) -> None:
        charge(provider, token)

        assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == Refused("there is no such charge")

    @pytest.mark.parametrize("call, answer", [("confirm", Ended()), ("cancel", Accepted())])
    def test_of_two_calls_that_cross_the_faster_one_decides_for_both(
        self, provider: Provider, till: Till, wire: Wire, call: str, answer: Answer
    ) -> None:
        provider.create("pay_1:1", sgd(1990), "tok_visa")
        other = {"confirm": provider.cancel, "cancel": provider.confirm}[call]
        wire.before("UpdateItem", lambda: other("pay_1:1"))

        assert getattr(provider, call)("pay_1:1") == answer
        assert provider.find("pay_1:1") == answer

    def test_its_memory_is_read_consistently(self, provider: Provider, wire: Wire) -> None:
        charge(provider, "tok_visa")
        provider.refund("pay_1:refund", "pay_1:1", sgd(1990))

        reads = wire.made("GetItem")
        assert reads
        assert all(call["ConsistentRead"] for call in reads)

    @pytest.mark.parametrize(
        "token, won", [("tok_dispute", None), ("tok_dispute_won", True), ("tok_dispute_lost", False)]
    )
    def test_a_disputed_charge_takes_no_refund_until_the_shop_was_right(
        self, till: Till, token: str, won: bool | None
    ) -> None:
        reports: list[timedelta] = []
        now = NOW
        provider = Sandbox("SandboxChargesTable", lambda reference, after: reports.append(after), lambda: now)

        assert charge(provider, token) == Accepted()
        (dispute,) = provider.disputes("pay_1:1")
        assert (dispute.amount, dispute.won) == (sgd(1990), None)
        assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == Pending()
        now += LATER

        assert provider.disputes("pay_1:1") == (replace(dispute, won=won),)
        assert reports == ([SOON] if won is None else [SOON, LATER])
        answer = provider.refund("pay_1:refund", "pay_1:1", sgd(1990))
        assert answer == (GivenBack(1990) if won else Pending())

    def test_a_refund_that_fails_later_is_done_at_first(self, till: Till) -> None:
        reports: list[tuple[str, timedelta]] = []
        now = NOW
        provider = Sandbox("SandboxChargesTable", lambda *report: reports.append(report), lambda: now)
        charge(provider, "tok_refund_fails_later")

        assert provider.refund("pay_1:refund", "pay_1:1", sgd(1990)) == GivenBack(1990)
        assert reports == [("pay_1:1", LATER)] * 2
        now += LATER

        assert isinstance(provider.find_refund("pay_1:refund", "pay_1:1"), Refused)

    def test_a_report_that_was_lost_is_made_by_the_next_delivery(self, till: Till) -> None:
        def fails(reference: str, after: timedelta) -> None:
            raise ProviderUnavailable("no queue")

        with pytest.raises(ProviderUnavailable):
            charge(Sandbox("SandboxChargesTable", fails), "tok_dispute")
        reports: list[str] = []
        provider = Sandbox("SandboxChargesTable", lambda reference, after: reports.append(reference))

        assert provider.confirm("pay_1:1") == Accepted()
        assert reports == ["pay_1:1"]

    def test_a_failure_of_its_memory_is_raised_and_charges_nothing(
        self, provider: Provider, till: Till, wire: Wire
    ) -> None:
        provider.create("pay_1:1", sgd(1990), "tok_visa")
        error = refused("ThrottlingException")
        wire.refuses("UpdateItem", error)

        with pytest.raises(type(error)):
            provider.confirm("pay_1:1")

        assert till.charges() == {"pay_1:1": ""}

    def test_requests_about_one_attempt_at_the_same_moment_get_one_answer(
        self, provider: Provider, till: Till, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider.create("pay_1:1", sgd(1990), "tok_visa")
        calls_take_turns(monkeypatch)
        together = Barrier(8)

        def ask(what: str) -> Answer:
            together.wait(timeout=10)
            answer: Answer = getattr(provider, what)("pay_1:1")
            return answer

        with ThreadPoolExecutor(8) as workers:
            answers = set(workers.map(ask, ["confirm", "cancel"] * 4))

        assert len(answers) == 1
        assert len(till.charges()) == 1
