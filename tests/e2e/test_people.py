"""Whose calls are whose: addresses of people, and consent that is good for one's own only."""
import html
import re
import subprocess

import pytest
import requests

from lib.server import ALICE, CAROL, DETAILS, SRS, Server, World
from lib.sipc import SipClient
from lib.web import Browser, Portal, answer_of, finish

PASSWORD = "correct horse battery"


def add_user(server, name, role="owner", tenant="acme", *more):
    email = f"{name}@{tenant}.example"
    id = server.cli("user", "add", "--tenant", tenant, "--email", email, "--role", role,
                    "--password-stdin", *more, stdin=PASSWORD + "\n")["user_id"]
    return id, server.cli("token", "add", "--user", email)["token"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("people")).start()
    world = World(server)
    world.carol, world.carol_token = add_user(server, "carol", "owner", "acme", "--aor", CAROL)
    world.admin, world.admin_token = add_user(server, "root", "admin")
    yield world
    finish(server)


def page_for(world, details):
    """Carol's consent page for these details."""
    portal = Portal(world.server.url, world.client_id, world.client_secret)
    browser = Browser(world.server.url)
    browser.login("carol@acme.example", PASSWORD)
    return portal, browser, browser.get(portal.authorize_url(details=details))


def asking(*aors):
    return {**DETAILS, "owner": {"aor": list(aors)}}


@pytest.mark.parametrize("aors", [[ALICE], [CAROL, "sips:ALICE@voip.example"], ["tel:+442079460001"]])
def test_nobody_agrees_for_another_address(world, aors):
    portal, browser, page = page_for(world, asking(*aors))
    assert page.status_code == 200
    assert "is not one of your addresses" in page.text and aors[-1] in page.text
    assert not re.search(r'value="allow"', page.text)
    # the server does not rely on the page
    r = browser.submit(page, {"decision": "allow"}, action="/authorize")
    assert r.status_code == 403 and "Location" not in r.headers, r.text
    assert "is not one of the owner&#39;s addresses" in r.text or "owner's addresses" in r.text
    assert not [g for g in world.server.cli("grant", "list")["items"]
                if g["owner_id"] == world.carol]
    a = answer_of(browser.submit(page, {"decision": "deny"}, action="/authorize"))
    assert a["error"] == "access_denied" and "code" not in a


def test_an_address_may_be_given_and_taken(world):
    cli, server = world.server.cli, world.server
    url = f"{server.url}/api/v1/users/{world.carol}"

    def patch(aors, token=world.admin_token, url=url):
        return requests.patch(url, json={"aors": aors}, timeout=10,
                              headers={"Authorization": f"Bearer {token}"})

    second = "sip:carol@acme.example"
    r = patch([CAROL, second])
    assert r.status_code == 403 and "application/problem+json" in r.headers["Content-Type"]
    cli("tenant", "set", "acme", "--aor", "sip:*@acme.example", "tel:+4420*")
    assert cli("tenant", "list")["items"][0]["aors"] == ["sip:*@acme.example", "tel:+4420*"]
    assert patch([CAROL, second], token=world.carol_token).status_code == 403
    assert patch([CAROL, second], token=world.access_token).status_code == 403
    assert patch([CAROL, ALICE]).status_code == 403
    r = patch([CAROL, second])
    assert r.status_code == 200 and sorted(r.json()["aors"]) == sorted([CAROL, second]), r.text
    assert patch([second], url=f"{server.url}/api/v1/users/{world.admin}").status_code == 409
    for body in ({}, {"aors": "x"}, {"aors": [1]}, {"aors": [], "role": "admin"}, []):
        assert requests.patch(url, json=body, timeout=10, headers={
            "Authorization": f"Bearer {world.admin_token}"}).status_code == 400, body
    # another account's administrator knows nobody here
    _, stranger = add_user(server, "eve", "admin", "two")
    assert patch([], token=stranger).status_code == 404
    server.get(f"/api/v1/users/{world.carol}", stranger, code=404)
    assert [u["email"] for u in server.get("/api/v1/users", stranger).json()["items"]] == [
        "eve@two.example"]
    server.get("/api/v1/users", world.carol_token, code=403)
    # now it is hers to agree for
    portal, browser, page = page_for(world, asking(second, CAROL))
    tokens = portal.redeem(answer_of(browser.submit(page, {"decision": "allow"},
                                                    action="/authorize"))["code"]).json()
    client = SipClient(server.sip["udp"])
    d = client.dialog(token=tokens["access_token"])
    assert d.invite([40000, 40002], [(second, "Carol"), (ALICE, "Alice")]).status == 200
    # taken away: the grant is narrowed, the call with that address alone ends
    assert patch([CAROL]).status_code == 200
    bye = client.recv(5)
    assert bye is not None and bye.raw.startswith(b"BYE"), bye and bye.raw
    d.answer(bye)
    grants = server.get("/api/v1/grants", world.carol_token).json()["items"]
    assert [g["conditions"]["owner"]["aor"] for g in grants] == [[CAROL]]
    # and with the last one it ends
    cli("user", "set", "carol@acme.example", "--remove-aor", CAROL)
    assert server.get("/api/v1/grants", world.carol_token).json()["items"][0]["state"] == "revoked"
    cli("user", "set", "carol@acme.example", "--remove-aor", CAROL, code=3)
    cli("user", "set", "carol@acme.example", "--aor", "carol", code=2)
    assert cli("user", "set", "carol@acme.example", "--aor", CAROL)["aors"] == [CAROL]


def test_the_operator_vouches_and_is_told(world):
    done = subprocess.run([SRS, "-c", world.server.conf, "grant", "add", "--client",
                           world.client_id, "--owner", "carol@acme.example", "--details",
                           world.details_path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "it is somebody else's" in done.stderr, done.stderr
    world.server.cli("grant", "revoke", done.stdout.split()[1])


@pytest.mark.parametrize("method,path", [
    ("POST", "/api/v1/trunks"), ("GET", "/api/v1/users")])
def test_an_owner_manages_nothing_of_others(world, method, path):
    r = requests.request(method, world.server.url + path, json={}, timeout=10,
                         headers={"Authorization": f"Bearer {world.api_token}"})
    assert r.status_code == 403, r.text


def test_an_owner_does_not_disable_a_provider(world):
    browser = Browser(world.server.url)
    browser.login(world.email, world.password)
    page = browser.get("/clients")
    assert "Example VoIP" in page.text and f"/clients/{world.client_id}/state" not in page.text
    assert "New API credentials" not in page.text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text).group(1)
    head = {"Origin": world.server.url}
    for path, data in ((f"/clients/{world.client_id}/state", {"disabled": "1"}),
                       ("/clients", {"name": "x", "redirect_uris": "https://x.example/"})):
        r = browser.http.post(world.server.url + path, data={"csrf": csrf, **data}, headers=head,
                              timeout=10)
        assert r.status_code == 403, r.text
    assert [c["disabled"] for c in world.server.cli("client", "list")["items"]] == [False]
    # nor revokes another owner's authorization
    world.server.get(f"/api/v1/grants/{world.grant_id}", world.carol_token, code=404)
    r = requests.delete(f"{world.server.url}/api/v1/grants/{world.grant_id}", timeout=10,
                        headers={"Authorization": f"Bearer {world.carol_token}"})
    assert r.status_code == 404
    assert {g["grant_id"]: g["state"] for g in world.server.cli("grant", "list")["items"]}[
        world.grant_id] == "active"


def test_the_same_sentences_everywhere(world):
    """Consent page, Authorizations page, API and command line; defaults are called defaults."""
    server = world.server
    own = "sip:sam@voip.example"
    id, token = add_user(server, "sam", "owner", "acme", "--aor", own)
    portal = Portal(server.url, world.client_id, world.client_secret)
    browser = Browser(server.url)
    browser.login("sam@acme.example", PASSWORD)

    def said(page):
        text = re.search(r'<ul class="conditions">(.*?)</ul>', page.text, re.S).group(1)
        return [html.unescape(s) for s in re.findall(r"<li>(.*?)</li>", text, re.S)]

    page = browser.get(portal.authorize_url(details=asking(own)))
    asked = said(page)
    assert "The provider may list and play the recordings it makes." in asked
    assert "By default: encrypted calls are sent to the recorder encrypted." in asked
    assert not any("promises" in s for s in asked)
    t = portal.redeem(answer_of(browser.submit(page, {"decision": "allow"},
                                               action="/authorize"))["code"]).json()
    grant, = server.get("/api/v1/grants", token).json()["items"]
    assert grant["sentences"] == asked == said(browser.get("/grants"))
    listed, = [g for g in server.cli("grant", "list")["items"] if g["owner_id"] == id]
    assert listed["sentences"] == asked
    # a token is no call
    assert grant["used_at"] is None and grant["token_issued_at"] and not listed["used_at"]
    assert "<dt>Last call</dt><dd>never</dd>" in browser.get("/grants").text
    t = portal.refresh(t["refresh_token"]).json()
    client = SipClient(server.sip["udp"])
    d = client.dialog(token=t["access_token"])
    assert d.invite([40000, 40002], [(ALICE, "Alice"), (CAROL, "Carol")]).status == 403
    assert server.get(f"/api/v1/grants/{grant['grant_id']}", token).json()["used_at"] is None
    d = client.dialog(token=t["access_token"])
    assert d.invite([40000, 40002], [(own, "Sam"), (ALICE, "Alice")]).status == 200
    assert d.bye().status == 200
    assert server.get(f"/api/v1/grants/{grant['grant_id']}", token).json()["used_at"]
    assert "<dd>never</dd>" not in browser.get("/grants").text
