"""The firewall in front of CloudFront, as checks of its template."""

from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from retail_ops.stack.shop import PROJECT
from retail_ops.stack.template import TEMPLATE, Template

FIREWALL = Template({"Resources": yaml_parse((PROJECT / "ops" / "stacks" / "firewall.yaml").read_text())["Resources"]})
(acl,) = FIREWALL.properties("AWS::WAFv2::WebACL").values()
rules: dict[str, dict[str, Any]] = {rule["Name"]: rule for rule in acl["Rules"]}


def matched(statement: Any) -> list[tuple[str, str]]:
    """Where a rate rule looks, and for what."""
    if "AndStatement" in statement:
        return [each for part in statement["AndStatement"]["Statements"] for each in matched(part)]
    match = statement["ByteMatchStatement"]
    return [(next(iter(match["FieldToMatch"])), match["SearchString"])]


def test_it_is_for_cloudfront_and_lets_through_what_no_rule_stops() -> None:
    assert acl["Scope"] == "CLOUDFRONT"
    assert acl["DefaultAction"] == {"Allow": {}}


def test_aws_rules_are_in_front_of_the_shops_own() -> None:
    managed = [name for name, rule in rules.items() if "ManagedRuleGroupStatement" in rule["Statement"]]
    assert len(managed) == 3
    assert max(rules[name]["Priority"] for name in managed) < rules["log-ins-and-codes"]["Priority"]


def test_log_ins_and_checkouts_of_an_address_are_limited_at_routes_that_there_are() -> None:
    paths = {(route.method, route.path) for route in Template.load(TEMPLATE).routes}
    auth, checkout = (
        rules[name]["Statement"]["RateBasedStatement"]["ScopeDownStatement"]
        for name in ("log-ins-and-codes", "checkouts")
    )
    ((_, prefix),) = matched(auth)
    assert any(path.startswith(prefix) for _, path in paths)
    asked = dict(matched(checkout))
    assert (asked["Method"], asked["UriPath"]) in paths
    for name in ("log-ins-and-codes", "checkouts", "everything"):
        assert rules[name]["Action"]["Block"]["CustomResponse"]["ResponseCode"] == 429


def test_what_was_blocked_is_logged_without_whose_session_it_was() -> None:
    (logging,) = FIREWALL.properties("AWS::WAFv2::LoggingConfiguration").values()
    assert {each["SingleHeader"]["Name"] for each in logging["RedactedFields"]} == {"authorization", "cookie"}
    (group,) = FIREWALL.properties("AWS::Logs::LogGroup").values()
    assert group["LogGroupName"]["Fn::Sub"].startswith("aws-waf-logs-"), "WAF takes no other"
