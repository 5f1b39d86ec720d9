"""Checks whether an AWS account is ready for a stage: known reasons for a failing first deployment or missing mails."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from retail_ops.doctor import Answer, Check
from retail_ops.stack.stages import Stage
from retail_ops.stack.template import TEMPLATE, Template

PLACEHOLDER = "cloudretail.example"
"""The sender in samconfig.toml until it is replaced by a real one."""

REQUESTS_AT_ONCE = 20
"""Concurrent executions that are left for the API when all consumers use their MaximumConcurrency."""

CERTIFICATE_REGION = "us-east-1"
"""The region in which CloudFront looks for certificates. Source: CloudFront developer guide, "Requirements for using
SSL/TLS certificates with CloudFront"."""

UNFINISHED = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS"})
"""States of a stack whose first deployment failed. Such a stack has to be deleted before the next one."""


@dataclass(frozen=True)
class Account:
    """The checks of an account before, or after, a deployment.

    Args:
        stage: what is to be deployed.
        session: credentials and region.
    """

    stage: Stage
    session: boto3.Session

    @property
    def checks(self) -> Mapping[str, Check]:
        """All checks, by their subject."""
        return {
            "Account": self.credentials,
            "Sender": self.sender,
            "Sender's identity": self.identity,
            "Mail": self.mail,
            "Lambda": self.concurrency,
            "Certificate": self.certificate,
            "Stack": self.stack,
        }

    def _given(self, parameter: str) -> str:
        return self.stage.parameters.get(parameter, "")

    def credentials(self) -> Answer:
        """The account and the identity of the credentials."""
        caller = self.session.client("sts").get_caller_identity()
        return Answer(True, f"{caller['Account']} in {self.session.region_name}, as {caller['Arn']}")

    def sender(self) -> Answer:
        """Whether the sender was replaced, and belongs to the identity."""
        identity, address = self._given("SenderIdentity"), self._given("SenderAddress")
        put_in = "Put your own SenderIdentity and SenderAddress into samconfig.toml."
        if PLACEHOLDER in (identity, address.rpartition("@")[2]):
            return Answer(False, f"{address} of {identity} is still the placeholder", put_in)
        domain = address.rpartition("@")[2].lower()
        if identity.lower() not in (address.lower(), domain) and not domain.endswith(f".{identity.lower()}"):
            return Answer(False, f"{address} is no address of {identity}", put_in)
        return Answer(True, address)

    def identity(self) -> Answer:
        """Whether SES has verified the sender: Cognito refuses a user pool with an unverified one."""
        name = self._given("SenderIdentity")
        make = f"aws sesv2 create-email-identity --email-identity {name} --region {self.session.region_name}"
        try:
            found = self.session.client("sesv2").get_email_identity(EmailIdentity=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
            return Answer(False, f"SES does not know {name} in this region", f"{make}, then its DNS records.")
        if not found.get("VerifiedForSendingStatus"):
            return Answer(False, f"SES has not verified {name} yet", "Set the DNS records that SES answered.")
        return Answer(True, f"SES has verified {name}")

    def mail(self) -> Answer:
        """Whether SES sends mails to unverified addresses too."""
        account = self.session.client("sesv2").get_account()
        quota = account.get("SendQuota", {})
        rates = f"{quota.get('Max24HourSend', 0):.0f} mails a day, {quota.get('MaxSendRate', 0):.0f} a second"
        if not account.get("SendingEnabled", True):
            return Answer(False, "SES has stopped this account's mails", "Ask AWS Support why.")
        if not account.get("ProductionAccessEnabled"):
            cure = "Ask for production access: aws sesv2 put-account-details, or the SES console."
            return Answer(False, f"SES is in the sandbox: verified addresses only, {rates}", cure)
        return Answer(True, rates)

    def concurrency(self) -> Answer:
        """Whether Lambda's concurrency is enough for all event sources and the API."""
        limit = self.session.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
        wanted = executions(Template.load(TEMPLATE, **self.stage.parameters)) + REQUESTS_AT_ONCE
        if limit >= wanted:
            return Answer(True, f"{limit} executions at once, of which the shop wants {wanted}")
        cure = "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384"
        return Answer(
            False,
            f"{limit} executions at once, and the shop wants {wanted}",
            f"{cure} --desired-value 1000 --region {self.session.region_name}",
        )

    def certificate(self) -> Answer:
        """Whether CloudFront can use the certificate for the domain."""
        domain, arn = self._given("DomainName"), self._given("CertificateArn")
        if not domain and not arn:
            return Answer(True, "none: the shop will be at CloudFront's own address")
        if not (domain and arn):
            return Answer(False, "DomainName and CertificateArn go together", "Put both into samconfig.toml.")
        ask = f"aws acm request-certificate --region {CERTIFICATE_REGION} --domain-name {domain}"
        ask += f" --subject-alternative-names www.{domain} --validation-method DNS"
        region = (arn.split(":") + [""] * 4)[3]
        if region != CERTIFICATE_REGION:
            return Answer(False, f"it is in {region or 'no region'}, and CloudFront takes none from there", ask)
        client = self.session.client("acm", region_name=CERTIFICATE_REGION)
        found = client.describe_certificate(CertificateArn=arn)["Certificate"]
        names = {found["DomainName"], *found.get("SubjectAlternativeNames", [])}
        missing = [name for name in (domain, f"www.{domain}") if not covered(name, names)]
        if missing:
            return Answer(False, f"it is not for {' and '.join(missing)}", ask)
        if found["Status"] != "ISSUED":
            return Answer(False, f"it is {found['Status']}", "Set the DNS records by which ACM validates it.")
        return Answer(True, f"issued, for {', '.join(sorted(names))}")

    def stack(self) -> Answer:
        """Whether a deployment can begin, and whether the stack's data can be deleted by mistake."""
        name = self.stage.stack
        try:
            found: Mapping[str, Any] = self.session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][
                0
            ]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return Answer(True, f"{name} is not there yet")
        status = found["StackStatus"]
        if status in UNFINISHED:
            cure = f"aws cloudformation delete-stack --stack-name {name} --region {self.session.region_name}"
            return Answer(False, f"the first deployment of {name} failed ({status})", f"{cure}, then again.")
        given = {each["ParameterKey"]: each.get("ParameterValue") for each in found.get("Parameters", [])}
        if given.get("Stage") == "prod" and given.get("DeletionProtection") != "true":
            cure = "Put DeletionProtection=true into samconfig.toml and deploy."
            return Answer(False, f"{name} is there, and its tables can be deleted by mistake", cure)
        return Answer(True, f"{name} is {status}")


def executions(template: Template) -> int:
    """The greatest number of concurrent executions by all event sources together."""
    queues = sum(properties["ScalingConfig"]["MaximumConcurrency"] for _, properties in template.sources.values())
    streams = sum(properties.get("ParallelizationFactor", 1) for _, properties in template.streams.values())
    return int(queues + streams)


def covered(name: str, names: set[str]) -> bool:
    """Whether a certificate's names include this one, exactly or by a wildcard `*.`."""
    return name in names or f"*.{name.partition('.')[2]}" in names
