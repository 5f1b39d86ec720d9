"""The whole shop on one machine: emulator, stack and storefront server.

`cloudretail up` and `down` run it, and tests use it as a library. Several shops can run side by side:

    with LocalShop(tmp_path, port=free_port(), storefront_port=free_port(), stack="mine") as local:
        httpx.get(f"{local.storefront_url}/api/products")
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import boto3
import httpx

from retail_ops.errors import NoShop, ProcessDied, UnreadableState
from retail_ops.local import sam, warmup
from retail_ops.local.faults import Fault
from retail_ops.local.processes import (
    SHOP_STATE_FILE,
    Owned,
    belonging_to,
    end,
    free_port,
    lock_holder,
    minimal_environment,
    require_free,
    spawn,
    tail,
    wait_for_lock,
)
from retail_ops.progress import Progress, Silent
from retail_ops.stack.archive import ensure_local_archive
from retail_ops.stack.shop import LOCAL_REGION, PROJECT, Shop, local_session, read_stack
from retail_ops.stack.texts import Facts

PORT = 4566
STOREFRONT_PORT = 8080
STACK = "cloudretail"


WIDE_LIMITS: Mapping[str, str] = {
    **dict.fromkeys(("RegistrationLimit", "CodeLimit", "CodeEntryLimit", "LogInLimit", "CardLimit"), "1000/100000/60"),
    "OpenOrdersLimit": "1000",
    "OpenPiecesLimit": "1000000",
    "OpenCashLimit": "1000000000",
}
"""Template parameters of a laptop: all users have the same address, and a developer may order a thousand times."""


def default_state_dir() -> Path:
    """The state folder of the command's shop. The environment variable chooses another shop, if there are several."""
    return Path(os.environ.get("CLOUDRETAIL_STATE_DIR") or PROJECT / ".local")


@dataclass(frozen=True)
class State:
    """The state of a running shop, as its state folder has it.

    Args:
        stack: name of the stack.
        port: of the emulator.
        storefront_port: of the storefront server.
        parameters: template parameters given at its start.
        emulator: its process.
        storefront: its process; None until it has been started.
        serves: the API that the storefront server forwards to.
        facts: who runs the shop, as the storefront server was told.
        key: id of the root's key. The emulator asks for nothing else, so it is a secret. Empty in a state of an earlier
            version.
        finished: whether an `up` has succeeded, so that the shop can be used.
    """

    stack: str
    port: int
    storefront_port: int
    emulator: Owned
    parameters: Mapping[str, str] = field(default_factory=dict)
    storefront: Owned | None = None
    serves: str = ""
    facts: str = ""
    key: str = field(default="", repr=False)
    finished: bool = False

    @classmethod
    def read(cls, file: Path) -> "State | None":
        """The saved state; None if there is none.

        Raises:
            UnreadableState: it cannot be read.
        """
        try:
            saved: dict[str, Any] = json.loads(file.read_text())
            storefront = saved.pop("storefront")
            emulator = Owned(**saved.pop("emulator"))
            return cls(**saved, emulator=emulator, storefront=Owned(**storefront) if storefront else None)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            raise UnreadableState(
                f"{file} says what runs here, and cannot be read. End the shop and start it anew with: make down up"
            ) from None

    def save(self, file: Path) -> None:
        """Write the file atomically, since another command may be reading it. Only this user may read it, from its
        first byte on."""
        draft = file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            json.dump(asdict(self), handle, indent=2)
        draft.replace(file)


@dataclass(frozen=True)
class Options:
    """The options of `up`. They are kept after `down`, so that the next `up` starts the same shop.

    Args:
        port: of the emulator.
        storefront_port: of the storefront server.
        parameters: template parameters.
    """

    port: int = PORT
    storefront_port: int = STOREFRONT_PORT
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "Options":
        """The options of the last `up`; the defaults if there are none, or they cannot be read."""
        try:
            return cls(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            return cls()


class LocalShop:
    """A shop on this machine.

    Args:
        state_dir: folder for its state, logs and data, one for each shop; `.local` in the repository by
            default.
        port: of the emulator.
        storefront_port: of the storefront server.
        stack: name of the stack.
        parameters: template parameters that differ from their defaults, such as `PaymentWindowSeconds`.
        template: what to deploy.
        build_dir: where `sam build` puts its result; in the state folder where None.
        transaction_seconds: how long a transaction of DynamoDB takes, so that concurrent ones on the same item conflict
            as on AWS. With 0, as in the emulator itself, nothing conflicts.
        counted: whether `calls` says what the functions call.
    """

    def __init__(
        self,
        state_dir: Path | None = None,
        *,
        port: int = PORT,
        storefront_port: int = STOREFRONT_PORT,
        stack: str = STACK,
        parameters: Mapping[str, str] | None = None,
        template: Path = PROJECT / "template.yaml",
        build_dir: Path | None = None,
        transaction_seconds: float = 0,
        counted: bool = False,
    ) -> None:
        self.state_dir = state_dir or default_state_dir()
        self.port = port
        self.storefront_port = storefront_port
        self.stack = stack
        self.parameters = dict(parameters or {})
        self.template = template
        self.build_dir = build_dir or self.state_dir / "build"
        self.transaction_seconds = transaction_seconds
        self.counted = counted

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def storefront_url(self) -> str:
        return f"http://localhost:{self.storefront_port}"

    @property
    def logs(self) -> Path:
        return self.state_dir / "logs"

    @property
    def calls(self) -> Path:
        """What the functions of a counted shop have called, a line each: `retail_ops.local.meter`."""
        return self.state_dir.resolve() / "calls.jsonl"

    def faulty(self, *faults: Fault) -> None:
        """Have some calls of a counted shop be slow or fail, until this is called again."""
        draft = self.calls.with_name("faults.draft")
        draft.write_text(json.dumps([asdict(fault) for fault in faults]))
        draft.replace(self.calls.with_name("faults.json"))

    @property
    def _state_file(self) -> Path:
        return self.state_dir / "shop.json"

    @property
    def _options_file(self) -> Path:
        return self.state_dir / "options.json"

    @property
    def options(self) -> Options:
        return Options(self.port, self.storefront_port, self.parameters)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, progress: Progress | None = None, *, warm: bool = True) -> Shop:
        """Start what does not run yet, and deploy what has changed. It is idempotent.

        Args:
            progress: called with each step, a sentence.
            warm: call every function once, so that no user waits for its cold start.

        Returns:
            The shop.

        Raises:
            PortTaken: another process listens on one of the ports.
            ProcessDied: the emulator or the storefront server ended by itself.
            BuildFailed: `sam build` failed.
            DeployFailed: `sam deploy` failed.
            ColdFunction: a function does not start.
        """
        progress = progress or Silent()
        self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.logs.mkdir(exist_ok=True)
        with wait_for_lock(self._lock, "another `up` of this shop", progress):
            with progress.step("Start the emulator"):
                state = self._start_emulator()
            self._options_file.write_text(json.dumps(asdict(self.options), indent=2))
            session = local_session(state.key)
            environment = sam.local_environment(self.endpoint, session)
            with build_lock(progress), progress.step("Build the functions"):
                cache = PROJECT / ".aws-sam" / "cache"
                sam.build(self.template, self.build_dir, cache, self.logs / "build.log", environment)
            with progress.step("Deploy the stack"):
                self._deploy(environment, session)
            shop = self._read_stack(session)
            ensure_local_archive(shop)
            self._write_invocation_settings(shop)
            with progress.step("Start the storefront"):
                self._start_storefront(state, shop)
            if warm:
                with progress.step("Warm up the functions") as note:
                    warmup.warm_up(shop, note)
        return shop

    def redeploy(self, parameters: Mapping[str, str]) -> Shop:
        """Deploy the running shop again, with further template parameters besides those that it was started with.

        Raises:
            DeployFailed: `sam deploy` failed.
        """
        self.parameters |= parameters
        session = local_session(State.read(self._state_file).key)  # type: ignore[union-attr]  # It runs.
        self._deploy(sam.local_environment(self.endpoint, session), session)
        shop = self._read_stack(session)
        warmup.warm_up(shop, lambda _: None)
        return shop

    def stop(self) -> bool:
        """End the processes that were started here, and no others.

        Returns:
            Whether any process ran.
        """
        try:
            state = State.read(self._state_file)
        except UnreadableState:
            processes = belonging_to(self._state_file.resolve())
        else:
            if state is None:
                return False
            processes = [process for process in (state.storefront, state.emulator) if process]
        ended = [end(process) for process in processes]
        self._state_file.unlink(missing_ok=True)
        self._discard_data()
        return any(ended)

    def read(self) -> Shop:
        """The shop that runs here.

        Raises:
            NoShop: no shop runs, or it has not started completely.
            UnreadableState: its state cannot be read.
        """
        state = State.read(self._state_file)
        if state is None:
            raise NoShop("No shop runs here. Start one with: make up")
        if not state.emulator.running:
            raise NoShop(
                "The shop's emulator has ended. Start the shop again with: make up", tail(self._emulator_log, 8)
            )
        if not state.finished:
            if holder := lock_holder(self._lock):
                raise NoShop(f"The shop is being started by process {holder}. Wait until that says that it is open.")
            raise NoShop("The last `up` did not come to its end, and the shop is there in part. Go on with: make up")
        return self._read_stack(local_session(state.key))

    @classmethod
    def found(cls, state_dir: Path | None = None) -> "LocalShop":
        """The shop of this state folder, running or not, with the ports and parameters of the last `up`."""
        state_dir = state_dir or default_state_dir()
        options = Options.read(state_dir / "options.json")
        stack = STACK
        with suppress(UnreadableState):  # `read` and `start` deal with it.
            if state := State.read(state_dir / "shop.json"):
                options, stack = Options(state.port, state.storefront_port, state.parameters), state.stack
        return cls(state_dir, **vars(options), stack=stack)

    def _read_stack(self, session: boto3.Session) -> Shop:
        return read_stack(self.stack, session, endpoint=self.endpoint, local_storefront=self.storefront_url)

    @property
    def _data(self) -> Path:
        return self.state_dir / "emulator"

    def _discard_data(self) -> None:
        """Delete the shop's data in the background: some 30,000 files of unpacked functions can take a minute."""
        if self._data.exists():
            self._data.rename(self.state_dir / f"discarded-{uuid4().hex[:8]}")
        if discarded := [str(folder) for folder in self.state_dir.glob("discarded-*")]:
            spawn(["rm", "-rf", *discarded], log=Path(os.devnull), env=minimal_environment(), cwd=self.state_dir)

    @property
    def _emulator_log(self) -> Path:
        return self.logs / "emulator.log"

    def _start_emulator(self) -> State:
        try:
            state = State.read(self._state_file)
        except UnreadableState:
            self.stop()
            state = None
        self._require_ports(state)
        if state and state.emulator.running:
            if state.port == self.port and state.key:
                return state
            self.stop()  # The same folder, another port: the shop moves.
        elif state:
            self.stop()  # Its storefront server may still run.
        self._discard_data()
        data = self._data.resolve()
        data.mkdir(mode=0o700)
        key = f"SHOP{secrets.token_hex(16).upper()}"
        environment = minimal_environment(
            GATEWAY_PORT=str(self.port),
            MINISTACK_REGION=LOCAL_REGION,
            # Enforces the functions' IAM roles, real confirmation codes, private buckets.
            AUTH="true",
            SFTP_ENABLED="0",
            IOT_MTLS_ENABLED="0",
            TMPDIR=str(data),
            S3_DATA_DIR=str(data / "s3"),
            # The emulator would look for containers of its own to remove; the shop has none.
            DOCKER_HOST=f"unix://{data}/none",
            AWS_ACCESS_KEY_ID=key,
            # For the guard in front of it.
            **{SHOP_STATE_FILE: str(self._state_file.resolve())},
            PACKAGE_LAYERS=f"{self.stack}-dependencies,{self.stack}-pictures",
            TRANSACTION_SECONDS=str(self.transaction_seconds),
            CALLS_FILE=str(self.calls) if self.counted else "",
            AWS_CONFIG_FILE="/dev/null",
            AWS_SHARED_CREDENTIALS_FILE="/dev/null",
            AWS_EC2_METADATA_DISABLED="true",
        )
        emulator = spawn(
            [sys.executable, "-m", "retail_ops.local.emulator"], log=self._emulator_log, env=environment, cwd=data
        )
        state = State(self.stack, self.port, self.storefront_port, emulator, self.parameters, key=key)
        state.save(self._state_file)
        self._wait_for(f"{self.endpoint}/_ministack/health", emulator, "emulator", self._emulator_log)
        return state

    def _require_ports(self, state: State | None) -> None:
        """Check the ports before anything is ended or deployed, so that a shop that cannot move stays where it is."""
        emulator = state.emulator if state and state.port == self.port else None
        storefront = state.storefront if state and state.storefront_port == self.storefront_port else None
        if not (emulator and emulator.running):
            require_free(self.port, "--port")
        if not (storefront and storefront.running):
            require_free(self.storefront_port, "--storefront-port")

    def _deploy(self, environment: Mapping[str, str], session: boto3.Session) -> None:
        ours = {"StorefrontUrl": self.storefront_url, "EmulatorPort": str(self.port), "Architecture": sam.ARCHITECTURE}
        ours |= WIDE_LIMITS
        parameters = {**ours, **self.parameters}
        log = self.logs / "deploy.log"
        sam.deploy(self.template, self.build_dir, self.stack, parameters, log, environment, session, self.endpoint)

    def _write_invocation_settings(self, shop: Shop) -> None:
        """Write each function's environment in the stack to a file for `sam local invoke`, which does not know it."""
        settings: dict[str, dict[str, str]] = {}
        for logical_id, name in shop.functions.items():
            variables = shop.lambda_.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            # In its container, 127.0.0.1 is not this machine, on which the emulator runs.
            settings[logical_id] = {**variables, "AWS_ENDPOINT_URL": f"http://host.docker.internal:{self.port}"}
        (self.state_dir / "env.json").write_text(json.dumps(settings, indent=2, sort_keys=True))

    def _start_storefront(self, state: State, shop: Shop) -> None:
        facts = Facts.of(shop.outputs).written()
        moved = (state.storefront_port, state.serves, state.facts) != (self.storefront_port, shop.api_url, facts)
        running = state.storefront is not None and state.storefront.running
        log = self.logs / "storefront.log"
        if moved or not running:
            if state.storefront:
                end(state.storefront)
            command = [sys.executable, "-m", "retail_ops.local.storefront", "--port", str(self.storefront_port)]
            distribution = shop.output("DistributionDomain").partition(".")[0]
            command += ["--edge", f"{distribution}.cloudfront.localhost:{self.port}"]
            command += ["--api", shop.api_url, "--files", str(PROJECT / "frontend" / "dist"), "--facts", facts]
            if self.parameters.get("StripePublishableKey"):
                command.append("--stripe")
            belongs = {SHOP_STATE_FILE: str(self._state_file.resolve())}
            storefront = spawn(command, log=log, env=minimal_environment(**belongs), cwd=PROJECT)
            state = replace(
                state, storefront_port=self.storefront_port, storefront=storefront, serves=shop.api_url, facts=facts
            )
            state.save(self._state_file)
            self._wait_for(f"{self.storefront_url}/", storefront, "storefront server", log)
        replace(state, parameters=self.parameters, finished=True).save(self._state_file)

    def _wait_for(self, url: str, process: Owned, name: str, log: Path, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not process.running:
                raise ProcessDied(f"The {name} ended by itself. The end of {log}:", tail(log))
            try:
                if httpx.get(url, trust_env=False, timeout=2).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise ProcessDied(f"The {name} does not answer at {url} after {seconds:.0f} s. The end of {log}:", tail(log))

    @property
    def _lock(self) -> Path:
        """The lock that `start` holds: one start at a time for each shop."""
        return self.state_dir / "start.lock"


@contextmanager
def temporary_shop(
    stack: str,
    build: str,
    *,
    parameters: Mapping[str, str] | None = None,
    transaction_seconds: float = 0,
    counted: bool = False,
) -> Iterator[LocalShop]:
    """A running shop on free ports, which ends with the block, and its data with it.

    Args:
        stack: name of the stack.
        build: name of the folder in `.aws-sam` where the build is kept for the next such shop.
        parameters, transaction_seconds, counted: as of LocalShop.
    """
    with (
        TemporaryDirectory(prefix=f"cloudretail-{stack}-") as folder,
        LocalShop(
            Path(folder),
            port=free_port(),
            storefront_port=free_port(),
            stack=stack,
            parameters=parameters,
            build_dir=PROJECT / ".aws-sam" / build,
            transaction_seconds=transaction_seconds,
            counted=counted,
        ) as local,
    ):
        yield local


def build_lock(progress: Progress) -> AbstractContextManager[None]:
    """The lock of SAM's build cache, which all local shops share. It allows one build at a time."""
    folder = PROJECT / ".aws-sam"
    folder.mkdir(exist_ok=True)
    return wait_for_lock(folder / "build.lock", "another build of the functions", progress)
