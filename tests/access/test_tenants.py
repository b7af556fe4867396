"""Tenants share a collector and nothing in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridobs.collector import Asked, Limits, Said, token_line
from hybridobs.errors import ConfigError
from hybridobs.serve import LiveMeasures
from hybridobs.store import Store
from tests.access.conftest import DEVICE, OTHER, ask, call, counted, post, serving


class Count:
    """A page: how many streams its store has."""

    method, path = "GET", "/streams"

    def answer(self, store: Store, asked: Asked) -> Said:
        return Said(str(len(store.streams())).encode(), "text/plain")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two tenants, whose tokens may send and read."""
    file = tmp_path / "access.txt"
    lines = [token_line("acme", "send,read", DEVICE), token_line("beta", "send,read", OTHER)]
    file.write_text("\n".join(lines))
    file.chmod(0o600)
    return file


def test_each_has_a_store_and_views_and_pages(tmp_path: Path, two: Path) -> None:
    """The same stream and numbers of two tenants count twice, and neither sees anything of the other."""
    with serving(tmp_path, "{tenant}", access=two, views=[LiveMeasures], pages=[Count()]) as collector:
        assert post(collector, DEVICE, numbers=[1, 2]) == 200
        assert call(collector, OTHER) == "OK"
        shown = {token: ask(f"{collector.http_url}/metrics", token)[1] for token in (DEVICE, OTHER)}
        streams = [ask(f"{collector.http_url}/streams", token)[1] for token in (DEVICE, OTHER, "")]
    assert 'le="+Inf"' in shown[DEVICE]
    assert [counted(tmp_path, name) for name in ("acme", "beta")] == [2, 1]
    assert [text.count('signal="traces"} 2.0') for text in shown.values()] == [1, 0]
    assert streams[:2] == ["1", "1"] and "Bearer" in streams[2]


def test_each_has_limits_of_its_own(tmp_path: Path, two: Path) -> None:
    """What one tenant sends uses up nobody else's rate."""
    slow = Limits(sender_requests_s=0.001, sender_burst_seconds=1000)
    with serving(tmp_path, "{tenant}", access=two, tenants={"beta": slow}) as collector:
        assert [post(collector, OTHER, numbers=[n]) for n in (1, 2)] == [200, 429]
        assert [post(collector, DEVICE, numbers=[n]) for n in (1, 2)] == [200, 200]


def test_a_new_tenant_needs_no_restart(tmp_path: Path, access: Path) -> None:
    """Its store is made when it first sends."""
    with serving(tmp_path, "{tenant}", access=access) as collector:
        with access.open("a") as file:
            file.write(f"{token_line('beta', 'send', OTHER)}\n")
        from tests.relay.conftest import until

        until(lambda: post(collector, OTHER) == 200)
    assert counted(tmp_path, "beta") == 1


def test_tenants_do_not_share_a_store(tmp_path: Path, two: Path) -> None:
    """Two tenants and one store are refused with the way out, and so is one view for both."""
    with pytest.raises(ConfigError, match=r"\{tenant\}"), serving(tmp_path, "one", access=two):
        pass
    shared = serving(tmp_path, "{tenant}", access=two, views=[LiveMeasures()])
    with pytest.raises(ConfigError, match="give its class"), shared:
        pass
