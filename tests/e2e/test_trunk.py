"""Recording clients that send no token: by certificate, by address, and what they may send."""
import re
import subprocess

import pytest
import requests

from lib import sipc
from lib.catalog import Catalog
from lib.media import RtpSender
from lib.server import ALICE, BOB, World, wait_for

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
SAN = "sbc.voip.example"


def tls_world(start, pki, verify="optional", **sip):
    return World(start({"sip": {
        "listen": "tls:127.0.0.1:0, udp:127.0.0.1:0", "tls_certificate": pki / "server.pem",
        "tls_key": pki / "server.key", "tls_ca": pki / "ca.pem", "tls_verify": verify, **sip}}))


def address_world(start, allow="yes", **sip):
    return World(start({"sip": {"listen": "udp:127.0.0.1:0, tcp:127.0.0.1:0",
                                "allow_address_trunks": allow, **sip}}))


def trunk(world, *args, name="sbc", code=0):
    return world.server.cli("trunk", "add", "--name", name, "--grant", world.grant_id, *args,
                            code=code)


def tls_client(world, pki, name="client"):
    cert = (pki / f"{name}.pem", pki / f"{name}.key") if name else None
    return sipc.SipClient(world.server.sip["tls"], "tls", cafile=pki / "ca.pem", cert=cert)


def udp_client(world, local="127.0.0.1"):
    return sipc.SipClient(world.server.sip["udp"], "udp", local=local)


def call(client, token=None, user="srs", **kw):
    d = client.dialog(token=token, user=user)
    return d, d.invite([40000, 40002], PEOPLE, **kw)


def ok(client, **kw):
    d, r = call(client, **kw)
    assert r.status == 200, r.raw
    assert d.bye().status == 200


def refused(client, status=401, **kw):
    _, r = call(client, **kw)
    assert r.status == status, r.raw
    return r


# ---- by certificate

@pytest.mark.parametrize("verify", ["optional", "required"])
def test_certificate_stands_for_a_token(start, pki, verify):
    world = tls_world(start, pki, verify)
    c = tls_client(world, pki)
    assert "error=" not in refused(c).get("www-authenticate")
    t = trunk(world, "--tls-name", SAN.upper())
    ok(c)
    cat = Catalog(world.server)
    row = cat.audit("call.accept")[-1]
    assert row["actor"] == f"trunk:{t['trunk_id']}"
    assert row["object"] == f"grant:{world.grant_id}"
    rec = cat.wait_ended()
    assert rec["client_id"] == world.client_id and rec["grant_id"] == world.grant_id


def test_no_certificate_is_no_trunk(start, pki):
    world = tls_world(start, pki)
    trunk(world, "--tls-name", SAN)
    refused(tls_client(world, pki, name=None))
    refused(udp_client(world))


def test_trunk_by_hash_of_the_certificate(start, pki):
    world = tls_world(start, pki)
    out = subprocess.run(["openssl", "x509", "-in", pki / "client.pem", "-noout", "-fingerprint",
                          "-sha256"], capture_output=True, text=True, check=True).stdout
    trunk(world, "--tls-sha256", out.split("=")[1].strip())
    c = tls_client(world, pki)
    ok(c)
    ok(c)
    ok(tls_client(world, pki))
    refused(tls_client(world, pki, name=None))
    refused(tls_client(world, pki, name="server"))


def test_conditions_count_for_trunks(start, pki):
    world = tls_world(start, pki)
    trunk(world, "--tls-name", SAN)
    c = tls_client(world, pki)
    d = c.dialog()
    r = d.invite([40000, 40002], [(BOB, "Bob"), ("sip:carol@voip.example", "Carol")])
    assert r.status == 403 and b"problem+json" in r.raw, r.raw


def test_revoked_grant_ends_the_trunk(start, pki):
    world = tls_world(start, pki)
    trunk(world, "--tls-name", SAN)
    c = tls_client(world, pki)
    d, r = call(c)
    assert r.status == 200
    world.server.cli("grant", "revoke", world.grant_id)
    bye = c.recv(5)
    assert bye is not None and bye.raw.startswith(b"BYE"), bye and bye.raw
    d.answer(bye)
    refused(c)


def test_token_is_judged_by_the_token(start, pki):
    world = tls_world(start, pki)
    trunk(world, "--tls-name", SAN)
    c = tls_client(world, pki)
    r = refused(c, token="srs_at_" + "nonsense")
    assert 'error="invalid_token"' in r.get("www-authenticate")
    ok(c, token=world.access_token)
    assert Catalog(world.server).audit("call.accept")[-1]["actor"].startswith("client:")


def test_disabled_and_removed_trunk(start, pki):
    world = tls_world(start, pki)
    trunk(world, "--tls-name", SAN)
    c = tls_client(world, pki)
    world.server.cli("trunk", "set", "sbc", "--enabled", "no")
    refused(c)
    world.server.cli("trunk", "set", "sbc", "--enabled", "yes")
    d, r = call(c)
    assert r.status == 200
    world.server.cli("trunk", "remove", "sbc")
    refused(c)
    assert d.bye().status == 200  # what runs goes on


def test_user_part_tells_accounts_of_one_sbc_apart(start, pki):
    world = tls_world(start, pki)
    other = World(world.server, tenant="other")
    trunk(world, "--tls-name", SAN, "--uri-user", "acme", name="a")
    trunk(other, "--tls-name", SAN, "--uri-user", "other", name="b")
    c = tls_client(world, pki)
    ok(c, user="acme")
    ok(c, user="other")
    refused(c, user="srs")
    rows = Catalog(world.server).rows("SELECT grant_id FROM recordings ORDER BY id")
    assert [r["grant_id"] for r in rows] == [world.grant_id, other.grant_id]


def test_trunk_takes_no_call_for_another_account(start, pki):
    world = tls_world(start, pki)
    World(world.server, tenant="other")
    trunk(world, "--tls-name", SAN)
    refused(tls_client(world, pki), user="other")


# ---- by address

def test_address_counts_only_where_allowed(start):
    world = address_world(start, allow="no")
    trunk(world, "--addresses", "127.0.0.2")
    refused(udp_client(world, "127.0.0.2"))
    world.server.settings["sip"]["allow_address_trunks"] = "yes"
    world.server.write_conf()
    import os
    import signal
    os.kill(world.server.proc.pid, signal.SIGHUP)
    c = udp_client(world, "127.0.0.2")

    def accepted():
        d, r = call(c)
        if r.status == 200:
            d.bye()
        return r.status == 200
    wait_for(accepted, what="trunk after SIGHUP")
    refused(udp_client(world, "127.0.0.1"))


def test_network_of_a_trunk(start):
    world = address_world(start)
    trunk(world, "--addresses", "127.0.0.4/30,192.0.2.0/24")
    for local, good in (("127.0.0.3", False), ("127.0.0.4", True), ("127.0.0.7", True),
                        ("127.0.0.8", False)):
        (ok if good else refused)(udp_client(world, local))


def test_where_tokens_may_not_travel(start):
    """In clear no challenge is sent; the trunk needs none."""
    world = address_world(start, allow_cleartext_tokens="no")
    trunk(world, "--addresses", "127.0.0.2")
    ok(udp_client(world, "127.0.0.2"))
    r = refused(udp_client(world, "127.0.0.3"), status=403)
    assert r.get("www-authenticate") is None


def test_plain_invite_is_recorded_with_from_and_to(start):
    world = address_world(start)
    trunk(world, "--addresses", "127.0.0.2")
    c = udp_client(world, "127.0.0.2")
    plain = c.send

    def strip(data):
        plain(data.replace(b"Require: siprec\r\n", b"").replace(b";+sip.src", b""))
    c.send = strip
    d = c.dialog(src="alice", user="bob")
    r = d.invite([40000], [], body=sipc.sdp([40000], c.host), ctype="application/sdp")
    assert r.status == 200, r.raw
    assert d.bye().status == 200
    cat = Catalog(world.server)
    cat.wait_ended()
    aors = [r["aor"] for r in cat.rows("SELECT aor FROM participants ORDER BY ord")]
    assert aors[0] == ALICE and aors[1].startswith("sip:bob@127.0.0.1"), aors
    # the same from somebody unknown
    c = udp_client(world, "127.0.0.3")
    d = c.dialog(src="alice", user="bob")
    r = d.invite([40000], [], body=sipc.sdp([40000], c.host), ctype="application/sdp")
    assert r.status == 401


def test_dialog_belongs_to_the_trunk(start):
    world = address_world(start)
    trunk(world, "--addresses", "127.0.0.2, 127.0.0.3")
    c = udp_client(world, "127.0.0.2")
    d, r = call(c)
    assert r.status == 200
    xml = sipc.metadata(PEOPLE + [("sip:carol@voip.example", "Carol")])
    d.c = udp_client(world, "127.0.0.9")
    assert d.update(xml).status == 403
    d.c = udp_client(world, "127.0.0.3")  # the other leg of the pair
    assert d.update(xml).status == 200
    d.c = c
    assert d.bye().status == 200


# ---- settings of a trunk

def quoted(client, world, form, user="srs"):
    d = client.dialog(user=user)
    r = d.invite([40000, 40002], PEOPLE,
                 extra=[f'Authorization: Bearer {form}="{world.access_token}"'])
    if r.status == 200:
        d.bye()
    return r.status


def test_token_forms(start):
    world = address_world(start)
    c = udp_client(world, "127.0.0.2")
    assert quoted(c, world, "token") == 400
    trunk(world, "--addresses", "127.0.0.2", "--token-forms", "token")
    assert quoted(c, world, "token") == 200
    assert quoted(c, world, "access_token") == 400
    assert quoted(udp_client(world), world, "token") == 400
    world.server.cli("trunk", "set", "sbc", "--token-forms", "access_token,token")
    assert quoted(c, world, "access_token") == 200


def half_recordable(c):
    return sipc.sdp([40000, 40002], c.host).replace(
        "m=audio 40002 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000", "m=audio 40002 RTP/AVP 15")


def test_strictness(start):
    world = address_world(start)
    trunk(world, "--addresses", "127.0.0.2")
    c = udp_client(world, "127.0.0.2")
    lines = half_recordable(c)
    ok(c, sdp_text=lines)
    world.server.cli("trunk", "set", "sbc", "--strictness", "strict")
    r = refused(c, status=400, sdp_text=lines)
    assert "answer.no_codec" in r.get("warning")
    ok(c)
    d, r = call(c)
    assert r.status == 200
    r = d.invite([40000, 40002], PEOPLE, sdp_text=lines)
    assert r.status == 400, r.raw
    assert d.bye().status == 200


def test_strict_wants_a_body_as_the_rfcs_have_it(start):
    """What is repaired or guessed for others is refused, and nothing of it is taken."""
    world = address_world(start)
    trunk(world, "--addresses", "127.0.0.2")
    c = udp_client(world, "127.0.0.2")
    good = sipc.metadata(PEOPLE)
    broken = good.replace("<name>Alice</name>", "<name>Alice & Co</name>")
    cut = good[:len(good) // 2]
    same_id = sipc.metadata(PEOPLE + [("sip:carol@voip.example", "Carol")]).replace(
        'participant_id="p2"', 'participant_id="p1"')
    ports = [40000, 40002]
    guessed = sipc.multipart(sipc.sdp(ports, c.host), good, boundary="other-boundary")
    for xml in (broken, cut, same_id):
        ok(c, xml=xml)
    ok(c, body=guessed, ctype="multipart/mixed;boundary=unique-boundary")
    world.server.cli("trunk", "set", "sbc", "--strictness", "strict")
    for xml, code in ((broken, "metadata.repaired"), (cut, "metadata.repaired"),
                      (same_id, "metadata.duplicate_id")):
        r = refused(c, status=400, xml=xml)
        assert code in r.get("warning"), r.raw
    r = refused(c, status=400, body=guessed, ctype="multipart/mixed;boundary=unique-boundary")
    assert "body.boundary_guessed" in r.get("warning")
    # a body without a closing boundary, or without streams, loses nothing
    whole = sipc.multipart(sipc.sdp(ports, c.host), good)
    ok(c, body=whole[:whole.rindex("--unique-boundary--")],
       ctype="multipart/mixed;boundary=unique-boundary")
    d, r = call(c)
    assert r.status == 200
    r = d.update(broken.replace("Alice", "Alicia"))
    assert r.status == 400 and "metadata.repaired" in r.get("warning")
    assert d.bye().status == 200
    names = {p["name"] for p in Catalog(world.server).rows("SELECT name FROM participants")}
    assert not any("Alicia" in n for n in names)


def packets_kept(world, source_address, user="srs"):
    """What is kept of a call whose RTP comes from there, not from where the SDP says."""
    c = udp_client(world, "127.0.0.2")
    d = c.dialog(user=user)
    r = d.invite([40000], PEOPLE, body=sipc.multipart(
        sipc.sdp([40000], "127.0.0.2"), sipc.metadata(PEOPLE)),
        ctype="multipart/mixed;boundary=unique-boundary")
    assert r.status == 200, r.raw
    rtp = RtpSender(("127.0.0.1", r.ports()[0]), 440, local=(source_address, 0))
    rtp.start()
    wait_for(lambda: rtp.sent >= 60, what="packets sent")
    rtp.stop()
    cat = Catalog(world.server)
    before = len([r for r in cat.recordings() if r["state"] != "recording"])
    assert d.bye().status == 200
    rec = cat.wait_ended(before + 1)
    return rec, {w["code"] for w in
                 cat.rows("SELECT code FROM warnings WHERE recording_id = ?", rec["id"])}


def test_media_source(start):
    world = address_world(start)
    trunk(world, "--addresses", "127.0.0.2")
    assert "media.none" in packets_kept(world, "127.0.0.5")[1]
    assert "media.none" not in packets_kept(world, "127.0.0.2")[1]
    world.server.cli("trunk", "set", "sbc", "--media-source", "learn")
    assert "media.none" not in packets_kept(world, "127.0.0.5")[1]


def bob_comes_first(c):
    """Alice sends label 1, which stands in the second m-line."""
    text = sipc.sdp([40000, 40002], c.host)
    text = text.replace("a=label:1", "a=label:x").replace("a=label:2", "a=label:1")
    return text.replace("a=label:x", "a=label:2")


@pytest.mark.parametrize("order,first", [("metadata", ALICE), ("mline", BOB), ("label", ALICE)])
def test_channel_order(start, order, first):
    world = address_world(start)
    trunk(world, "--addresses", "127.0.0.2", "--channel-order", order)
    c = udp_client(world, "127.0.0.2")
    ok(c, sdp_text=bob_comes_first(c))
    cat = Catalog(world.server)
    cat.wait_ended()
    people = cat.rows("SELECT aor FROM participants ORDER BY ord")
    assert people[0]["aor"] == first
    streams = cat.rows("SELECT s.idx, p.aor FROM streams s JOIN participants p ON "
                       "p.recording_id = s.recording_id AND p.ord = s.participant ORDER BY s.idx")
    assert [s["aor"] for s in streams] == [BOB, ALICE]


def test_expected_vendor(start):
    world = address_world(start)
    trunk(world, "--addresses", "127.0.0.2", "--vendor", "oracle")
    c = udp_client(world, "127.0.0.2")
    ok(c, extra=["User-Agent: Oracle ESBC/9.0"])
    cat = Catalog(world.server)
    assert "trunk.other_vendor" not in cat.warnings()
    ok(c, extra=["User-Agent: OpenSIPS 3.4"])
    cat.wait_warning("trunk.other_vendor")


def test_settings_survive_a_restart_of_sip(start):
    world = address_world(start)
    trunk(world, "--addresses", "127.0.0.2", "--media-source", "learn", "--strictness", "strict")
    c = udp_client(world, "127.0.0.2")
    d, r = call(c)
    assert r.status == 200
    world.server.kill_role("sip")

    def again():
        r = d.update(sipc.metadata(PEOPLE))
        return r.status == 200
    wait_for(again, what="UPDATE after the restart")
    dialog = Catalog(world.server).rows("SELECT dialog FROM recordings")[0]["dialog"]
    assert '"trunk_ways":[1,1,0,0]' in re.sub(r"\s", "", dialog)
    assert d.bye().status == 200


# ---- managing

def test_command_line(start):
    world = address_world(start)
    t = trunk(world, "--addresses", "127.0.0.2/32", "--vendor", "Avaya")
    assert t["addresses"] == ["127.0.0.2"] and t["strictness"] == "tolerant"
    cli = world.server.cli
    assert cli("trunk", "show", "sbc")["trunk_id"] == t["trunk_id"]
    assert cli("trunk", "show", t["trunk_id"])["name"] == "sbc"
    assert len(cli("trunk", "list", "--tenant", "acme")["items"]) == 1
    cli("trunk", "show", "nobody", code=3)
    trunk(world, "--addresses", "localhost", name="x", code=2)
    trunk(world, name="x", code=2)
    trunk(world, "--addresses", "127.0.0.2", name="x", code=1)
    cli("trunk", "set", "sbc", "--colour", "red", code=2)
    cli("trunk", "dance", code=2)
    cli("trunk", "remove", "sbc")
    assert cli("trunk", "list")["items"] == []


def admin(world):
    """The API token of an administrator of the account."""
    if not hasattr(world, "admin_token"):
        email = f"admin@{world.tenant}.example"
        world.server.cli("user", "add", "--tenant", world.tenant, "--email", email, "--role", "admin")
        world.admin_token = world.server.cli("token", "add", "--user", email)["token"]
    return world.admin_token


def api(world, method, path="", token=None, **kw):
    return requests.request(method, f"{world.server.url}/api/v1/trunks{path}", timeout=20,
                            headers={"Authorization": f"Bearer {token or admin(world)}"}, **kw)


def test_api(start, pki):
    world = tls_world(start, pki)
    other = World(world.server, tenant="other")
    body = {"name": "sbc", "grant_id": world.grant_id, "tls_name": SAN, "uri_user": "acme",
            "token_forms": ["token"]}
    r = api(world, "POST", json=body)
    assert r.status_code == 201, r.text
    t = r.json()
    assert r.headers["Location"] == f"/api/v1/trunks/{t['trunk_id']}"
    assert t["client_id"] == world.client_id and t["token_forms"] == ["token"]
    ok(tls_client(world, pki), user="acme")
    assert api(world, "POST", json=body).status_code == 409
    path = f"/{t['trunk_id']}"
    r = api(world, "PATCH", path, json={"media_source": "learn", "enabled": False})
    assert r.status_code == 200 and r.json()["media_source"] == "learn"
    assert api(world, "GET", path).json() == r.json()
    assert [i["name"] for i in api(world, "GET").json()["items"]] == ["sbc"]
    refused(tls_client(world, pki), user="acme")
    # another account sees and reaches nothing
    assert api(other, "GET").json()["items"] == []
    for method in ("GET", "PATCH", "DELETE"):
        kw = {"json": {"enabled": True}} if method == "PATCH" else {}
        assert api(other, method, path, **kw).status_code == 404
    assert api(other, "POST", json={**body, "name": "x", "uri_user": "other"}).status_code == 400
    # the owner sees it and changes nothing; a provider's token has no say in it
    assert [i["name"] for i in api(world, "GET", token=world.api_token).json()["items"]] == ["sbc"]
    for method in ("PATCH", "DELETE"):
        assert api(world, method, path, token=world.api_token, json={}).status_code == 403
    assert api(world, "GET", token=world.access_token).status_code == 403
    assert api(world, "DELETE", path).status_code == 204
    assert api(world, "GET", path).status_code == 404


@pytest.mark.parametrize("change,status", [
    ({"uri_user": ""}, 403), ({"uri_user": "srs"}, 403), ({"tls_name": ""}, 400),
    ({"colour": "red"}, 400), ({"strictness": "very"}, 400), ({"enabled": "yes"}, 400),
    ({"addresses": "::1"}, 400), ({"grant_id": "0"}, 400)])
def test_api_refuses(server, change, status):
    world = World(server)
    body = {"name": "sbc", "grant_id": world.grant_id, "tls_name": SAN, "uri_user": "acme"}
    r = api(world, "POST", json={**body, **change})
    assert r.status_code == status, r.text
    assert r.headers["Content-Type"].startswith("application/problem+json")


def test_api_takes_the_clients_registered_name(server):
    world = World(server)
    c = server.cli("client", "add", "--tenant", "acme", "--name", "SBC", "--tls-identity", SAN)
    g = server.cli("grant", "add", "--client", c["client_id"], "--owner", world.email,
                   "--details", world.details_path)
    r = api(world, "POST", json={"name": "sbc", "grant_id": g["grant_id"], "tls_name": SAN})
    assert r.status_code == 201, r.text
    # not for another account's user part
    World(server, tenant="other")
    r = api(world, "PATCH", f"/{r.json()['trunk_id']}", json={"uri_user": "other"})
    assert r.status_code == 403, r.text


def test_nobody_takes_what_a_trunk_is_bound_to(start, pki):
    """The operator bound the SBC to Alice's grant: its calls stay hers."""
    world = tls_world(start, pki)
    two = World(world.server, tenant="two")
    cli = world.server.cli
    cli("user", "add", "--tenant", "acme", "--email", "carol@acme.example", "--aor",
        "sip:carol@voip.example")
    carol = cli("token", "add", "--user", "carol@acme.example")["token"]
    grant = cli("grant", "add", "--client", world.client_id, "--owner", "carol@acme.example",
                "--details", world.details_path)["grant_id"]
    t = trunk(world, "--tls-name", SAN)
    body = {"name": "mine", "grant_id": grant, "tls_name": SAN.upper(), "uri_user": "acme"}
    assert api(world, "POST", token=carol, json=body).status_code == 403
    for change in ({}, {"tls_name": "*.voip.example"}, {"tls_name": SAN + "."}):
        assert api(world, "POST", json={**body, **change}).status_code == 409, change
    r = api(two, "POST", json={**body, "grant_id": two.grant_id, "uri_user": "two"})
    assert r.status_code == 409 and "sbc" not in r.text, r.text
    # nor is it moved to another grant
    path = f"/{t['trunk_id']}"
    assert api(world, "PATCH", path, json={"grant_id": grant}).status_code == 403
    assert api(world, "PATCH", path, json={"vendor": "Oracle"}).json()["bound_by"] == "operator"
    trunk(two, "--tls-name", SAN, "--uri-user", "two", name="b", code=1)
    ok(tls_client(world, pki), user="acme")
    assert Catalog(world.server).rows("SELECT grant_id FROM recordings") == [
        {"grant_id": world.grant_id}]
    trunk(two, "--tls-name", SAN, "--uri-user", "two", "--force", name="b")
    ok(tls_client(world, pki), user="two")


def write_trunks(path, world, **trunks):
    text = ""
    for name, keys in trunks.items():
        text += f"[{name}]\ngrant = {world.grant_id}\n" + "".join(
            f"{k} = {v}\n" for k, v in keys.items())
    path.write_text(text)


def test_trunks_of_a_file(start, tmp_path):
    import os
    import signal
    path = tmp_path / "trunks.ini"
    path.write_text("")
    world = address_world(start, trunks_file=path)
    c = udp_client(world, "127.0.0.2")
    refused(c)
    write_trunks(path, world, sbc={"addresses": "127.0.0.2"})
    os.kill(world.server.proc.pid, signal.SIGHUP)
    wait_for(lambda: world.server.cli("trunk", "list")["items"], what="trunk of the file")
    ok(c)
    t = world.server.cli("trunk", "show", "sbc")
    assert t["managed_by"] == "file"
    world.server.cli("trunk", "remove", "sbc", code=1)
    assert api(world, "DELETE", f"/{t['trunk_id']}").status_code == 409
    # a broken file changes nothing
    path.write_text("[sbc]\ncolour = red\n")
    os.kill(world.server.proc.pid, signal.SIGHUP)
    wait_for(lambda: "reload_refused" in world.server.log(), what="refused reload")
    assert "trunks.ini:2: [sbc]: there is no key" in world.server.log()
    ok(c)
    # and stops the next start
    assert world.server.stop() == 0
    with pytest.raises(AssertionError) as e:
        world.server.start()
    assert "trunks.ini:2" in str(e.value)
    world.server.cli("check-config", code=2)
    write_trunks(path, world, sbc={"addresses": "127.0.0.3"})
    world.server.cli("check-config")
    world.server.start()
    refused(udp_client(world, "127.0.0.2"))
    ok(udp_client(world, "127.0.0.3"))


# ---- every setting by every way of managing

IDENTITY = {"addresses": "127.0.0.2", "uri_user": "acme"}
SETTINGS = {"strictness": "strict", "token_forms": "token, access_token",
            "media_source": "learn", "channel_order": "mline", "srtp": "preferred", "vendor": "Oracle"}


def by_command(world, path, first, keys):
    options = [w for k, v in keys.items() for w in ("--" + k.replace("_", "-"), v)]
    if first:
        trunk(world, *options)
    else:
        world.server.cli("trunk", "set", "sbc", *options)


def by_api(world, path, first, keys):
    lists = ("addresses", "token_forms")
    body = {k: v.split(", ") if k in lists else v for k, v in keys.items()}
    if first:
        r = api(world, "POST", json={"name": "sbc", "grant_id": world.grant_id, **body})
    else:
        # who may not say where calls come from may still say how they are taken
        r = api(world, "PATCH", "/" + api(world, "GET").json()["items"][0]["trunk_id"], json=body)
    assert r.status_code in (200, 201), r.text


def by_file(world, path, first, keys):
    import signal
    write_trunks(path, world, sbc={**IDENTITY, **keys})
    world.server.proc.send_signal(signal.SIGHUP)
    wait_for(lambda: world.server.cli("trunk", "list")["items"] and all(
        v in (x if isinstance(x := world.server.cli("trunk", "show", "sbc")[k], str)
              else ", ".join(x)) for k, v in keys.items()), what="trunk of the file")


@pytest.mark.parametrize("manage", [by_command, by_api, by_file])
def test_every_setting_has_its_effect(start, tmp_path, manage):
    path = tmp_path / "trunks.ini"
    path.write_text("")
    world = address_world(start, trunks_file=path)
    c = udp_client(world, "127.0.0.2")
    cat = Catalog(world.server)
    manage(world, path, True, IDENTITY)

    def first_party(**kw):
        ended = len([r for r in cat.recordings() if r["state"] != "recording"])
        ok(c, user="acme", **kw)
        rec = cat.wait_ended(ended + 1)
        return cat.rows("SELECT aor FROM participants WHERE recording_id = ? ORDER BY ord",
                        rec["id"])[0]["aor"]

    # as it is without settings
    ok(c, user="acme", sdp_text=half_recordable(c))
    assert quoted(c, world, "token", "acme") == quoted(c, world, "access_token", "acme") == 400
    assert "media.none" in packets_kept(world, "127.0.0.5", "acme")[1]
    assert first_party(sdp_text=bob_comes_first(c)) == ALICE
    ok(c, user="acme", extra=["User-Agent: OpenSIPS 3.4"])
    assert "trunk.other_vendor" not in cat.warnings()
    # as it is with them
    manage(world, path, False, SETTINGS)
    assert "answer.no_codec" in refused(c, 400, user="acme",
                                        sdp_text=half_recordable(c)).get("warning")
    assert quoted(c, world, "token", "acme") == quoted(c, world, "access_token", "acme") == 200
    assert "media.none" not in packets_kept(world, "127.0.0.5", "acme")[1]
    assert first_party(sdp_text=bob_comes_first(c)) == BOB
    ok(c, user="acme", extra=["User-Agent: OpenSIPS 3.4"])
    cat.wait_warning("trunk.other_vendor")
