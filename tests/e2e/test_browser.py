"""The pages in a real browser: setup, credentials, consent, list, player."""
import json
import re
import urllib.parse

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from lib.server import ALICE, BOB, DETAILS, World, wait_for
from lib.sipc import SipClient
from lib.web import REDIRECT, Portal

PASSWORD = "correct horse battery"


class Chrome:
    def __init__(self):
        o = Options()
        for a in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                  "--autoplay-policy=no-user-gesture-required", "--window-size=1200,900"):
            o.add_argument(a)
        o.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=o, service=Service("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(30)
        self.responses = []
        self.complaints = []

    def collect(self):
        """Responses and everything the console said since the last call."""
        for entry in self.driver.get_log("performance"):
            m = json.loads(entry["message"])["message"]
            if m["method"] == "Network.responseReceived":
                r = m["params"]["response"]
                self.responses.append((r["status"], r["url"]))
        # the used-up setup link, opened on purpose, is a 404
        self.complaints += [e for e in self.driver.get_log("browser")
                            if e["level"] != "DEBUG" and "/setup" not in e["message"]]

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def text(self):
        return self.find("body").text

    def fill(self, **fields):
        for name, value in fields.items():
            e = self.find(f"[name={name}]")
            e.clear()
            e.send_keys(value)

    def press(self, css):
        self.find(css).click()

    def js(self, code, *args):
        return self.driver.execute_script(code, *args)

    def wait(self, check, what):
        """Elements of the page before may vanish under the check."""
        def look():
            try:
                return check()
            except (StaleElementReferenceException, NoSuchElementException):
                return None

        return wait_for(look, 20, f"{what}; begun at {self.driver.current_url}")


@pytest.fixture
def chrome():
    c = Chrome()
    yield c
    c.driver.quit()


def set_up(chrome, server):
    link = wait_for(lambda: re.search(r"http://\S+/setup\?token=[\w-]+", server.log()),
                    what="the setup link").group(0)
    chrome.driver.get(link)
    chrome.fill(tenant="Acme", email="alice@acme.example", aor=ALICE, password=PASSWORD,
                password2=PASSWORD)
    chrome.press("button.primary")
    chrome.wait(lambda: chrome.driver.current_url.endswith("/clients"), "set up")
    chrome.driver.get(link)
    assert "used up" in chrome.text()


def sign_in(chrome, email="alice@acme.example"):
    chrome.fill(email=email, password=PASSWORD)
    chrome.press("button.primary")


def add_provider(chrome, server):
    chrome.driver.get(server.url + "/clients")
    chrome.fill(name="Example VoIP", redirect_uris=REDIRECT)
    chrome.press("button.primary")
    chrome.wait(lambda: chrome.driver.find_elements(By.ID, "client-secret"), "the secret")
    made = chrome.find("#client-id").text, chrome.find("#client-secret").text
    chrome.driver.get(server.url + "/clients")
    assert made[0] in chrome.text() and made[1] not in chrome.driver.page_source
    return Portal(server.url, *made)


def agree(chrome, server, portal):
    """Consent as a browser sees it; the redirect goes to a port where nobody listens."""
    chrome.driver.get(server.url + portal.authorize_url())
    if "Sign in" in chrome.text():
        sign_in(chrome)
    chrome.wait(lambda: "Example VoIP" in chrome.text(), "the consent page")
    assert "2 or more people" in chrome.text() and "alice@voip.example" in chrome.text()
    chrome.collect()
    chrome.press("button[value=allow]")
    chrome.wait(lambda: chrome.driver.current_url.startswith(REDIRECT), "the way back")
    query = urllib.parse.urlsplit(chrome.driver.current_url).query
    answer = dict(urllib.parse.parse_qsl(query))
    assert answer["state"] == portal.state and answer["iss"] == server.url
    chrome.driver.get("about:blank")
    chrome.driver.get_log("browser")  # nobody listens there: not our error
    return portal.redeem(answer["code"]).json()["access_token"]


def call(server, token, seconds):
    server.cli("call", "--to", "sip:%s:%d" % server.sip["udp"], "--token", token,
               "--participant", ALICE, "--participant", BOB, "--duration", seconds)


def open_recording(chrome, server):
    """From the list, which fills itself, to the player."""
    def row():
        chrome.driver.get(server.url + "/recordings")
        found = chrome.driver.find_elements(By.CSS_SELECTOR, "tr[data-state=ready] td.main a")
        return found and found[0]

    chrome.wait(row, "a ready recording").click()
    chrome.wait(lambda: chrome.driver.find_elements(By.CSS_SELECTOR, ".player.live canvas"),
                "the player")


def position(chrome):
    return chrome.js("return document.getElementById('audio').currentTime")


def play(chrome):
    chrome.press(".controls .play")
    first = chrome.wait(lambda: position(chrome) > 0.3 and position(chrome), "sound")
    chrome.wait(lambda: position(chrome) > first + 0.3, "time to advance")
    assert chrome.find(".controls .play").get_attribute("aria-label") == "Pause"


def seek_by_click(chrome):
    """A seek into what is not loaded is a range request."""
    wave = chrome.find(".wave")
    width = wave.size["width"]
    webdriver.ActionChains(chrome.driver).move_to_element_with_offset(
        wave, int(width * 0.25), 0).click().perform()
    length = chrome.js("return document.getElementById('audio').duration")
    chrome.wait(lambda: abs(position(chrome) - 0.75 * length) < 1.5, "the seek")


def keys(chrome):
    wave = chrome.find(".wave")
    if not chrome.js("return document.getElementById('audio').paused"):
        wave.send_keys(Keys.SPACE)
    chrome.wait(lambda: chrome.js("return document.getElementById('audio').paused"), "pause")
    wave.send_keys(Keys.HOME)
    chrome.wait(lambda: position(chrome) < 0.1, "Home")
    wave.send_keys(Keys.ARROW_RIGHT)
    chrome.wait(lambda: abs(position(chrome) - 5) < 0.2, "arrow right")
    wave.send_keys(Keys.ARROW_LEFT)
    chrome.wait(lambda: position(chrome) < 0.2, "arrow left")
    assert wave.get_attribute("aria-valuetext").startswith("0:00 of 0:")
    wave.send_keys(Keys.SPACE)
    chrome.wait(lambda: not chrome.js("return document.getElementById('audio').paused"), "play")


def speed_and_balance(chrome):
    chrome.find("#speed").send_keys("2")
    chrome.js("const s = document.getElementById('speed'); s.value = '2';"
              "s.dispatchEvent(new Event('change'))")
    assert chrome.js("return document.getElementById('audio').playbackRate") == 2
    chrome.js("const b = document.getElementById('balance'); b.value = '-1';"
              "b.dispatchEvent(new Event('input'))")
    assert "100 %" in chrome.find("#balance").get_attribute("aria-valuetext")
    chrome.js("document.getElementById('audio').currentTime = 0")
    chrome.wait(lambda: position(chrome) > 0.5, "sound through the balance")


def painted(chrome):
    """The waveform has more than one colour."""
    return chrome.js("""
        const c = document.querySelector('.wave canvas');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        const seen = new Set();
        for (let i = 0; i < d.length; i += 4)
            if (d[i + 3]) seen.add((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]);
        return seen.size;""")


def test_from_setup_to_playback(server, chrome):
    set_up(chrome, server)
    portal = add_provider(chrome, server)
    chrome.collect()
    token = agree(chrome, server, portal)
    call(server, token, 12)
    open_recording(chrome, server)
    assert painted(chrome) > 2
    play(chrome)
    seek_by_click(chrome)
    keys(chrome)
    speed_and_balance(chrome)
    chrome.collect()
    audio = [s for s, url in chrome.responses if "/audio" in url]
    assert 206 in audio and set(audio) <= {200, 206}, audio
    bad = [(s, u) for s, u in chrome.responses if s >= 400 and "/setup" not in u]
    assert not bad, bad
    assert not chrome.complaints, chrome.complaints


def test_grants_notes_and_delete(server, chrome):
    set_up(chrome, server)
    portal = add_provider(chrome, server)
    token = agree(chrome, server, portal)
    call(server, token, 2)
    open_recording(chrome, server)
    here = chrome.driver.current_url
    chrome.fill(title="Order 17", notes="<b>ring back</b>")
    chrome.press("form[action$='/edit'] button")
    chrome.wait(lambda: "Order 17" in chrome.find("h1").text, "the title")
    assert chrome.find("textarea").get_attribute("value") == "<b>ring back</b>"
    chrome.driver.get(server.url + "/recordings?q=ring")
    assert "Order 17" in chrome.text()
    chrome.driver.get(server.url + "/grants")
    assert "Record calls with 2 or more people" in chrome.text()
    chrome.press("details.danger summary")
    chrome.press("details.danger button")
    chrome.wait(lambda: "Revoked" in chrome.text(), "revocation")
    server.get("/api/v1/recordings", token, code=401)
    chrome.driver.get(here)
    chrome.press("details.danger summary")
    chrome.press("details.danger button")
    chrome.wait(lambda: "No recordings yet" in chrome.text(), "deletion")
    chrome.driver.get(server.url + "/audit")
    for action in ("recording.delete", "recording.edit", "grant."):
        assert action in chrome.text()
    chrome.collect()
    assert not chrome.complaints, chrome.complaints


# the elements that stick out to the right, the innermost last
STICKING_OUT = """
    return [...document.querySelectorAll("body *")]
        .filter(e => e.getBoundingClientRect().right > arguments[0])
        .map(e => e.tagName + "." + e.className);"""


def fits(chrome, width, path):
    """Loaded, styled and laid out for this screen, the page is no wider than it."""
    chrome.wait(lambda: chrome.js("""
        return document.readyState === "complete" && document.styleSheets.length > 0 &&
            window.screen.width === arguments[0];""", width), f"{path} to be there")
    try:
        chrome.wait(lambda: chrome.js("return document.documentElement.scrollWidth") <= width, path)
    except AssertionError:
        pytest.fail(f"{path} at {width}: {chrome.js(STICKING_OUT, width)}")


@pytest.mark.parametrize("width", [390, 1200])
def test_every_page_fits(server, chrome, width):
    """No page is wider than the screen, on a phone either."""
    set_up(chrome, server)
    portal = add_provider(chrome, server)
    long = "sip:" + "x" * 90 + "@v.example"
    consent = portal.authorize_url(details={**DETAILS, "owner": {"aor": [long]}})
    chrome.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 800, "screenWidth": width, "screenHeight": 800,
        "deviceScaleFactor": 1, "mobile": width < 600})
    for path in ("/recordings", "/recordings?q=x", "/clients", "/grants", "/audit", consent):
        chrome.driver.get(server.url + path)
        fits(chrome, width, path)
    chrome.collect()
    assert not chrome.complaints, chrome.complaints


def live_call(world):
    client = SipClient(world.server.sip["udp"])
    dialog = client.dialog(token=world.access_token)
    assert dialog.invite([40000, 40002], [(ALICE, "Alice"), (BOB, "Bob")]).status == 200
    return client, dialog


@pytest.mark.parametrize("script", [True, False])
def test_a_live_call_is_paused_and_goes_on(server, chrome, script):
    world = World(server, details={**DETAILS, "actions": ["record", "pause_resume"]})
    client, dialog = live_call(world)
    chrome.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
    chrome.driver.get(server.url + "/login")
    sign_in(chrome)
    chrome.wait(lambda: chrome.find("tr[data-state=recording] td.main a"), "the call").click()
    here = server.url + "/recordings/" + world.recordings()[0]["id"]
    for button, then, said in (("Pause", "Go on recording", "nothing of what is said now"),
                               ("Go on recording", "Pause", "Nothing of what is said then")):
        assert chrome.wait(lambda: chrome.find("#pause").text, "the button") == button
        chrome.press("#pause")
        chrome.wait(lambda: chrome.find("#pause").text == then and said in chrome.text(), said)
        assert chrome.driver.current_url == here
        assert chrome.find(".facts .tag").text == ("Paused" if then != "Pause" else "Recording")
    if script:  # somebody else pauses: the page follows, and so does the list
        rid = here.rsplit("/", 1)[1]
        server.cli("recordings", "pause", rid)
        chrome.wait(lambda: chrome.find(".facts .tag").text == "Paused", "the pause")
        chrome.driver.get(server.url + "/recordings")
        assert chrome.find("td.state").text == "Paused"
        server.cli("recordings", "resume", rid)
        chrome.wait(lambda: "changes in this list" in chrome.text(), "the news")
        dialog.bye()
        client.close()
        return
    kinds = [e["kind"] for e in world.recording(world.recordings()[0]["id"])["events"]]
    assert [k for k in kinds if k.endswith("pause")] == ["pause", "unpause"]
    dialog.bye()
    client.close()
    chrome.collect()
    assert not chrome.complaints, chrome.complaints


def test_a_pause_outside_the_grant_is_explained(server, chrome):
    world = World(server)  # its grant does not include pausing
    client, dialog = live_call(world)
    chrome.driver.get(server.url + "/login")
    sign_in(chrome)
    chrome.wait(lambda: chrome.find("tr[data-state=recording] td.main a"), "the call").click()
    chrome.wait(lambda: chrome.find("#pause"), "the button").click()
    chrome.wait(lambda: "was granted does not include pausing" in chrome.text(), "the reason")
    rec = world.recordings()[0]["id"]
    assert "pause" not in [e["kind"] for e in world.recording(rec)["events"]]
    dialog.bye()
    client.close()


def test_who_may_not_pause_sees_no_button(server, chrome):
    world = World(server)
    server.cli("user", "add", "--tenant", "acme", "--email", "ear@acme.example",
               "--role", "auditor", "--password-stdin", stdin=PASSWORD + "\n")
    client, dialog = live_call(world)
    chrome.driver.get(server.url + "/login")
    sign_in(chrome, "ear@acme.example")
    chrome.wait(lambda: chrome.find("tr[data-state=recording] td.main a"), "the call").click()
    chrome.wait(lambda: chrome.find("#waiting"), "the recording's page")
    assert not chrome.driver.find_elements(By.ID, "pause")
    dialog.bye()
    client.close()


def test_an_unknown_address_has_the_menu(server, chrome):
    World(server)
    chrome.driver.get(server.url + "/nothing")
    assert "There is nothing at this address" in chrome.text()
    chrome.press("main a")
    chrome.wait(lambda: "Sign in" in chrome.text(), "the login page")
    sign_in(chrome)
    chrome.wait(lambda: chrome.driver.current_url.endswith("/recordings"), "signed in")
    chrome.driver.get(server.url + "/nothing")
    assert "There is nothing at this address" in chrome.text()
    chrome.press("nav a[href='/grants']")
    chrome.wait(lambda: chrome.driver.current_url.endswith("/grants"), "the menu to work")


HELD = """
const done = arguments[arguments.length - 1];
const app = document.querySelector("script[type=module]").src;
import(app.replace("app.js", "waveform.js")).then(m => done(m.heldSpans(arguments[0], 10)));
"""


def test_a_hold_lasts_until_its_last_stream_resumes(server, chrome):
    World(server)
    chrome.driver.get(server.url + "/login")
    events = [("hold", 0, 1), ("hold", 1, 2), ("resume", 0, 3), ("join", None, 3.5),
              ("resume", 1, 4), ("resume", 1, 5), ("pause", None, 6), ("hold", 0, 7),
              ("unpause", None, 8)]
    told = [{"kind": k, "stream": s, "offset_s": at} for k, s, at in events]
    got = chrome.driver.execute_async_script(HELD, told)
    assert got["spans"] == [[1, 4], [6, 10]]
    assert got["marks"] == [3.5]


def consent_page(chrome, world, portal, **limits):
    details = {**DETAILS, "limits": limits} if limits else DETAILS
    chrome.driver.get(world.server.url + portal.authorize_url(details=details))
    if "Sign in" in chrome.text():
        sign_in(chrome, world.email)
    chrome.wait(lambda: "Example VoIP" in chrome.text(), "the consent page")


def pressed(chrome, decision):
    """What the browser brings back."""
    chrome.press(f"button[value={decision}]")
    chrome.wait(lambda: chrome.driver.current_url.startswith(REDIRECT), "the way back")
    query = urllib.parse.urlsplit(chrome.driver.current_url).query
    return dict(urllib.parse.parse_qsl(query))


def type_and_fold(chrome, **fields):
    """Fill in fields and fold them away again."""
    if not chrome.find("details").get_attribute("open"):
        chrome.press("details summary")
    chrome.fill(**fields)
    chrome.press("details summary")
    assert not chrome.find("details").get_attribute("open")


def any_number_of_bytes(chrome, world, portal):
    """Forms of ours carry our Origin, so this works while "null" is refused."""
    for n in (1, 500_000_000, 53_687_091_200, 2 * 10**15, 2**63 - 1):
        consent_page(chrome, world, portal, storage_bytes=n)
        granted = portal.redeem(pressed(chrome, "allow")["code"]).json()["authorization_details"]
        assert granted[0]["limits"] == {"storage_bytes": n}
        consent_page(chrome, world, portal, storage_bytes=n)
        assert pressed(chrome, "deny")["error"] == "access_denied"


def wrong_fields(chrome, world, portal):
    consent_page(chrome, world, portal, retention_days=10)
    for field, value, said in (("retention_days", "11", "at most 10"),
                               ("retention_days", "x", "whole number"),
                               ("storage_gb", "-1", "more than 0"),
                               ("storage_gb", "1e99", "more than 0")):
        type_and_fold(chrome, **{"retention_days": "5", "storage_gb": "", field: value})
        chrome.press("button[value=allow]")
        chrome.wait(lambda: said in chrome.find("[role=alert]").text and
                    chrome.find(f"[name={field}]").get_attribute("value") == value, said)
        assert chrome.find("details").get_attribute("open")
        assert chrome.find(f"[name={field}]").get_attribute("aria-invalid") == "true"


def half_a_date(chrome, world, portal):
    """The browser itself objects, and must not do so in secret."""
    consent_page(chrome, world, portal, retention_days=10)
    type_and_fold(chrome, not_after="12")
    chrome.press("button[value=allow]")
    chrome.wait(lambda: chrome.find("details").get_attribute("open"), "the field")
    chrome.press("details summary")
    assert pressed(chrome, "deny")["error"] == "access_denied"


def test_the_consent_page_is_no_dead_end(world, chrome):
    portal = Portal(world.server.url, world.client_id, world.client_secret)
    any_number_of_bytes(chrome, world, portal)
    wrong_fields(chrome, world, portal)
    half_a_date(chrome, world, portal)
