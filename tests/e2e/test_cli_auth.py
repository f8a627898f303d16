"""Users, clients, grants and tokens on the command line."""
import concurrent.futures
import json
import re
import subprocess

import pytest

from lib.server import ALICE, BOB, CAROL, DETAILS, SRS


@pytest.fixture
def srs(start):
    """A configuration of a server that was never started."""
    return start(run=False)


@pytest.fixture
def details(tmp_path):
    def write(**conditions):
        path = tmp_path / f"details{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps([{**DETAILS, "conditions": {**DETAILS["conditions"],
                                                               **conditions}}]))
        return path
    return write


def add_user(s, email="alice@acme.example", tenant="acme", *more):
    return s.cli("user", "add", "--tenant", tenant, "--email", email, "--role", "owner",
                 "--aor", ALICE, *more)


def add_client(s, tenant="acme"):
    return s.cli("client", "add", "--tenant", tenant, "--name", "Example VoIP",
                 "--redirect-uri", "https://portal.example/done")


def test_before_the_first_start(srs, details):
    user = add_user(srs)
    assert set(user) == {"user_id", "role", "password"} and user["role"] == "owner" and len(user["password"]) == 20
    client = add_client(srs)
    assert set(client) == {"client_id", "client_secret"}
    grant = srs.cli("grant", "add", "--client", client["client_id"], "--owner",
                    "Alice@acme.example", "--details", details())
    assert set(grant) == {"grant_id", "access_token", "refresh_token", "expires_in"}
    assert grant["expires_in"] == 600
    token = srs.cli("token", "add", "--user", "alice@acme.example")
    assert token["token"].startswith("srs_at_")


def test_password_from_stdin_is_not_printed(srs):
    done = subprocess.run(
        [str(SRS), "-c", str(srs.conf), "user", "add", "--tenant", "t", "--email", "a@t.example",
         "--password-stdin"], input="a long secret\n", capture_output=True, text=True)
    assert done.returncode == 0 and "secret" not in done.stdout + done.stderr
    srs.cli("user", "add", "--tenant", "t", "--email", "b@t.example", "--password-stdin",
            stdin="short\n", code=2)


def test_nothing_secret_is_stored(srs, details):
    user, client = add_user(srs), add_client(srs)
    grant = srs.cli("grant", "add", "--client", client["client_id"], "--owner", user["user_id"],
                    "--details", details())
    stored = b"".join(p.read_bytes() for p in srs.data.rglob("*") if p.is_file())
    for secret in (user["password"], client["client_secret"], grant["access_token"],
                   grant["refresh_token"]):
        assert secret.encode() not in stored
        assert secret.split(".")[-1][:43].encode() not in stored
    key = srs.data / "keys" / "token.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_lists(srs, details):
    add_user(srs)
    add_user(srs, "alice@other.example", "other")
    client = add_client(srs)
    srs.cli("grant", "add", "--client", client["client_id"], "--owner", "alice@acme.example",
            "--details", details())
    assert len(srs.cli("user", "list")["items"]) == 2
    users = srs.cli("user", "list", "--tenant", "acme")["items"]
    assert [u["email"] for u in users] == ["alice@acme.example"]
    assert users[0]["aors"] == [ALICE]
    clients = srs.cli("client", "list")["items"]
    assert clients[0]["redirect_uris"] == ["https://portal.example/done"]
    assert "srs_cs_" not in json.dumps(clients)
    grants = srs.cli("grant", "list")["items"]
    assert grants[0]["state"] == "active" and grants[0]["details"]["type"] == "call_recording"
    assert any("takes part" in s for s in grants[0]["sentences"])
    assert srs.cli("grant", "list", "--tenant", "acme")["items"] == grants
    assert srs.cli("grant", "list", "--tenant", "other")["items"] == []
    for word in ("user", "client", "grant", "trunk"):
        srs.cli(word, "list", "--tenant", "nobody", code=3)
    srs.cli("grant", "revoke", grants[0]["grant_id"])
    assert srs.cli("grant", "list")["items"][0]["state"] == "revoked"


@pytest.mark.parametrize("word, known", [
    ("user", "login-link, add, set or list"), ("client", "add, list or set"),
    ("token", "add, list or revoke"),
    ("grant", "add, list, narrow, revoke or test"),
    ("trunk", "add, list, show, set or remove"),
])
def test_a_wrong_word_is_answered_with_those_there_are(srs, word, known):
    for args, said in (((), f"say {known}"), (("frob",), f'what is "frob"? Say {known}')):
        done = subprocess.run([str(SRS), "-c", str(srs.conf), word, *args], capture_output=True,
                              text=True, timeout=20)
        assert done.returncode == 2 and said in done.stderr, done.stderr


@pytest.mark.parametrize("args, codes, recorded, path", [
    ([ALICE, BOB], ["PCMU"], True, None),
    ([ALICE, BOB], ["G.711a", "opus"], True, None),
    ([ALICE], ["PCMU"], False, "conditions.participants.min"),
    ([BOB, CAROL], ["PCMU"], False, "owner.must_participate"),
    ([ALICE, BOB], ["G729"], False, "conditions.media.codecs"),
    ([ALICE, BOB], ["H264"], False, "conditions.media"),
])
def test_would_it_be_recorded(srs, details, args, codes, recorded, path):
    out = srs.cli("grant", "test", "--details", details(), "--participant", *args, "--codec",
                  *codes, code=0 if recorded else 4)
    assert out["recorded"] is recorded
    assert [v["path"] for v in out["violations"]] == ([path] if path else [])


def test_would_it_be_recorded_at_another_time(srs, details):
    window = {"tz": "Europe/London", "days": ["MO"], "from": "08:00", "to": "18:30"}
    file = details(time_windows=[window])
    for at, code in (("2026-06-08T07:00:00Z", 0), ("2026-06-08T06:59:59Z", 4),
                     ("2026-12-07T07:30:00Z", 4), ("2026-06-09T12:00:00Z", 4)):
        srs.cli("grant", "test", "--details", file, "--participant", ALICE, BOB, "--codec",
                "PCMU", "--at", at, code=code)


def test_a_revoked_grant_records_nothing(srs, details):
    add_user(srs)
    client = add_client(srs)
    grant = srs.cli("grant", "add", "--client", client["client_id"], "--owner",
                    "alice@acme.example", "--details", details())["grant_id"]
    ask = ("grant", "test", "--grant", grant, "--participant", ALICE, BOB, "--codec", "PCMU")
    assert srs.cli(*ask)["recorded"] is True
    srs.cli("grant", "revoke", grant)
    assert srs.cli(*ask, code=4)["violations"][0]["path"] == "grant"


def test_wrong_details_name_the_place(srs, tmp_path):
    add_user(srs)
    client = add_client(srs)
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({**DETAILS, "conditions": {"participants": {"mn": 2}}}))
    done = subprocess.run(
        [str(SRS), "-c", str(srs.conf), "grant", "add", "--client", client["client_id"],
         "--owner", "alice@acme.example", "--details", str(bad)], capture_output=True, text=True)
    assert done.returncode == 2
    assert "$.conditions.participants.mn: unknown field" in done.stderr


def test_what_is_wrong_is_refused(srs, details):
    add_user(srs)
    client = add_client(srs)["client_id"]
    add_user(srs, "alice@other.example", "other")
    add = ("grant", "add", "--details", details(), "--client")
    srs.cli("user", "add", "--tenant", "acme", "--email", "alice@acme.example", code=1)
    srs.cli("user", "add", "--tenant", "acme", "--email", "nonsense", code=2)
    srs.cli("user", "add", "--tenant", "acme", "--email", "b@x.example", "--role", "king", code=2)
    srs.cli("user", "add", "--tenant", "acme", "--email", "b@x.example", "--aor", "bob", code=2)
    srs.cli("user", "add", "--email", "b@x.example", code=2)
    srs.cli("client", "add", "--tenant", "acme", "--name", "x", "--redirect-uri",
            "http://portal.example/", code=2)
    srs.cli(*add, client, "--owner", "alice@other.example", code=1)
    srs.cli(*add, client, "--owner", "nobody@x.example", code=3)
    srs.cli(*add, "nobody", "--owner", "alice@acme.example", code=3)
    srs.cli("grant", "test", "--participant", ALICE, code=2)
    srs.cli("token", "revoke", "nonsense", code=3)


def test_many_at_once_beside_the_server(server):
    """The commands and the server share the catalog without getting in each other's way."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(add_user, server, f"u{i}@acme.example") for i in range(8)]
        assert len({j.result()["user_id"] for j in jobs}) == 8
    token = server.cli("token", "add", "--user", "u3@acme.example")
    assert server.get("/api/v1/recordings", token["token"]).json()["items"] == []
    server.cli("token", "revoke", token["token_id"])
    server.get("/api/v1/recordings", token["token"], code=401)


def test_tokens_are_listed_without_their_secrets(srs, details):
    add_user(srs)
    client = add_client(srs)
    grant = srs.cli("grant", "add", "--client", client["client_id"], "--owner",
                    "alice@acme.example", "--details", details())
    api = srs.cli("token", "add", "--user", "alice@acme.example", "--name", "backup script",
                  "--expires", "30d")
    text = run(srs, "token", "add", "--user", "alice@acme.example").stdout
    said = dict(line.split(None, 1) for line in text.splitlines())
    assert set(said) == {"token_id", "token", "user", "expires"} and said["expires"] == "never"
    assert said["token"].startswith("srs_at_" + said["token_id"] + ".")

    items = {t["token_id"]: t for t in srs.cli("token", "list", "--tenant", "acme")["items"]}
    assert sorted(t["kind"] for t in items.values()) == ["access", "api", "api", "refresh"]
    assert all(t["state"] == "active" and t["last_used_at"] is None and t["created_at"]
               for t in items.values())
    mine = items[api["token_id"]]
    assert mine["name"] == "backup script" and mine["user"] == "alice@acme.example"
    assert mine["scope"] == "recordings" and mine["client_id"] is None and mine["expires_at"]
    assert items[said["token_id"]]["expires_at"] is None
    access = next(t for t in items.values() if t["kind"] == "access")
    assert access["grant_id"] == grant["grant_id"] and access["client_name"] == "Example VoIP"

    srs.cli("token", "revoke", api["token_id"])
    srs.cli("grant", "revoke", grant["grant_id"])
    states = {t["token_id"]: t["state"] for t in srs.cli("token", "list")["items"]}
    assert sorted(states.values()) == ["active", "revoked", "revoked", "revoked"]
    assert states[said["token_id"]] == "active"

    shown = run(srs, "token", "list").stdout
    assert len(shown.splitlines()) == 4 and "backup script" in shown
    moment = r"(never|2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
    for line in shown.splitlines():
        assert re.search(rf" made {moment} +expires {moment} +used {moment} +scope ", line), line
    for secret in (api["token"], said["token"], grant["access_token"], grant["refresh_token"]):
        assert secret not in shown + json.dumps(items)
        assert secret.split(".")[1][:20] not in shown + json.dumps(items)
    srs.cli("token", "list", "--tenant", "nobody", code=3)


def test_the_last_use_of_a_token_is_listed(server):
    add_user(server)
    token = server.cli("token", "add", "--user", "alice@acme.example")
    server.get("/api/v1/recordings", token["token"])
    assert server.cli("token", "list")["items"][0]["last_used_at"]


def run(s, *args):
    return subprocess.run([str(SRS), "-c", str(s.conf), *args], capture_output=True, text=True,
                          timeout=20)


def test_every_word_has_help_and_tells_what_it_does_not_know(srs):
    overview = subprocess.run([str(SRS), "help"], capture_output=True, text=True).stdout
    words = re.findall(r"^  ([a-z-]+)  +\S", overview, re.M)
    assert {"run", "token", "version", "help"} <= set(words)
    for word in words:
        pages = []
        for args in (["help", word], [word, "--help"], [word, "-h"], [word, "x", "--help"]):
            done = run(srs, *args)
            assert done.returncode == 0 and done.stderr == "" and "srs" in done.stdout, args
            pages.append(done.stdout)
        assert len(set(pages)) == 1
        done = run(srs, word, "--colour=red")
        assert done.returncode == 2 and done.stdout == "" and "Try: srs help" in done.stderr, word
    assert json.loads(run(srs, "version", "--json").stdout)["version"]
    srs.cli("migrate")
    assert run(srs, "recordings", "list", "--cursor", "x").returncode == 2
