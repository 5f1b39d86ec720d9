"""`sam local`: runs a function in a container like Lambda's own, on the data of the shop on this machine."""

import json
import re
import socket
import subprocess
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from retail_ops.errors import OpsError
from retail_ops.local import lambda_image, sam
from retail_ops.local.local_shop import LocalShop, build_lock
from retail_ops.progress import Progress
from retail_ops.stack.shop import PROJECT, developer_session, role_session

if TYPE_CHECKING:
    from docker import DockerClient

BUILD = PROJECT / ".aws-sam" / "build"
"""The output of `sam build`, which `sam local` uses by default."""

NO_ENGINE = """No container engine answers here, and `sam local` needs one: start Docker or Podman. On Debian, as root:
  apt-get install -y docker.io && service docker start
Without a container, this runs the function in a process of its own:
  cloudretail invoke FUNCTION EVENT"""


def engine() -> "DockerClient":
    """The container engine of this machine, found in the same way as by SAM.

    Raises:
        OpsError: there is no engine, or it does not answer.
    """
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=60)
        client.ping()
    except DockerException:
        raise OpsError(NO_ENGINE) from None
    return client


def require_image(client: "DockerClient") -> None:
    """Make sure that the runtime's image exists, and pull AWS's own if it does not.

    Raises:
        OpsError: there is no image, and it cannot be pulled.
    """
    from docker.errors import DockerException, ImageNotFound

    try:
        client.images.get(lambda_image.name())
    except ImageNotFound:
        try:
            client.images.pull(lambda_image.REPOSITORY, tag=lambda_image.TAG)
        except DockerException as error:
            raise OpsError(
                f"{lambda_image.name()} is not here and cannot be pulled. Make one of this machine's Python with: "
                "make lambda-image",
                str(error),
            ) from None


def require_way_back(client: "DockerClient", port: int) -> None:
    """Make sure that a container reaches the shop's emulator.

    Args:
        client: of the container engine.
        port: of the emulator.

    Raises:
        OpsError: the emulator does not listen on Docker's bridge.
    """
    with socket.socket() as probe:
        probe.settimeout(2)
        try:
            reached = probe.connect_ex((gateway(client), port)) == 0
        except OSError:
            return  # The engine runs in a virtual machine, which forwards the name to this machine.
    if not reached:
        raise OpsError(
            "The shop was started before the container engine, so that containers do not reach it. Start it again: "
            "make down up"
        )


def gateway(client: "DockerClient") -> str:
    """This machine's address in the containers' network."""
    (bridge,) = client.networks.list(names=["bridge"])
    (network, *_) = bridge.attrs["IPAM"]["Config"]
    # Docker reports the address only if it was configured. Otherwise it is the first one of the network.
    return str(network.get("Gateway") or next(ip_network(network["Subnet"]).hosts()))


def require_all(local: LocalShop) -> None:
    """Make sure of everything that a container needs, before anything is changed.

    Args:
        local: the shop; it runs.

    Raises:
        OpsError: something is missing.
    """
    client = engine()
    require_image(client)
    require_way_back(client, local.port)


@dataclass(frozen=True)
class Invocation:
    """The result of an invocation.

    Attributes:
        answer: the function's answer.
        log: the function's log.
    """

    answer: Any
    log: str


def invoke(local: LocalShop, function: str, event: str, progress: Progress) -> Invocation:
    """Invoke a function in a container.

    Args:
        local: the shop whose data it works on; the shop has to run.
        function: logical id.
        event: the payload, as JSON.
        progress: called with each step, a sentence.

    Raises:
        OpsError: the function failed.
    """
    environment = sam.local_environment(local.endpoint, role_session(local.read(), function))
    build(environment, progress)
    with progress.step(f"Invoke {function} in a container"):
        command = [*sam.SAM, "local", "invoke", function, "--event", "-"]
        command += ["--env-vars", str(local.state_dir / "env.json")]
        command += ["--parameter-overrides", f"Architecture={sam.ARCHITECTURE}"]
        done = subprocess.run(
            command,
            input=event,
            capture_output=True,
            text=True,
            cwd=PROJECT,
            env=environment,
            check=False,
        )
    if done.returncode != 0:
        raise OpsError(f"sam local invoke {function} failed.", done.stderr)
    return Invocation(answer_of(function, done.stdout, done.stderr), log_of(done.stderr))


def answer_of(function: str, output: str, log: str) -> Any:
    """The function's answer in SAM's output. SAM's exit code is 0 even if the function failed.

    Raises:
        OpsError: the function failed or timed out.
    """
    if late := re.search(rf"^Function '{function}' (timed out after \d+ seconds)", log, re.MULTILINE):
        raise OpsError(f"{function} {late[1]}.", log_of(log))
    lines = output.strip().splitlines()
    answer = json.loads(lines[-1]) if lines else None
    if isinstance(answer, dict) and "errorMessage" in answer:
        raise OpsError(f"{function} failed: {answer.get('errorType', '')}: {answer['errorMessage']}", log_of(log))
    return answer


def log_of(log: str) -> str:
    """The function's own log, without the lines of SAM and the runtime."""
    # SAM may begin to read the container's output after the runtime's first line.
    for start in ("START RequestId: ", "SAM_CONTAINER_ID: "):
        if start in log:
            log = log.partition(start)[2].partition("\n")[2]
            break
    return log.partition("END RequestId: ")[0].strip()


def environment_of(local: LocalShop) -> dict[str, str]:
    """The environment for SAM itself. Without the emulator's address, SAM would search for credentials for seconds."""
    return sam.local_environment(local.endpoint, developer_session(local.read()))


def build(environment: dict[str, str], progress: Progress) -> None:
    """Bring the build that `sam local` uses up to date with the code."""
    with build_lock(progress), progress.step("Build the functions"):
        folder = PROJECT / ".aws-sam"
        sam.build(PROJECT / "template.yaml", BUILD, folder / "cache", folder / "build.log", environment)
