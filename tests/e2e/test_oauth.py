"""The authorization server over HTTP: code flow, tokens, and what it refuses."""
import json
import re
import urllib.parse

import pytest
import requests

from lib.server import ALICE, DETAILS, Server, World
from lib.web import REDIRECT, Browser, Portal, answer_of, finish


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("oauth")).start()
    yield World(server)
    finish(server)


@pytest.fixture
def portal(world):
    return Portal(world.server.url, world.client_id, world.client_secret)


@pytest.fixture
def browser(world):
    b = Browser(world.server.url)
    b.login(world.email, world.password)
    return b


def consent(portal, browser, decision="allow", fields=None, **kw):
    page = browser.get(portal.authorize_url(**kw))
    assert page.status_code == 200, page.text
    return browser.submit(page, {"decision": decision, **(fields or {})}, action="/authorize")


def tokens(portal, browser, **kw):
    r = portal.redeem(answer_of(consent(portal, browser, **kw))["code"])
    assert r.status_code == 200, r.text
    return r.json()


def error(r, code, status=400):
    assert r.status_code == status, f"{r.status_code} {r.text}"
    assert r.json()["error"] == code, r.text
    assert r.headers["Cache-Control"] == "no-store"
    return r


def active(portal, token):
    r = portal.post("/introspect", {"token": token})
    assert r.status_code == 200
    return r.json()


def test_metadata(world):
    m = requests.get(world.server.url + "/.well-known/oauth-authorization-server", timeout=5).json()
    url = world.server.url
    assert m["issuer"] == url and m["token_endpoint"] == url + "/token"
    assert m["authorization_endpoint"] == url + "/authorize"
    assert m["pushed_authorization_request_endpoint"] == url + "/par"
    assert m["code_challenge_methods_supported"] == ["S256"]
    assert m["response_types_supported"] == ["code"]
    assert set(m["grant_types_supported"]) == {"authorization_code", "refresh_token",
                                               "client_credentials"}
    assert m["authorization_response_iss_parameter_supported"] is True
    assert m["authorization_details_types_supported"] == ["call_recording"]
    assert m["require_pushed_authorization_requests"] is True


def test_the_whole_flow_from_login(world, portal):
    """A browser that is not signed in comes to the login page and back to the consent page."""
    b = Browser(world.server.url)
    page = b.get(portal.authorize_url())
    assert "<h1>Sign in</h1>" in page.text
    page = b.login(world.email, world.password, page)
    assert "Example VoIP" in page.text and ALICE in page.text
    csp = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in csp and "form-action 'self' http://127.0.0.1:9" in csp
    assert "'unsafe" not in csp and page.headers["Referrer-Policy"] == "no-referrer"
    r = b.submit(page, {"decision": "allow"}, action="/authorize")
    assert r.status_code == 303
    a = answer_of(r)
    assert a["state"] == portal.state and a["iss"] == world.server.url
    t = portal.redeem(a["code"])
    assert t.headers["Cache-Control"] == "no-store"
    t = t.json()
    assert t["token_type"] == "Bearer" and t["access_token"].startswith("srs_at_")
    assert t["refresh_token"].startswith("srs_rt_") and 0 < t["expires_in"] <= 600
    assert t["authorization_details"][0]["owner"]["aor"] == [ALICE]
    assert world.server.get("/api/v1/recordings", t["access_token"]).json()["items"] == []
    info = active(portal, t["access_token"])
    assert info["active"] and info["client_id"] == world.client_id and info["exp"] > info["iat"]
    assert info["authorization_details"] == t["authorization_details"]


def test_the_owner_refuses(world, portal, browser):
    a = answer_of(consent(portal, browser, "deny"))
    assert a["error"] == "access_denied" and a["state"] == portal.state and "iss" in a
    assert "code" not in a


def test_the_owner_allows_less(world, portal, browser):
    t = tokens(portal, browser, fields={"retention_days": "30", "storage_gb": "2",
                                        "not_after": "2090-01-31"})
    d = t["authorization_details"][0]
    assert d["limits"] == {"retention_days": 30, "storage_bytes": 2000000000}
    assert d["not_after"].startswith("2090-01-31")


def test_the_owner_can_not_allow_more(world, portal, browser):
    details = {**DETAILS, "limits": {"retention_days": 10}}
    r = consent(portal, browser, fields={"retention_days": "30"}, details=details)
    assert r.status_code == 400 and "not less" in r.text and "Keep for days" in r.text
    assert "<details open>" in r.text and 'value="30"' in r.text
    r = browser.submit(r, {"decision": "allow", "retention_days": "9"}, action="/authorize")
    t = portal.redeem(answer_of(r)["code"]).json()
    assert t["authorization_details"][0]["limits"] == {"retention_days": 9}


def test_what_is_over_can_not_be_asked_for(portal):
    error(portal.push(details={**DETAILS, "not_after": "2020-01-01T00:00:00Z"}),
          "invalid_authorization_details")


def test_a_consent_is_given_once(world, portal, browser):
    page = browser.get(portal.authorize_url())
    answer_of(browser.submit(page, {"decision": "allow"}, action="/authorize"))
    r = browser.submit(page, {"decision": "allow"}, action="/authorize")
    assert r.status_code == 400 and "answered already" in r.text


@pytest.mark.parametrize("how", ["no token", "wrong token", "origin", "null", "fetch site",
                                 "no session"])
def test_a_forged_consent_is_refused(world, portal, browser, how):
    page = browser.get(portal.authorize_url())
    fields, headers = {"decision": "allow"}, {"Origin": world.server.url}
    if how == "no token":
        fields["csrf"] = None
    elif how == "wrong token":
        fields["csrf"] = "A" * 43
    elif how == "origin":
        headers = {"Origin": "https://evil.example"}
    elif how == "null":
        headers = {"Origin": "null"}
    elif how == "fetch site":
        headers = {"Sec-Fetch-Site": "cross-site"}
    else:
        browser.http.cookies.clear()
    r = browser.submit(page, fields, action="/authorize", headers=headers)
    assert r.status_code == 403 or "<h1>Sign in</h1>" in r.text
    assert "code=" not in r.headers.get("Location", "")


@pytest.mark.parametrize("change,code", [
    ({"redirect_uri": "http://127.0.0.1:9/cb/"}, "invalid_request"),
    ({"redirect_uri": "http://127.0.0.1:9/cb?x"}, "invalid_request"),
    ({"redirect_uri": "http://localhost:9/cb"}, "invalid_request"),
    ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
    ({"redirect_uri": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": None}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"scope": "everything"}, "invalid_scope"),
    ({"state": "line\nbreak"}, "invalid_request"),
    ({"resource": "https://other.example"}, "invalid_target"),
    ({"resource": "http://127.0.0.1#x"}, "invalid_target"),
    ({"scope": "recordings ", "state": ""}, "invalid_scope"),
    ({"code_challenge": ""}, "invalid_request"),
    ({"redirect_uri": "http://127.0.0.1:/cb"}, "invalid_request"),
    ({"redirect_uri": "http://127.0.0.1:0/cb"}, "invalid_request"),
    ({"redirect_uri": "http://127.0.0.1:99999999999/cb"}, "invalid_request"),
    ({"authorization_details": None}, "invalid_authorization_details"),
    ({"authorization_details": "{"}, "invalid_authorization_details"),
    ({"authorization_details": "[]"}, "invalid_authorization_details"),
    ({"authorization_details": json.dumps([{**DETAILS, "colour": "red"}])},
     "invalid_authorization_details"),
    ({"authorization_details": json.dumps([DETAILS, DETAILS])}, "invalid_authorization_details"),
    ({"request_uri": "urn:x"}, "invalid_request")])
def test_a_wrong_push_is_refused(portal, change, code):
    p = portal.params()
    p.update(change)
    error(portal.post("/par", {k: v for k, v in p.items() if v is not None}), code)


def test_the_port_of_a_loopback_redirect_may_differ(portal):
    assert portal.push(redirect_uri="http://127.0.0.1:41234/cb").status_code == 201


def test_parameters_twice(portal):
    p = list(portal.params().items())
    error(portal.post("/par", p + [("state", "x")]), "invalid_request")


def test_errors_stay_here_until_client_and_uri_are_known(world, portal, browser):
    for query in ({"client_id": "nobody", "redirect_uri": REDIRECT},
                  {"client_id": world.client_id, "redirect_uri": "https://evil.example/"},
                  {"client_id": world.client_id, "request_uri": "urn:nonsense"}, {}):
        r = browser.get("/authorize?" + urllib.parse.urlencode(query))
        assert r.status_code == 400 and "Location" not in r.headers
        assert "evil.example" not in r.text


def test_plain_parameters_only_where_registered(world, portal, browser):
    query = urllib.parse.urlencode({**portal.params(), "client_id": world.client_id})
    a = answer_of(browser.get("/authorize?" + query))
    assert a["error"] == "invalid_request" and a["state"] == portal.state


def test_client_authentication(world, portal):
    data = {"grant_type": "client_credentials"}
    r = error(portal.post("/token", data, auth=(world.client_id, "wrong")), "invalid_client", 401)
    assert r.headers["WWW-Authenticate"].startswith("Basic ")
    error(portal.post("/token", data, auth=None), "invalid_client", 401)
    form = {**data, "client_id": world.client_id, "client_secret": world.client_secret}
    assert portal.post("/token", form, auth=None).status_code == 200
    error(portal.post("/token", form), "invalid_request")
    error(requests.post(world.server.url + "/token", json=data, timeout=5), "invalid_request")


def test_client_credentials(world, portal):
    t = portal.post("/token", {"grant_type": "client_credentials"}).json()
    assert "refresh_token" not in t and t["scope"] == "recordings"
    world.server.get("/api/v1/recordings", t["access_token"])
    error(portal.post("/token", {"grant_type": "client_credentials", "scope": "call-recording"}),
          "invalid_scope")


@pytest.mark.parametrize("kind", ["password", "implicit", ""])
def test_no_other_grant_types(portal, kind):
    error(portal.post("/token", {"grant_type": kind}),
          "unsupported_grant_type" if kind else "invalid_request")


def test_a_code_needs_its_verifier_client_and_uri(world, portal, browser):
    for wrong in ({"code_verifier": "x" * 43}, {"redirect_uri": REDIRECT + "/"}):
        code = answer_of(consent(portal, browser))["code"]
        error(portal.redeem(code, **wrong), "invalid_grant")
        error(portal.redeem(code), "invalid_grant")  # used up
    code = answer_of(consent(portal, browser))["code"]
    other = World(world.server, tenant="rival")
    thief = Portal(world.server.url, other.client_id, other.client_secret)
    thief.pkce = portal.pkce
    error(thief.redeem(code), "invalid_grant")


def test_a_second_use_of_a_code_ends_what_the_first_gave(portal, browser):
    code = answer_of(consent(portal, browser))["code"]
    t = portal.redeem(code).json()
    assert active(portal, t["access_token"])["active"]
    error(portal.redeem(code), "invalid_grant")
    assert active(portal, t["access_token"]) == {"active": False}
    error(portal.refresh(t["refresh_token"]), "invalid_grant")


def test_refresh_rotates_and_repeats_within_grace(portal, browser):
    t = tokens(portal, browser)
    a = portal.refresh(t["refresh_token"]).json()
    b = portal.refresh(t["refresh_token"]).json()
    assert a["refresh_token"] != t["refresh_token"]
    assert (a["access_token"], a["refresh_token"]) == (b["access_token"], b["refresh_token"])
    assert portal.refresh(a["refresh_token"]).status_code == 200
    error(portal.refresh("srs_rt_junk"), "invalid_grant")
    error(portal.refresh(t["access_token"]), "invalid_grant")


@pytest.mark.parametrize("scope", [
    "admin users:write", "root", "call-recording recordings", "recordings", "call-recording ",
    " call-recording", 'call-recording "', "call-recording\\", "call-recording\r\nx: y",
    "call-recording\u00e9", "x" * 100_000])
def test_no_request_widens_the_scope(portal, browser, scope):
    """Of an authorization for call-recording only."""
    code = answer_of(consent(portal, browser, scope="call-recording"))["code"]
    error(portal.redeem(code, scope=scope), "invalid_scope")
    t = portal.redeem(code).json()
    assert t["scope"] == "call-recording"
    error(portal.refresh(t["refresh_token"], scope=scope), "invalid_scope")
    error(portal.refresh(t["refresh_token"], scope=scope), "invalid_scope")
    t = portal.refresh(t["refresh_token"], scope="call-recording").json()
    assert t["scope"] == active(portal, t["access_token"])["scope"] == "call-recording"
    if scope not in ("recordings", "call-recording recordings"):
        error(portal.push(scope=scope), "invalid_scope")
        error(portal.post("/token", {"grant_type": "client_credentials", "scope": scope}),
              "invalid_scope")


def test_reuse_after_grace_revokes_the_family(start):
    world = World(start({"oauth": {"refresh_grace": "0"}}))
    portal = Portal(world.server.url, world.client_id, world.client_secret)
    new = portal.refresh(world.refresh_token)
    assert new.status_code == 200, new.text
    error(portal.refresh(world.refresh_token), "invalid_grant")
    error(portal.refresh(new.json()["refresh_token"]), "invalid_grant")
    world.server.get("/api/v1/recordings", new.json()["access_token"], code=401)


def test_revocation(world, portal, browser):
    t = tokens(portal, browser)
    assert portal.post("/revoke", {"token": t["access_token"]}).status_code == 200
    assert active(portal, t["access_token"]) == {"active": False}
    t = portal.refresh(t["refresh_token"]).json()
    assert portal.post("/revoke", {"token": t["refresh_token"]}).status_code == 200
    assert active(portal, t["access_token"]) == {"active": False}
    error(portal.refresh(t["refresh_token"]), "invalid_grant")
    assert portal.post("/revoke", {"token": "unknown"}).status_code == 200
    error(portal.post("/revoke", {}), "invalid_request")


def test_another_client_learns_nothing(world, portal, browser):
    t = tokens(portal, browser)
    other = World(world.server, tenant="curious")
    spy = Portal(world.server.url, other.client_id, other.client_secret)
    assert active(spy, t["access_token"]) == {"active": False}
    error(spy.post("/revoke", {"token": t["access_token"]}), "invalid_grant")
    error(spy.post("/revoke", {"token": t["refresh_token"]}), "invalid_grant")
    assert active(portal, t["access_token"])["active"]


def test_another_tenants_owner_can_not_agree(world, portal):
    other = World(world.server, tenant="elsewhere")
    b = Browser(world.server.url)
    b.login(other.email, other.password)
    r = b.get(portal.authorize_url())
    assert r.status_code == 403 and "Another account" in r.text


def test_client_names_are_text(world):
    c = world.server.cli("client", "add", "--tenant", "acme", "--name",
                         "<script>alert(1)</script> \u202egpj", "--redirect-uri", REDIRECT)
    p = Portal(world.server.url, c["client_id"], c["client_secret"])
    b = Browser(world.server.url)
    b.login(world.email, world.password)
    page = b.get(p.authorize_url())
    assert "&lt;script&gt;" in page.text and "<script>alert" not in page.text
    assert "\u202e" not in page.text


def test_login_says_the_same_for_everybody(world):
    said = set()
    for email in (world.email, "nobody@nowhere.example"):
        r = Browser(world.server.url).login(email, "wrong password")
        assert r.status_code == 403
        said.add(re.search(r'role="alert">([^<]*)', r.text).group(1))
    assert len(said) == 1


def test_login_is_limited(start):
    world = World(start())
    codes = [Browser(world.server.url).login(world.email, "wrong password").status_code
             for _ in range(12)]
    assert codes[0] == 403 and codes[-1] == 429
    assert Browser(world.server.url).login(world.email, world.password).status_code == 429


def test_login_leads_only_to_our_own_pages(world):
    for bad in ("https://evil.example/", "//evil.example/", "/\\evil.example", "/a/../b"):
        b = Browser(world.server.url)
        page = b.get("/login?" + urllib.parse.urlencode({"next": bad}))
        assert "evil" not in page.text
        r = b.submit(page, {"email": world.email, "password": world.password, "next": bad})
        assert r.status_code == 200 and "<h1>Recordings</h1>" in r.text


def test_session_cookie_and_logout(world):
    b = Browser(world.server.url)
    page = b.get("/login")
    r = b.http.post(world.server.url + "/login", allow_redirects=False, timeout=10, data={
        "email": world.email, "password": world.password,
        "csrf": re.search(r'name="csrf" value="([^"]*)"', page.text).group(1)})
    cookie = r.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    old = dict(b.http.cookies)
    page = b.get("/recordings")
    assert "<h1>Recordings</h1>" in page.text
    assert "<h1>Sign in</h1>" in b.submit(page, {}, action="/logout").text
    b.http.cookies.update(old)
    assert "<h1>Sign in</h1>" in b.get("/recordings").text


def test_over_tls(start, pki):
    server = start({"http": {"tls_certificate": pki / "server.pem", "tls_key": pki / "server.key"}})
    assert server.url.startswith("https://")
    http = requests.Session()
    http.trust_env, http.verify = False, str(pki / "ca.pem")
    r = http.get(server.url + "/login", timeout=10)
    assert r.status_code == 200 and "max-age" in r.headers["Strict-Transport-Security"]
    cookie = r.headers["Set-Cookie"]
    assert cookie.startswith("__Host-srs") and "; Secure" in cookie and "HttpOnly" in cookie
    m = http.get(server.url + "/.well-known/oauth-authorization-server", timeout=10).json()
    assert m["issuer"] == server.url
