"""/api/v1 as a program sees it."""
import concurrent.futures
import json
import struct

import pytest
import requests

from lib.catalog import Catalog
from lib.server import ALICE, World
from lib.web import Browser, finish, make_world

CSP = "default-src 'none'"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = make_world(tmp_path_factory.mktemp("api"))
    yield w
    finish(w.server)


@pytest.fixture(scope="module")
def other(world):
    return World(world.server, tenant="other")


def api(world, path, method="GET", token="api", code=None, **kw):
    headers = dict(kw.pop("headers", {}))
    if token:
        headers["Authorization"] = "Bearer " + (world.api_token if token == "api" else token)
    r = requests.request(method, world.server.url + "/api/v1" + path, headers=headers, timeout=10,
                         **kw)
    if code is not None:
        assert r.status_code == code, f"{method} {path}: {r.status_code} {r.text[:300]}"
    return r


def problem(r, status, parameter=None):
    assert r.status_code == status, r.text
    assert r.headers["Content-Type"] == "application/problem+json"
    j = r.json()
    assert j["status"] == status and j["title"] and j["type"]
    if parameter:
        assert j["parameter"] == parameter and parameter in j["detail"]
    return j


def admin_token(world):
    world.server.cli("user", "add", "--tenant", world.tenant, "--email", "root@acme.example",
                     "--role", "admin", "--password-stdin", stdin="correct horse battery\n")
    return world.server.cli("token", "add", "--user", "root@acme.example")["token"]


def audio(world):
    return f"/recordings/{world.item['id']}/audio"


def test_list_and_item(world):
    page = api(world, "/recordings", code=200).json()
    assert set(page) == {"items", "next_cursor"} and page["next_cursor"] is None
    item, = page["items"]
    assert set(item) >= {"id", "state", "started_at", "duration_s", "participants", "warnings"}
    assert item["started_at"].endswith("Z") and abs(item["duration_s"] - 3) < 0.5
    assert [p["aor"] for p in item["participants"]][0] == ALICE
    assert set(item["participants"][0]) >= {"aor", "name"}
    rec = api(world, f"/recordings/{item['id']}", code=200).json()
    assert rec["id"] == item["id"] and rec["state"] == "ready"
    assert len(rec["streams"]) == 2 and {t["n"] for t in rec["tracks"]} == {1, 2}
    assert rec["grant_id"] == world.grant_id and rec["client_id"] == world.client_id


@pytest.mark.parametrize("params,found", [
    ({"q": "alice"}, 1), ({"q": "ali"}, 1), ({"q": "nobody"}, 0), ({"q": "\" OR * NEAR("}, None),
    ({"participant": ALICE}, 1), ({"participant": "sip:zoe@voip.example"}, 0),
    ({"from": "2020-01-01"}, 1), ({"from": "2199-01-01"}, 0), ({"to": "2020-01-01T00:00:00Z"}, 0),
    ({"state": "ready"}, 1), ({"state": "failed"}, 0), ({"limit": "1"}, 1)])
def test_filters(world, params, found):
    items = api(world, "/recordings", params=params, code=200).json()["items"]
    assert found is None or len(items) == found


@pytest.mark.parametrize("query,name", [
    ("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("limit=", "limit"),
    ("from=yesterday", "from"), ("to=2026-13-01", "to"), ("from=2026-02-02&to=2026-01-01", "to"),
    ("cursor=zzz", "cursor"), ("cursor=", "cursor"), ("state=gone", "state"),
    ("colour=red", "colour"), ("q=" + "x" * 501, "q"), ("q=a%0ab", "q")])
def test_a_wrong_parameter_is_named(world, query, name):
    problem(api(world, "/recordings?" + query), 400, name)


@pytest.mark.parametrize("query", ["q=1&q=2", "q=%00", "q=%ff"])
def test_a_broken_query_is_refused(world, query):
    problem(api(world, "/recordings?" + query), 400)


def test_pages_by_cursor(world):
    """Twelve more recordings; every page once, newest first, whatever the page size."""
    for _ in range(2):
        world.server.cli("call", "--to", "sip:%s:%d" % world.server.sip["udp"], "--token",
                         world.access_token, "--participant", ALICE, "--participant",
                         "sip:bob@voip.example", "--duration", 1)
    world.wait_recording(count=3)
    want = [i["id"] for i in api(world, "/recordings").json()["items"]]
    for limit in (1, 2):
        got, cursor = [], None
        while True:
            params = {"limit": limit, **({"cursor": cursor} if cursor else {})}
            page = api(world, "/recordings", params=params, code=200).json()
            got += [i["id"] for i in page["items"]]
            cursor = page["next_cursor"]
            if not cursor:
                break
        assert got == want


def test_whole_file_head_and_conditions(world):
    r = api(world, audio(world), code=200)
    assert r.headers["Content-Type"].startswith("audio/ogg") and r.content[:4] == b"OggS"
    assert r.headers["Accept-Ranges"] == "bytes"
    etag = r.headers["ETag"]
    head = api(world, audio(world), "HEAD", code=200)
    assert head.headers["Content-Length"] == str(len(r.content)) and not head.content
    same = api(world, audio(world), code=304, headers={"If-None-Match": etag})
    assert same.headers["ETag"] == etag and not same.content
    assert same.headers["Content-Length"] == str(len(r.content))
    api(world, audio(world), code=412, headers={"If-Match": '"other"'})


def test_listening_leaves_an_entry_wherever_it_starts(start):
    w = World(start(name="listen"))
    w.server.cli("call", "--to", "sip:%s:%d" % w.server.sip["udp"], "--token", w.access_token,
                 "--participant", ALICE, "--participant", "sip:bob@voip.example", "--duration", 1)
    w.item = w.wait_recording()

    def entries():
        return len(Catalog(w.server).audit("recording.listen"))

    etag = api(w, audio(w), "HEAD", code=200).headers["ETag"]
    api(w, audio(w), code=304, headers={"If-None-Match": etag})
    assert entries() == 0
    api(w, audio(w), code=206, headers={"Range": "bytes=5-,0-4"})
    assert entries() == 1
    api(w, audio(w), code=206, headers={"Range": "bytes=1-"})
    assert entries() == 1
    api(w, audio(w), code=200)
    assert entries() == 2


def test_the_connection_goes_on_after_answers_without_body(world):
    http = requests.Session()
    http.headers["Authorization"] = "Bearer " + world.api_token
    url = f"{world.server.url}/api/v1{audio(world)}"
    etag = http.head(url, timeout=5).headers["ETag"]
    for _ in range(3):
        assert http.get(url, headers={"If-None-Match": etag}, timeout=5).status_code == 304
        assert http.get(url, timeout=5).content[:4] == b"OggS"
        assert http.head(url, timeout=5).status_code == 200
        assert http.get(url, headers={"Range": "bytes=0-9"}, timeout=5).content[:4] == b"OggS"


def test_ranges(world):
    whole = api(world, audio(world)).content
    n = len(whole)
    for ask, first, last in (("0-0", 0, 0), ("10-19", 10, 19), (f"{n - 5}-", n - 5, n - 1),
                             ("-7", n - 7, n - 1), (f"0-{n * 2}", 0, n - 1)):
        r = api(world, audio(world), code=206, headers={"Range": f"bytes={ask}"})
        assert r.content == whole[first:last + 1]
        assert r.headers["Content-Range"] == f"bytes {first}-{last}/{n}"
    r = api(world, audio(world), code=416, headers={"Range": f"bytes={n}-"})
    assert r.headers["Content-Range"] == f"bytes */{n}"
    r = api(world, audio(world), code=206, headers={"Range": "bytes=0-3,20-29"})
    assert r.headers["Content-Type"].startswith("multipart/byteranges; boundary=")
    boundary = r.headers["Content-Type"].split("boundary=")[1].encode()
    parts = r.content.split(b"--" + boundary)[1:-1]
    assert [p.split(b"\r\n\r\n", 1)[1][:-2] for p in parts] == [whole[0:4], whole[20:30]]
    for ignored in ("bytes=5-2", "items=0-1", "bytes=x"):
        assert api(world, audio(world), code=200, headers={"Range": ignored}).content == whole


def test_if_range(world):
    etag = api(world, audio(world), "HEAD").headers["ETag"]
    ask = {"Range": "bytes=0-3"}
    api(world, audio(world), code=206, headers={**ask, "If-Range": etag})
    api(world, audio(world), code=200, headers={**ask, "If-Range": '"old"'})


def test_formats_and_tracks(world):
    r = api(world, audio(world) + "?format=mp4", code=200)
    assert r.headers["Content-Type"].startswith("audio/mp4") and r.content[4:8] == b"ftyp"
    r = api(world, audio(world), code=200, headers={"Accept": "audio/mp4"})
    assert r.headers["Content-Type"].startswith("audio/mp4")
    base = f"/recordings/{world.item['id']}/tracks"
    for n in (1, 2):
        assert api(world, f"{base}/{n}/audio?format=ogg", code=200).content[:4] == b"OggS"
    for n in ("0", "3", "x", "-1"):
        problem(api(world, f"{base}/{n}/audio"), 404)
    problem(api(world, audio(world) + "?format=wav"), 400, "format")
    r = api(world, audio(world) + "?download=1", code=200)
    assert r.headers["Content-Disposition"].startswith("attachment; filename=")


def test_peaks(world):
    j = api(world, f"/recordings/{world.item['id']}/peaks", code=200).json()
    assert j["version"] == 2 and j["channels"] == 2 and len(j["data"]) == j["length"] * 4
    dat = api(world, f"/recordings/{world.item['id']}/peaks?format=dat", code=200).content
    version, _, _, _, length, channels = struct.unpack_from("<iIiiIi", dat)
    assert (version, length, channels) == (2, j["length"], 2)
    assert len(dat) == 24 + length * 4


def test_edit_and_find_again(world):
    rid = world.item["id"]
    r = api(world, f"/recordings/{rid}", "PATCH", json={"title": "Order", "notes": "zanzibar €"},
            code=200)
    assert r.json()["title"] == "Order"
    assert [i["id"] for i in api(world, "/recordings?q=zanzi").json()["items"]] == [rid]
    for body, name in (({"state": "ready"}, "state"), ({"title": 5}, "title"),
                       ({"title": "x" * 201}, "title")):
        problem(api(world, f"/recordings/{rid}", "PATCH", json=body), 400, name)
    for body in ("", "[]", "{", '{"title":"a","title":"b"}'):
        problem(api(world, f"/recordings/{rid}", "PATCH", data=body,
                    headers={"Content-Type": "application/json"}), 400)
    problem(api(world, f"/recordings/{rid}", "PATCH", data="title=x"), 415)


def test_who_may_not(world, other):
    rid = world.item["id"]
    unknown = api(world, "/recordings/01a20000-0000-7000-8000-000000000000")
    theirs = api(world, f"/recordings/{rid}", token=other.api_token)
    assert problem(unknown, 404) == problem(theirs, 404)
    for method, path in (("GET", audio(world)), ("GET", f"/recordings/{rid}/peaks"),
                         ("DELETE", f"/recordings/{rid}"), ("GET", "/recordings/../../x"),
                         ("GET", f"/grants/{world.grant_id}"),
                         ("DELETE", f"/grants/{world.grant_id}")):
        assert api(world, path, method, token=other.api_token).status_code in (400, 404)
    problem(api(world, f"/recordings/{rid}", "PATCH", token=other.api_token, json={}), 404)
    r = api(world, "/recordings", token=None)
    problem(r, 401)
    assert r.headers["WWW-Authenticate"].startswith("Bearer ")
    r = api(world, "/recordings", token="srs_at_junk")
    problem(r, 401)
    assert 'error="invalid_token"' in r.headers["WWW-Authenticate"]
    problem(api(world, "/recordings", token=world.refresh_token), 401)


def test_a_providers_token_sees_its_grant_only(world):
    assert api(world, "/recordings", token=world.access_token, code=200).json()["items"]
    problem(api(world, "/clients", token=world.access_token), 403)
    problem(api(world, f"/recordings/{world.item['id']}", "DELETE", token=world.access_token), 403)
    grant = world.server.cli("grant", "add", "--client", world.client_id, "--owner", world.email,
                             "--details", world.details_path)
    assert api(world, "/recordings", token=grant["access_token"], code=200).json()["items"] == []
    problem(api(world, f"/recordings/{world.item['id']}", token=grant["access_token"]), 404)


def test_account_lists(world):
    me = api(world, "/me", code=200).json()
    assert me["email"] == world.email and me["role"] == "owner" and ALICE in me["aors"]
    client, = [c for c in api(world, "/clients", code=200).json()["items"]
               if c["client_id"] == world.client_id]
    assert "secret" not in json.dumps(client)
    grant = api(world, f"/grants/{world.grant_id}", code=200).json()
    assert grant["state"] == "active" and grant["sentences"] and grant["conditions"]


def test_a_listener_hears_the_owners_assigned_to_it(world):
    cli, rid = world.server.cli, world.item["id"]
    cli("user", "add", "--tenant", "acme", "--email", "lisa@acme.example", "--role", "listener",
        "--listens-to", world.email)
    token = cli("token", "add", "--user", "lisa@acme.example")["token"]
    assert [u["listens_to"] for u in cli("user", "list")["items"]
            if u["role"] == "listener"] == [[world.email]]
    assert rid in [r["id"] for r in api(world, "/recordings", token=token, code=200).json()["items"]]
    assert api(world, f"/recordings/{rid}/audio", token=token, code=200).content[:4] == b"OggS"
    assert api(world, f"/recordings/{rid}/peaks", token=token, code=200).content
    problem(api(world, f"/recordings/{rid}", "PATCH", token=token, json={"title": "x"}), 403)
    done = cli("user", "set", "lisa@acme.example", "--remove-listens-to", world.email)
    assert done["listens_to"] == []
    for path in ("", "/audio", "/peaks", "/signalling"):
        problem(api(world, f"/recordings/{rid}{path}", token=token), 404)
    assert api(world, "/recordings", token=token, code=200).json()["items"] == []
    cli("user", "set", "lisa@acme.example", "--listens-to", "nobody@acme.example", code=3)


def test_cookie_writes_need_the_token_and_our_origin(world):
    b = Browser(world.server.url)
    b.login(world.email, world.password)
    url = f"{world.server.url}/api/v1/recordings/{world.item['id']}"
    csrf = b.get("/recordings").text.split('name="csrf" content="')[1].split('"')[0]
    assert b.http.get(url).status_code == 200
    ok = {"X-CSRF-Token": csrf}
    assert b.http.patch(url, json={"title": "x"}).status_code == 403
    assert b.http.patch(url, json={"title": "x"},
                        headers={"X-CSRF-Token": "x" * len(csrf)}).status_code == 403
    for bad in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert b.http.patch(url, json={"title": "x"}, headers={**ok, **bad}).status_code == 403
    assert b.http.patch(url, json={"title": "x"},
                        headers={**ok, "Origin": world.server.url}).status_code == 200


def test_methods_headers_and_health(world):
    r = api(world, "/recordings", "PUT")
    problem(r, 405)
    assert set(r.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    assert api(world, f"/recordings/{world.item['id']}", "OPTIONS").status_code == 204
    problem(api(world, "/nothing"), 404)
    r = api(world, "/recordings")
    assert CSP in r.headers["Content-Security-Policy"]
    assert r.headers["X-Content-Type-Options"] == "nosniff"
    assert r.headers["Referrer-Policy"] == "no-referrer"
    assert r.headers["Cache-Control"] == "no-store"
    assert requests.get(world.server.url + "/healthz", timeout=5).json() == {"status": "ok"}
    m = requests.get(world.server.url + "/metrics", timeout=5)
    assert m.status_code == 200 and "srs_http_requests_total" in m.text
    tokens = ((None, 401), (world.api_token, 403), (admin_token(world), 403))
    for sign in ("X-Forwarded-For", "X-Real-IP", "Via", "Forwarded", "CF-Connecting-IP"):
        for token, code in tokens:
            assert requests.get(world.server.url + "/metrics", timeout=5, headers={
                sign: "127.0.0.1", **({"Authorization": "Bearer " + token} if token else {}),
            }).status_code == code


def test_a_change_may_depend_on_what_was_seen(world):
    path = f"/recordings/{world.item['id']}"
    seen = api(world, path, code=200).headers["ETag"]
    assert api(world, path, headers={"If-None-Match": f'"x", W/{seen}'}).status_code == 304
    assert api(world, path, code=200, headers={"If-None-Match": '"x"'}).json()

    def patch(title, match, code):
        return api(world, path, "PATCH", json={"title": title}, code=code,
                   headers={"If-Match": match})

    for match in ('"x"', f"W/{seen}", "x", ""):
        problem(patch("wrong", match, 412), 412)
    problem(api(world, path, "DELETE", headers={"If-Match": '"x"'}), 412)
    now = patch("first \u202etsrif", f'"x", {seen}', 200)
    assert now.json()["title"] == "first tsrif"
    assert now.headers["ETag"] == api(world, path, code=200).headers["ETag"] != seen
    problem(patch("second", seen, 412), 412)
    patch("third", "*", 200)
    seen = api(world, path, code=200).headers["ETag"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda i: api(world, path, "PATCH", json={"title": f"t{i}"}, headers={
            "If-Match": seen}).status_code, range(8)))
    assert sorted(codes) == [200] + [412] * 7


def test_many_at_once(world):
    """Reads, ranges, writes, wrong tokens and pages on all threads of the pool."""
    rid = world.item["id"]
    whole = api(world, audio(world)).content
    jobs = [lambda: api(world, "/recordings?q=alice", code=200),
            lambda: api(world, f"/recordings/{rid}", code=200),
            lambda: api(world, audio(world), code=206, headers={"Range": "bytes=5-99"}),
            lambda: api(world, f"/recordings/{rid}", "PATCH", json={"title": "t"}, code=200),
            lambda: api(world, "/recordings", token="srs_at_junk", code=401),
            lambda: requests.get(world.server.url + "/login", timeout=10).raise_for_status()]

    def work(k):
        for i in range(20):
            jobs[(k + i) % len(jobs)]()
        return api(world, audio(world), code=200).content == whole

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert all(pool.map(work, range(12)))


def test_lost_file_is_our_fault(world):
    (file,) = world.server.data.glob(f"media/*/{world.item['id']}/mix.ogg")
    aside = file.rename(file.with_suffix(".aside"))
    try:
        problem(api(world, audio(world) + "?format=ogg"), 500)
        assert "http.file_missing" in world.server.log()
    finally:
        aside.rename(file)
    api(world, audio(world) + "?format=ogg", code=200)


def test_delete(world):
    rid = api(world, "/recordings").json()["items"][0]["id"]
    assert api(world, f"/recordings/{rid}", "DELETE", code=204).content == b""
    problem(api(world, f"/recordings/{rid}"), 404)
    problem(api(world, f"/recordings/{rid}", "DELETE"), 404)
    assert rid not in [i["id"] for i in api(world, "/recordings").json()["items"]]
