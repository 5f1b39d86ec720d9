"""Adding a consumer that also publishes: loyalty gives points for a confirmed order, and takes them back when it is
cancelled."""

from tests.recipes.copy import Copy

CONTRACT = '''"""The events that loyalty publishes."""

from typing import Annotated

from pydantic import Field

from cloudretail.event import EventType
from contract.values import OrderEvent


class PointsGiven(OrderEvent):
    """The shopper has more points: one for each whole unit of the order's money."""

    event_type = EventType("loyalty", "PointsGiven")

    user_id: str
    points: Annotated[int, Field(ge=0)]


class PointsTakenBack(OrderEvent):
    """The order was called off, and its points with it."""

    event_type = EventType("loyalty", "PointsTakenBack")

    user_id: str
    points: Annotated[int, Field(ge=0)]
'''

DOMAIN = '''"""What an order is worth in points. Pure.

none --OrderConfirmed--> GIVEN --OrderCancelled--> TAKEN_BACK <--OrderCancelled-- none
"""

from enum import StrEnum

from cloudretail.decider import Change, Decision, Nothing
from cloudretail.event import EventData
from cloudretail.model import Model
from contract.loyalty import PointsGiven, PointsTakenBack
from contract.orders import OrderCancelled, OrderConfirmed


class PointsStatus(StrEnum):
    """TAKEN_BACK is for ever: a confirmation that comes late gives nothing."""

    GIVEN = "GIVEN"
    TAKEN_BACK = "TAKEN_BACK"


class Points(Model):
    """The points of one order."""

    order_id: str
    user_id: str
    points: int
    status: PointsStatus


def decide(points: Points | None, message: EventData) -> Decision[Points]:
    """What an event about the order means for its points."""
    match message, points:
        case OrderConfirmed(), None:
            given = message.total.amount // 100
            row = Points(
                order_id=message.order_id, user_id=message.user_id, points=given, status=PointsStatus.GIVEN
            )
            return Change(row, [PointsGiven(order_id=row.order_id, user_id=row.user_id, points=given)])
        case OrderCancelled(), None:
            # A tombstone: the order's confirmation may still come.
            row = Points(
                order_id=message.order_id, user_id=message.user_id, points=0, status=PointsStatus.TAKEN_BACK
            )
            return Change(row)
        case OrderCancelled(), Points(status=PointsStatus.GIVEN):
            taken = PointsTakenBack(order_id=points.order_id, user_id=points.user_id, points=points.points)
            return Change(points.model_copy(update={"status": PointsStatus.TAKEN_BACK}), [taken])
        case _:
            return Nothing("the points are as they must be")
'''

STORE = '''"""Points in DynamoDB."""

from functools import cache

from cloudretail.outbox import Aggregate
from cloudretail.repository import DynamoDBRepository
from cloudretail.settings import Settings, load
from loyalty.domain import Points

POINTS = Aggregate("loyalty", "orderId", Points)


class LoyaltySettings(Settings):
    """What this service needs."""

    points_table: str


@cache
def open_points() -> DynamoDBRepository[Points]:
    """The points of this function's environment, by order id."""
    return DynamoDBRepository(load(LoyaltySettings).points_table, POINTS)
'''

REACTIONS = '''"""How loyalty reacts to the end of an order."""

from datetime import datetime

from cloudretail.consumer import Consumer, Delivery, row_by_row
from cloudretail.decider import Decision, Result
from cloudretail.repository import BatchRepository, ReadOnly, Repository, transact
from contract.orders import OrderCancelled, OrderConfirmed
from loyalty.domain import Points, decide
from loyalty.store import open_points


def react(points: Repository[Points], delivery: Delivery, now: datetime) -> Result[Points]:
    """Give points or take them back."""
    event = delivery.event

    def answer(row: Points | None) -> Decision[Points]:
        return decide(row, event.data)

    return transact(points, event.data.subject, answer, event.cause, now).decision


CONSUMER: Consumer[BatchRepository[Points]] = Consumer(
    name="loyalty",
    subscribes_to=(OrderConfirmed, OrderCancelled),
    react=row_by_row(lambda order_id: order_id, react),
    ports=open_points,
    read_only=lambda: ReadOnly(open_points()),
)
handler = CONSUMER.handler
'''

PUBLISHER = '''"""Loyalty."""

from collections.abc import Iterator, Sequence

from cloudretail.decider import Decision
from cloudretail.event import EventData
from loyalty.domain import Points, decide
from loyalty.reactions import CONSUMER
from loyalty.store import POINTS
from tests.contract.publishers import Publisher, known


def decisions(points: Points | None, events: Sequence[EventData]) -> Iterator[Decision[Points]]:
    for message in known(events, *CONSUMER.subscribes_to):
        yield decide(points, message)


PUBLISHER = Publisher(POINTS, lambda points: points.order_id, decisions)
'''

RULES = '''"""The rules of points."""

import pytest

from cloudretail.decider import Change, Nothing
from cloudretail.event import EventData
from contract.orders import OrderCancelled, OrderConfirmed
from loyalty.domain import Points, PointsStatus, decide
from tests.support.examples import EXAMPLES

CONFIRMED, CANCELLED = (
    next(data for data in EXAMPLES if isinstance(data, type_)) for type_ in (OrderConfirmed, OrderCancelled)
)


def after(*messages: EventData) -> Points:
    points: Points | None = None
    for message in messages:
        decision = decide(points, message)
        points = decision.state if isinstance(decision, Change) else points
    assert points
    return points


def test_a_confirmed_order_is_worth_a_point_for_each_whole_unit() -> None:
    assert after(CONFIRMED).points == 154


@pytest.mark.parametrize("messages", [[CONFIRMED, CANCELLED], [CANCELLED, CONFIRMED], [CANCELLED]])
def test_a_cancelled_order_is_worth_nothing_in_whatever_order_its_events_come(messages: list[EventData]) -> None:
    assert after(*messages).status is PointsStatus.TAKEN_BACK


@pytest.mark.parametrize("messages", [[CONFIRMED], [CONFIRMED, CANCELLED]])
def test_a_second_delivery_changes_nothing(messages: list[EventData]) -> None:
    assert isinstance(decide(after(*messages), messages[-1]), Nothing)
'''

MAPPING = """    Loyalty:
      Description: Points for what is bought
      MaximumConcurrency: 5
      BatchingWindow: 0
      Delay: 0
      OldAfter: 600
"""

RESOURCES = """  # -------------------------------------------------------------------------------------------- loyalty

  PointsTable:
    Type: AWS::DynamoDB::Table
    Condition: MakesPointsTable
    DeletionPolicy: !If [IsProduction, RetainExceptOnCreate, Delete]
    UpdateReplacePolicy: !If [IsProduction, Retain, Delete]
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: orderId, AttributeType: S}]
      KeySchema: [{AttributeName: orderId, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
      SSESpecification: {SSEEnabled: true}
      DeletionProtectionEnabled: !If [IsProtected, true, false]

  LoyaltyReactions:
    Type: AWS::Serverless::Function
    Properties:
      Handler: loyalty.reactions.handler
      Role: !GetAtt LoyaltyReactionsRole.Arn
      DeploymentPreference:
        Alarms: [!Ref LoyaltyReactionsErrorsAlarm, !Ref LoyaltyFailingAlarm, !Ref LoyaltyDeadLettersAlarm]
      LoggingConfig: {LogGroup: !Ref LoyaltyReactionsLogs}
      Environment:
        Variables:
          POWERTOOLS_SERVICE_NAME: loyalty
          POINTS_TABLE: &pointsTable !If [MakesPointsTable, !Ref PointsTable, !Ref PointsTableName]
          FAILURES_TABLE: *failuresTable
          QUEUE_URL: !Ref LoyaltyQueue
          DLQ_URL: !Ref LoyaltyDlq

  LoyaltyReactionsPolicy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: LoyaltyReactions
      Roles: [!Ref LoyaltyReactionsRole]
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Action: [dynamodb:BatchGetItem, dynamodb:GetItem, dynamodb:PutItem]
            Resource: &pointsTableArn !If
              - MakesPointsTable
              - !GetAtt PointsTable.Arn
              - !Sub arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${PointsTableName}

  RelayPoints:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !If [IsAws, !Ref Relay.Alias, !Ref Relay]
      EventSourceArn: &pointsTableStream !If
        - MakesPointsTable
        - !GetAtt PointsTable.StreamArn
        - !Ref PointsTableStreamArn
      StartingPosition: TRIM_HORIZON
      BatchSize: 100
      MaximumRecordAgeInSeconds: !If [IsAws, -1, 600]
      BisectBatchOnFunctionError: !If [IsAws, true, !Ref AWS::NoValue]
      FunctionResponseTypes: !If [IsAws, [ReportBatchItemFailures], !Ref AWS::NoValue]
      ParallelizationFactor: !If [IsAws, 4, !Ref AWS::NoValue]
      FilterCriteria: {Filters: [{Pattern: '{"eventName": ["INSERT", "MODIFY"]}'}]}

"""

RESTORABLE = """  PointsTableName:
    Type: String
    Default: ''
    AllowedPattern: '^$|[a-zA-Z0-9_.-]{3,255}'
  PointsTableStreamArn:
    Type: String
    Default: ''
    AllowedPattern: '^$|arn:aws[a-z-]*:dynamodb:.+/stream/.+'
"""
VARIABLE = "POINTS_TABLE: *pointsTable"
GRANT = "              - *pointsTableArn\n"


def carry_out(copy: Copy) -> None:
    """The files in the table "Adding a consumer"."""
    copy.add("functions/contract/loyalty.py", CONTRACT)
    copy.add("functions/loyalty/__init__.py", '"""Loyalty: points for what is bought."""\n')
    copy.add("functions/loyalty/domain.py", DOMAIN)
    copy.add("functions/loyalty/store.py", STORE)
    copy.add("functions/loyalty/reactions.py", REACTIONS)
    copy.add("tests/contract/publishers/points.py", PUBLISHER)
    copy.add("tests/unit/loyalty/test_rules.py", RULES)

    contract = "functions/contract/__init__.py"
    copy.import_(contract, "from contract import loyalty")
    copy.edit(contract, r"(?<=for service in \()[^)]+", "\\g<0>, loyalty")
    consumers = "functions/operations/consumers.py"
    copy.edit(consumers, r"^from notifications import", "from loyalty import reactions as loyalty\n\\g<0>")
    copy.edit(consumers, r"^    images\.CONSUMER,$", "    loyalty.CONSUMER,\n\\g<0>")

    template = "template.yaml"
    copy.edit(template, r"^Mappings:\n(?:  #[^\n]*\n)*  Consumers:\n(?:    [^\n]*\n)+", f"\\g<0>{MAPPING}")
    copy.edit(template, r"^  # -+ relay\n", f"{RESOURCES}\\g<0>")
    copy.edit(template, r"^  OrdersTableName:\n", f"{RESTORABLE}\\g<0>")
    copy.edit(template, r"^  MakesOrdersTable: ", "  MakesPointsTable: !Equals [!Ref PointsTableName, '']\n\\g<0>")
    copy.edit(template, r"^ +- \*paymentsTableStream$", "\\g<0>\n              - *pointsTableStream")
    copy.edit(
        template,
        r"^ +- !Join \[/, \[\*paymentsTableArn, stream, '\*'\]\]$",
        "\\g<0>\n              - !Join [/, [*pointsTableArn, stream, '*']]",
    )
    copy.edit(template, r"^        SelectionName: tables\n.*?Resources:\n", "\\g<0>          - *pointsTableArn\n")
    saved_queries = r"^ +- !Sub /aws/lambda/\$\{AWS::StackName\}/NotificationsReactions\n"
    own_log = "        - !Sub /aws/lambda/${AWS::StackName}/LoyaltyReactions\n"
    copy.edit(template, saved_queries, f"\\g<0>{own_log}")
    # Its dry run reads the rows, as the replay worker.
    copy.edit(template, r"^  ReplayWorker:\n.*?(?= +PRODUCTS_TABLE: )", f"\\g<0>          {VARIABLE}\n")
    copy.edit(template, r"^  ReplayWorkerPolicy:\n.*?dynamodb:Scan\]\n +Resource:\n", f"\\g<0>{GRANT}")
    copy.edit(template, r"(?<=- \*sentMailsTableArn\n)(?=\n  ReplayWorkerDlq:)", GRANT)


TESTS = ("tests/unit/loyalty", "tests/unit/kernel", "tests/unit/operations", "tests/unit/ops")
