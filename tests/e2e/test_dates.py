"""A date of a search is a day of the zone in which the page shows its times."""
import re
import sqlite3
import subprocess

import pytest
import requests

from lib.catalog import Catalog
from lib.server import SRS, Server, World, wait_for
from lib.sipc import SipClient
from test_browser import PASSWORD, Chrome, sign_in
from test_sip_calls import PEOPLE, PORTS

# when five calls began: around midnight of Berlin (+1), and in summer (+2)
AT = {"a": "2026-11-30T22:59:59Z", "b": "2026-11-30T23:00:00Z", "c": "2026-12-01T22:59:59Z",
      "d": "2026-12-01T23:00:00Z", "e": "2026-07-01T22:00:00Z"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("dates"), {"stitch": {"session_id": "no",
                                                           "group_id": "no"}}).start()
    w = World(server, password=PASSWORD)
    client = SipClient(server.sip["udp"])
    for _ in AT:
        d = client.dialog(token=w.access_token)
        assert d.invite(PORTS, PEOPLE).status == 200
        assert d.bye().status == 200
    wait_for(lambda: not [r for r in w.recordings() if r["state"] in ("recording", "rendering")],
             what="the calls are over")
    ids = [r["id"] for r in Catalog(server).recordings()]
    db = sqlite3.connect(server.data / "catalog.db", timeout=20)
    for rid, (name, at) in zip(ids, AT.items()):
        db.execute("UPDATE recordings SET title = ?, started_us = 1000000 * unixepoch(?) "
                   "WHERE id = ?", (name, at, rid))
    db.commit()
    db.close()
    client.close()
    yield w
    assert server.stop() == 0


def found(world, **params):
    return "".join(sorted(r["title"] for r in world.recordings(**params)))


@pytest.mark.parametrize("want, params", [
    ("bcd", {"from": "2026-12-01", "tz": "Europe/Berlin"}),
    ("bc", {"from": "2026-12-01", "to": "2026-12-02", "tz": "Europe/Berlin"}),
    ("cd", {"from": "2026-12-01"}),
    ("cd", {"from": "2026-12-01", "tz": "UTC"}),
    ("bc", {"from": "2026-12-01T00:00:00+01:00", "to": "2026-12-02T00:00:00+01:00"}),
    ("bc", {"from": "2026-12-01T00:00", "to": "2026-12-02T00:00", "tz": "Europe/Berlin"}),
    ("e", {"from": "2026-07-02", "to": "2026-07-03", "tz": "Europe/Berlin"}),
    ("", {"from": "2026-07-02", "to": "2026-07-03", "tz": "Europe/London", "q": "e"}),
])
def test_the_api_takes_a_zone_or_offsets(world, want, params):
    assert found(world, **params) == want


def test_the_api_names_what_it_cannot_read(world):
    for params in ({"tz": "Europe/Nowhere"}, {"tz": ""}, {"from": "2026-12-01T00:00"},
                   {"to": "soon", "tz": "UTC"}):
        r = world.server.get("/api/v1/recordings", world.api_token, code=400, params=params)
        assert any(name in r.text for name in params)
    # a "+" that nobody encoded
    r = world.server.get("/api/v1/recordings?from=2026-12-02T00:00:00+01:00", world.api_token)
    assert [i["title"] for i in r.json()["items"]] == ["d"]


@pytest.fixture
def browser(world):
    """A browser without scripts."""
    s = requests.Session()
    page = s.get(world.server.url + "/login").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page).group(1)
    s.post(world.server.url + "/login", headers={"Origin": world.server.url},
           data={"csrf": csrf, "email": world.email, "password": PASSWORD})
    return s


def rows(page):
    return dict(re.findall(r"<b>(\w)</b>.*?<time[^>]*>([^<]+)</time>", page, re.S))


def test_the_page_without_scripts(world, browser):
    url = world.server.url + "/recordings"
    page = browser.get(url, params={"from": "2026-12-01", "to": "2026-12-01"}).text
    assert rows(page) == {"c": "2026-12-01 22:59 UTC", "d": "2026-12-01 23:00 UTC"}
    assert "Dates and times are in <span id=\"zone\">UTC</span>" in page
    page = browser.get(url, params={"from": "2026-12-01", "to": "2026-12-01",
                                    "tz": "Europe/Berlin"}).text
    assert rows(page) == {"b": "2026-12-01 00:00 +01:00", "c": "2026-12-01 23:59 +01:00"}
    assert 'name="tz" value="Europe/Berlin"' in page and "Europe/Berlin</span>" in page
    # and it is remembered
    page = browser.get(url, params={"from": "2026-07-02", "to": "2026-07-02"}).text
    assert rows(page) == {"e": "2026-07-02 00:00 +02:00"}
    # also when the address names none
    page = browser.get(url, params={"from": "2026-12-02", "tz": "Mars/<b>"}).text
    assert "There is no such time zone" in page and "Mars" not in page
    assert rows(page) == {"d": "2026-12-02 00:00 +01:00"}
    assert 'name="tz" value="Europe/Berlin"' in page and "Europe/Berlin</span>" in page


def test_the_page_in_a_browser(world):
    chrome = Chrome()
    try:
        chrome.driver.execute_cdp_cmd("Emulation.setTimezoneOverride",
                                      {"timezoneId": "Europe/Berlin"})
        url = world.server.url + "/recordings?from=2026-12-01&to=2026-12-01"
        chrome.driver.get(url)
        sign_in(chrome)
        titles = lambda: "".join(e.text for e in chrome.driver.find_elements("css selector",
                                                                             "td.main b"))
        chrome.wait(lambda: titles() == "cb", "the day of Berlin")
        assert {t.text for t in chrome.driver.find_elements("css selector", "td.when time")} == {
            "Dec 1, 2026, 11:59 PM", "Dec 1, 2026, 12:00 AM"}
        assert chrome.find("input[name=tz]").get_attribute("value") == "Europe/Berlin"
        # somebody moved: the same address means the day there
        chrome.driver.execute_cdp_cmd("Emulation.setTimezoneOverride",
                                      {"timezoneId": "America/New_York"})
        chrome.driver.get(url)
        chrome.wait(lambda: titles() == "dc", "the day of New York")
        # a search that was sent keeps its zone
        chrome.driver.get(url + "&tz=Europe/Berlin")
        chrome.wait(lambda: titles() == "cb", "the day of Berlin again")
        assert "12:00 AM" in chrome.text() and "Europe/Berlin" in chrome.text()
        chrome.driver.get(url)
        chrome.wait(lambda: titles() == "dc", "the reader's own day")
    finally:
        chrome.driver.quit()


def test_the_command_line(world):
    def run(tz, *args):
        done = subprocess.run([SRS, "-c", world.server.conf, "recordings", "list", *args],
                              env={"TZ": tz}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    text = run("Europe/Berlin", "--from", "2026-12-01", "--to", "2026-12-01")
    assert text.splitlines()[0] == "Dates and times are in Europe/Berlin."
    assert re.findall(r"2026\S+", text) == ["2026-12-01T23:59:59+01:00",
                                            "2026-12-01T00:00:00+01:00"]
    assert run("UTC", "--from", "2026-12-01", "--tz", "Europe/Berlin",
               "--to", "2026-12-01") == text
    text = run("UTC", "--from", "2026-12-01", "--to", "2026-12-01")
    assert re.findall(r"2026\S+", text) == ["2026-12-01T23:00:00Z", "2026-12-01T22:59:59Z"]
    assert len(run("UTC", "--from", "2026-12-01T23:00:00+00:00").splitlines()) == 2
    for bad in (["--tz", "Mars"], ["--from", "yesterday"], ["--to", "2026-02-30"]):
        done = subprocess.run([SRS, "-c", world.server.conf, "recordings", "list", *bad],
                              capture_output=True, text=True)
        assert done.returncode == 2 and bad[0] in done.stderr
