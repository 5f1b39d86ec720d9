import errno
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest
from botocore.exceptions import ClientError, ProfileNotFound

from retail_ops.cli import main
from retail_ops.errors import BuildFailed, NoShop, PortTaken, ProcessDied, UnreadableState
from retail_ops.local.local_shop import LocalShop, Options, State
from retail_ops.local.processes import Owned, end, free_port, minimal_environment, spawn, wait_for_lock
from retail_ops.progress import Note, Silent
from retail_ops.stack.demo import demonstrate
from retail_ops.stack.shop import Shop, local_session

RUNNING = Owned(os.getpid(), 1.0)


type Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command as a person types it, about a shop whose state would be in a folder that is empty."""
    monkeypatch.setenv("CLOUDRETAIL_STATE_DIR", str(tmp_path))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["cloudretail", *words])
        with pytest.raises(SystemExit) as end:
            main()
        code = end.value.code
        assert isinstance(code, int)
        return (code, *capsys.readouterr())

    return run


def test_where_json_is_asked_for_an_error_is_json_too(command: Command) -> None:
    code, printed, said = command("status", "--json")

    assert code == 1
    assert json.loads(printed) == {"error": "No shop runs here. Start one with: make up"}
    assert "No shop runs here." in said
    assert command("status")[1] == ""


def test_what_runs_is_found_again_by_another_command(tmp_path: Path) -> None:
    state = State("mine", 4611, 8611, RUNNING, {"PaymentWindowSeconds": "30"}, RUNNING, "http://api")
    state.save(tmp_path / "shop.json")
    assert State.read(tmp_path / "shop.json") == state
    found = LocalShop.found(tmp_path)
    assert (found.stack, found.port, found.storefront_port) == ("mine", 4611, 8611)
    assert found.parameters == {"PaymentWindowSeconds": "30"}


def test_the_key_is_for_this_users_eyes_only(tmp_path: Path) -> None:
    """Also where a draft of another mode was left behind, and where the user's umask gives everything away."""
    (tmp_path / "shop.draft").touch(0o666)
    before = os.umask(0)
    try:
        state = State("mine", 4611, 8611, RUNNING, key="SHOPKEY")
        state.save(tmp_path / "shop.json")
    finally:
        os.umask(before)
    assert (tmp_path / "shop.json").stat().st_mode & 0o777 == 0o600
    assert State.read(tmp_path / "shop.json") == state
    assert "SHOPKEY" not in repr(state)


def test_a_shop_of_an_earlier_version_has_no_key_and_can_still_be_ended(tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    State("mine", 4611, 8611, RUNNING).save(file)
    saved = json.loads(file.read_text())
    del saved["key"]
    file.write_text(json.dumps(saved))
    state = State.read(file)
    assert state
    assert state.key == ""


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"stack": "mine"}', '{"unknown": 1, "emulator": {}}'])
def test_a_state_that_cannot_be_read_is_named_with_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "shop.json").write_text(content)
    with pytest.raises(UnreadableState, match=r"shop\.json .* cannot be read.* make down up"):
        LocalShop.found(tmp_path).read()


def test_a_shop_whose_state_cannot_be_read_is_ended_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_text("{")
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    ours, others = (
        spawn(sleeper, log=tmp_path / "log", env=minimal_environment(SHOP_STATE_FILE=str(of)), cwd=tmp_path)
        for of in (file.resolve(), tmp_path / "another" / "shop.json")
    )
    try:
        assert LocalShop(tmp_path).stop()
        assert not ours.running
        assert others.running
        assert not file.exists()
    finally:
        end(others)


def test_a_shop_that_did_not_come_up_says_how_to_go_on(tmp_path: Path) -> None:
    me = psutil.Process()
    State("mine", 4611, 8611, Owned(me.pid, me.create_time())).save(tmp_path / "shop.json")
    with pytest.raises(NoShop, match=r"did not come to its end.* make up"):
        LocalShop(tmp_path).read()
    with (
        wait_for_lock(tmp_path / "start.lock", "a test", Silent()),
        pytest.raises(NoShop, match=rf"is being started by process {me.pid}\."),
    ):
        LocalShop(tmp_path).read()


def test_who_waits_for_a_lock_says_for_whom(tmp_path: Path) -> None:
    file, steps, held, free = tmp_path / "a.lock", list[str](), threading.Event(), threading.Event()

    class Waiting(Silent):
        @contextmanager
        def step(self, title: str) -> Iterator[Note]:
            steps.append(title)
            free.set()
            yield lambda _text: None

    def hold() -> None:
        with wait_for_lock(file, "nobody", Silent()):
            held.set()
            free.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    with wait_for_lock(file, "another `up` of this shop", Waiting()):
        holder.join()
    assert steps == [f"Wait for another `up` of this shop (process {os.getpid()})"]


def test_the_next_shop_is_on_the_ports_and_with_the_options_of_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = {"PaymentWindowSeconds": "30"}
    state = State("mine", 4611, 8611, RUNNING, window, key="SHOPKEY")
    monkeypatch.setattr(LocalShop, "_start_emulator", lambda _: state)
    monkeypatch.setattr("retail_ops.local.sam.build", Mock(side_effect=BuildFailed("A layer that cannot be built.")))
    with pytest.raises(BuildFailed):
        LocalShop(tmp_path, port=4611, storefront_port=8611, parameters=window).start()
    assert LocalShop.found(tmp_path).options == Options(4611, 8611, window)


def test_options_that_cannot_be_read_are_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "options.json").write_text("[")
    assert LocalShop.found(tmp_path).options == Options()


@pytest.mark.parametrize(("words", "speaker"), [((), "The local emulator"), (("--stack", "shop"), "AWS")])
def test_only_a_deployed_shop_has_aws_say_something(
    command: Command, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], speaker: str
) -> None:
    def refuse(_stack: str | None) -> None:
        raise ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, "DescribeStacks")

    monkeypatch.setattr("retail_ops.commands.local.find_shop", refuse)
    code, _, said = command("status", *words)
    assert code == 1
    assert said.startswith(f"{speaker} says: ")


def test_a_folder_that_cannot_be_written_to_is_a_sentence(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_stack: str | None) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/checkout/.local")

    monkeypatch.setattr("retail_ops.commands.local.find_shop", refuse)
    code, _, said = command("status")
    assert code == 1
    assert said.startswith("Error: /checkout/.local: Permission denied")
    assert "Work on a copy" in said


def test_of_a_stage_that_the_doctor_cannot_look_at_aws_says_why(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_region: str | None) -> None:
        raise ProfileNotFound(profile="nobody")

    monkeypatch.setattr("retail_ops.commands.doctor.aws_session", refuse)
    code, _, said = command("doctor", "--stage", "prod")
    assert code == 1
    assert said.startswith("AWS says: ")


def test_where_no_shop_runs_it_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NoShop, match=r"No shop runs here\. Start one with: make up"):
        LocalShop(tmp_path).read()


def test_an_emulator_that_has_ended_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    State("mine", 4611, 8611, RUNNING).save(tmp_path / "shop.json")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "emulator.log").write_text("MemoryError")
    with pytest.raises(NoShop, match="emulator has ended") as refusal:
        LocalShop(tmp_path).read()
    assert refusal.value.detail == "MemoryError"


@pytest.mark.parametrize(("taken", "option"), [("port", "--port"), ("storefront_port", "--storefront-port")])
def test_nothing_is_started_while_a_port_is_taken(tmp_path: Path, taken: str, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ports = {"port": free_port(), "storefront_port": free_port(), taken: listener.getsockname()[1]}
        with pytest.raises(PortTaken, match=option):
            LocalShop(tmp_path, **ports).start()
    assert not (tmp_path / "shop.json").exists()


@pytest.mark.parametrize(("taken", "option"), [("port", "--port"), ("storefront_port", "--storefront-port")])
def test_a_shop_that_cannot_move_to_a_port_goes_on_where_it_is(tmp_path: Path, taken: str, option: str) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    emulator, storefront = (
        spawn(sleeper, log=tmp_path / "log", env=minimal_environment(), cwd=tmp_path) for _ in range(2)
    )
    ports = {"port": free_port(), "storefront_port": free_port()}
    state = State("mine", ports["port"], ports["storefront_port"], emulator, storefront=storefront, key="SHOPKEY")
    state.save(tmp_path / "shop.json")
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            moved = {**ports, taken: listener.getsockname()[1]}
            with pytest.raises(PortTaken, match=option):
                LocalShop(tmp_path, **moved).start()
        assert emulator.running
        assert storefront.running
        assert State.read(tmp_path / "shop.json") == state
        assert not (tmp_path / "options.json").exists()
    finally:
        end(emulator)
        end(storefront)


def test_a_process_that_ends_while_it_is_waited_for_is_reported_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    died = spawn(
        [sys.executable, "-c", "raise SystemExit('no memory')"], log=log, env=minimal_environment(), cwd=tmp_path
    )
    with pytest.raises(ProcessDied, match="emulator ended by itself") as failure:
        LocalShop(tmp_path)._wait_for(f"http://127.0.0.1:{free_port()}/", died, "emulator", log)
    assert failure.value.detail == "no memory"


def test_stopping_what_does_not_run_is_no_mistake(tmp_path: Path) -> None:
    assert not LocalShop(tmp_path).stop()


@pytest.mark.parametrize("words", [("status",), ("inbox",), ("logs",), ("seed",)])
def test_a_command_about_no_shop_exits_with_1_and_a_sentence(command: Command, words: tuple[str, ...]) -> None:
    assert command(*words) == (1, "", "Error: No shop runs here. Start one with: make up\n")


def test_a_demo_in_a_shop_without_a_catalogue_is_refused_before_anything_is_started(command: Command) -> None:
    code, _, said = command("up", "--demo", "--no-seed")
    assert (code, said) == (1, "Error: --demo needs the catalogue and the accounts that --no-seed leaves out.\n")


def test_a_deployed_shop_gets_no_demo(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = Shop("shop", "r", None, {"UserPoolId": "p"}, {}, local_session("k"))
    monkeypatch.setattr("retail_ops.commands.seed.find_shop", lambda _stack: deployed)
    code, _, said = command("seed", "--demo", "--stack", "shop")
    assert code == 1
    assert "--demo is for a local shop" in said
    with pytest.raises(ValueError, match="local shops only"):
        demonstrate(deployed, lambda _: None)


def test_down_without_a_shop_is_no_mistake(command: Command) -> None:
    assert command("down") == (0, "No shop runs here.\n", "")


@pytest.mark.parametrize("name", ["up", "down", "status", "logs", "inbox", "seed", "invoke", "schemas", "publish"])
def test_every_command_explains_itself(command: Command, name: str) -> None:
    code, text, _ = command(name, "--help")
    assert code == 0
    assert f"Usage: cloudretail {name}" in text


def test_the_command_is_installed() -> None:
    assert (Path(sys.executable).parent / "cloudretail").exists()
