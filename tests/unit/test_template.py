"""What the template must always have, as checks: a queue, table or role that is added without it fails here."""

import json
import logging
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from pydantic.alias_generators import to_camel
from samcli.lib.cfn_language_extensions.api import process_template  # type: ignore[import-untyped]
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

from auth.domain import SESSION_LASTS
from auth.passwords import MIN_PASSWORD
from catalog.resizing import MAX_PIXELS
from catalog.store import CACHED_FOR_EVER
from cloudretail import aws, origin, telemetry
from cloudretail.failures import FailureRow
from cloudretail.identity import USER_ID
from contract import EVENTS
from operations.dead_letters.counts import report
from operations.diagnosis.tables import TABLES, Table
from operations.queues import QueueNames
from operations.reconciliation.domain import TABLES_READ
from retail_ops.local.local_shop import WIDE_LIMITS
from retail_ops.recording import stripe
from retail_ops.stack.template import TEMPLATE, UNMATCHED, Template, referred
from tests.support.dead_letters import InMemoryFailures

RUNBOOK = Path(__file__).parents[2] / "docs/operations.md"

SHOP = Template(process_template(yaml_parse(TEMPLATE.read_text()), {"Stage": "prod"}))
"""As it is deployed to AWS for production."""

LAPTOP = Template(process_template(yaml_parse(TEMPLATE.read_text()), {"Stage": "local"}))

DAY = 24 * 60 * 60

SQS = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}"

queues = SHOP.properties("AWS::SQS::Queue")
tables = SHOP.properties("AWS::DynamoDB::Table")
buckets = SHOP.properties("AWS::S3::Bucket")
alarms = SHOP.properties("AWS::CloudWatch::Alarm")
rules = {
    name: rule
    for name, rule in SHOP.properties("AWS::Events::Rule").items()
    if "EventBusName" in rule and name != UNMATCHED
}
composites = SHOP.properties("AWS::CloudWatch::CompositeAlarm")
log_groups = SHOP.properties("AWS::Logs::LogGroup")

consumed = pytest.mark.parametrize("queue", sorted(SHOP.consumers))
not_consumed = pytest.mark.parametrize("queue", sorted(queues.keys() - SHOP.consumers.keys()))
each_function = pytest.mark.parametrize("function", sorted(SHOP.functions))
each_table = pytest.mark.parametrize("table", sorted(tables))
each_rule = pytest.mark.parametrize("rule", sorted(rules))
each_alarm = pytest.mark.parametrize("alarm", sorted(alarms | composites))


def watched(resource: str) -> set[str]:
    """Names of the metrics of a resource that raise an alarm which somebody hears."""
    return {
        metric["MetricName"]
        for alarm in alarms.values()
        if alarm.get("AlarmActions") == [{"Ref": "AlarmTopic"}]
        for metric in metrics_of(alarm)
        if resource
        in [referred(d["Value"]) for d in metric.get("Dimensions", []) if {"Ref", "Fn::GetAtt"} & set(d["Value"])]
    }


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    return [m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m] or [alarm]


def statements(function: str) -> Iterator[dict[str, Any]]:
    """All that a function's role allows."""
    for policy in SHOP.properties("AWS::IAM::Role")[f"{function}Role"]["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]
    for policy in SHOP.properties("AWS::IAM::Policy").values():
        if [referred(role) for role in policy["Roles"]] == [f"{function}Role"]:
            yield from policy["PolicyDocument"]["Statement"]


def allowed(function: str, resource: str) -> set[str]:
    """What a function may do to a resource."""
    return {
        action
        for statement in statements(function)
        if {"Fn::GetAtt": [resource, "Arn"]} in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
        if isinstance(action, str)
    }


def allowed_by_name(function: str, queue: str) -> set[str]:
    """What a function may do to a queue whose name is in a pattern of its policy."""
    return {
        action
        for statement in statements(function)
        for resource in as_list(statement["Resource"])
        if fnmatchcase(f"{SQS}:{queues[queue]['QueueName']}", text_of(resource))
        for action in as_list(statement["Action"])
        if isinstance(action, str)
    }


def text_of(value: Any) -> str:
    """A `Fn::Sub` as it is written, or any other text."""
    return str(value["Fn::Sub"] if isinstance(value, dict) and "Fn::Sub" in value else value)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# ------------------------------------------------------------------------------------------------------------- queues


@consumed
def test_a_consumer_gives_up_to_a_queue_of_its_own_long_before_sqs_would(
    queue: str,
) -> None:
    redrive, dlq = queues[queue]["RedrivePolicy"], queue.removesuffix("Queue") + "Dlq"
    assert referred(redrive["deadLetterTargetArn"]) == dlq
    assert redrive["maxReceiveCount"] == 1000
    assert SHOP.environment(SHOP.consumers[queue])["DLQ_URL"] == {"Ref": dlq}
    assert "sqs:SendMessage" in allowed(SHOP.consumers[queue], dlq)


@consumed
def test_a_queues_own_senders_alone_may_send_to_it(queue: str) -> None:
    policies = [p for p in SHOP.properties("AWS::SQS::QueuePolicy").values() if p["Queues"] == [{"Ref": queue}]]
    assert len(policies) == 1, f"{queue} needs one queue policy"
    (statement,) = policies[0]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sqs:SendMessage"
    assert referred(statement["Resource"]) == queue
    (sender,) = [c["aws:SourceArn"] for c in statement["Condition"].values() if "aws:SourceArn" in c]
    if statement["Principal"] == {"Service": "events.amazonaws.com"}:
        own, of_the_accounts_bus, of_a_partners_bus = sender
        assert queue == referred(rules[referred(own)]["Targets"][0]["Arn"]), f"another rule may send to {queue}"
        named = f"${{AWS::StackName}}-{queue.removesuffix('Queue')}-*"
        assert text_of(of_the_accounts_bus).endswith(f":rule/{named}")
        assert text_of(of_a_partners_bus).endswith(f":rule/aws.partner/*/{named}")
    else:
        assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


@consumed
def test_a_message_stays_hidden_for_six_times_its_functions_time_out(queue: str) -> None:
    common = SHOP.body["Globals"]["Function"]["Timeout"]
    assert queues[queue]["VisibilityTimeout"] == 6 * SHOP.functions[SHOP.consumers[queue]].get("Timeout", common)


@consumed
def test_a_batch_reports_its_failures_one_by_one_and_concurrency_is_limited(queue: str) -> None:
    _, source = SHOP.sources[queue]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["ScalingConfig"]["MaximumConcurrency"] >= 2
    # A picture is heavy: each has an invocation's time and memory of its own.
    assert source["BatchSize"] == (1 if queue == "CatalogImagesQueue" else 10)


@consumed
def test_a_consumer_knows_its_own_queue_and_keeps_the_causes_of_failures(queue: str) -> None:
    environment = SHOP.environment(SHOP.consumers[queue])
    assert environment["QUEUE_URL"] == {"Ref": queue}
    assert environment["FAILURES_TABLE"] == {"Ref": "FailuresTable"}


def test_a_hot_product_is_written_by_two_batches_at_once_at_the_most() -> None:
    source = SHOP.body["Mappings"]["Consumers"]["Inventory"]
    assert (source["MaximumConcurrency"], source["BatchingWindow"]) == (2, 1)
    assert SHOP.sources["InventoryQueue"][1]["MaximumBatchingWindowInSeconds"] == 1


@consumed
def test_an_old_message_raises_an_alarm(queue: str) -> None:
    assert "ApproximateAgeOfOldestMessage" in watched(queue)


@not_consumed
def test_every_dead_letter_queue_has_one_reader_which_answers_for_each_message(queue: str) -> None:
    function, source = SHOP.sources[queue]
    assert function == "Collector"
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queues[queue]["VisibilityTimeout"] == 6 * SHOP.functions["Collector"]["Timeout"]
    readers = [each for each in SHOP.functions if "sqs:ReceiveMessage" in allowed_by_name(each, queue)]
    assert readers == ["Collector"]
    assert {"sqs:DeleteMessage", "sqs:GetQueueAttributes"} <= allowed_by_name("Collector", queue)


@not_consumed
def test_messages_that_stay_in_a_dead_letter_queue_for_five_minutes_raise_an_alarm(queue: str) -> None:
    """Also those that a collector which fails holds. SQS leaves out of a queue's age what was received three times."""
    alarm = alarms[f"{queue.removesuffix('Dlq')}NotCollectedAlarm"]
    assert watched(queue) == {"ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"}
    assert {each["MetricStat"]["Stat"] for each in alarm["Metrics"][1:]} == {"Minimum"}
    assert (alarm["EvaluationPeriods"], alarm["Threshold"]) == (5, 0)


def levels(metric: str) -> dict[str, dict[str, Any]]:
    """The alarms on what the counter says of each owner of failures, by that owner's name in the template."""
    found = [alarm for alarm in alarms.values() if alarm.get("MetricName") == metric]
    return {text_of(alarm["Dimensions"][2]["Value"]): alarm for alarm in found}


@pytest.mark.parametrize("metric", ["DeadLetters", "FailingTooLong"])
def test_the_level_of_failures_is_counted_every_minute_and_no_count_is_an_alarm(
    metric: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = QueueNames.of(text_of(SHOP.environment("FailureCounter")["CONSUMERS"]).split(","))
    owners = {each.template_name for each in names.owners}
    # What consumes nothing is not retried.
    retried = {each.template_name for each in names.consumers}
    assert levels(metric).keys() == (owners if metric == "DeadLetters" else retried)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "CloudRetail")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", SHOP.environment("FailureCounter")["POWERTOOLS_SERVICE_NAME"])
    report(InMemoryFailures(), names, "prod", datetime.now(UTC))
    printed = {line["consumer"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    for owner, alarm in levels(metric).items():
        (declared,) = printed[owner]["_aws"]["CloudWatchMetrics"]
        assert declared["Namespace"] == alarm["Namespace"]
        dimensions = {each["Name"]: text_of(each["Value"]) for each in alarm["Dimensions"]}
        assert dimensions == {name: printed[owner][name] for name in declared["Dimensions"][0]}
        assert metric in [each["Name"] for each in declared["Metrics"]]
        assert alarm["TreatMissingData"] == "breaching"
        assert (alarm["Threshold"], alarm["Period"], alarm["DatapointsToAlarm"]) == (0, 60, 3)
    (schedule,) = SHOP.functions["FailureCounter"]["Events"].values()
    assert schedule["Properties"] == {"Schedule": "rate(1 minute)", "State": "ENABLED"}


def test_what_the_collector_sets_aside_raises_an_alarm() -> None:
    alarm = alarms["SetAsideAlarm"]
    assert (alarm["MetricName"], alarm["Threshold"]) == ("SetAside", 0)
    assert "s3:PutObject" in {action for each in statements("Collector") for action in each["Action"]}


def test_the_indexes_of_failures_hold_what_a_list_shows_and_no_body() -> None:
    """At most 20 attributes each. Source: DynamoDB API reference, Projection."""
    shown = {to_camel(name) for name, field in FailureRow.model_fields.items() if field.is_required()} | {
        "generation", "eventName", "orderId", "foundIn", "messageId", "replays",
    }  # fmt: skip
    for index in tables["FailuresTable"]["GlobalSecondaryIndexes"]:
        included = index["Projection"]["NonKeyAttributes"]
        keys = {each["AttributeName"] for each in index["KeySchema"]} | {"consumer", "eventId"}
        # What holds orders up is only found there, and read from the table.
        wanted = {"orderId"} if index["IndexName"] == "openOrders-since" else shown
        assert wanted <= keys | set(included)
        assert not keys & set(included)
        assert not {"body", "attributes"} & set(included)
        assert len(included) <= 20


@pytest.mark.parametrize("queue", sorted(queues))
def test_a_message_is_kept_for_14_days(queue: str) -> None:
    assert queues[queue]["MessageRetentionPeriod"] == 14 * DAY


@pytest.mark.parametrize("queue", sorted(queues))
def test_messages_are_encrypted_at_rest(queue: str) -> None:
    assert queues[queue]["SqsManagedSseEnabled"] is True


@consumed
def test_operators_may_count_a_queue_and_send_to_it_again(queue: str) -> None:
    assert "sqs:GetQueueAttributes" in allowed_by_name("OpsApi", queue)
    assert "sqs:SendMessage" in allowed_by_name("ReplayWorker", queue)


@pytest.mark.parametrize("queue", sorted(queues))
def test_a_queue_is_found_by_its_name(queue: str) -> None:
    assert queues[queue]["QueueName"] == f"${{AWS::StackName}}-{queue}"
    assert queue.endswith(("Queue", "Dlq"))


# -------------------------------------------------------------------------------------------------------------- rules


@each_rule
def test_a_rule_hands_the_event_itself_to_one_queue_and_keeps_what_it_cannot_deliver(rule: str) -> None:
    (target,) = rules[rule]["Targets"]
    assert referred(target["Arn"]) in SHOP.consumers
    assert target["InputPath"] == "$.detail"
    assert referred(target["DeadLetterConfig"]["Arn"]) == "RuleTargetsDlq"


def test_the_rules_of_this_bus_may_send_to_the_dead_letter_queue_of_the_rules_and_nobody_else() -> None:
    policy = SHOP.properties("AWS::SQS::QueuePolicy")["RuleTargetsDlqPolicy"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    senders = [text_of(each).rpartition(":rule/")[2] for each in statement["Condition"]["ArnLike"]["aws:SourceArn"]]
    assert senders == ["${EventBus}/*", "${AWS::StackName}-*", "aws.partner/*/${AWS::StackName}-*"]


@each_rule
def test_a_rule_matches_the_versioned_types_of_events_and_nothing_else(rule: str) -> None:
    (field,), (types,) = zip(*rules[rule]["EventPattern"]["detail"].items(), strict=True)
    assert (list(rules[rule]["EventPattern"]), field) == (["detail"], "type")
    assert all(re.fullmatch(r"cloudretail\.[a-z]+\.[A-Z][A-Za-z]+\.v\d+", each) for each in types)


def test_each_consumer_has_its_own_parts_and_a_function() -> None:
    consumers = [rule.removesuffix("Rule") for rule in rules]
    assert consumers == SHOP.body["Parameters"]["Consumers"]["Default"].split(",")
    assert consumers == list(SHOP.body["Mappings"]["Consumers"])
    assert [SHOP.consumers[f"{consumer}Queue"] for consumer in consumers] == [f"{each}Reactions" for each in consumers]


def test_a_deployment_names_the_consumers_as_a_stack_keeps_the_list_that_it_was_made_with() -> None:
    config = tomllib.loads((TEMPLATE.parent / "samconfig.toml").read_text())
    named = [each for each in config["prod"]["deploy"]["parameters"]["parameter_overrides"] if "Consumers=" in each]
    assert named == [f"Consumers={SHOP.body['Parameters']['Consumers']['Default']}"]


# ------------------------------------------------------------------------------------------------------------- routes


def test_a_route_is_open_to_everybody_only_where_its_operation_does_not_say_signed_in() -> None:
    said = re.findall(r"^ {10}(/api/\S+):(.*(?:\n {12}\S.*)*)", TEMPLATE.read_text(), re.M)
    written = {
        f"{method.upper()} {path}": name
        for path, operations in said
        for method, name in re.findall(r"\b(get|put|post|delete): [*&](\w+)", operations)
    }
    assert written.keys() == {f"{route.method} {route.path}" for route in SHOP.routes}
    for route in SHOP.routes:
        assert written[f"{route.method} {route.path}"].endswith("SignedIn") == route.signed_in


@pytest.mark.parametrize("route", SHOP.routes, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_leads_to_a_function_that_the_api_may_invoke(route: Any) -> None:
    assert route.path.startswith("/api/")
    assert route.function in SHOP.functions
    permissions = SHOP.properties("AWS::Lambda::Permission").values()
    assert route.function in [referred(permission["FunctionName"]) for permission in permissions]


def test_the_api_is_throttled_and_its_requests_are_logged_without_their_headers() -> None:
    (stage,) = SHOP.properties("AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] > 0
    assert "header" not in json.dumps(json.loads(stage["AccessLogSettings"]["Format"])).lower()


# ----------------------------------------------------------------------------------------------- where they come from

behind_the_gateway = pytest.mark.parametrize("function", sorted({route.function for route in SHOP.routes}))


def distribution(template: Template) -> dict[str, Any]:
    config: dict[str, Any] = template.properties("AWS::CloudFront::Distribution")["Distribution"]["DistributionConfig"]
    return config


@behind_the_gateway
def test_a_function_behind_the_gateway_on_aws_asks_for_the_secret_that_cloudfront_alone_knows(function: str) -> None:
    assert SHOP.environment(function)["ORIGIN_SECRET"] == {"Ref": "OriginSecret"}
    assert LAPTOP.environment(function)["ORIGIN_SECRET"] == ""
    reads = [s for s in statements(function) if s["Action"] == ["secretsmanager:GetSecretValue"]]
    assert [statement["Resource"] for statement in reads] == [{"Ref": "OriginSecret"}]


def test_nobody_else_may_read_the_secret_and_nobody_knows_it() -> None:
    others = SHOP.functions.keys() - {route.function for route in SHOP.routes}
    assert not [function for function in others for s in statements(function) if "secretsmanager" in str(s["Action"])]
    (secret,) = SHOP.properties("AWS::SecretsManager::Secret").values()
    assert secret["GenerateSecretString"]["PasswordLength"] >= 32
    assert "SecretString" not in secret


@pytest.mark.parametrize(("version", "suffix"), [("", ":SecretString}}"), ("v-2", ":SecretString:::v-2}}")])
def test_cloudfront_sends_the_secret_to_the_api_and_to_nobody_else(version: str, suffix: str) -> None:
    origins = distribution(Template.load(Stage="prod", OriginSecretVersion=version))["Origins"]
    sent = {origin["Id"]: origin.get("OriginCustomHeaders", []) for origin in origins}
    (header,) = sent.pop("api")
    assert header["HeaderName"] == origin.SECRET
    value = text_of(header["HeaderValue"]).replace("${OriginSecretVersion}", version)
    assert value == "{{resolve:secretsmanager:${OriginSecret}" + suffix
    assert not any(sent.values())


def behaviour(path: str) -> dict[str, Any]:
    """What CloudFront does with these paths."""
    found: dict[str, Any]
    (found,) = [each for each in distribution(SHOP)["CacheBehaviors"] if each["PathPattern"] == path]
    return found


def test_the_home_page_is_the_catalogues_and_one_answer_is_everybodys() -> None:
    home = behaviour("/")
    assert home["TargetOriginId"] == "api"
    # Its cache key is the path alone, and nothing else of the viewer reaches the function.
    assert home["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6", "Managed-CachingOptimized"
    assert "OriginRequestPolicyId" not in home
    # With a default root object CloudFront asks for index.html, and finds no behaviour of that.
    assert "DefaultRootObject" not in distribution(SHOP)


def test_a_page_of_the_catalogue_answers_head_as_get() -> None:
    """CloudFront hands HEAD on to its origin, where an HTTP API answers 404 without a route for it."""
    (api,) = SHOP.properties("AWS::ApiGatewayV2::Api").values()
    pages = {path: each for path, each in api["Body"]["paths"].items() if not path.startswith("/api/")}
    led_there = {
        each["PathPattern"] for each in distribution(SHOP)["CacheBehaviors"] if each["TargetOriginId"] == "api"
    }
    assert {path.replace("{productId}", "*") for path in pages} == led_there - {"/api/*"}
    for path, operations in pages.items():
        assert operations["head"] == operations["get"], path
        (behaves,) = [behaviour(each) for each in led_there if each == path.replace("{productId}", "*")]
        assert "HEAD" in behaves.get("AllowedMethods", ["GET", "HEAD"])


def test_everybody_sees_the_pictures_and_nobody_what_was_uploaded() -> None:
    origins = {each["Id"]: each for each in distribution(SHOP)["Origins"] if "Id" in each}
    origin = origins[behaviour("/pictures/*")["TargetOriginId"]]
    assert origin["DomainName"] == {"Fn::GetAtt": ["ImagesBucket", "RegionalDomainName"]}
    assert origin["OriginAccessControlId"] == {"Fn::GetAtt": ["OriginAccess", "Id"]}
    policy = SHOP.properties("AWS::S3::BucketPolicy")["ImagesBucketPolicy"]["PolicyDocument"]
    (allowed,) = [each for each in policy["Statement"] if each.get("Effect") == "Allow"]
    assert (allowed["Action"], text_of(allowed["Resource"])) == ("s3:GetObject", "${ImagesBucket.Arn}/pictures/*")
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    (source,) = allowed["Condition"]["StringEquals"].values()
    assert text_of(source).endswith(":distribution/${Distribution}")


def test_a_picture_is_kept_by_cloudfront_and_by_browsers_as_its_name_is_its_content() -> None:
    pictures = behaviour("/pictures/*")
    assert pictures["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6", "Managed-CachingOptimized"
    assert pictures["ResponseHeadersPolicyId"] == {"Ref": "SecurityHeaders"}
    assert set(pictures.get("AllowedMethods", ["GET", "HEAD"])) == {"GET", "HEAD"}
    assert "immutable" in CACHED_FOR_EVER


def test_the_api_signs_uploads_and_the_pictures_function_alone_reads_and_publishes_them() -> None:
    def in_the_bucket(function: str) -> set[tuple[str, str]]:
        return {
            (action, text_of(statement["Resource"]).removeprefix("${ImagesBucket.Arn}"))
            for statement in statements(function)
            if "ImagesBucket" in text_of(statement["Resource"])
            for action in as_list(statement["Action"])
        }

    assert in_the_bucket("CatalogApi") == {("s3:PutObject", "/products/*")}
    assert in_the_bucket("CatalogImages") == {("s3:GetObject", "/products/*"), ("s3:PutObject", "/pictures/*")}
    assert [name for name in SHOP.functions if in_the_bucket(name)] == ["CatalogApi", "CatalogImages"]
    (told,) = buckets["ImagesBucket"]["NotificationConfiguration"]["QueueConfigurations"]
    # What the function itself publishes must not call it again.
    assert told["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "products/"}]


def test_the_function_that_makes_pictures_alone_takes_their_layer_along_and_has_room_for_the_largest() -> None:
    layers = {name: [layer["Ref"] for layer in each.get("Layers", ())] for name, each in SHOP.functions.items()}
    assert [name for name, each in layers.items() if "PictureLayer" in each] == ["CatalogImages"]
    function = SHOP.functions["CatalogImages"]
    assert function["Layers"] == [{"Ref": "PictureLayer"}], "SAM adds it to the layers of Globals"
    assert function["MemorySize"] * 2**20 / 2 > 2 * 4 * MAX_PIXELS


def test_only_the_functions_that_ask_a_provider_take_stripes_package_along() -> None:
    assert {name for name, each in SHOP.functions.items() if {"Ref": "StripeLayer"} in each.get("Layers", ())} == {
        "PaymentWorkerReactions",
        "ReplayWorker",
    }


def test_the_api_is_told_the_clients_address_over_whatever_the_client_says() -> None:
    api = behaviour("/api/*")
    (association,) = api["FunctionAssociations"]
    assert association["EventType"] == "viewer-request"
    code = SHOP.properties("AWS::CloudFront::Function")[referred(association["FunctionARN"])]["FunctionCode"]
    request = {"headers": {origin.ADDRESS: {"value": "198.51.100.1", "multiValue": [{"value": "198.51.100.1"}]}}}
    event = json.dumps({"viewer": {"ip": "203.0.113.9"}, "request": request})
    node = Path(sys.executable).parent / "node"
    told = subprocess.run(
        [node, "-e", f"{code}\nconsole.log(JSON.stringify(handler({event})))"], capture_output=True, check=True
    )
    assert json.loads(told.stdout) == {"headers": {origin.ADDRESS: {"value": "203.0.113.9"}}}


def test_the_command_calls_the_api_through_cloudfront_on_aws() -> None:
    assert text_of(SHOP.body["Outputs"]["ApiUrl"]["Value"]) == "https://${Distribution.DomainName}/api"


def test_a_firewall_is_put_in_front_where_there_is_one() -> None:
    acl = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1"
    pattern = SHOP.body["Parameters"]["WebAclArn"]["AllowedPattern"]
    assert re.fullmatch(pattern, acl)
    assert not re.fullmatch(pattern, acl.replace("us-east-1", "ap-southeast-1"))
    assert "WebACLId" not in distribution(SHOP)
    assert distribution(Template.load(Stage="prod", WebAclArn=acl))["WebACLId"] in (acl, {"Ref": "WebAclArn"})


def test_the_limits_are_strict_unless_somebody_says_otherwise_and_wide_on_a_laptop() -> None:
    defaults = {name: SHOP.body["Parameters"][name]["Default"] for name in WIDE_LIMITS}
    assert {name for name in SHOP.body["Parameters"] if name.endswith("Limit")} == defaults.keys()
    for name, wide in WIDE_LIMITS.items():
        strict, loose = ([int(each) for each in str(value).split("/")] for value in (defaults[name], wide))
        assert loose[0] >= 40 * strict[0], "forty shoppers behind one address, or one who tries everything"
        assert re.fullmatch(SHOP.body["Parameters"][name].get("AllowedPattern", r"\d+"), wide)
    prod = tomllib.loads((TEMPLATE.parent / "samconfig.toml").read_text())["prod"]["deploy"]["parameters"]
    assert "Limit" not in str(prod["parameter_overrides"])


# ---------------------------------------------------------------------------------------------------------- functions


@each_function
def test_a_function_has_a_role_that_no_other_function_has(function: str) -> None:
    assert referred(SHOP.functions[function]["Role"]) == f"{function}Role"
    for policy in SHOP.properties("AWS::IAM::Policy").values():
        assert len(policy["Roles"]) == 1


@each_function
def test_a_function_may_do_named_things_to_named_resources(function: str) -> None:
    for statement in statements(function):
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            assert "*" not in action, f"{function} may do {action}"
            assert "*" not in as_list(statement["Resource"]), f"{function} may {action} anything"


@each_function
def test_an_index_is_queried_and_nothing_else(function: str) -> None:
    for statement in statements(function):
        if any("/index/" in text_of(resource) for resource in as_list(statement["Resource"])):
            assert as_list(statement["Action"]) == ["dynamodb:Query"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_operators_read_a_table_as_its_declaration_says_and_only_the_worker_reads_it_as_a_whole(table: Table) -> None:
    by_key = "dynamodb:Query" if table.several else "dynamodb:BatchGetItem"
    reads = {by_key} if table.keys_of else set()
    reads |= {"dynamodb:DescribeTable"} if table in TABLES_READ else set()
    # On production there is no sandbox.
    assert allowed("OpsApi", f"{table.name}Table") == (set() if table.name == "SandboxCharges" else reads)
    scans = "dynamodb:Scan" in allowed("ReplayWorker", f"{table.name}Table")
    assert scans == (table in TABLES_READ and table.name != "SandboxCharges")


def test_only_the_replay_worker_exports_tables_and_copies_of_whole_tables_are_gone_after_a_day() -> None:
    read = {f"{table.name}Table" for table in TABLES_READ if table.name != "SandboxCharges"}
    exporters = {
        (name, table) for name in SHOP.functions for table in read
        if "dynamodb:ExportTableToPointInTime" in allowed(name, table)
    }  # fmt: skip
    assert exporters == {("ReplayWorker", table) for table in read}
    tables = SHOP.properties("AWS::DynamoDB::Table")
    assert all(tables[each]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] for each in read)
    bucket = referred(SHOP.functions["ReplayWorker"]["Environment"]["Variables"]["EXPORTS_BUCKET"])
    writes = [each for each in statements("ReplayWorker") if "s3:PutObject" in as_list(each["Action"])]
    assert [text_of(each["Resource"]) for each in writes] == [f"${{{bucket}.Arn}}/exports/*"]
    rules = SHOP.properties("AWS::S3::Bucket")[bucket]["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpirationInDays"] for rule in rules if rule.get("Prefix") == "exports/"] == [1]
    local = Template.load(Stage="local").functions["ReplayWorker"]["Environment"]["Variables"]
    assert "EXPORTS_BUCKET" not in local, "the emulator's exports never end"


@each_function
def test_a_functions_logs_end_some_day(function: str) -> None:
    group = referred(SHOP.functions[function]["LoggingConfig"]["LogGroup"])
    assert log_groups[group]["RetentionInDays"]


@each_function
def test_a_crash_raises_an_alarm(function: str) -> None:
    assert "Errors" in watched(function)


def test_nobody_pays_for_lone_segments_of_x_ray() -> None:
    """The trace is in the events. X-Ray's own would end at the table's stream, which hands none on."""
    assert "Tracing" not in SHOP.body["Globals"]["Function"]
    assert not [function for function in SHOP.functions.values() if "Tracing" in function]


def test_functions_on_aws_call_aws() -> None:
    declared = SHOP.body["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"]
    assert declared["Fn::If"][:2] == ["IsAws", {"Ref": "AWS::NoValue"}]


def card_gateway(template: Template) -> set[Any]:
    """Who takes cards, as the functions that have to know are told."""
    return {
        variables["CARD_GATEWAY"]
        for function in template.functions.values()
        if "CARD_GATEWAY" in (variables := function["Environment"]["Variables"])
    }


def test_the_sandbox_is_money_on_a_laptop_only() -> None:
    """Its table, too, is nowhere else: a function that asked for it would not find it."""
    assert card_gateway(LAPTOP) == {"sandbox"}
    assert card_gateway(stripe.template_with_stripe()) == {"stripe"}
    assert card_gateway(stripe.template_with_stripe(stage="local")) == {"stripe"}, (
        "whoever has named an account means it"
    )
    assert len(card_gateway(SHOP)) == 1
    assert "sandbox" not in card_gateway(SHOP)
    condition = SHOP.body["Resources"]["SandboxChargesTable"]["Condition"]
    assert SHOP.body["Conditions"][condition] == {"Fn::Equals": ["prod", "local"]}


def test_the_relay_gives_up_no_record_that_a_stream_still_holds_but_on_a_laptop() -> None:
    def ages(template: Template) -> set[int]:
        return {source["MaximumRecordAgeInSeconds"] for _, source in template.streams.values()}

    assert ages(SHOP) == {-1}
    assert ages(LAPTOP) == {600}


def test_on_aws_a_stream_is_tried_again_from_the_first_record_that_failed_and_worked_off_side_by_side() -> None:
    for _, source in SHOP.streams.values():
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["BisectBatchOnFunctionError"] is True
        assert source["ParallelizationFactor"] > 1
    for _, source in LAPTOP.streams.values():
        # The emulator would lose the records that are named as failed.
        assert "FunctionResponseTypes" not in source


def test_the_relay_reads_every_stream_and_is_watched() -> None:
    assert SHOP.published == {name: "Relay" for name, table in tables.items() if "StreamSpecification" in table}
    assert "IteratorAge" in watched("Relay")


# --------------------------------------------------------------------------------------------- gradual deployment


def transformed(**parameters: str) -> dict[str, Any]:
    """The resources as SAM writes them out on AWS for production."""
    template = process_template(yaml_parse(TEMPLATE.read_text()), {"Stage": "prod"} | parameters)
    template["Globals"]["Function"]["CodeUri"] = "s3://artifacts/code.zip"
    for layer in ("DependencyLayer", "PictureLayer", "StripeLayer"):
        template["Resources"][layer]["Properties"]["ContentUri"] = "s3://artifacts/code.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "ap-southeast-1")
        written: dict[str, Any] = transform(template, {"Stage": "prod"} | parameters, None)
    resources: dict[str, Any] = written["Resources"]
    return resources


def integrations(template: Template) -> list[str]:
    """What the API calls."""
    (api,) = template.properties("AWS::ApiGatewayV2::Api").values()
    return [
        operation["x-amazon-apigateway-integration"]["uri"]
        for operations in api["Body"]["paths"].values()
        for operation in operations.values()
    ]


class TestGradualDeployment:
    resources = transformed(EnableCanary="true")
    gradual = SHOP.functions.keys() - {"ReplayWorker", "FailureCounter", "AccountDeletions"}

    def test_a_new_version_gets_a_tenth_of_the_calls_and_goes_again_when_an_alarm_of_the_function_goes_off(
        self,
    ) -> None:
        groups = {name: each for name, each in self.resources.items() if "DeploymentGroup" in each["Type"]}
        assert groups.keys() == {f"{function}DeploymentGroup" for function in self.gradual}
        for function in self.gradual:
            group = groups[f"{function}DeploymentGroup"]["Properties"]
            assert "Canary10Percent10Minutes" in str(group["DeploymentConfigName"])
            assert group["AutoRollbackConfiguration"]["Enabled"] is True
            own = [alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]]
            assert f"{function}ErrorsAlarm" in own
            assert "UpdatePolicy" in self.resources[f"{function}Aliaslive"]
            assert set(own) <= alarms.keys()

    @pytest.mark.parametrize("function", sorted(SHOP.consumers.values()))
    def test_messages_that_fail_take_a_consumers_new_version_back(self, function: str) -> None:
        group = self.resources[f"{function}DeploymentGroup"]["Properties"]
        own = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]}
        name = function.removesuffix("Reactions")
        assert {f"{name}FailingAlarm", f"{name}DeadLettersAlarm"} <= own

    def test_everybody_calls_the_version_that_is_live(self) -> None:
        """An API, a queue, a stream, a pool or a schedule that called the function itself would get all of it new."""
        called = [
            each
            for resource in self.resources.values()
            for each in (
                resource["Properties"].get("FunctionName")
                if resource["Type"] in ("AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission")
                else None,
                *resource["Properties"].get("LambdaConfig", {}).values(),
            )
            if each is not None
        ]
        assert {each["Ref"] for each in called} == {f"{function}Aliaslive" for function in SHOP.functions}
        assert all(each.endswith(":live/invocations") for each in integrations(SHOP))

    def test_on_a_laptop_the_function_itself_is_called_as_watch_changes_its_code(self) -> None:
        called = [source["FunctionName"] for source in LAPTOP.properties("AWS::Lambda::EventSourceMapping").values()]
        called += integrations(LAPTOP)
        assert called
        assert "Alias" not in json.dumps(called)

    def test_a_variable_that_changes_makes_a_new_version(self) -> None:
        def version(resources: dict[str, Any]) -> Any:
            return resources["PaymentsApiAliaslive"]["Properties"]["FunctionVersion"]

        changed = transformed(EnableCanary="true", CardLimit="1/1/1")
        assert version(changed) != version(self.resources)
        assert version(transformed(EnableCanary="true")) == version(self.resources)

    def test_the_stack_has_room_for_what_comes(self) -> None:
        """At most 500 resources. Source: AWS CloudFormation quotas."""
        there = [each for each in self.resources.values() if each.get("Condition") not in ("IsLocal", "HasSandbox")]
        assert len(there) <= 490, "put something into a stack of its own, or say it in one resource"

    def test_nothing_is_gradual_unless_somebody_says_so_and_production_does(self) -> None:
        assert not [each for each in transformed().values() if "CodeDeploy" in each["Type"]]
        config = tomllib.loads((TEMPLATE.parent / "samconfig.toml").read_text())["prod"]["deploy"]["parameters"]
        assert "EnableCanary=true" in config["parameter_overrides"]


# ------------------------------------------------------------------------------------------------------------ restore


def restored(*names: str) -> dict[str, str]:
    """Parameters by which a stack takes restored tables in the place of its own."""
    streams = [name for name in names if "StreamSpecification" in tables[name]]
    return {f"{name}Name": f"{name}-restored" for name in names} | {
        f"{name}StreamArn": f"arn:aws:dynamodb:ap-southeast-1:123456789012:table/{name}-restored/stream/2026"
        for name in streams
    }


class TestRestore:
    own = sorted(name for name in tables if not name.endswith("ChargesTable"))
    """All but what a sandbox has charged, which is on a laptop only."""

    def test_every_table_can_be_taken_from_elsewhere_and_a_stream_with_it(self) -> None:
        taken = restored(*self.own)
        assert {name for name in SHOP.body["Parameters"] if re.search(r"Table(Name|StreamArn)$", name)} == taken.keys()
        assert refusals(**TestOnlyAws.ready, **taken) == []
        for name in self.own:
            condition = SHOP.body["Resources"][name]["Condition"]
            assert yaml_parse(TEMPLATE.read_text())["Conditions"][condition] == {
                "Fn::Equals": [{"Ref": f"{name}Name"}, ""]
            }

    def test_nothing_refers_to_the_stacks_own_table_any_more(self) -> None:
        shop = Template.load(TEMPLATE, Stage="prod", **restored(*self.own))
        rest = {name: each for name, each in shop.body["Resources"].items() if name not in tables}
        text = json.dumps([rest, shop.body["Outputs"]])
        for name in self.own:
            assert not re.search(rf"\b{name}\b(?!-restored)", text), f"{name} is still referred to"

    def test_a_function_knows_a_restored_table_and_may_do_to_it_what_it_might_before(self) -> None:
        shop = Template.load(TEMPLATE, Stage="prod", **restored("OrdersTable"))
        assert shop.environment("OrdersApi")["ORDERS_TABLE"] == "OrdersTable-restored"
        policy = json.dumps(shop.properties("AWS::IAM::Policy")["OrdersApiPolicy"])
        assert "table/OrdersTable-restored" in policy
        assert "/index/userId-createdAt" in policy.replace("', '", "/")

    def test_the_relay_reads_the_restored_tables_stream(self) -> None:
        taken = restored("OrdersTable")
        shop = Template.load(TEMPLATE, Stage="prod", **taken)
        source = shop.properties("AWS::Lambda::EventSourceMapping")["RelayOrders"]
        assert source["EventSourceArn"] == taken["OrdersTableStreamArn"]
        assert taken["OrdersTableStreamArn"] in json.dumps(shop.properties("AWS::IAM::Policy")["RelayPolicy"])

    @pytest.mark.parametrize("parameter", sorted(name for name in restored("OrdersTable")))
    def test_a_table_with_an_outbox_comes_with_its_stream(self, parameter: str) -> None:
        (reason,) = refusals(**TestOnlyAws.ready, **{parameter: restored("OrdersTable")[parameter]})
        assert "go together" in reason

    def test_the_key_of_the_backups_stays_as_long_as_they_do(self) -> None:
        for name in ("BackupVault", "BackupKey"):
            resource = SHOP.body["Resources"][name]
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")

    def test_each_days_backup_of_every_table_is_also_in_another_account(self) -> None:
        vault = "arn:aws:backup:eu-central-1:210987654321:backup-vault:shop"
        shop = Template.load(TEMPLATE, Stage="prod", BackupVaultArn=vault, **restored("OrdersTable"))
        (selection,) = shop.properties("AWS::Backup::BackupSelection").values()
        backed_up = json.dumps(selection["BackupSelection"]["Resources"])
        for name in self.own:
            assert f'"{name}"' in backed_up or f"table/{name}-restored" in backed_up
        (plan,) = shop.properties("AWS::Backup::BackupPlan").values()
        (rule,) = plan["BackupPlan"]["BackupPlanRule"]
        assert [copy["DestinationBackupVaultArn"] for copy in rule["CopyActions"]] == [vault]
        # A vault under the key that AWS manages cannot be copied to another account.
        assert shop.properties("AWS::Backup::BackupVault")["BackupVault"]["EncryptionKeyArn"]
        key = shop.properties("AWS::KMS::Key")["BackupKey"]["KeyPolicy"]
        assert "210987654321" in json.dumps(key["Statement"][1]["Principal"])
        assert {SHOP.body["Resources"][name]["Condition"] for name in SHOP.body["Resources"] if "Backup" in name} == {
            "HasBackups"
        }

    def test_a_picture_that_was_overwritten_or_deleted_can_be_brought_back(self) -> None:
        assert buckets["ImagesBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}
        (old,) = buckets["ImagesBucket"]["LifecycleConfiguration"]["Rules"]
        assert old["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}

    def test_a_user_from_another_pool_has_an_id_from_the_start_which_the_token_says_and_nobody_can_write(self) -> None:
        (pool,) = SHOP.properties("AWS::Cognito::UserPool").values()
        (attribute,) = pool["Schema"]
        assert f"custom:{attribute['Name']}" == USER_ID
        assert attribute["Mutable"] is False
        (client,) = SHOP.properties("AWS::Cognito::UserPoolClient").values()
        assert USER_ID in client["ReadAttributes"], "an ID token has what its client may read"
        assert USER_ID not in client["WriteAttributes"], "anybody could become anybody"

    def test_every_function_knows_the_epoch(self) -> None:
        assert SHOP.common_environment["EPOCH"] == {"Ref": "Epoch"}


# --------------------------------------------------------------------------------------------------------------- data


@each_table
def test_a_table_can_be_set_back_and_is_encrypted(table: str) -> None:
    assert tables[table]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert tables[table]["SSESpecification"] == {"SSEEnabled": True}


@each_table
def test_a_table_costs_nothing_while_nobody_shops(table: str) -> None:
    assert tables[table]["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize("resource", [*sorted(tables), "ImagesBucket", "FailuresBucket", "LogsBucket", "UserPool"])
def test_production_keeps_what_cannot_be_made_again_but_for_a_first_deployment_that_failed(resource: str) -> None:
    for policy, kept in {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}.items():
        assert SHOP.body["Resources"][resource][policy] == kept
        assert LAPTOP.body["Resources"][resource][policy] == "Delete"
    # What is kept would be in the way of its successor, had it a name of its own.
    assert not {"TableName", "BucketName", "UserPoolName"} & SHOP.body["Resources"][resource]["Properties"].keys()


@pytest.mark.parametrize(("protection", "protected"), [("false", False), ("true", True)])
def test_nothing_refuses_to_be_deleted_before_the_first_deployment_has_succeeded(
    protection: str, protected: bool
) -> None:
    """CloudFormation could not roll back what refuses."""
    assert SHOP.body["Parameters"]["DeletionProtection"]["Default"] == "false"
    shop = Template.load(Stage="prod", DeletionProtection=protection)
    for table in shop.properties("AWS::DynamoDB::Table").values():
        assert table["DeletionProtectionEnabled"] is protected
    (pool,) = shop.properties("AWS::Cognito::UserPool").values()
    assert pool["DeletionProtection"] == ("ACTIVE" if protected else "INACTIVE")


def test_a_dead_letter_in_a_bucket_is_read_over_tls_only_and_ends_some_day() -> None:
    policies = SHOP.properties("AWS::S3::BucketPolicy").values()
    (statement,) = [
        statement
        for policy in policies
        if referred(policy["Bucket"]) == "FailuresBucket"
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}
    rules = buckets["FailuresBucket"]["LifecycleConfiguration"]["Rules"]
    (ends,) = [rule["ExpirationInDays"] for rule in rules if "Prefix" not in rule]
    assert ends >= 365


@pytest.mark.parametrize("bucket", sorted(buckets))
def test_a_bucket_is_private_and_encrypted(bucket: str) -> None:
    assert set(buckets[bucket]["PublicAccessBlockConfiguration"].values()) == {True}
    assert buckets[bucket]["BucketEncryption"]


# ----------------------------------------------------------------------------------------------------------- watching


@each_alarm
def test_an_alarm_says_whose_it_is_what_to_do_and_where_that_is_written(alarm: str) -> None:
    said = text_of((alarms | composites)[alarm]["AlarmDescription"])
    assert said.startswith("[prod] ")
    (section,) = re.findall(r"docs/operations\.md#([a-z-]+)$", said)
    headings = re.findall(r"^## (.+)$", RUNBOOK.read_text(), re.MULTILINE)
    assert section in {heading.lower().replace(" ", "-") for heading in headings}
    for command in re.findall(r"`cloudretail ([^`]+)`", said):
        assert re.search(r" --stack \S*[sS]tack\S*$", command), "an alarm is of one stage"


@pytest.mark.parametrize("alarm", sorted(alarms))
def test_no_data_is_no_alarm_but_of_what_is_counted_every_minute_and_of_orders_that_must_come(alarm: str) -> None:
    counted = alarms[alarm].get("MetricName") in ("DeadLetters", "FailingTooLong") or alarm == "QuietAlarm"
    assert alarms[alarm]["TreatMissingData"] == ("breaching" if counted else "notBreaching")


def test_the_account_raises_an_alarm_before_and_when_lambda_refuses_to_run_functions() -> None:
    """Of the whole account, without a dimension: a function's own figure says nothing of the limit that they share."""
    assert alarms["ThrottlesAlarm"]["MetricName"] == "Throttles"
    assert "Dimensions" not in alarms["ThrottlesAlarm"]
    share, running = alarms["ConcurrencyAlarm"]["Metrics"]
    assert "SERVICE_QUOTA(running)" in share["Expression"]
    assert alarms["ConcurrencyAlarm"]["Threshold"] < 100
    dimensions = {each["Name"]: each["Value"] for each in running["MetricStat"]["Metric"]["Dimensions"]}
    # As Lambda's usage metric has them. `None` is a text.
    assert dimensions == {
        "Service": "Lambda", "Type": "Resource", "Resource": "ConcurrentExecutions", "Class": "None",
    }  # fmt: skip


OWN_METRICS = [
    metric
    for alarm in Template.load(Stage="prod", QuietMinutes="30").properties("AWS::CloudWatch::Alarm").values()
    for metric in metrics_of(alarm)
    if metric.get("Namespace") == "CloudRetail"
]


def test_an_alarm_on_what_the_shop_counts_is_of_this_stage_and_of_a_metric_that_its_service_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert len(OWN_METRICS) > 20
    for metric in OWN_METRICS:
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        assert dimensions["stage"] == "prod"
        service = TEMPLATE.parent / "functions" / dimensions["service"]
        events = {event.event_type.name for event in EVENTS if event.event_type.service == dimensions["service"]}
        printed = any(f'"{metric["MetricName"]}"' in file.read_text() for file in service.rglob("*.py"))
        assert printed or metric["MetricName"] in events, f"nobody counts {metric['MetricName']}"
    telemetry.count("Parked")
    telemetry.flush()
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert "stage" in line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]


@pytest.mark.parametrize(
    ("namespace", "metric", "limit"),
    [
        ("CloudRetail", "Parked", 0),
        ("CloudRetail", "MailFailed", 0),
        ("CloudRetail", "SessionsNotEnded", 0),
        ("CloudRetail", "RefundRefused", 0),
        ("CloudRetail", "UnexpectedCharge", 0),
        ("CloudRetail", "ChargeDisputed", 0),
        ("CloudRetail", "SetAside", 0),
        ("AWS/ApiGateway", "5xx", 5),
        ("AWS/ApiGateway", "Latency", 3000),
    ],
)
def test_what_no_consumer_would_show_raises_an_alarm_that_somebody_hears(
    namespace: str, metric: str, limit: float
) -> None:
    (alarm,) = [
        each
        for each in alarms.values()
        if (each.get("Namespace"), text_of(each.get("MetricName"))) == (namespace, metric)
    ]
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", limit)


def test_every_metric_on_the_dashboard_that_the_shop_counts_is_of_this_stage() -> None:
    own = [metric for widget in widgets() for metric in widget["metrics"] if metric[0] == "CloudRetail"]
    assert own
    assert all(metric[4:6] == ["stage", "prod"] for metric in own)


def test_a_throttled_table_raises_an_alarm_also_one_that_was_restored() -> None:
    """Of the whole account: a table that the stack has not made is none of its resources."""
    _, *queries = alarms["TableThrottlesAlarm"]["Metrics"]
    assert {query["Expression"] for query in queries} == {
        'SELECT SUM(ReadThrottleEvents) FROM SCHEMA("AWS/DynamoDB", TableName)',
        'SELECT SUM(WriteThrottleEvents) FROM SCHEMA("AWS/DynamoDB", TableName)',
    }


def test_an_event_that_a_rule_can_neither_deliver_nor_keep_raises_an_alarm() -> None:
    _, *queries = alarms["UndeliveredAlarm"]["Metrics"]
    asked = [text_of(query["Expression"]) for query in queries]
    assert [re.findall(r"SUM\((\w+)\)", each) for each in asked] == [
        ["FailedInvocations"], ["InvocationsFailedToBeSentToDlq"],
    ]  # fmt: skip
    # Of a rule on a bus of one's own, both are by bus and rule.
    assert all(
        "SCHEMA(\"AWS/Events\", EventBusName, RuleName) WHERE EventBusName = '${EventBus}'" in each for each in asked
    )


def test_an_event_that_nobody_knows_is_kept_in_a_log_and_raises_an_alarm() -> None:
    rule = SHOP.properties("AWS::Events::Rule")[UNMATCHED]
    (unknown,) = rule["EventPattern"]["detail"]["type"]
    assert unknown["anything-but"] == [event.event_type.type for event in EVENTS]
    assert len(json.dumps(rule["EventPattern"], separators=(",", ":"))) <= 2048, "EventBridge takes no longer pattern"
    subscribed = {type_ for each in rules.values() for type_ in each["EventPattern"]["detail"]["type"]}
    assert subscribed <= set(unknown["anything-but"])
    assert referred(rule["Targets"][0]["Arn"]) == "UnmatchedEvents"
    assert text_of(log_groups["UnmatchedEvents"]["LogGroupName"]).startswith("/aws/events/")
    policy = json.loads(
        text_of(SHOP.properties("AWS::Logs::ResourcePolicy")["UnmatchedEventsPolicy"]["PolicyDocument"])
    )
    assert policy["Statement"][0]["Resource"] == "${UnmatchedEvents.Arn}"
    assert alarms["UnmatchedEventsAlarm"]["MetricName"] == "TriggeredRules"


@pytest.mark.parametrize("objective", ["Checkout", "Confirmation"])
def test_an_objective_raises_an_alarm_when_it_is_missed_fast_or_slowly_for_a_while_and_still(objective: str) -> None:
    """By two windows each, of which the short one ends the alarm soon. Source: The Site Reliability Workbook, ch. 5."""
    for speed, rate in {"Fast": 14.4, "Slow": 6}.items():
        windows = [alarms[f"{objective}{speed}{length}Burn"] for length in ("Long", "Short")]
        assert [alarm["Threshold"] for alarm in windows] == [rate, rate]
        long, short = ({each["MetricStat"]["Period"] for each in alarm["Metrics"][1:]} for alarm in windows)
        assert (len(long), len(short)) == (1, 1)
        assert long.pop() == 12 * short.pop()
        rule = composites[f"{objective}{speed}BurnAlarm"]["AlarmRule"]
        # SAM CLI writes a reference within a text as Python does. It deploys the template as it is.
        long_one, short_one = (str({"Ref": f"{objective}{speed}{length}Burn"}) for length in ("Long", "Short"))
        assert rule == f'ALARM("{long_one}") AND ALARM("{short_one}")'
        assert composites[f"{objective}{speed}BurnAlarm"]["AlarmActions"] == [{"Ref": "AlarmTopic"}]


def test_checkouts_objective_is_about_the_route_that_places_orders() -> None:
    (metric, _) = metrics_of(alarms["CheckoutFastLongBurn"])
    dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
    assert f"{dimensions['Method']} {dimensions['Resource']}" in {f"{each.method} {each.path}" for each in SHOP.routes}
    (stage,) = SHOP.properties("AWS::ApiGatewayV2::Stage").values()
    assert dimensions["Stage"] == stage["StageName"]
    assert stage["DefaultRouteSettings"]["DetailedMetricsEnabled"] is True, "else there is none of a route"


def test_what_cannot_wait_wakes_somebody_up_and_everything_else_informs() -> None:
    pager = {"PagerUrl": "https://pager.example/1", "QuietMinutes": "30"}
    paging = Template.load(TEMPLATE, **pager, Stage="prod").properties("AWS::CloudWatch::CompositeAlarm")["PagingAlarm"]
    assert paging["AlarmActions"] == [{"Ref": "PagerTopic"}]
    assert composites["PagingAlarm"]["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    named = set(re.findall(r'ALARM\("\$\{(\w+)\}"\)', paging["AlarmRule"]))
    assert named <= (alarms | composites).keys()
    assert {"CheckoutFastBurnAlarm", "ConfirmationFastBurnAlarm", "RelayAgeAlarm", "QuietAlarm"} <= named
    assert "QuietAlarm" not in composites["PagingAlarm"]["AlarmRule"], "it is not there without QuietMinutes"
    others = [each for name, each in (alarms | composites).items() if name != "PagingAlarm"]
    assert "PagerTopic" not in json.dumps(others)


def test_no_orders_are_an_alarm_only_where_somebody_says_after_how_long() -> None:
    assert SHOP.body["Parameters"]["QuietMinutes"]["Default"] == 0
    assert SHOP.body["Resources"]["QuietAlarm"]["Condition"] == "HasQuietAlarm"
    alarm = Template.load(Stage="prod", QuietMinutes="30").properties("AWS::CloudWatch::Alarm")["QuietAlarm"]
    assert alarm["EvaluationPeriods"] == "30"
    assert (alarm["Period"], alarm["Threshold"], alarm["ComparisonOperator"]) == (60, 1, "LessThanThreshold")


def test_lambda_itself_logs_only_what_failed_and_drops_no_metric() -> None:
    """A line without a level, as a metric is, counts as INFO. Source: Lambda developer guide, "Log-level filtering"."""
    common = SHOP.body["Globals"]["Function"]["LoggingConfig"]
    assert (common["LogFormat"], common["SystemLogLevel"]) == ("JSON", "WARN")
    assert common["ApplicationLogLevel"] == {"Ref": "LogLevel"}
    assert set(SHOP.body["Parameters"]["LogLevel"]["AllowedValues"]) <= {"DEBUG", "INFO"}
    assert logging.getLogger("botocore.endpoint").getEffectiveLevel() >= logging.WARNING, "it logs bodies of requests"


def test_a_saved_query_of_functions_is_over_all_of_them() -> None:
    queries = SHOP.properties("AWS::Logs::QueryDefinition")
    over = {name: [text_of(group) for group in query["LogGroupNames"]] for name, query in queries.items()}
    assert over["ErrorsQuery"] == over["OrderQuery"] == over["ConsumersQuery"]
    assert set(over["ErrorsQuery"]) == {f"/aws/lambda/${{AWS::StackName}}/{function}" for function in SHOP.functions}
    assert len(over["ErrorsQuery"]) <= 50


def test_a_saved_query_of_requests_asks_for_what_the_access_log_says() -> None:
    (stage,) = SHOP.properties("AWS::ApiGatewayV2::Stage").values()
    logged = json.loads(text_of(stage["AccessLogSettings"]["Format"])).keys()
    queries = SHOP.properties("AWS::Logs::QueryDefinition")
    for name, asked in {
        "ServerErrorsQuery": {"status", "route", "integrationError", "error"},
        "SlowestQuery": {"latencyMs", "route"},
    }.items():
        assert queries[name]["LogGroupNames"] == [{"Ref": "AccessLogs"}]
        assert asked <= logged
        assert all(each in queries[name]["QueryString"] for each in asked)


def test_the_archive_keeps_every_event_as_long_as_the_runbook_says() -> None:
    (archive,) = SHOP.properties("AWS::Events::Archive").values()
    assert archive["SourceArn"] == {"Fn::GetAtt": ["EventBus", "Arn"]}
    assert "EventPattern" not in archive
    assert f"the archive, which keeps {archive['RetentionDays']} days" in " ".join(RUNBOOK.read_text().split())


def test_what_the_emulator_refuses_is_on_aws_only() -> None:
    refused = {
        "AWS::CloudWatch::CompositeAlarm", "AWS::Events::Archive", "AWS::Logs::QueryDefinition",
        "AWS::Logs::ResourcePolicy",
    }  # fmt: skip
    for name, resource in SHOP.body["Resources"].items():
        if resource["Type"] in refused or "Metrics" in resource.get("Properties", {}):
            assert resource["Condition"] in ("IsAws", "HasQuietAlarm", "HasPager"), name


def widgets() -> list[dict[str, Any]]:
    """The properties of the dashboard's widgets."""
    body = SHOP.properties("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]
    return [each["properties"] for each in json.loads(body["Fn::Sub"] if isinstance(body, dict) else body)["widgets"]]


def test_the_runbook_names_only_widgets_that_the_dashboard_has() -> None:
    runbook = (TEMPLATE.parent / "docs" / "operations.md").read_text()
    named = re.findall(r'widgets? "([^"]+)"', runbook)
    assert named
    assert set(named) <= {widget["title"] for widget in widgets()}


def test_what_the_dashboard_counts_of_events_is_an_event_of_that_service() -> None:
    counted = {
        (metric[3], metric[1])
        for widget in widgets()
        for metric in widget["metrics"]
        if metric[0] == "CloudRetail" and metric[1] != "PlacedToConfirmed"
    }
    assert counted
    assert counted <= {(event.event_type.service, event.event_type.name) for event in EVENTS}


# ---------------------------------------------------------------------------------------- what is different on AWS


def holds(assertion: Any, parameters: dict[str, str]) -> bool:
    """A condition of the section Rules, as CloudFormation evaluates it."""
    ((function, arguments),) = assertion.items()
    match function:
        case "Fn::Equals":
            left, right = (parameters[each["Ref"]] if isinstance(each, dict) else each for each in arguments)
            return bool(left == right)
        case "Fn::Not":
            return not holds(arguments[0], parameters)
        case "Fn::And":
            return all(holds(each, parameters) for each in arguments)
        case "Fn::Or":
            return any(holds(each, parameters) for each in arguments)
    raise AssertionError(f"{function} is no function of Rules")


def refusals(**given: str) -> list[str]:
    """Why CloudFormation does not even begin a deployment with these parameters."""
    parameters = {name: str(each.get("Default", "")) for name, each in SHOP.body["Parameters"].items()} | given
    return [
        assertion["AssertDescription"]
        for rule in yaml_parse(TEMPLATE.read_text())["Rules"].values()
        if "RuleCondition" not in rule or holds(rule["RuleCondition"], parameters)
        for assertion in rule["Assertions"]
        if not holds(assertion["Assert"], parameters)
    ]


def written(value: Any) -> str:
    """A text with the domain of `TestOnlyAws` in it."""
    return text_of(value).replace("${DomainName}", "shop.example")


class TestOnlyAws:
    ready: ClassVar = {"Stage": "prod", "SenderIdentity": "shop.example"}
    domain: ClassVar = {
        "DomainName": "shop.example",
        "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
    }

    def test_a_bare_sam_deploy_never_puts_the_laptops_stage_into_an_account(self) -> None:
        assert "make deploy STAGE=prod" in refusals()[0]
        assert refusals(EmulatorPort="4566") == []

    def test_a_stage_on_aws_has_no_emulator_and_a_sender_of_its_own(self) -> None:
        assert refusals(**self.ready) == []
        assert len(refusals(**self.ready, EmulatorPort="4566")) == 1
        assert "placeholder" in refusals(**self.ready | {"SenderIdentity": "cloudretail.example"})[0]

    def test_what_samconfig_has_is_refused_only_for_its_placeholder(self) -> None:
        overrides = tomllib.loads((TEMPLATE.parent / "samconfig.toml").read_text())["prod"]["deploy"]["parameters"]
        given = dict(each.replace("''", "").split("=", 1) for each in overrides["parameter_overrides"])
        assert given.keys() <= SHOP.body["Parameters"].keys()
        (reason,) = refusals(**given)
        assert "placeholder" in reason

    def test_a_domain_comes_with_its_certificate_from_us_east_1(self) -> None:
        assert refusals(**self.ready, **self.domain) == []
        assert refusals(**self.ready, DomainName="shop.example") != []
        pattern = SHOP.body["Parameters"]["CertificateArn"]["AllowedPattern"]
        assert re.fullmatch(pattern, self.domain["CertificateArn"])
        assert not re.fullmatch(pattern, self.domain["CertificateArn"].replace("us-east-1", "eu-central-1"))

    def test_a_domain_is_served_with_todays_tls_and_named_in_mails_and_uploads(self) -> None:
        shop = Template.load(TEMPLATE, **self.ready, **self.domain)
        config = distribution(shop)
        assert list(map(written, config["Aliases"])) == ["shop.example", "www.shop.example"]
        assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
        assert config["ViewerCertificate"]["SslSupportMethod"] == "sni-only"
        for function in ("AuthApi", "NotificationsReactions", "ReplayWorker"):
            assert written(shop.environment(function)["STOREFRONT_URL"]) in (
                "https://shop.example", str(["https://${Name}", {"Name": "shop.example"}]),
            )  # fmt: skip
        (rule,) = shop.properties("AWS::S3::Bucket")["ImagesBucket"]["CorsConfiguration"]["CorsRules"]
        assert list(map(written, rule["AllowedOrigins"])) == ["https://shop.example"]
        assert "Distribution.DomainName" in str(shop.body["Outputs"]["DnsRecords"]["Value"])

    def test_without_a_domain_everything_is_at_cloudfronts_own_address(self) -> None:
        assert "Aliases" not in distribution(SHOP)
        assert "ViewerCertificate" not in distribution(SHOP)
        for function in ("AuthApi", "NotificationsReactions", "ReplayWorker"):
            assert "Distribution" in str(SHOP.environment(function)["STOREFRONT_URL"])
        (rule,) = buckets["ImagesBucket"]["CorsConfiguration"]["CorsRules"]
        assert rule["AllowedOrigins"] == ["https://*.cloudfront.net"]

    @pytest.mark.parametrize("function", ["AuthApi", "NotificationsReactions"])
    def test_a_mail_may_go_to_an_address_of_the_account_but_only_from_the_shops_own(self, function: str) -> None:
        (statement,) = [s for s in statements(function) if as_list(s["Action"]) == ["ses:SendEmail"]]
        named = [text_of(each).rpartition(":")[2] for each in statement["Resource"]]
        assert named == ["identity/*", "configuration-set/*"]
        assert statement["Condition"] == {
            "StringEquals": {"ses:FromAddress": SHOP.body["Parameters"]["SenderAddress"]["Default"]}
        }

    def test_a_long_replay_is_no_loop_to_lambda_and_nobody_else_may_be_one(self) -> None:
        loops = {name for name, function in SHOP.functions.items() if function.get("RecursiveLoop") == "Allow"}
        assert loops == {"ReplayWorker"}

    def test_no_shared_cache_stands_before_the_api(self) -> None:
        api = behaviour("/api/*")
        assert api["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "Managed-CachingDisabled"
        assert api["Compress"] is False, "it would do nothing: what is not cached is not compressed"

    def test_cloudfront_logs_who_its_viewers_are_and_no_cookie_for_a_while(self) -> None:
        logging = distribution(SHOP)["Logging"]
        assert referred(logging["Bucket"]) == "LogsBucket"
        assert logging["IncludeCookies"] is False
        bucket = buckets["LogsBucket"]
        # CloudFront refuses a bucket that takes no ACL.
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
        (rule,) = bucket["LifecycleConfiguration"]["Rules"]
        assert rule["ExpirationInDays"]
        assert "Logging" not in distribution(LAPTOP)

    def test_s3_logs_who_has_asked_every_other_bucket_for_what(self) -> None:
        configured = {name: each.get("LoggingConfiguration") for name, each in buckets.items()}
        logged = {name: each for name, each in configured.items() if each}
        assert logged.keys() == buckets.keys() - {"LogsBucket"}, "a log of the log would be about itself"
        assert all(each["DestinationBucketName"] == {"Ref": "LogsBucket"} for each in logged.values())
        prefixes = {each["LogFilePrefix"] for each in logged.values()}
        assert len(prefixes) == len(logged)
        (allowed,) = [
            statement
            for statement in SHOP.properties("AWS::S3::BucketPolicy")["LogsBucketPolicy"]["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Allow"
        ]
        assert allowed["Principal"] == {"Service": "logging.s3.amazonaws.com"}
        assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
        assert all(fnmatchcase(f"${{LogsBucket.Arn}}/{each}", text_of(allowed["Resource"])) for each in prefixes)
        assert not any("LoggingConfiguration" in each for each in LAPTOP.properties("AWS::S3::Bucket").values())

    def test_names_that_are_an_accounts_in_all_regions_have_the_region_in_them(self) -> None:
        """So that the same stack can be made in a second region."""
        named = [each["Name"] for each in SHOP.properties("AWS::CloudFront::Function").values()]
        configs = {
            "AWS::CloudFront::OriginAccessControl": "OriginAccessControlConfig",
            "AWS::CloudFront::ResponseHeadersPolicy": "ResponseHeadersPolicyConfig",
        }
        named += [each[config]["Name"] for kind, config in configs.items() for each in SHOP.properties(kind).values()]
        assert len(named) == 5
        assert all("${AWS::Region}" in text_of(name) for name in named)

    @pytest.mark.parametrize(
        ("host", "uri", "query", "told"),
        [
            (
                "www.shop.example",
                "/products/lamp",
                {"q": {"value": "a%20b"}},
                "https://shop.example/products/lamp?q=a%20b",
            ),
            ("www.shop.example", "/", {}, "https://shop.example/"),
        ],
    )
    def test_www_leads_to_the_domain_itself(self, host: str, uri: str, query: dict[str, Any], told: str) -> None:
        answer = self.viewer_request(host, uri, query)
        assert (answer["statusCode"], answer["headers"]["location"]["value"]) == (301, told)

    def test_a_page_is_index_html_and_a_file_is_itself(self) -> None:
        assert self.viewer_request("shop.example", "/", {})["uri"] == "/"
        assert self.viewer_request("shop.example", "/orders/ord_1", {})["uri"] == "/index.html"
        assert self.viewer_request("shop.example", "/main-1a2b.js", {})["uri"] == "/main-1a2b.js"

    def viewer_request(self, host: str, uri: str, query: dict[str, Any]) -> dict[str, Any]:
        code = SHOP.properties("AWS::CloudFront::Function")["HistoryFallback"]["FunctionCode"]
        event = {"request": {"uri": uri, "querystring": query, "headers": {"host": {"value": host}}}}
        script = f"{code}\nconsole.log(JSON.stringify(handler({json.dumps(event)})))"
        node = Path(sys.executable).parent / "node"
        done = subprocess.run([node, "-e", script], capture_output=True, check=True)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-1", "eu-central-1"])
def test_a_pictures_address_is_what_the_content_policy_names_in_every_region(
    region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`RegionalDomainName` names the region everywhere; botocore leaves us-east-1 out unless told otherwise."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    aws.s3.cache_clear()
    try:
        shown = aws.s3().generate_presigned_url("get_object", Params={"Bucket": "images", "Key": "lamp.webp"})
        posted = aws.s3().generate_presigned_post("images", "lamp.webp")["url"]
    finally:
        aws.s3.cache_clear()
    assert {urlsplit(shown).hostname, urlsplit(posted).hostname} == {f"images.s3.{region}.amazonaws.com"}


class TestAccounts:
    pool = SHOP.properties("AWS::Cognito::UserPool")["UserPool"]
    client = SHOP.properties("AWS::Cognito::UserPoolClient")["UserPoolClient"]

    def test_nobody_calls_cognito_about_a_user_but_this_shop(self) -> None:
        assert self.client["GenerateSecret"] is True
        assert self.client["PreventUserExistenceErrors"] == "ENABLED"
        assert self.client["ExplicitAuthFlows"] == ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]

    def test_cognito_takes_the_address_of_who_asks_also_where_a_call_is_unsigned(self) -> None:
        # Only a client with a secret may be set to it: else anybody could say any address.
        assert self.client["EnablePropagateAdditionalUserContextData"] is True

    def test_a_user_writes_no_attribute_but_the_address_and_that_only_by_a_code(self) -> None:
        assert self.client["WriteAttributes"] == ["email"]
        assert self.pool["UserAttributeUpdateSettings"] == {"AttributesRequireVerificationBeforeUpdate": ["email"]}
        assert self.pool["AutoVerifiedAttributes"] == ["email"]

    def test_what_the_tokens_say_is_at_most_five_minutes_old(self) -> None:
        assert self.client["TokenValidityUnits"] == {
            "IdToken": "minutes",
            "AccessToken": "minutes",
            "RefreshToken": "days",
        }
        assert (self.client["IdTokenValidity"], self.client["AccessTokenValidity"]) == (5, 5)

    def test_a_refresh_token_is_good_once_and_revocable(self) -> None:
        assert self.client["RefreshTokenRotation"] == {"Feature": "ENABLED", "RetryGracePeriodSeconds": 60}
        assert self.client["EnableTokenRevocation"] is True
        assert self.client["RefreshTokenValidity"] * DAY == SESSION_LASTS

    def test_a_group_is_in_a_token_on_aws_only_beside_a_second_factor(self) -> None:
        assert self.pool["LambdaConfig"]["PreTokenGeneration"] == {"Ref": "AuthToken.Alias"}
        assert (self.pool["MfaConfiguration"], self.pool["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])
        assert SHOP.functions["AuthToken"]["Handler"] == "auth.triggers.token"
        assert allowed("AuthToken", "UserPool") == {"cognito-idp:AdminGetUser"}
        on_laptop = LAPTOP.properties("AWS::Cognito::UserPool")["UserPool"]["LambdaConfig"]
        assert on_laptop.keys() == {"CustomMessage"}

    @pytest.mark.parametrize("trigger", sorted(pool["LambdaConfig"].values(), key=str), ids=referred)
    def test_the_pool_may_invoke_its_triggers_and_no_other_pool_may(self, trigger: Any) -> None:
        permission = SHOP.properties("AWS::Lambda::Permission")[f"{referred(trigger)}Permission"]
        assert permission["Principal"] == "cognito-idp.amazonaws.com"
        assert permission["FunctionName"] == trigger
        assert permission["SourceArn"] == {"Fn::GetAtt": ["UserPool", "Arn"]}
        # Cognito waits for five seconds.
        assert SHOP.functions[referred(trigger)]["Timeout"] <= 5

    def test_an_address_that_bounced_or_complained_gets_no_mail_any_more(self) -> None:
        configuration = SHOP.properties("AWS::SES::ConfigurationSet")["MailConfiguration"]
        assert configuration["SuppressionOptions"] == {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]}
        assert self.pool["EmailConfiguration"]["ConfigurationSet"] == {"Ref": "MailConfiguration"}
        mailing = [function for function in SHOP.functions if "SENDER_ADDRESS" in SHOP.environment(function)]
        assert mailing
        for function in mailing:
            assert SHOP.environment(function)["MAIL_CONFIGURATION"] == {"Ref": "MailConfiguration"}

    def test_ses_says_on_the_accounts_bus_which_mails_came_back_and_a_rule_makes_it_the_orders(self) -> None:
        (destination,) = SHOP.properties("AWS::SES::ConfigurationSetEventDestination").values()
        assert destination["ConfigurationSetName"] == {"Ref": "MailConfiguration"}
        said = destination["EventDestination"]
        assert said["Enabled"] and said["MatchingEventTypes"] == ["bounce", "complaint"]
        assert text_of(said["EventBridgeDestination"]["EventBusArn"]).endswith(":event-bus/default")
        rule = SHOP.properties("AWS::Events::Rule")["MailFeedbackRule"]
        assert "EventBusName" not in rule, "SES publishes to no other bus than the account's"
        assert rule["EventPattern"]["source"] == ["aws.ses"]
        (target,) = rule["Targets"]
        assert referred(target["Arn"]) == "OrdersQueue"
        assert referred(target["DeadLetterConfig"]["Arn"]) == "RuleTargetsDlq"
        # Its name is what lets it send to the queue.
        assert text_of(rule["Name"]).startswith("${AWS::StackName}-Orders-")

    def test_mails_that_come_back_raise_an_alarm_before_ses_stops_the_account(self) -> None:
        limits = {
            alarm["MetricName"]: alarm["Threshold"] for alarm in alarms.values() if alarm.get("Namespace") == "AWS/SES"
        }
        assert limits == {"Reputation.BounceRate": 0.05, "Reputation.ComplaintRate": 0.001}

    def test_the_pool_takes_every_password_that_the_shop_takes(self) -> None:
        policy = self.pool["Policies"]["PasswordPolicy"]
        assert policy.pop("MinimumLength") == MIN_PASSWORD
        assert set(policy.values()) == {False}

    def test_there_is_a_group_for_each_kind_of_colleague(self) -> None:
        groups = SHOP.properties("AWS::Cognito::UserPoolGroup").values()
        assert {group["GroupName"] for group in groups} == {"operators", "staff"}
