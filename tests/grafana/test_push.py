"""`hybridobs dashboards push`: looks first, says what would change, and gives the token to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from hybridobs.cli import main
from hybridobs.errors import ConfigError
from hybridobs.grafana.push import Grafana, differences
from tests.grafana.conftest import BOARDS
from tests.grafana.grafana_stub import TOKEN, GrafanaStub

ONE = """
from hybridobs.grafana import board, kpis, row
from hybridobs.kpi.kpi import Group
dashboard = board("business", "What it is for.", rows=kpis.group_rows(Group.BUSINESS))
"""


@pytest.fixture
def grafana() -> Iterator[GrafanaStub]:
    """A server without boards."""
    with GrafanaStub().running() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one board of one's own."""
    (tmp_path / "business.dashboard.py").write_text(ONE)
    return tmp_path


def push(server: GrafanaStub, folder: Path, *options: str, token: str = TOKEN) -> Result:
    """The command, with the token in its environment."""
    arguments = ["dashboards", "push", str(folder), "--url", server.url, *options]
    return CliRunner().invoke(main, arguments, env={"HYBRIDOBS_GRAFANA_TOKEN": token})


def test_dry_run_writes_nothing(grafana: GrafanaStub, folder: Path) -> None:
    """It says what would change and sends nothing that changes anything."""
    done = push(grafana, folder, "--dry-run")
    assert done.exit_code == 0 and "+ hybridobs · Business (hybridobs-business): new" in done.output
    assert grafana.asked == ["GET /api/dashboards/uid/hybridobs-business"] and not grafana.dashboards


def test_push_makes_the_folder_and_the_board(grafana: GrafanaStub, folder: Path) -> None:
    """The board is in a folder of that title, made once; pushed again it is the same and nothing is written."""
    assert push(grafana, folder, "--yes", "--folder", "Fleet").exit_code == 0
    assert list(grafana.folders.values()) == ["Fleet"] and "hybridobs-business" in grafana.dashboards
    done = push(grafana, folder, "--yes", "--folder", "Fleet")
    assert "same" in done.output and grafana.dashboards["hybridobs-business"]["version"] == 1


def test_changes_are_told_panel_by_panel(grafana: GrafanaStub, folder: Path) -> None:
    """What somebody changed by hand is named before it is replaced."""
    push(grafana, folder, "--yes")
    panel = grafana.dashboards["hybridobs-business"]["panels"][1]
    panel["description"] = "changed by hand"
    done = push(grafana, folder, "--dry-run")
    assert f"~ {panel['title']}" in done.output and "changed" in done.output


def test_nobody_to_ask_is_an_error(grafana: GrafanaStub, folder: Path) -> None:
    """Without a terminal and without --yes nothing is written."""
    done = push(grafana, folder)
    assert done.exit_code == 2 and "--yes" in done.output and not grafana.dashboards


def test_wrong_token_says_what_to_do(grafana: GrafanaStub, folder: Path) -> None:
    """The error names the variable, and the token stands nowhere."""
    done = push(grafana, folder, "--yes", token="glsa_other")
    assert done.exit_code == 2 and "HYBRIDOBS_GRAFANA_TOKEN" in done.output and "glsa_other" not in done.output


def test_provisioned_board_says_what_to_do(grafana: GrafanaStub, folder: Path) -> None:
    """A board that Grafana reads from files cannot be pushed, and the error says why."""
    grafana.provisioned.add("hybridobs-business")
    done = push(grafana, folder, "--yes")
    assert done.exit_code == 2 and "provisioning" in done.output


@pytest.mark.parametrize("url", ["http://grafana.example", "http://10.0.0.7:3000"])
def test_token_is_not_sent_in_the_clear(url: str) -> None:
    """Plain HTTP to another machine is refused before anything is sent, unless somebody insists."""
    with pytest.raises(ConfigError, match="unencrypted"):
        Grafana(url, TOKEN)
    assert Grafana(url, TOKEN, plain_http=True).url == url and Grafana(url, "").url == url


@pytest.mark.parametrize("url", ["grafana.example", "ftp://grafana.example", "https://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """An address without a scheme or a host is named, with how to write one."""
    with pytest.raises(ConfigError, match=r"https://grafana\.example"):
        Grafana(url, "")


def test_password_in_the_url_is_refused() -> None:
    """Secrets do not belong where they are logged, and the error does not repeat one."""
    with pytest.raises(ConfigError) as raised:
        Grafana("https://admin:hunter2@grafana.example", "")
    assert "hunter2" not in str(raised.value)


def test_redirect_is_not_followed() -> None:
    """A server that sends us on gets no token a second time; the error names where it points."""

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/stolen")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    Thread(target=server.handle_request, daemon=True).start()
    with pytest.raises(ConfigError, match="stolen"):
        list(Grafana(f"http://127.0.0.1:{server.server_port}", TOKEN).changes([BOARDS["traces"].json]))
    server.server_close()


def test_what_the_server_counts_is_no_difference() -> None:
    """Ids and versions are the server's own."""
    board = BOARDS["traces"].json
    assert list(differences({**board, "id": 12, "version": 40}, board)) == []
