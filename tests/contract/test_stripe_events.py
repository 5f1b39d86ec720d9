"""What the template's rules make of Stripe's events, in the shapes that Stripe documents."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import stripe as stripe_package
from ministack.services import eventbridge  # type: ignore[import-untyped]

from contract import parse
from contract.payments import AttemptReported
from payments.providers import STRIPE as STRIPE_PROVIDER
from payments.worker import CONSUMER
from retail_ops.local.emulator import value_at
from retail_ops.recording import stripe
from retail_ops.recording.samples import REPORTED, STRIPE, STRIPE_CASE, load
from retail_ops.stack.shop import PROJECT
from retail_ops.stack.template import Template

WITH_STRIPE = stripe.template_with_stripe()
RULES = {name: rule for name, rule in WITH_STRIPE.properties("AWS::Events::Rule").items() if name.startswith("Stripe")}
TYPES = {kind: rule for rule in RULES.values() for kind in rule["EventPattern"]["detail-type"]}


def matching(said: Mapping[str, Any]) -> list[str]:
    """The rules whose pattern an event matches."""
    view = eventbridge._pattern_event_view(eventbridge._event_from_test_payload(said))
    return [
        name
        for name, rule in RULES.items()
        if eventbridge._matches_pattern_view(json.dumps(rule["EventPattern"]), view)
    ]


@pytest.mark.parametrize("kind", TYPES)
def test_a_sample_of_stripe_is_matched_by_one_rule_and_comes_to_the_workers_sample(kind: str) -> None:
    said = json.loads((STRIPE / f"{kind}.json").read_text())
    (rule,) = matching(said)
    (target,) = RULES[rule]["Targets"]
    transformer = target["InputTransformer"]
    values = {name: value_at(said, path) for name, path in transformer["InputPathsMap"].items()}
    document = eventbridge._render_input_template(transformer["InputTemplate"], values)
    case = STRIPE_CASE.format(kind.replace(".", "-").replace("_", "-"))
    (sample,) = [each for each in load() if each.function == REPORTED and each.case == case]

    event = parse(document)

    assert said["detail-type"] == kind
    assert sample.event["Records"][0]["body"] == document
    assert event.data == AttemptReported(provider=STRIPE_PROVIDER, reference=stripe.ATTEMPT)
    assert event.id == f"stripe:{said['detail']['id']}"
    assert AttemptReported in CONSUMER.subscribes_to


def test_no_rule_matches_what_is_none_of_its_events() -> None:
    said = stripe.event("payment_intent.succeeded")
    assert matching(said) == ["StripeAttemptsRule"]

    foreign = [
        said | {"source": "aws.partner/stripe.com/ed_test_of_another_account"},
        said | {"source": stripe.LOCAL_SOURCE},
        said | {"source": "cloudretail.payments"},
        *(said | {"detail-type": kind} for kind in ("payment_intent.created", "charge.succeeded", "refund.created")),
    ]
    assert [matching(each) for each in foreign] == [[]] * len(foreign)


def test_the_samples_are_as_the_template_and_stripes_documentation_have_them_today() -> None:
    recorded = next(each for each in load() if (each.function, each.case) == (REPORTED, "attempt-reported"))
    made = {kind: (said, batch) for kind, said, batch in stripe.batches(recorded.event)}

    assert {path.stem for path in STRIPE.iterdir()} == set(made) == set(TYPES)
    for kind, (said, batch) in made.items():
        case = STRIPE_CASE.format(kind.replace(".", "-").replace("_", "-"))
        assert json.loads((STRIPE / f"{kind}.json").read_text()) == said
        assert json.loads((recorded.path.parent / f"{case}.json").read_text()) == batch


def test_stripes_events_have_the_version_of_the_package_that_reads_its_answers() -> None:
    version = stripe.event("refund.failed")["detail"]["api_version"]

    assert version == stripe_package.api_version
    assert f"`{version}`" in (PROJECT / "docs" / "deploy.md").read_text()


def test_a_local_shop_takes_what_only_aws_may_say_from_the_emulator() -> None:
    local = stripe.template_with_stripe(stage="local").properties("AWS::Events::Rule")

    assert {str(local[name]["EventPattern"]["source"]) for name in RULES} == {f"['{stripe.LOCAL_SOURCE}']"}


def test_the_rules_are_on_the_bus_of_the_event_source_and_lead_to_the_worker() -> None:
    bus = WITH_STRIPE.properties("AWS::Events::EventBus")["StripeBus"]
    assert bus == {"Name": stripe.SOURCE, "EventSourceName": stripe.SOURCE}, (
        "AWS takes no other name for a partner's bus"
    )
    assert len(RULES) == 2
    for rule in RULES.values():
        (target,) = rule["Targets"]
        assert "StripeBus" in str(rule["EventBusName"])
        assert rule["EventPattern"]["source"] == [stripe.SOURCE]
        assert "PaymentWorkerQueue" in str(target["Arn"])
        assert "RuleTargetsDlq" in str(target["DeadLetterConfig"])
        assert "-PaymentWorker-" in str(rule["Name"]), "its name is what lets it send to the queue"


def test_only_where_stripe_takes_cards_may_pages_load_its_form_and_functions_read_its_key() -> None:
    for shop, has in ((WITH_STRIPE, True), (Template.load(Stage="prod"), False)):
        (headers,) = shop.properties("AWS::CloudFront::ResponseHeadersPolicy").values()
        assert ("https://js.stripe.com" in str(headers)) is has
        assert (shop.environment("PaymentsApi")["CARD_GATEWAY"] == STRIPE_PROVIDER) is has
        for function in ("PaymentWorkerReactions", "ReplayWorker"):
            assert bool(shop.environment(function).get("STRIPE_KEY_ARN")) is has
            policy = shop.properties("AWS::IAM::Policy")[f"{function}Policy"]
            assert ("secretsmanager:GetSecretValue" in str(policy)) is has
        assert not shop.environment("PaymentsApi").get("STRIPE_KEY_ARN"), "it names the account only"


def test_the_guide_names_the_events_that_the_rules_wait_for() -> None:
    guide = (PROJECT / "docs" / "deploy.md").read_text()
    named = set(re.findall(r"`((?:payment_intent|refund|charge)[.][a-z_.]+)`", guide))

    assert named == set(TYPES)
