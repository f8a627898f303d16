"""A portal (OAuth client) and a browser without a screen, for tests of the pages."""
import base64
import hashlib
import html
import json
import re
import secrets
import urllib.parse

import requests

from lib.server import ALICE, BOB, DETAILS, Server, World, wait_for

REDIRECT = "http://127.0.0.1:9/cb"


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Pkce:
    def __init__(self):
        self.verifier = b64url(secrets.token_bytes(32))
        self.challenge = b64url(hashlib.sha256(self.verifier.encode()).digest())


class Portal:
    """What a VoIP provider's web portal does."""

    def __init__(self, url, client_id, secret):
        self.url, self.id, self.auth = url, client_id, (client_id, secret)
        self.pkce = Pkce()
        self.state = secrets.token_hex(8)

    def post(self, path, data, **kw):
        kw.setdefault("auth", self.auth)
        return requests.post(self.url + path, data=data, timeout=10, **kw)

    def params(self, details=None, **more):
        p = {"response_type": "code", "redirect_uri": REDIRECT, "state": self.state,
             "code_challenge": self.pkce.challenge, "code_challenge_method": "S256",
             "authorization_details": json.dumps([details or DETAILS])}
        p.update(more)
        return {k: v for k, v in p.items() if v is not None}

    def push(self, **kw):
        return self.post("/par", self.params(**kw))

    def authorize_url(self, **kw):
        r = self.push(**kw)
        assert r.status_code == 201, r.text
        return "/authorize?" + urllib.parse.urlencode(
            {"client_id": self.id, "request_uri": r.json()["request_uri"]})

    def redeem(self, code, **more):
        data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT,
                "code_verifier": self.pkce.verifier}
        data.update(more)
        return self.post("/token", data)

    def refresh(self, token, **more):
        return self.post("/token", {"grant_type": "refresh_token", "refresh_token": token, **more})


def answer_of(response):
    """The parameters of a redirect back to the portal."""
    assert response.status_code in (302, 303), response.text
    where = response.headers["Location"]
    assert where.startswith(REDIRECT + "?"), where
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(where).query))


class Browser:
    """Follows redirects inside the server only; reads the forms of a page."""

    def __init__(self, url):
        self.url = url
        self.http = requests.Session()

    def _go(self, method, path, **kw):
        r = self.http.request(method, self.url + path, allow_redirects=False, timeout=10, **kw)
        for _ in range(5):
            where = r.headers.get("Location", "")
            if r.status_code not in (302, 303) or not where.startswith("/"):
                break
            r = self.http.get(self.url + where, allow_redirects=False, timeout=10)
        return r

    def get(self, path, **kw):
        return self._go("GET", path, **kw)

    def submit(self, page, fields, action=None, headers=None):
        """Fill the form of `page` whose action is `action` (default: the first) and send it."""
        for attrs, body in re.findall(r'<form ([^>]*)>(.*?)</form>', page.text, re.S):
            where = html.unescape(re.search(r'action="([^"]*)"', attrs).group(1))
            if action and where != action:
                continue
            data = {}
            for tag in re.findall(r"<input [^>]*>", body):
                name = re.search(r'name="([^"]*)"', tag)
                value = re.search(r'value="([^"]*)"', tag)
                if name:
                    data[html.unescape(name.group(1))] = html.unescape(
                        value.group(1)) if value else ""
            data.update(fields)
            return self._go("POST", where, data={k: v for k, v in data.items() if v is not None},
                            headers=headers or {"Origin": self.url})
        raise AssertionError(f"no form {action}: {page.text[:2000]}")

    def login(self, email, password, page=None, **kw):
        return self.submit(page or self.get("/login"), {"email": email, "password": password}, **kw)


def make_world(folder, call_s=3):
    """A running server with one ready recording in it."""
    server = Server(folder).start()
    try:
        world = World(server)
        server.cli("call", "--to", "sip:%s:%d" % server.sip["udp"], "--token", world.access_token,
                   "--participant", ALICE, "--participant", BOB, "--duration", call_s)
        world.item = world.wait_recording()
    except BaseException:
        server.kill_all()
        raise
    return world


def finish(server):
    """Stop a server of a whole module; its log must be clean, as conftest's start() says."""
    server.stop()
    text = server.log()
    for word in ("srs_at_", "srs_rt_", "srs_cs_", "AddressSanitizer", "LeakSanitizer",
                 "runtime error:", "ThreadSanitizer"):
        assert word not in text, text[-5000:]


__all__ = ["finish", "Browser", "Portal", "Pkce", "REDIRECT", "answer_of", "make_world", "wait_for"]
