"""Adding a payment provider: a bank takes the cards where the sandbox may not.

It is the sandbox with a table of its own, since what a provider does is not the recipe's business.
"""

from tests.recipes.copy import Copy

BANK = '''"""A bank that takes cards."""

from cloudretail.settings import Absent, Settings, load
from payments.providers import Sandbox

BANK = "bank"


class Bank(Sandbox):
    """Remembers what it did in a table of its own."""


class BankSettings(Settings):
    """What the bank needs."""

    bank_charges_table: Absent[str] = None


def open_bank() -> Bank | None:
    """The bank of this function's environment; None on a stage that does not have it."""
    table = load(BankSettings).bank_charges_table
    return Bank(table) if table else None
'''

TESTS_OF_IT = '''"""What every provider does, the bank does too."""

from collections.abc import Iterator

import pytest

from payments.bank import Bank
from payments.providers import TestToken
from tests.support.tables import shop_tables
from tests.unit.payments.test_providers import ProviderContract


class TestBank(ProviderContract):
    @pytest.fixture
    def token(self) -> str:
        return TestToken.VISA

    @pytest.fixture
    def declined(self) -> str:
        return TestToken.DECLINED

    @pytest.fixture
    def provider(self) -> Iterator[Bank]:
        with pytest.MonkeyPatch.context() as environment, shop_tables(environment, "BankChargesTable"):
            yield Bank("BankChargesTable")
'''

TABLE = """  BankChargesTable:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: !If [IsProduction, RetainExceptOnCreate, Delete]
    UpdateReplacePolicy: !If [IsProduction, Retain, Delete]
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: chargeKey, AttributeType: S}]
      KeySchema: [{AttributeName: chargeKey, KeyType: HASH}]
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
      SSESpecification: {SSEEnabled: true}
      DeletionProtectionEnabled: !If [IsProtected, true, false]

"""

GRANT = """          - Effect: Allow
            Action: [dynamodb:GetItem, dynamodb:UpdateItem]
            Resource: !GetAtt BankChargesTable.Arn
"""


def carry_out(copy: Copy) -> None:
    """The files in the table "Adding a payment provider"."""
    copy.add("functions/payments/bank.py", BANK)
    copy.add("tests/unit/payments/test_bank.py", TESTS_OF_IT)
    gateways = "functions/payments/gateways.py"
    copy.edit(gateways, r"^from payments\.providers import", "from payments.bank import BANK, open_bank\n\\g<0>")
    copy.edit(gateways, r"^    SANDBOX: open_sandbox,$", "\\g<0>\n    BANK: open_bank,")

    template = "template.yaml"
    copy.edit(template, r"^  SandboxChargesTable:$", f"{TABLE}\\g<0>")
    stripe = r"(CARD_GATEWAY: &cardGateway !If \[HasStripe, stripe, !If \[HasSandbox, sandbox, )''\]\]"
    copy.edit(template, stripe, r"\1bank]]")
    for function in ("PaymentWorkerReactions", "ReplayWorker"):
        gateway = rf"^  {function}:\n(?:(?!^  \w).)*CARD_GATEWAY: \*cardGateway\n"
        copy.edit(template, gateway, "\\g<0>          BANK_CHARGES_TABLE: !Ref BankChargesTable\n")
    for policy in ("PaymentWorkerReactionsPolicy", "ReplayWorkerPolicy"):
        copy.edit(template, rf"^  {policy}:\n(?:(?!^  \w).)*?        Statement:\n", f"\\g<0>{GRANT}")

    # The same test cards, in this bank's name.
    copy.edit("frontend/src/app/core/card-form.ts", r"The sandbox's card form", "The bank's card form")


TESTS = ("tests/unit/payments/test_bank.py", "tests/unit/payments/test_providers.py")
