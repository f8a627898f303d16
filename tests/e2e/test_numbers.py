"""Telephone numbers: whose call it is, and how recordings are found by them."""
import json

import pytest
import requests

from lib.server import Server, World
from lib.web import Browser, finish

OWNER = "tel:+442079460001"
DETAILS = {"type": "call_recording", "actions": ["record"], "owner": {"aor": [OWNER]},
           "conditions": {}}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("numbers")).start()
    w = World(server, details=DETAILS)
    server.cli("user", "add", "--tenant", w.tenant, "--email", "root@acme.example", "--role",
               "admin", "--password-stdin", stdin="correct horse battery\n")
    w.admin_token = server.cli("token", "add", "--user", "root@acme.example")["token"]
    yield w
    finish(server)


def status(world, owner, other="sip:02079460999", like="metaswitch"):
    out = world.server.cli("call", "--to", "sip:srs@%s:%d" % world.server.sip["udp"], "--token",
                           world.access_token, "--participant", owner, "--participant", other,
                           "--like", like, "--duration", 0.1, code=None)
    out = out if isinstance(out, dict) else json.loads(out)
    return out["status"]


def tenant(world, token, **body):
    method = "PATCH" if body else "GET"
    return requests.request(method, world.server.url + "/api/v1/tenant", timeout=10,
                            json=body or None, headers={"Authorization": "Bearer " + token})


def test_a_number_is_the_owner_in_every_form(world):
    for form in ("sip:02079460001", "02079460001", "sip:020-7946-0001", "tel:020-7946-0001",
                 "sip:02079460001@192.0.2.7", "sip:+442079460001@gw.example;user=phone",
                 "sip:442079460001", "sip:0044%2D2079460001@gw.example;user=phone"):
        assert status(world, form) == 200, form
    assert status(world, "sip:02079460001@gw.example", like="broadworks") == 200
    for form in ("sip:0001", "sip:60001", "sip:02079460002", "sip:79460001@gw.example"):
        assert status(world, form) == 403, form


def test_the_accounts_country_decides(world):
    server = world.server
    r = tenant(world, world.admin_token, country="1")
    assert r.status_code == 200 and r.json()["effective"] == {
        "country": "1", "national_prefix": "1", "international_prefix": "011"}, r.text
    assert status(world, "sip:02079460001") == 403
    assert status(world, "sip:011442079460001") == 200
    for body, field in (({"country": "044"}, "country"), ({"country": 44}, "country"),
                        ({"national_prefix": "x"}, "national prefix"), ({"nation": "1"}, "nation"),
                        ({"country": "123456789"}, "country")):
        r = tenant(world, world.admin_token, **body)
        assert r.status_code == 400 and field in r.json()["detail"], r.text
    assert tenant(world, world.api_token, country="44").status_code == 403
    assert tenant(world, world.api_token).json()["country"] == "1"
    shown = server.cli("tenant", "set", world.tenant, "--country", "44")
    assert shown["effective"]["national_prefix"] == "0", shown
    assert server.cli("tenant", "show", world.tenant) == shown
    assert server.cli("tenant", "list")["items"][0]["name"] == world.tenant
    assert status(world, "sip:02079460001") == 200
    r = tenant(world, world.admin_token, country=None)
    assert r.json()["effective"]["country"] == "", r.text


def test_recordings_are_found_by_number_and_by_part_of_a_word(world):
    server = world.server
    out = server.cli("call", "--to", "sip:srs@%s:%d" % server.sip["udp"], "--token",
                     world.access_token, "--participant", OWNER, "--name", "東京都庁",
                     "--participant", "tel:+442079460777", "--duration", 0.1)
    assert out["status"] == 200, out
    for text in ("+44 20 7946 0777", "0044 20 7946 0777", "020 7946 0777", "(20) 79460777",
                 "+44-20-7946-0777", "0777", "京都", "庁"):
        page = server.get("/api/v1/recordings", world.api_token, params={"q": text}).json()
        assert [p["aor"] for i in page["items"] for p in i["participants"]] == [
            OWNER, "tel:+442079460777"], text
        listed = server.cli("recordings", "list", "-q", text)["items"]
        assert len(listed) == 1, text
    for text in ("020 7946 0777", "0777"):
        page = server.get("/api/v1/recordings", world.api_token, params={"participant": text})
        assert len(page.json()["items"]) == 1, text
        assert len(server.cli("recordings", "list", "--participant", text)["items"]) == 1
    browser = Browser(server.url)
    browser.login(world.email, world.password)
    page = browser.get("/recordings", params={"q": "020 7946 0777"}).text
    assert page.count('href="/recordings/') == 1 and "+442079460777" in page, page
