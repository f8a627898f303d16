"""Pause and resume by the server: nothing that is said then is kept, anywhere."""
import re
import signal
import struct
import subprocess
import time

import pytest
import requests

from lib import sipc
from lib.catalog import Catalog
from lib.media import RtpSender, decode, level, tone_ulaw
from lib.server import ALICE, BOB, DETAILS, SRS, World, wait_for
from lib.sipc import request
from test_sip_calls import PEOPLE, PORTS

MAY = {**DETAILS, "actions": ["record", "pause_resume"]}
ALLOW = "Allow: INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS"
SECRET_HZ = 1500


@pytest.fixture
def world(server):
    return World(server, details=MAY)


@pytest.fixture
def client(world):
    c = sipc.SipClient(world.server.sip["udp"])
    yield c
    c.close()


def start(client, world, extra=(), ports=PORTS):
    d = client.dialog(token=world.access_token)
    r = d.invite(ports, PEOPLE, extra=extra)
    assert r.status == 200
    return d, r, Catalog(world.server).recordings()[-1]["id"]


def ask(world, rec, what, token=None):
    return requests.post(f"{world.server.url}/api/v1/recordings/{rec}/{what}", timeout=10,
                         headers={"Authorization": f"Bearer {token or world.api_token}"})


WAVES = {hz: tone_ulaw(hz, 0, 1600) for hz in (440, SECRET_HZ)}
PIECES = {hz: {(w + w)[i:i + 16] for i in range(1600)} for hz, w in WAVES.items()}


def set_tone(senders, hz):
    for s in senders:
        s.wave = WAVES[hz]


def spool_packets(server, folder):
    """[(wall_us, 20 ms of PCMU)] of everything a live call has on disk."""
    spool, = (server.data / "spool").glob("*.spool")
    out = folder / "dump.pcapng"
    subprocess.run([str(SRS), "spool", "dump", str(spool), "-o", str(out)], check=True,
                   capture_output=True)
    data, at, packets = out.read_bytes(), 0, []
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            _, hi, lo, caplen, _ = struct.unpack_from("<IIIII", data, at + 8)
            frame = data[at + 28:at + 28 + caplen]
            if caplen >= 160 + 12:
                packets.append((hi << 32 | lo, frame[-160:]))
        at += size
    return packets


def is_tone(payload, hz):
    return payload[:16] in PIECES[hz]


def test_nothing_of_a_pause_is_kept(client, world, tmp_path):
    senders = [RtpSender(("127.0.0.1", 9), 440, seed=i) for i in range(2)]
    d, r, rec = start(client, world, ports=[s.port for s in senders])
    for s, port in zip(senders, r.ports()):
        s.dest = ("127.0.0.1", port)
        s.start()
    took, api = [], []
    for _ in range(3):
        set_tone(senders, 440)
        time.sleep(0.4)  # talk that is kept
        t0 = time.time()
        answer = ask(world, rec, "pause")
        t1 = time.time()
        set_tone(senders, SECRET_HZ)
        assert answer.status_code == 200, answer.text
        api.append(1000 * (t1 - t0))
        took.append((t0, answer.json()["took_ms"]))
        time.sleep(0.4)  # the secret
        set_tone(senders, 440)
        time.sleep(0.06)  # what is on the wire arrives
        assert ask(world, rec, "resume").status_code == 200
    time.sleep(0.5)
    kept = wait_for(lambda: [p for p in spool_packets(world.server, tmp_path)
                             if p[0] / 1e6 > took[-1][0] + 0.6], 10, "the end is on disk")
    kept = spool_packets(world.server, tmp_path)
    for s in senders:
        s.stop()
    assert d.bye().status == 200
    assert not [p for p in kept if is_tone(p[1], SECRET_HZ)]
    assert len([p for p in kept if is_tone(p[1], 440)]) > 100
    late = [max([p[0] / 1e6 - t0 for p in kept if p[0] / 1e6 < t0 + 0.4] or [0]) for t0, _ in took]
    print("pause: API answered after", [f"{v:.1f}" for v in api], "ms; capture had it after",
          [f"{v:.1f}" for _, v in took], "ms; last packet kept after",
          [f"{1000 * v:.1f}" for v in late], "ms")
    assert min(late) < 0.1 and min(v for _, v in took) < 100
    item = world.wait_recording()
    mix = tmp_path / "mix.ogg"
    mix.write_bytes(world.server.get(f"/api/v1/recordings/{rec}/audio", world.api_token).content)
    for ch in decode(mix):
        assert level(ch, 440) > 0.05
        for k in range(0, len(ch) - 1600, 1600):
            assert level(ch[k:k + 1600], SECRET_HZ) < 0.01, f"secret at {k / 8000} s"
    assert item["duration_s"] > 2.9  # a pause is silence of its length
    cat = Catalog(world.server)
    kinds = [k for k, _ in cat.events()]
    assert kinds.count("pause") == 3 and kinds.count("unpause") == 3
    assert [a["result"] for a in cat.audit("recording.pause")] == ["ok"] * 3
    assert cat.audit("recording.resume")[0]["actor"].startswith("user:")


def answer_invite(client, d, m, status=200, direction="inactive"):
    body = sipc.sdp(PORTS, client.host, direction).encode() if status == 200 else b""
    lines = [f"SIP/2.0 {status} Whatever"]
    lines += [f"{n}: {v}" for n, v in m.headers if n in ("via", "from", "to", "call-id", "cseq")]
    if body:
        lines += [f"Contact: <sip:sbc@{client.hostport}>;+sip.src", "Content-Type: application/sdp"]
    client.send("\r\n".join(lines + [f"Content-Length: {len(body)}"]).encode() + b"\r\n\r\n" + body)


def test_client_is_asked_to_stop_sending(client, world):
    d, r, rec = start(client, world, extra=[ALLOW])
    assert ask(world, rec, "pause").status_code == 200
    m = request(client)
    assert m.method == "INVITE" and m.body.count(b"a=inactive") == 2
    assert [b"a=label:1" in m.body, b"a=label:2" in m.body] == [True, True]
    assert "+sip.srs" in m.get("contact")
    first = int(m.body.split(b"o=srs ")[1].split(b" ")[1])
    answer_invite(client, d, m)
    ack = request(client)
    assert ack.method == "ACK" and ack.cseq[0] == m.cseq[0]
    answer_invite(client, d, m)  # the ACK was lost
    assert request(client).method == "ACK"
    r = d.invite(PORTS, PEOPLE, extra=[ALLOW])  # a session refresh keeps the pause
    assert r.status == 200 and r.body.count(b"a=inactive") == 2
    assert ask(world, rec, "pause").status_code == 200  # again: nothing happens
    assert ask(world, rec, "resume").status_code == 200
    m = request(client)
    assert m.method == "INVITE" and m.body.count(b"a=recvonly") == 2
    assert int(m.body.split(b"o=srs ")[1].split(b" ")[1]) > first
    answer_invite(client, d, m, direction="sendonly")
    assert request(client).method == "ACK"
    assert d.bye().status == 200


def test_pause_lasts_through_a_change_by_the_client(client, world):
    d, r, rec = start(client, world)
    assert ask(world, rec, "pause").status_code == 200
    r = d.invite(PORTS + [40004], PEOPLE)
    assert r.status == 200 and len(r.ports()) == 3
    assert r.body.count(b"a=inactive") == 3
    sender = RtpSender(("127.0.0.1", r.ports()[2]), 440, local=("127.0.0.1", 0), seconds=0.3)
    sender.start()
    sender.join()
    d.bye()
    cat = Catalog(world.server)
    cat.wait_ended()
    assert "media.none" in cat.warnings()


def test_client_that_refuses_is_paused_all_the_same(client, world):
    d, _, rec = start(client, world, extra=[ALLOW])
    assert ask(world, rec, "pause").status_code == 200
    m = request(client)
    answer_invite(client, d, m, status=491)
    assert request(client).method == "ACK"
    m = request(client)  # asked again
    assert m.method == "INVITE" and b"a=inactive" in m.body
    answer_invite(client, d, m, status=488)
    assert request(client).method == "ACK"
    Catalog(world.server).wait_warning("sip.pause_not_taken")
    assert d.bye().status == 200
    # each answer is in the ladder once, before its ACK
    seen = wait_for(lambda: (m := world.server.get(
        f"/api/v1/recordings/{rec}/signalling?format=json", world.api_token).json()["items"])
        and m[-1]["method"] == "BYE" and m, what="the BYE")
    first, = [i for i, m in enumerate(seen) if m["status"] == 491]
    second, = [i for i, m in enumerate(seen) if m["status"] == 488]
    for i in (first, second):
        assert [(m["dir"], m["method"], m["status"]) for m in seen[i - 1:i + 2]] == [
            ("out", "INVITE", None), ("in", "INVITE", seen[i]["status"]), ("out", "ACK", None)]


def test_pause_survives_a_restart_of_each_process(client, world):
    d, r, rec = start(client, world)
    assert ask(world, rec, "pause").status_code == 200
    for role in ("sip", "capture"):
        world.server.kill_role(role)
        Catalog(world.server).wait_warning(f"{role}.restarted", 20)
    senders = [RtpSender(("127.0.0.1", p), 440, seconds=0.3) for p in r.ports()]
    for s in senders:
        s.start()
    for s in senders:
        s.join()
    assert d.bye().status == 200
    cat = Catalog(world.server)
    cat.wait_ended()
    assert "media.none" in cat.warnings()


def test_who_may_pause(client, world, server):
    d, _, rec = start(client, world)
    assert ask(world, rec, "pause", token=world.access_token).status_code == 200  # its provider
    other = World(server, tenant="other", details=MAY)
    assert ask(world, rec, "resume", token=other.api_token).status_code == 404
    server.cli("user", "add", "--tenant", "acme", "--email", "ear@acme.example", "--role",
               "listener", "--password-stdin", stdin="correct horse battery\n")
    ear = server.cli("token", "add", "--user", "ear@acme.example")["token"]
    assert ask(world, rec, "resume", token=ear).status_code in (403, 404)
    done = server.cli("recordings", "resume", rec)
    assert done["state"] == "done" and done["recording_id"] == rec
    # ids stay, names come with them
    assert ask(world, rec, "pause").status_code == 200
    by = [(e["actor"], e["actor_name"]) for e in world.recording(rec)["events"]
          if e["kind"] in ("pause", "unpause")]
    assert by == [(f"client:{world.client_id}", "Example VoIP"), ("operator", "the operator"),
                  (f"user:{world.user_id}", world.email)]
    shown = subprocess.run([str(SRS), "-c", str(server.conf), "recordings", "show", rec],
                           capture_output=True, text=True, check=True).stdout
    assert re.findall(r"pause: (.*)", shown) == ["Example VoIP", "the operator", world.email]
    assert f"{world.user_id} ({world.email})" in shown, shown
    assert f"{world.client_id} (Example VoIP)" in shown, shown
    assert ask(world, rec, "resume").status_code == 200
    d.bye()
    Catalog(server).wait_ended()
    assert ask(world, rec, "pause").status_code == 409
    server.cli("recordings", "pause", rec, code=1)


def test_grant_must_allow_it(server):
    world = World(server)
    client = sipc.SipClient(server.sip["udp"])
    d, _, rec = start(client, world)
    answer = ask(world, rec, "pause")
    assert answer.status_code == 403 and "pause_resume" in answer.json()["detail"]
    assert Catalog(server).audit("recording.pause")[0]["result"] == "refused"
    server.cli("recordings", "pause", rec, code=4)
    d.bye()
    client.close()


def test_our_own_client_takes_a_pause(world):
    """A pause is inactive, its answer is inactive, and the other way round."""
    server = world.server
    call = subprocess.Popen(
        [str(SRS), "call", "--to", "sip:%s:%d" % server.sip["udp"], "--token",
         world.access_token, "--participant", ALICE, "--participant", BOB, "--duration", "600"],
        stdout=subprocess.PIPE, text=True)
    lines = iter(call.stdout.readline, "")

    def until(text):
        return next(line for line in lines if text in line)

    try:
        until("answered 200")
        rec = Catalog(server).recordings()[-1]["id"]
        for _ in range(2):
            assert ask(world, rec, "pause").status_code == 200
            until("paused by the server")
            shown, = world.recordings()
            assert shown["state"] == "recording" and shown["paused"] is True
            assert world.recording(rec)["paused"] is True
            assert server.cli("recordings", "show", rec)["paused"] is True
            assert ask(world, rec, "resume").status_code == 200
            until("resumed by the server")
            assert world.recordings()[0]["paused"] is False
        call.send_signal(signal.SIGINT)
        until("ended after")
        assert world.recordings()[0]["paused"] is False
        assert call.wait(20) == 0
    finally:
        if call.poll() is None:
            call.kill()
            call.wait()
    seen = server.get(f"/api/v1/recordings/{rec}/signalling?format=json",
                      world.api_token).json()["items"]
    answers = [m["body"] for m in seen if m["body"].startswith("SIP/2.0 200")
               and "a=inactive" in m["body"]]
    assert len(answers) == 2 and all("m=audio" in a for a in answers)
    assert not [m for m in seen if m["body"].startswith("SIP/2.0 4")]
    assert not [w for w in world.recording(rec)["warnings"] if w["code"].startswith("sip.")]
