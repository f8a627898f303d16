"""The use case of the service, whole: consent over HTTP, calls over SIP with
refresh in between, conditions that say no, and what the owner hears at the end."""
import json
import os
import re
import subprocess
import time

import pytest
import requests

from lib import media
from lib.server import ALICE, BOB, CAROL, SRS, World, wait_for
from lib.sipc import SipClient, metadata

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


def talk(dialog, seconds, participants=PEOPLE, tones=(440, 880), **kw):
    """A call with one tone per participant. Returns the answer to the INVITE."""
    senders = [media.RtpSender(("127.0.0.1", 9), hz, **kw) for hz in tones]
    r = dialog.invite([s.port for s in senders], participants)
    if r.status == 200:
        for s, port in zip(senders, r.ports()):
            s.dest = ("127.0.0.1", port)
            s.start()
        time.sleep(seconds)
    for s in senders:
        if s.ident:
            s.stop()
    return r


def test_two_voices_left_and_right(server, world, tmp_path):
    c = SipClient(server.sip["udp"])
    d = c.dialog(token=world.access_token)
    assert talk(d, 4).status == 200
    assert d.bye().status == 200
    item = world.wait_recording()
    assert abs(item["duration_s"] - 4) < 0.3
    assert [p["aor"] for p in item["participants"]] == [ALICE, BOB]
    left, right = media.decode(world.audio(item["id"], tmp_path / "mix.ogg"))
    mid = slice(8000, 24000)
    assert media.level(left[mid], 440) > 0.2 and media.level(right[mid], 880) > 0.2
    # 30 dB between a voice and its leak into the other side
    assert media.level(left[mid], 880) < media.level(right[mid], 880) / 30
    assert media.level(right[mid], 440) < media.level(left[mid], 440) / 30


def test_answer_contract(server, world):
    c = SipClient(server.sip["udp"])
    d = c.dialog(token=world.access_token)
    r = d.invite([40000, 40002], PEOPLE)
    assert r.status == 200
    assert r.get("content-type") == "application/sdp"
    assert "+sip.srs" in r.get("contact")
    body = r.body.decode()
    assert body.count("m=audio") == 2 and all(p % 2 == 0 and p for p in r.ports())
    assert body.index("a=label:1") < body.index("a=label:2")
    assert body.count("a=recvonly") == 2
    d.bye()


def test_hold_is_silence_of_the_right_length(server, world, tmp_path):
    c = SipClient(server.sip["udp"])
    d = c.dialog(token=world.access_token)
    (a, b), r = media.two_voices(lambda ports: d.invite(ports, PEOPLE))
    begin = time.monotonic()
    time.sleep(2)
    a.muted.set(), b.muted.set()
    hold = time.monotonic()
    r = d.invite([a.port, b.port], PEOPLE, direction="inactive", version=2)
    assert r.status == 200 and r.body.count(b"a=inactive") == 2
    time.sleep(2)
    r = d.invite([a.port, b.port], PEOPLE, version=3)
    assert r.status == 200 and r.body.count(b"a=recvonly") == 2
    a.muted.clear(), b.muted.clear()
    held = time.monotonic() - hold
    time.sleep(2)
    a.stop(), b.stop()
    total = time.monotonic() - begin
    d.bye()
    item = world.wait_recording()
    assert abs(item["duration_s"] - total) < 0.4
    left, right = media.decode(world.audio(item["id"], tmp_path / "mix.ogg"))
    for side in (left, right):
        gaps = [g for g in media.silences(side) if g[0] > 0.5 and g[0] + g[1] < total - 0.5]
        assert len(gaps) == 1, gaps
        assert abs(gaps[0][0] - (hold - begin)) < 0.25 and abs(gaps[0][1] - held) < 0.25
    kinds = [e["kind"] for e in world.recording(item["id"])["events"]]
    assert "hold" in kinds and "resume" in kinds


def test_loss_and_reordering(server, world, tmp_path):
    c = SipClient(server.sip["udp"])
    d = c.dialog(token=world.access_token)
    assert talk(d, 6, loss=0.01, reorder=True).status == 200
    d.bye()
    item = world.wait_recording()
    assert abs(item["duration_s"] - 6) < 0.3
    left, right = media.decode(world.audio(item["id"], tmp_path / "mix.ogg"))
    assert media.level(left[8000:40000], 440) > 0.2
    assert media.level(right[8000:40000], 880) > 0.2
    assert any(w["code"].startswith("media.") for w in item["warnings"])


@pytest.mark.parametrize("codec,hz", [("PCMA", 8000), ("opus", 48000)])
def test_other_codecs_by_our_own_client(server, world, tmp_path, codec, hz):
    done = server.cli("call", "--to", "sip:%s:%d" % server.sip["udp"], "--token", world.access_token,
                      "--participant", ALICE, "--participant", BOB, "--codec", codec,
                      "--duration", 4)
    assert done
    item = world.wait_recording()
    assert abs(item["duration_s"] - 4) < 0.5
    left, right = media.decode(world.audio(item["id"], tmp_path / "mix.ogg"))
    assert media.rms(left[8000:24000]) > 0.02 and media.rms(right[8000:24000]) > 0.02


def test_no_token_is_challenged(server, world):
    c = SipClient(server.sip["udp"])
    r = c.dialog().invite([40000, 40002], PEOPLE)
    assert r.status == 401
    challenge = r.get("www-authenticate")
    assert challenge.startswith("Bearer ") and "realm=" in challenge and "error" not in challenge
    assert f'authz_server="{server.url}"' in challenge


@pytest.mark.parametrize("token", ["srs_at_junk", "x.y.z", "srs_at_" + "A" * 60])
def test_a_forged_token_is_invalid(server, world, token):
    r = SipClient(server.sip["udp"]).dialog(token=token).invite([40000, 40002], PEOPLE)
    assert r.status == 401 and 'error="invalid_token"' in r.get("www-authenticate")


def test_outside_the_conditions(server, world):
    r = SipClient(server.sip["udp"]).dialog(token=world.access_token).invite(
        [40000, 40002], [(BOB, "Bob"), (CAROL, "Carol")])
    assert r.status == 403
    assert r.get("warning").startswith("399 ")
    problem = json.loads(r.body)
    assert any("owner" in v["path"] for v in problem["violations"])
    assert world.recordings() == []


def test_no_usable_codec(server, world):
    r = SipClient(server.sip["udp"]).dialog(token=world.access_token).invite(
        [40000, 40002], PEOPLE, codecs=((96, "UNKNOWN/8000"),))
    assert r.status in (403, 488)  # not authorized, or not recordable: never 200


def test_another_tenants_recording_is_not_there(server, world):
    c = SipClient(server.sip["udp"])
    d = c.dialog(token=world.access_token)
    assert talk(d, 1).status == 200
    d.bye()
    item = world.wait_recording()
    other = World(server, tenant="other")
    assert other.recordings() == []
    for path in ("", "/audio", "/peaks"):
        server.get(f"/api/v1/recordings/{item['id']}{path}", other.api_token, code=404)


def test_refresh_over_http_then_invite_again(start, tmp_path):
    """Part 2 of the use case: expired -> 401 -> refresh over HTTP -> 200."""
    # what was accepted before the token expired has the same session id
    server = start({"oauth": {"access_token": "1s"}, "stitch": {"duplicates": "link"}})
    world = World(server)
    c = SipClient(server.sip["udp"])
    wait_for(lambda: c.dialog(token=world.access_token).invite([40000, 40002], PEOPLE).status == 401,
             what="the access token to expire")
    r = requests.post(server.url + "/token", timeout=10,
                      auth=(world.client_id, world.client_secret),
                      data={"grant_type": "refresh_token", "refresh_token": world.refresh_token})
    assert r.status_code == 200, r.text
    tokens = r.json()
    assert tokens["refresh_token"] != world.refresh_token
    d = c.dialog(token=tokens["access_token"])
    assert talk(d, 1).status == 200
    d.bye()
    world.wait_recording()


def test_a_third_party_joins_whom_the_owner_denied(start):
    details = {"type": "call_recording", "actions": ["record"], "owner": {"aor": [ALICE]},
               "conditions": {"participants": {"min": 2, "match": "any", "deny": [CAROL]}}}
    server = start()
    world = World(server, details=details)
    c = SipClient(server.sip["udp"])
    d = c.dialog(token=world.access_token)
    senders, r = media.two_voices(lambda ports: d.invite(ports, PEOPLE))
    time.sleep(1)
    r = d.update(metadata(PEOPLE + [(CAROL, "Carol")]))
    ended = r.status == 403
    if not ended:
        bye = c.recv(5)
        ended = bye is not None and bye.method == "BYE"
    for s in senders:
        s.stop()
    assert ended
    world.wait_recording()


def test_revocation_ends_the_call_within_a_second(server, world):
    c = SipClient(server.sip["udp"])
    d = c.dialog(token=world.access_token)
    senders, r = media.two_voices(lambda ports: d.invite(ports, PEOPLE))
    time.sleep(1)
    server.cli("grant", "revoke", world.grant_id)
    bye = c.recv(5)
    for s in senders:
        s.stop()
    assert bye is not None and bye.method == "BYE"
    assert "cause=403" in bye.get("reason")
    d.answer(bye)
    assert world.wait_recording()
    r = c.dialog(token=world.access_token).invite([40000, 40002], PEOPLE)
    assert r.status == 401


def test_demo():
    done = subprocess.run([str(SRS), "demo", "--json"], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    out = json.loads(done.stdout.strip().splitlines()[-1])
    assert set(out) >= {"recording_id", "duration_s", "participants", "mix_path", "audio_url",
                        "ui_url", "login", "password", "access_token", "sip_uri"}
    probe = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration",
                            "-of", "csv=p=0", out["mix_path"]], capture_output=True, text=True)
    assert abs(float(probe.stdout) - out["duration_s"]) < 0.2
    folder = os.path.dirname(os.path.dirname(out["mix_path"]))
    while folder != "/" and not os.path.exists(os.path.join(folder, "srs.conf")):
        folder = os.path.dirname(folder)
    assert os.path.basename(folder).startswith("srs-demo-")
    subprocess.run(["rm", "-rf", folder], check=True)


def test_demo_without_a_terminal_says_how_to_look_at_it(tmp_path):
    """Its server has ended: no address that nobody answers is printed."""
    done = subprocess.run([str(SRS), "demo", "--data", str(tmp_path / "demo")], capture_output=True,
                          text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    end = done.stdout[done.stdout.index("Recorded:"):]
    assert "http://" not in end and "srs_at_" not in end
    command = re.search(r"to look at it: srs (-c \S+ run)", end)[1].split()
    server = subprocess.Popen([str(SRS), *command], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        ready = json.loads(server.stdout.readline())
        login, password = re.search(r"login +(\S+) +password +(\S+)", end).groups()
        page = requests.Session()
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.get(ready["url"] + "/login").text)[1]
        r = page.post(ready["url"] + "/login", data={"email": login, "password": password,
                                                     "csrf": csrf, "next": "/recordings"})
        assert r.status_code == 200 and "Alice" in r.text and "Bob" in r.text
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()
