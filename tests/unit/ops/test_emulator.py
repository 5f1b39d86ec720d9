import socket
from types import SimpleNamespace

import pytest

from retail_ops.local.emulator import addresses


def interfaces(monkeypatch: pytest.MonkeyPatch, **by_name: str) -> None:
    found = {
        name: [SimpleNamespace(family=socket.AF_INET, address=address, netmask="255.255.0.0")]
        for name, address in by_name.items()
    }
    found["lo"] = [SimpleNamespace(family=socket.AF_INET6, address="::1")]
    monkeypatch.setattr("psutil.net_if_addrs", lambda: found)


def test_the_emulator_is_reachable_from_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    interfaces(monkeypatch, eth0="192.0.2.7")
    assert list(addresses()) == ["127.0.0.1"]


def test_where_docker_is_its_containers_reach_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    interfaces(monkeypatch, eth0="192.0.2.7", docker0="172.17.0.1")
    assert list(addresses()) == ["127.0.0.1", "172.17.0.1"]
