"""How long a function's code takes to import in a fresh process, beside the libraries that it uses: boto3, parts of
Powertools, and pydantic."""

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping

import yaml

from retail_ops.stack.shop import PROJECT

CLIENT = "import boto3; boto3.client('dynamodb', region_name='ap-southeast-1')"
PARTS = {
    "api": (
        "from aws_lambda_powertools import Logger, Metrics; from aws_lambda_powertools.event_handler import"
        " APIGatewayHttpResolver; APIGatewayHttpResolver(enable_validation=True);"
        " import aws_lambda_powertools.event_handler.middlewares.openapi_validation"
    ),
    "consumer": (
        "from aws_lambda_powertools import Logger, Metrics; import aws_lambda_powertools.utilities.batch;"
        " import pydantic; pydantic.BaseModel"
    ),
    "stream": "from aws_lambda_powertools import Logger, Metrics; import pydantic; pydantic.BaseModel",
}
"""What each kind of function uses of its libraries, and nothing else."""


class _Loader(yaml.SafeLoader):
    """Reads a template without minding its tags."""


_Loader.add_multi_constructor("!", lambda _loader, _tag, _node: None)


def handlers() -> dict[str, str]:
    """The handler of each function, by its logical id in the template."""
    template = yaml.load((PROJECT / "template.yaml").read_text(), _Loader)  # noqa: S506
    return {
        name: resource["Properties"]["Handler"]
        for name, resource in template["Resources"].items()
        if isinstance(resource, Mapping) and resource.get("Type") == "AWS::Serverless::Function"
    }


def kind(handler: str) -> str:
    """Which of PARTS a handler uses."""
    if ".api." in handler:
        return "api"
    return "stream" if handler.startswith("relay.") else "consumer"


def milliseconds(code: str) -> float:
    """How long `code` takes in a fresh process, without the start of the interpreter itself."""
    program = f"import time; t = time.perf_counter()\n{code}\nprint((time.perf_counter() - t) * 1000)"
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "ap-southeast-1",
        "AWS_REGION": "ap-southeast-1",
        "POWERTOOLS_SERVICE_NAME": "bench",
        "POWERTOOLS_METRICS_NAMESPACE": "bench",
    }
    command = [sys.executable, "-c", program]
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def compare(handler: str, runs: int) -> tuple[float, float]:
    """A function's own import with a client, and that of its libraries with a client: medians in milliseconds.

    The two take turns, so that a machine that is slow for a while is slow for both.
    """
    module = handler.rpartition(".")[0]
    own = f"import {module}\nfrom cloudretail import aws; aws.dynamodb()"
    libraries = f"{CLIENT}\n{PARTS[kind(handler)]}"
    pairs = [(milliseconds(own), milliseconds(libraries)) for _ in range(runs)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)
