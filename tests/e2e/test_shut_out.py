"""Nobody shuts others out of the HTTP side, whatever is sent and however much of it."""
import concurrent.futures
import contextlib
import re
import resource
import socket
import ssl

import pytest
import requests
from lib.server import Server
from lib.web import Browser, finish

CONNECTIONS = 1024  # CONNECTIONS_MAX of web/httpd.c


@pytest.fixture(scope="module")
def served(tmp_path_factory, pki):
    """One server behind http, one behind https."""
    folder = tmp_path_factory.mktemp("shut")
    servers = [Server(folder / "clear", {"http": {"trusted_proxies": "127.0.0.1"}}), Server(folder / "tls", {"http": {
        "tls_certificate": pki / "server.pem", "tls_key": pki / "server.key"}})]
    for s in servers:
        s.start()
    yield dict(zip(("http", "https"), servers, strict=True))
    for s in servers:
        finish(s)


def port_of(server):
    return int(server.url.rsplit(":", 1)[1].strip("/"))


def exchange(server, pki, scheme, data):
    """Everything that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", port_of(server)), 10) as sock:
        if scheme == "https":
            sock = ssl.create_default_context(cafile=pki / "ca.pem").wrap_socket(
                sock, server_hostname="localhost")
        sock.sendall(data)
        got = b""
        with contextlib.suppress(ConnectionResetError), sock:
            while chunk := sock.recv(65536):
                got += chunk
        return got


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("length,status", [
    (b"5, 5", 400), (b"+5", 400), (b"-5", 400), (b"0x5", 400), (b"x", 400), (b"", 400),
    (b"9" * 30, 413), (b"9" * 9, 413), (None, 400)])
def test_one_answer_for_one_request(served, pki, scheme, length, status):
    head = b"POST /token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    head += b"" if length is None else b"Host: a\r\nContent-Length: " + length + b"\r\n"
    got = exchange(served[scheme], pki, scheme, head + b"\r\nhello" * 3)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), got
    assert [len(body)] == [int(n) for n in re.findall(rb"(?im)^content-length: (\d+)\r?$", got)]
    assert b"connection: close" in head.lower()


def test_half_requests_lock_nobody_out(served):
    server = served["http"]
    resource.setrlimit(resource.RLIMIT_NOFILE, (
        max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    known = requests.Session()
    assert known.get(f"{server.url}/healthz", timeout=5).ok
    socks = []
    try:
        for i in range(CONNECTIONS + 300):
            s = socket.socket()
            s.bind((f"127.0.0.{2 + i % 4}", 0))
            s.connect(("127.0.0.1", port_of(server)))
            s.sendall((b"GET / HT", b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na")
                      [i % 2])
            socks.append(s)
            if i % 100 == 99:
                assert requests.get(f"{server.url}/login", timeout=5).ok
        for _ in range(20):
            assert requests.get(f"{server.url}/login", timeout=5).ok
            assert known.get(f"{server.url}/healthz", timeout=5).ok
    finally:
        for s in socks:
            s.close()


# ---- passwords


def add_user(server, email):
    return server.cli("user", "add", "--tenant", "Budget", "--email", email)["password"]


class Away(Browser):
    """Somebody behind the proxy on this machine."""

    def __init__(self, url, address):
        super().__init__(url)
        self.http.headers["X-Forwarded-For"] = f"203.0.113.99, {address}"


def guess(server, email, address):
    return Away(server.url, address).login(email, "wrong password").status_code


def test_guesses_at_once_share_the_budget(served):
    server = served["http"]
    add_user(server, "many@one.example")
    for email in ("many@one.example", "nobody@one.example"):
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            codes = list(pool.map(lambda i, e=email: guess(server, e, f"198.51.100.{i}"),
                                  range(20)))
        assert sorted(codes) == [403] * 10 + [429] * 10


def test_addresses_behind_a_proxy_have_budgets_of_their_own(served):
    server = served["http"]
    codes = [guess(server, f"u{i // 8}@two.example", "192.0.2.77") for i in range(31)]
    assert codes == [403] * 30 + [429]
    assert guess(server, "u9@two.example", "192.0.2.78") == 403


def test_guesses_of_others_keep_no_known_browser_out(served):
    server = served["http"]
    password = add_user(server, "known@one.example")
    known = Away(server.url, "192.0.2.9")
    assert known.login("known@one.example", password).status_code == 200
    known.submit(known.get("/recordings"), {}, action="/logout")
    assert "Sign in" in known.get("/recordings").text
    for i in range(11):
        code = guess(server, "known@one.example", f"192.0.2.{100 + i}")
    assert code == 429
    stranger = Away(server.url, "192.0.2.10")
    assert stranger.login("known@one.example", password).status_code == 429
    for wrong in range(3):
        assert known.login("known@one.example", f"mistyped {wrong}").status_code == 403
    r = known.login("known@one.example", password)
    assert r.status_code == 200 and "Sign in" not in r.text
    # the operator lets others in
    link = server.cli("user", "login-link", "--email", "known@one.example")["login_url"]
    path = "/" + link.split("/", 3)[3]
    page = stranger.get(path)
    assert stranger.get(path).status_code == 200  # looking at it does not use it up
    r = stranger.submit(page, {})
    assert r.status_code == 200 and "Sign in" not in r.text
    assert Away(server.url, "192.0.2.11").get(path).status_code == 404
