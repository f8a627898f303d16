"""Every SIP message of a recording session, as a reader gets it."""
import json
import re
import subprocess
import time

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from lib import media
from lib.server import ALICE, BOB, SRS, World, wait_for
from lib.sipc import SipClient, metadata

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]

# What call() leaves behind; "<" came from the client.
LADDER = [("<", "INVITE", None), (">", "INVITE", 100), (">", "INVITE", 200), ("<", "ACK", None),
          ("<", "INVITE", None), (">", "INVITE", 100), (">", "INVITE", 200), ("<", "ACK", None),
          ("<", "UPDATE", None), (">", "UPDATE", 200),
          ("<", "BYE", None), (">", "BYE", 200)]


def call(server, world, transport="udp", **kw):
    """INVITE, hold, metadata, BYE. Returns the client and its dialog."""
    c = SipClient(server.sip[transport], transport, **kw)
    d = c.dialog(token=world.access_token)
    senders, _ = media.two_voices(lambda ports: d.invite(ports, PEOPLE))
    time.sleep(0.5)
    assert d.invite([s.port for s in senders], PEOPLE, direction="inactive", version=2).status == 200
    assert d.update(metadata(PEOPLE)).status == 200
    assert d.bye().status == 200
    for s in senders:
        s.stop()
    return c, d


def recording(world):
    """The id of the only recording, once the call is over."""
    return wait_for(lambda: [i for i in world.recordings() if i["state"] != "recording"],
                    what="the call to be over")[0]["id"]


def messages(server, world, rid, n=len(LADDER)):
    """The JSON, once all are there: notes may come a moment after the answer."""
    path = f"/api/v1/recordings/{rid}/signalling?format=json"
    return wait_for(lambda: (m := server.get(path, world.api_token).json()["items"])
                    and len(m) >= n and m, what=f"{n} messages")


def tshark(path, *fields, ports=()):
    args = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=|"]
    for p in ports:  # of the test, not of SIP
        args += ["-d", f"udp.port=={p},sip", "-d", f"tcp.port=={p},sip"]
    for f in fields:
        args += ["-e", f]
    done = subprocess.run(args, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_everything_is_there_in_order(server, world, tmp_path, transport):
    c, d = call(server, world, transport)
    rid = recording(world)
    items = messages(server, world, rid)
    seen = [("<" if m["dir"] == "in" else ">", m["method"], m["status"]) for m in items]
    assert seen == LADDER
    assert [m["at"] for m in items] == sorted(m["at"] for m in items)
    for m in items:
        assert m["peer"] == c.hostport and m["transport"] == transport
        assert m["bytes"] == len(m["body"].encode())
        assert d.call_id in m["body"]
    assert "Authorization: Bearer [removed]\r\n" in items[0]["body"]
    assert "application/rs-metadata+xml" in items[0]["body"] and ALICE in items[0]["body"]

    r = server.get(f"/api/v1/recordings/{rid}/signalling?format=pcapng", world.api_token)
    assert r.headers["Content-Disposition"] == f'attachment; filename="{rid}-signalling.pcapng"'
    assert r.headers["Content-Type"] == "application/x-pcapng"
    path = tmp_path / "s.pcapng"
    path.write_bytes(r.content)
    rows = tshark(path, "ip.src", f"{transport}.srcport", "ip.dst", f"{transport}.dstport",
                  "sip.Method", "sip.Status-Code", "sip.CSeq.method", "_ws.malformed",
                  ports=[server.sip[transport][1]])
    assert len(rows) == len(LADDER)
    us, them = [[a, str(p)] for a, p in (server.sip[transport], (c.host, c.port))]
    for row, (way, method, status) in zip(rows, LADDER):
        assert row[:4] == (them + us if way == "<" else us + them)
        assert row[4:] == ["" if status else method, str(status or ""), method, ""]


def test_tls_is_readable(start, pki, tmp_path):
    server = start({"sip": {"listen": "tls:127.0.0.1:0", "tls_certificate": pki / "server.pem",
                            "tls_key": pki / "server.key"}})
    world = World(server)
    call(server, world, "tls", cafile=pki / "ca.pem")
    rid = recording(world)
    assert {m["transport"] for m in messages(server, world, rid)} == {"tls"}
    path = tmp_path / "s.pcapng"
    path.write_bytes(server.get(f"/api/v1/recordings/{rid}/signalling?format=pcapng",
                                world.api_token).content)
    rows = tshark(path, "sip.Method", "sip.Status-Code", "tcp.port", "frame.comment")
    assert [(r[0], r[1]) for r in rows] == [("" if s else m, str(s or "")) for _, m, s in LADDER]
    assert all("5060" in r[2].split(",") and "over tls" in r[3] for r in rows)


def test_a_running_call_and_requests_of_ours(server, world):
    c = SipClient(server.sip["udp"])
    d = c.dialog(token=world.access_token)
    assert d.invite([40000, 40002], PEOPLE).status == 200
    rid = wait_for(world.recordings, what="the live recording")[0]["id"]
    assert len(messages(server, world, rid, 4)) == 4
    server.cli("grant", "revoke", world.grant_id)
    bye = c.recv(5)
    assert bye.method == "BYE"
    d.answer(bye)
    items = messages(server, world, rid, 6)
    assert [(m["dir"], m["method"], m["status"]) for m in items[4:]] == [
        ("out", "BYE", None), ("in", "BYE", 200)]


def test_no_secret_comes_out(server, world, tmp_path):
    call(server, world)
    rid = recording(world)
    messages(server, world, rid)
    out = tmp_path / "x"
    server.cli("export", rid, "--to", out)
    found = [(out / n).read_bytes() for n in ("signalling.txt", "signalling.pcapng")]
    for form in ("text", "pcapng", "json"):
        found.append(server.get(f"/api/v1/recordings/{rid}/signalling?format={form}",
                                world.api_token).content)
    for data in found:
        assert b"INVITE sip:srs@" in data
        assert b"srs_at_" not in data and world.access_token.encode() not in data


def test_command_line_and_export_say_the_same(server, world, tmp_path):
    call(server, world)
    rid = world.wait_recording()["id"]  # ready: rendering settles its start, and so the offsets
    items = messages(server, world, rid)

    def run(*args):
        return subprocess.run([str(SRS), "-c", str(server.conf), "recordings", "signalling", *args],
                              capture_output=True, timeout=60)

    text = run(rid).stdout
    assert len(re.findall(rb"(?m)^--- \S+Z (?:in|out) udp \S+, \d+ bytes$", text)) == len(items)
    assert text == server.get(f"/api/v1/recordings/{rid}/signalling", world.api_token).content
    pcapng = run(rid, "--format", "pcapng").stdout
    assert pcapng[:4] == b"\x0a\x0d\x0d\x0a"
    assert server.cli("recordings", "signalling", rid)["items"] == items
    out = tmp_path / "x"
    server.cli("export", rid, "--to", out)
    assert (out / "signalling.txt").read_bytes() == text
    assert (out / "signalling.pcapng").read_bytes() == pcapng
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=out, check=True)
    for args, code in ((("nope",), 3), ((), 2), ((rid, "--format", "mp3"), 2)):
        done = run(*args)
        assert done.returncode == code and done.stderr and not done.stdout


def test_who_may_read_them(server, world):
    call(server, world)
    rid = recording(world)
    path = f"/api/v1/recordings/{rid}/signalling"
    other = World(server, tenant="other")
    server.get(path, code=401)
    server.get(path, other.api_token, code=404)
    server.get(path, other.access_token, code=404)
    r = server.get(path + "?format=mp3", world.api_token, code=400)
    assert "format" in json.dumps(r.json())
    server.get(path + "?x=1", world.api_token, code=400)
    server.get("/api/v1/recordings/nope/signalling", world.api_token, code=404)


@pytest.fixture
def browser():
    """A phone without JavaScript."""
    o = webdriver.ChromeOptions()
    for a in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=500,900"):
        o.add_argument(a)
    o.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    b = webdriver.Chrome(options=o)
    yield b
    b.quit()


def test_ladder_works_by_keyboard_without_javascript(server, world, browser):
    call(server, world)
    rid = recording(world)
    messages(server, world, rid)
    browser.get(f"{server.url}/recordings/{rid}")
    wait_for(lambda: browser.find_elements(By.NAME, "email"), what="the login form")
    browser.find_element(By.NAME, "email").send_keys(world.email)
    browser.find_element(By.NAME, "password").send_keys(world.password + Keys.ENTER)
    rows = wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "#signalling .rows > li"),
                    what="the ladder")
    assert not browser.find_elements(By.CSS_SELECTOR, "[style], style")
    seen = []
    for row in rows:
        way = "<" if "in" in row.get_attribute("class").split() else ">"
        words = row.find_element(By.CSS_SELECTOR, ".word").text
        seen.append((way, re.sub(r"^from \w+ to \w+:", "", words).strip()))
    for (way, words), (way_wanted, method, status) in zip(seen, LADDER, strict=True):
        assert way == way_wanted
        reason = {100: "Trying", 200: "OK"}.get(status)
        assert words.startswith(f"{status} {reason} to {method}" if status else method)
    # the arrow is drawn: the page's own sheet is in force
    assert rows[0].find_element(By.CSS_SELECTOR, ".line").value_of_css_property(
        "border-top-style") == "solid"
    assert rows[2].find_element(By.CSS_SELECTOR, ".line").value_of_css_property(
        "border-top-style") == "dashed"
    raw = rows[0].find_element(By.TAG_NAME, "pre")
    details = rows[0].find_element(By.TAG_NAME, "details")
    assert details.get_attribute("open") is None and raw.text == ""
    rows[0].find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
    wait_for(lambda: details.get_attribute("open"), what="the message")
    assert raw.text.startswith("INVITE sip:srs@") and "Bearer [removed]" in raw.text
    assert '<nameID aor="sip:alice@voip.example">' in raw.text
    links = [a.get_attribute("href") for a in
             browser.find_elements(By.CSS_SELECTOR, "#signalling .files a")]
    cookies = {c["name"]: c["value"] for c in browser.get_cookies()}
    assert len(links) == 3
    for link in links:
        assert server.get(link.removeprefix(server.url), cookies=cookies).content
