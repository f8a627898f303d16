"""Whatever is wrong gets a clear answer and costs nothing else."""
import json
import signal
import subprocess
import time

import pytest

from lib import media
from lib.server import ALICE, BOB, SRS, World, wait_for
from lib.sipc import SipClient, metadata, multipart, sdp

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


def alive(server, world):
    """The server still records."""
    d = SipClient(server.sip["udp"]).dialog(token=world.access_token)
    r = d.invite([40000, 40002], PEOPLE)
    assert r.status == 200
    d.bye()


# --- configuration


@pytest.mark.parametrize("text,words", [
    ("[server]\ndata_dir = /tmp/x\n[media]\nports = abc\n", (":4:", "[media]", "ports", "20000")),
    ("[server]\ndata_dir = /tmp/x\ncolour = red\n", (":3:", "[server]", "colour")),
    ("[server]\ndata_dir = /tmp/x\n[teapot]\nx = 1\n", (":3:", "teapot")),
    ("[server]\ndata_dir = relative\n", (":2:", "data_dir", "absolute")),
    ("[server]\nname = a\n", ("data_dir",)),
    ("[server]\ndata_dir = /tmp/x\n[sip]\nlisten = quic:1.2.3.4:5\n", (":4:", "[sip]", "listen", "udp:")),
    ("[server]\ndata_dir = /tmp/x\n[sip]\nlisten = tls:127.0.0.1:0\n", ("tls_certificate",)),
    ("[server]\ndata_dir = /tmp/x\n[render]\ncomplexity = 11\n", (":4:", "complexity", "10")),
    # never compared with a name: the call would be refused without saying why
    ("[server]\ndata_dir = /tmp/x\n[sip]\ndial_to = sbc.example\n", (":4:", "dial_to", "192.0.2.7")),
    ("[server]\ndata_dir = /tmp/x\n[sip]\ndial_to = *, [::1]\n", (":4:", "dial_to")),
])
def test_wrong_configuration_is_refused(tmp_path, text, words):
    conf = tmp_path / "srs.conf"
    conf.write_text(text)
    for word in ("run", "check-config"):
        done = subprocess.run([str(SRS), "-c", str(conf), word], capture_output=True, text=True,
                              timeout=20)
        assert done.returncode == 2
        assert done.stdout == ""
        for w in words:
            assert w in done.stderr, done.stderr


def test_environment_overrides_and_is_checked(start):
    s = start({"sip": {"listen": "udp:127.0.0.1:0"}}, env={"SRS_SIP_MAX_CALLS": "0"}, run=False)
    done = subprocess.run([str(SRS), "-c", str(s.conf), "check-config"], capture_output=True,
                          text=True, env=s.env)
    assert done.returncode == 2 and "SRS_SIP_MAX_CALLS" in done.stderr


def test_a_variable_of_an_unknown_section_is_named(start):
    s = start(env={"SRS_SPI_LISTEN": "udp:127.0.0.1:0"}, run=False)
    done = subprocess.run([str(SRS), "-c", str(s.conf), "run"], capture_output=True, text=True,
                          env=s.env, timeout=30)
    assert done.returncode == 2 and "SRS_SPI_LISTEN: no such setting" in done.stderr


def test_a_taken_http_port_is_named(start, server):
    s = start({"http": {"listen": server.ready["http"]}}, name="second", run=False)
    done = subprocess.run([str(SRS), "-c", str(s.conf), "run"], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 1 and server.ready["http"] in done.stderr


def test_sofia_debug_variables_are_refused(start):
    s = start(run=False)
    done = subprocess.run([str(SRS), "-c", str(s.conf), "run"], capture_output=True, text=True,
                          timeout=30, env={**s.env, "TPORT_LOG": "1"})
    assert done.returncode != 0 and "TPORT_LOG" in done.stderr


# --- SIP


def raw_invite(d, body, ctype):
    d.request("INVITE", body, ctype)
    return d.final()


@pytest.mark.parametrize("body,ctype", [
    ("", None),
    ("garbage", "multipart/mixed;boundary=x"),
    ("garbage", "multipart/mixed"),
    ("v=0\r\nm=audio\r\n", "application/sdp"),
    ("v=0\r\nm=audio 99999999999 RTP/AVP 0\r\n", "application/sdp"),
    ("\0\0\0\0", "application/sdp"),
    (multipart("v=0\r\n" + "m=audio 4000 RTP/AVP 0\r\n" * 500, metadata(PEOPLE)),
     "multipart/mixed;boundary=unique-boundary"),
    (multipart(sdp([40000]), "<recording" + "<a>" * 2000), "multipart/mixed;boundary=unique-boundary"),
])
def test_broken_bodies_never_crash(server, world, body, ctype):
    before = server.roles()
    d = SipClient(server.sip["tcp"], "tcp").dialog(token=world.access_token)
    r = raw_invite(d, body, ctype)
    assert 200 <= r.status < 700
    alive(server, world)
    assert server.roles() == before


@pytest.mark.parametrize("xml", [
    "<recording><participant", "", "not xml at all",
    '<!DOCTYPE x [<!ENTITY a "b">]><recording>&a;</recording>',
    metadata(PEOPLE).replace("Alice", "A & B < C"),
    "<?xml version='1.0' encoding='UTF-8'?>" + "<a>" * 100 + "</a>" * 100,
])
def test_broken_metadata_is_recorded_with_warnings_or_refused_by_the_gate(start, xml):
    server = start({"sip": {"on_missing_metadata": "refuse"}})
    world = World(server, details={"type": "call_recording", "actions": ["record"],
                                   "owner": {"aor": [ALICE], "must_participate": False},
                                   "conditions": {}})
    d = SipClient(server.sip["udp"]).dialog(token=world.access_token)
    # nothing in these conditions needs people
    senders, _ = media.two_voices(lambda ports: d.invite(ports, None, xml=xml))
    time.sleep(1)
    for s in senders:
        s.stop()
    d.bye()
    assert world.wait_recording()["warnings"]


@pytest.mark.parametrize("method", ["MESSAGE", "REGISTER", "PUBLISH", "FOO"])
def test_other_methods_405_with_allow(server, world, method):
    d = SipClient(server.sip["udp"]).dialog(token=world.access_token)
    d.request(method)
    r = d.final()
    assert r.status in (405, 501) and "INVITE" in r.get("allow")


@pytest.mark.parametrize("auth,status", [
    ("Bearer a b c", 400), ("Bearer", 400), ('Bearer "quoted"', 400),
    ("Bearer " + "x" * 9000, 400), ("Basic YTpi", 401), ("Digest username=\"a\"", 401),
])
def test_odd_credentials(server, world, auth, status):
    d = SipClient(server.sip["tcp"], "tcp").dialog()
    d.request("INVITE", multipart(sdp([40000, 40002]), metadata(PEOPLE)),
              "multipart/mixed;boundary=unique-boundary", extra=[f"Authorization: {auth}"])
    assert d.final().status == status


def test_two_credentials_are_refused(server, world):
    d = SipClient(server.sip["udp"]).dialog(token=world.access_token)
    d.request("INVITE", multipart(sdp([40000, 40002]), metadata(PEOPLE)),
              "multipart/mixed;boundary=unique-boundary",
              extra=[f"Authorization: Bearer {world.access_token}"])
    assert d.final().status == 400


def test_a_revoked_token(server, world):
    server.cli("token", "revoke", world.access_token)
    r = SipClient(server.sip["udp"]).dialog(token=world.access_token).invite([40000, 40002], PEOPLE)
    assert r.status == 401 and 'error="invalid_token"' in r.get("www-authenticate")


def test_a_token_is_for_its_own_tenant(server, world):
    World(server, tenant="other")
    d = SipClient(server.sip["udp"]).dialog(token=world.access_token, user="other")
    r = d.invite([40000, 40002], PEOPLE)
    assert r.status == 401 and 'error="invalid_token"' in r.get("www-authenticate")
    d = SipClient(server.sip["udp"]).dialog(token=world.access_token, user="acme")
    assert d.invite([40000, 40002], PEOPLE).status == 200
    d.bye()


# --- the disk


def test_low_disk_refuses_new_calls_and_keeps_running_ones(start, tmp_path):
    server = start()
    world = World(server)
    c = SipClient(server.sip["udp"])
    d = c.dialog(token=world.access_token)
    senders, r = media.two_voices(lambda ports: d.invite(ports, PEOPLE))
    server.settings["server"]["disk_low"] = "900000G"
    server.write_conf()
    server.proc.send_signal(signal.SIGHUP)
    second = SipClient(server.sip["udp"])

    def refused():
        n = second.dialog(token=world.access_token)
        r = n.invite([40000, 40002], PEOPLE)
        if r.status == 200:
            n.bye()
            return None
        return r

    r = wait_for(refused, what="503")
    assert r.status == 503 and int(r.get("retry-after").split(" ")[0].split(";")[0]) > 0
    time.sleep(1)
    for s in senders:
        s.stop()
    assert d.bye().status == 200
    item = wait_for(lambda: next((i for i in world.recordings() if i["state"] == "ready"), None),
                    what="ready")
    left, right = media.decode(world.audio(item["id"], tmp_path / "mix.ogg"))
    assert media.level(left[2000:6000], 440) > 0.15 and media.level(right[2000:6000], 880) > 0.15


# --- the command line


@pytest.mark.parametrize("args", [
    ["nonsense"], ["run", "x"], ["user", "add"], ["client"], ["grant", "add", "--client", "x"],
    ["recordings", "show"], ["call"], ["call", "--to", "nonsense"], ["export"],
    ["recordings", "list", "--limit", "x"], ["user", "add", "--tenant"],
])
def test_wrong_usage_is_exit_2(start, args):
    s = start(run=False)
    done = subprocess.run([str(SRS), "-c", str(s.conf), *args], capture_output=True, text=True,
                          timeout=20, stdin=subprocess.DEVNULL)
    assert done.returncode == 2, (args, done)
    assert done.stderr.startswith("srs") and "Try: srs help" in done.stderr


def test_unknown_ids_are_exit_3(start):
    s = start(run=False)
    s.cli("migrate")
    uid = "00000000-0000-7000-8000-000000000000"
    for args in (["recordings", "show", uid], ["export", uid, "--to", str(s.dir / "x")],
                 ["grant", "revoke", uid], ["token", "add", "--user", "nobody@x.example"]):
        done = subprocess.run([str(SRS), "-c", str(s.conf), *args], capture_output=True, text=True,
                              timeout=20)
        assert done.returncode == 3, (args, done)


def test_help_of_every_word():
    out = subprocess.run([str(SRS), "help"], capture_output=True, text=True).stdout
    words = [line.split()[0] for line in out.splitlines() if line.startswith("  ") and
             not line.startswith("  srs")]
    assert {"run", "demo", "call", "user", "client", "grant", "token", "verify"} <= set(words)
    for word in words:
        if word in ("help", "version"):
            continue
        done = subprocess.run([str(SRS), "help", word], capture_output=True, text=True)
        assert done.returncode == 0 and "srs" in done.stdout
        assert max(map(len, done.stdout.splitlines())) < 80, word


def test_a_recording_kept_in_the_wrong_region_is_refused(start):
    details = {"type": "call_recording", "actions": ["record"], "owner": {"aor": [ALICE]},
               "conditions": {}, "limits": {"region": "eu-west"}}
    for region, status in (("us-east", 403), ("eu-west", 200)):
        server = start({"server": {"region": region}}, name=region)
        world = World(server, details=details)
        d = SipClient(server.sip["udp"]).dialog(token=world.access_token)
        r = d.invite([40000, 40002], PEOPLE)
        assert r.status == status
        if status == 403:
            assert json.loads(r.body)["violations"][0]["path"] == "limits.region"
        else:
            d.bye()
