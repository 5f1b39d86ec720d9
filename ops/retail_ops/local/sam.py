"""Runs `sam build` and `sam deploy`, and explains their failures."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from retail_ops.errors import BuildFailed, DeployFailed
from retail_ops.local.guard import LOCAL_NAMES
from retail_ops.local.processes import tail

SAM = (sys.executable, "-m", "samcli")

ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
"""This machine's architecture, in Lambda's words. A local shop is built for it."""


def local_environment(endpoint: str, session: boto3.Session) -> dict[str, str]:
    """The environment in which SAM calls the emulator and nothing else.

    Args:
        endpoint: address of the emulator.
        session: credentials and region.

    Returns:
        This process's environment with every AWS setting replaced.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return build_environment(inherited) | local_settings(endpoint, session)


def local_settings(endpoint: str, session: boto3.Session) -> dict[str, str]:
    """The environment variables by which AWS tools call the emulator.

    Args:
        endpoint: address of the emulator.
        session: credentials and region.
    """
    credentials = session.get_credentials()
    assert credentials
    past_the_proxy = ",".join(
        filter(None, (os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), *sorted(LOCAL_NAMES)))
    )
    settings = {
        "NO_PROXY": past_the_proxy,
        "no_proxy": past_the_proxy,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_REGION": session.region_name,
        "AWS_DEFAULT_REGION": session.region_name,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    return settings | ({"AWS_SESSION_TOKEN": credentials.token} if credentials.token else {})


def build_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment with our own python3.13, which has pip, first on PATH: `sam build` takes the first one."""
    here = str(Path(sys.executable).parent)
    return {
        **inherited,
        "PATH": f"{here}{os.pathsep}{inherited.get('PATH', '')}",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "1",
    }


def build(template: Path, build_dir: Path, cache_dir: Path, log: Path, env: Mapping[str, str]) -> None:
    """Build the functions and their layer for this machine.

    Raises:
        BuildFailed: with the end of SAM's output.
    """
    command = [*SAM, "build", "--cached", "--parallel", "--template-file", str(template)]
    command += ["--build-dir", str(build_dir), "--cache-dir", str(cache_dir), *_config(template)]
    command += ["--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    if _run(command, template.parent, log, env) != 0:
        raise BuildFailed(f"sam build failed; all it said is in {log}.", tail(log))


def deploy(
    template: Path,
    build_dir: Path,
    stack: str,
    parameters: Mapping[str, str],
    log: Path,
    env: Mapping[str, str],
    session: boto3.Session,
    endpoint: str,
) -> None:
    """Deploy a build to the emulator.

    Args:
        template: the template that was built; the settings in samconfig.toml beside it apply.
        build_dir: where `sam build` put its result.
        stack: name of the stack.
        parameters: template parameters that differ from their defaults.
        log: file that takes SAM's output.
        env: environment of SAM.
        session: credentials and region, to ask for the reason of a failure.
        endpoint: address of the emulator.

    Raises:
        DeployFailed: names the resources that failed and why.
    """
    command = [*SAM, "deploy", "--template-file", str(build_dir / "template.yaml"), *_config(template)]
    command += ["--stack-name", stack, "--resolve-s3"]
    command += ["--region", env["AWS_REGION"], "--capabilities", "CAPABILITY_IAM"]
    command += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"]
    if parameters:
        command += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    if _run(command, template.parent, log, env) != 0:
        reasons = failure_reasons(stack, session, endpoint)
        raise DeployFailed(f"Deploying stack {stack} failed; all SAM said is in {log}.", reasons or tail(log))


def failure_reasons(stack: str, session: boto3.Session, endpoint: str | None) -> str:
    """Why the last deployment of a stack failed: a line for each resource with a failure of its own."""
    client = session.client("cloudformation", endpoint_url=endpoint)
    lines: list[str] = []
    with suppress(ClientError, BotoCoreError):
        for event in client.describe_stack_events(StackName=stack)["StackEvents"]:  # Newest first.
            status, reason = event.get("ResourceStatus", ""), event.get("ResourceStatusReason", "")
            resource = event.get("LogicalResourceId", "")
            if resource == stack and status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
                break
            if status.endswith("_FAILED") and resource != stack and "cancelled" not in reason:
                lines.append(f"{resource} ({event.get('ResourceType', '')}): {reason}")
    return "\n".join(reversed(lines))


def _config(template: Path) -> list[str]:
    config = template.parent / "samconfig.toml"
    return ["--config-file", str(config)] if config.exists() else []


def _run(command: list[str], cwd: Path, log: Path, env: Mapping[str, str]) -> int:
    with log.open("wb") as output:
        return subprocess.run(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
