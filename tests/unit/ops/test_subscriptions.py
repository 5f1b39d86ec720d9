"""The template's lists of consumers and subscriptions, written from the consumers' declarations."""

import pytest

from retail_ops.contract.schemas import SAMCONFIG
from retail_ops.contract.subscriptions import declared, samconfig_with, template_with
from retail_ops.errors import OpsError
from retail_ops.stack.template import TEMPLATE, Template

TEXT = TEMPLATE.read_text()
SHIPPED = "cloudretail.fulfilment.OrderShipped.v1"


def test_the_committed_lists_are_what_is_declared() -> None:
    assert template_with(TEXT, declared()) == TEXT
    assert samconfig_with(SAMCONFIG.read_text(), declared()) == SAMCONFIG.read_text()


def test_a_new_subscription_reaches_the_consumers_rule_and_no_other() -> None:
    consumers = {**declared(), "Orders": [*declared()["Orders"], SHIPPED]}

    template = Template.of(template_with(TEXT, consumers))

    before = {rule.name: rule.types for rule in Template.load().rules}
    assert {rule.name: rule.types for rule in template.rules} == {
        **before,
        "OrdersRule": (*before["OrdersRule"], SHIPPED),
    }


def test_a_subscription_that_ends_leaves_the_rule() -> None:
    consumers = {**declared(), "PaymentWorker": declared()["PaymentWorker"][:1]}
    (rule,) = [each for each in Template.of(template_with(TEXT, consumers)).rules if each.name == "PaymentWorkerRule"]
    assert list(rule.types) == declared()["PaymentWorker"][:1]


def test_a_new_consumer_is_named_wherever_the_loop_and_a_deployment_read_the_list() -> None:
    entry = (
        "    Gifts:\n      Description: Points\n      MaximumConcurrency: 5\n"
        "      BatchingWindow: 0\n      Delay: 0\n      OldAfter: 600\n"
    )
    text = TEXT.replace("    Orders:\n      Description", f"{entry}    Orders:\n      Description")
    consumers = {**declared(), "Gifts": [SHIPPED]}

    template = Template.of(template_with(text, consumers))

    assert template.body["Parameters"]["Consumers"]["Default"].split(",") == list(consumers)
    assert template.body["Mappings"]["Consumers"]["Gifts"]["SubscribesTo"] == [SHIPPED]
    assert template.body["Mappings"]["Consumers"]["Gifts"]["OldAfter"] == 600
    assert f'"Consumers={",".join(consumers)}",' in samconfig_with(SAMCONFIG.read_text(), consumers)


def test_a_consumer_without_an_entry_in_the_mapping_is_told_what_to_write() -> None:
    with pytest.raises(OpsError, match="Gifts has no entry in the mapping Consumers"):
        template_with(TEXT, {**declared(), "Gifts": [SHIPPED]})
