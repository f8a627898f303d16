"""Calls over SIP: the plain way, refusals, changes, ends. Only the sip and capture roles matter."""
import copy
import json
import re
import time

import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.media import RtpSender, two_voices
from lib.server import ALICE, BOB, CAROL, DETAILS, World, wait_for
from lib.sipc import request

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
PORTS = [40000, 40002]  # nobody sends from there


@pytest.fixture
def client(world):
    c = sipc.SipClient(world.server.sip["udp"])
    yield c
    c.close()


def call(client, world, people=PEOPLE, ports=PORTS, token=True, **kw):
    d = client.dialog(token=world.access_token if token is True else token)
    return d, d.invite(ports, people, **kw)


def details(**conditions):
    d = copy.deepcopy(DETAILS)
    d["conditions"].update(conditions)
    return d


def speak(dialog_answer, seconds=0.5, hz=(440, 880)):
    """RTP to every port of an answer."""
    senders = [RtpSender(("127.0.0.1", p), f, seconds=seconds) for p, f in zip(dialog_answer.ports(), hz)]
    for s in senders:
        s.start()
    for s in senders:
        s.join()


# -- the plain way


def test_call_is_answered_by_contract(client, world):
    d, r = call(client, world)
    assert r.status == 200
    assert r.get("content-type") == "application/sdp"
    assert "+sip.srs" in r.get("contact")
    assert "siprec" in r.get("supported") and "timer" in r.get("supported")
    assert r.get("require") == "siprec"
    assert len(r.ports()) == 2 and all(p and p % 2 == 0 for p in r.ports())
    assert re.findall(rb"a=label:(\S+)", r.body) == [b"1", b"2"]
    assert r.body.count(b"a=recvonly") == 2
    assert d.bye().status == 200


def test_call_is_in_the_catalog(client, world):
    d, r = call(client, world, extra=["X-Genesys-CallUUID: abc-123"])
    speak(r)
    assert d.bye().status == 200
    cat = Catalog(world.server)
    row = cat.wait_ended()
    assert row["state"] in ("rendering", "ready", "failed") and row["end_reason"] == "bye"
    assert row["call_id"] == d.call_id
    assert json.loads(row["meta"]) == {"X-Genesys-CallUUID": "abc-123"}
    people = cat.rows("SELECT ord, aor, name FROM participants ORDER BY ord")
    assert [(p["ord"], p["aor"], p["name"]) for p in people] == [(0, ALICE, "Alice"), (1, BOB, "Bob")]
    streams = cat.rows("SELECT idx, label, codec, participant FROM streams ORDER BY idx")
    assert [tuple(s.values()) for s in streams] == [(0, "1", "PCMU", 0), (1, "2", "PCMU", 1)]
    assert cat.audit("call.accept")


def test_signalling_is_kept_without_secrets(client, world):
    d, _ = call(client, world)
    d.bye()
    cat = Catalog(world.server)

    def all_there():
        rows = cat.rows("SELECT dir, body FROM signalling ORDER BY id")
        return rows if len(rows) >= 6 else None
    rows = wait_for(all_there, 5, "six messages")
    starts = [(r["dir"], b" ".join(r["body"].split(b"\r\n")[0].split(b" ")[:2])) for r in rows]
    assert [(d, s.split(b" ")[0] if s[:3] != b"SIP" else s) for d, s in starts] == [
        ("in", b"INVITE"), ("out", b"SIP/2.0 100"), ("out", b"SIP/2.0 200"), ("in", b"ACK"),
        ("in", b"BYE"), ("out", b"SIP/2.0 200")]
    assert all(b"srs_at_" not in r["body"] for r in rows)
    assert b"Authorization: Bearer [removed]\r\n" in rows[0]["body"]


def test_call_without_media_is_failed(client, world):
    d, _ = call(client, world)
    d.bye()
    row = Catalog(world.server).wait_ended()
    assert row["state"] == "failed"
    assert "media.none" in Catalog(world.server).warnings()
    spool = world.server.data / "spool"
    wait_for(lambda: not list(spool.glob("*.spool")), 5, "the empty spool file is removed")


def test_many_calls_at_once(client, world):
    dialogs = [client.dialog(token=world.access_token) for _ in range(30)]
    for d in dialogs:
        d.request("INVITE", sipc.multipart(sipc.sdp(PORTS), sipc.metadata(PEOPLE)),
                  "multipart/mixed;boundary=unique-boundary")
    by_id = {d.call_id: d for d in dialogs}
    answered = set()
    while len(answered) < len(dialogs):
        m = client.recv(10)
        assert m, f"{len(answered)} answered"
        if m.status == 200 and m.get("call-id") not in answered:
            d = by_id[m.get("call-id")]
            d.to_tag = re.search(r";tag=([^;>\s]+)", m.get("to"))[1]
            d.request("ACK", cseq=1)
            answered.add(d.call_id)
    for d in dialogs:
        d.request("BYE")
    gone = set()
    while len(gone) < len(dialogs):
        m = client.recv(10)
        assert m, f"{len(gone)} ended"
        if m.status == 200 and m.cseq[1] == "BYE":
            gone.add(m.get("call-id"))
    Catalog(world.server).wait_ended(count=30)


# -- what the gate says


def test_no_token_is_challenged_without_error(client, world):
    _, r = call(client, world, token=None)
    assert r.status == 401
    challenge = r.get("www-authenticate")
    assert challenge.startswith("Bearer ") and 'realm="' in challenge
    assert 'scope="call-recording"' in challenge and 'authz_server="' in challenge
    assert "error" not in challenge


@pytest.mark.parametrize("token", ["nonsense", "srs_at_abc.def", "a" * 2000])
def test_bad_token_is_invalid_token(client, world, token):
    _, r = call(client, world, token=token)
    assert r.status == 401
    assert 'error="invalid_token"' in r.get("www-authenticate")


def test_revoked_token_is_invalid_token(client, world):
    world.server.cli("grant", "revoke", world.grant_id)
    _, r = call(client, world)
    assert r.status == 401 and 'error="invalid_token"' in r.get("www-authenticate")


@pytest.mark.parametrize("value", ["Bearer", "Bearer a b", 'Bearer "x"', "Bearer tok;en"])
def test_malformed_credentials_are_400(client, world, value):
    _, r = call(client, world, token=None, extra=[f"Authorization: {value}"])
    assert r.status in (400, 401), r.raw
    if value != "Bearer":
        assert r.status == 400 and r.get("warning", ).startswith("399")


def test_two_bearer_credentials_are_400(client, world):
    _, r = call(client, world, extra=[f"Authorization: Bearer {world.access_token}"])
    assert r.status == 400


def test_outside_the_conditions_is_403(client, world):
    _, r = call(client, world, people=[(CAROL, "Carol"), (BOB, "Bob")])
    assert r.status == 403
    assert r.get("warning").startswith("399")
    assert r.get("content-type") == "application/problem+json"
    problem = json.loads(r.body)
    assert problem["violations"] and all({"path", "required", "got"} <= set(v) for v in problem["violations"])
    assert Catalog(world.server).audit("call.refuse") or Catalog(world.server).rows(
        "SELECT * FROM audit WHERE result = 'refused'")
    assert not Catalog(world.server).recordings()


def test_no_usable_codec_is_488(client, world):
    world2 = World(world.server, tenant="any", details=details(media=[{"kind": "audio"}]))
    _, r = call(client, world2, codecs=((96, "EVS/16000"),))
    assert r.status == 488
    assert r.get("warning").startswith("305")


def test_announcement_may_be_demanded(client, world):
    world2 = World(world.server, tenant="told", details=details(announce="required"))
    assert call(client, world2)[1].status == 403
    d, r = call(client, world2, extra=["X-Recording-Announced: yes"])
    assert r.status == 200
    d.bye()


def test_concurrent_calls_are_486(client, world):
    world2 = World(world.server, tenant="one", details=details(max_concurrent=1))
    d, r = call(client, world2)
    assert r.status == 200
    d2, r2 = call(client, world2)
    assert r2.status == 486 and r2.get("retry-after")
    d.bye()
    Catalog(world.server).wait_ended()
    assert call(client, world2)[1].status == 200


def test_body_that_is_no_sdp_is_400(client, world):
    _, r = call(client, world, body="hello", ctype="application/sdp")
    assert r.status == 400


def test_full_node_is_503(start):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "max_calls": 1}}))
    client = sipc.SipClient(world.server.sip["udp"])
    d, r = call(client, world)
    assert r.status == 200
    _, r = call(client, world)
    assert r.status == 503 and int(r.get("retry-after")) > 0
    o = client.dialog(token=None)
    o.request("OPTIONS")
    assert o.final().status == 503
    d.bye()


def test_low_disk_is_503(start):
    world = World(start({"server": {"disk_low": "900G"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    _, r = call(client, world)
    assert r.status == 503 and r.get("retry-after")


# -- other methods


def test_options_says_what_we_can(client, world):
    o = client.dialog(token=None)
    o.request("OPTIONS")
    r = o.final()
    assert r.status == 200
    assert "INVITE" in r.get("allow") and "application/rs-metadata" in r.get("accept")
    assert "siprec" in r.get("supported")


@pytest.mark.parametrize("method", ["MESSAGE", "INFO", "REGISTER"])
def test_other_methods_are_405(client, world, method):
    o = client.dialog(token=world.access_token)
    o.request(method)
    r = o.final()
    assert r.status == 405 and "INVITE" in r.get("allow")


@pytest.mark.parametrize("method", ["BYE", "UPDATE"])
def test_unknown_dialog_is_481(client, world, method):
    o = client.dialog(token=world.access_token)
    o.to_tag = "nobody"
    o.request(method)
    assert o.final().status == 481


def test_too_short_session_timer_is_422(client, world):
    _, r = call(client, world, extra=["Supported: timer", "Session-Expires: 30"])
    assert r.status == 422 and r.get("min-se") == "90"


def test_session_timer_client_refreshes(client, world):
    d, r = call(client, world, extra=["Supported: timer", "Session-Expires: 600;refresher=uac"])
    assert r.status == 200 and r.get("session-expires") == "600;refresher=uac"
    d.bye()


def test_cancel_leaves_nothing(client, world):
    d = client.dialog(token=world.access_token)
    n = d.request("INVITE", sipc.multipart(sipc.sdp(PORTS), sipc.metadata(PEOPLE)),
                  "multipart/mixed;boundary=unique-boundary")
    branch = d.branch
    d.request("CANCEL", cseq=n, branch=branch)
    seen = {}
    while "INVITE" not in seen or "CANCEL" not in seen:
        m = client.recv(10)
        assert m
        if m.status >= 200:
            seen[m.cseq[1]] = m
    if seen["INVITE"].status == 200:  # too late for the CANCEL
        assert seen["CANCEL"].status == 481
        d.to_tag = re.search(r";tag=([^;>\s]+)", seen["INVITE"].get("to"))[1]
        d.request("ACK", cseq=n)
        d.bye()
    else:
        assert seen["INVITE"].status == 487 and seen["CANCEL"].status == 200
        assert not Catalog(world.server).recordings()


# -- changes within a call


def test_hold_and_resume(client, world):
    d, r = call(client, world)
    ports = r.ports()
    d.request("INVITE", sipc.sdp(PORTS, direction=["inactive", "sendonly"], version=2), "application/sdp")
    r = d.final()
    d.request("ACK", cseq=d.cseq)
    assert r.status == 200 and r.ports() == ports
    assert re.findall(rb"a=(inactive|recvonly)", r.body) == [b"inactive", b"recvonly"]
    d.request("INVITE", sipc.sdp(PORTS, version=3), "application/sdp")
    r = d.final()
    d.request("ACK", cseq=d.cseq)
    assert r.status == 200 and r.body.count(b"a=recvonly") == 2 and r.ports() == ports
    d.bye()
    cat = Catalog(world.server)
    cat.wait_ended()
    assert cat.events() == [("hold", 0), ("resume", 0)]


@pytest.mark.parametrize("how", ["inactive", "0.0.0.0"])
def test_hold_of_everything(client, world, how):
    d, _ = call(client, world)
    text = sipc.sdp(PORTS, direction="inactive", version=2) if how == "inactive" else \
        sipc.sdp(PORTS, host="0.0.0.0", version=2)
    d.request("UPDATE", text, "application/sdp")
    assert d.final().status == 200
    cat = Catalog(world.server)
    cat.wait_event("hold")
    assert cat.events() == [("hold", 0), ("hold", 1)]
    d.bye()


def test_refresh_changes_nothing(client, world):
    d, first = call(client, world)
    for _ in range(3):
        d.request("INVITE", sipc.sdp(PORTS), "application/sdp")
        r = d.final()
        d.request("ACK", cseq=d.cseq)
        assert r.status == 200 and r.body == first.body
    d.request("INVITE")  # without an offer: ours
    r = d.final()
    d.request("ACK", cseq=d.cseq)
    assert r.status == 200 and r.body == first.body
    d.bye()
    cat = Catalog(world.server)
    cat.wait_ended()
    assert cat.events() == []


def test_participants_come_and_go(client, world):
    d, _ = call(client, world)
    assert d.update(sipc.metadata(PEOPLE + [(CAROL, "Carol")])).status == 200
    cat = Catalog(world.server)
    cat.wait_event("join")
    assert d.update(sipc.metadata([(ALICE, "Alice"), (BOB, "Bob")])).status == 200
    cat.wait_event("leave")
    rows = cat.rows("SELECT ord, aor, left_us FROM participants ORDER BY ord")
    assert [r["aor"] for r in rows] == [ALICE, BOB, CAROL]
    assert rows[2]["left_us"] > 0 and rows[0]["left_us"] == 0
    d.bye()


def test_denied_person_ends_the_recording(client, world):
    world2 = World(world.server, tenant="deny",
                   details=details(participants={"min": 2, "match": "any", "deny": [CAROL]}))
    d, r = call(client, world2)
    assert r.status == 200
    r = d.update(sipc.metadata(PEOPLE + [(CAROL, "Carol")]))
    assert r.status == 403 and r.get("warning").startswith("399")
    bye = request(client)
    assert bye.method == "BYE" and "403" in bye.get("reason")
    d.answer(bye)
    assert Catalog(world.server).wait_ended()["end_reason"] == "conditions"


def test_widening_is_refused_and_the_call_goes_on(client, world):
    d, _ = call(client, world)
    d.request("INVITE", sipc.sdp(PORTS, codecs=((9, "G722/8000"),), version=2), "application/sdp")
    r = d.final()
    d.request("ACK", cseq=d.cseq, branch=d.branch)
    assert r.status in (403, 488)
    assert d.bye().status == 200


def test_new_stream_in_a_call(client, world):
    d, first = call(client, world)
    d.request("INVITE", sipc.sdp(PORTS + [40004], version=2), "application/sdp")
    r = d.final()
    d.request("ACK", cseq=d.cseq)
    assert r.status == 200 and r.ports()[:2] == first.ports() and r.ports()[2]
    d.bye()


# -- ends


def test_revoked_grant_ends_the_call_within_a_second(client, world):
    d, r = call(client, world)
    speak(r)
    world.server.cli("grant", "revoke", world.grant_id)
    t = time.monotonic()
    bye = request(client, 5)
    assert time.monotonic() - t < 1.0
    assert bye.method == "BYE"
    assert bye.get("reason") == 'SIP;cause=403;text="Authorization revoked"'
    d.answer(bye)
    row = Catalog(world.server).wait_ended()
    assert row["end_reason"] == "revoked" and row["state"] != "failed"


def test_longest_duration_ends_the_call(client, world):
    world2 = World(world.server, tenant="short", details=details(max_duration_s=1))
    d, r = call(client, world2)
    assert r.status == 200
    bye = request(client, 5)
    assert bye.method == "BYE"
    d.answer(bye)
    assert Catalog(world.server).wait_ended()["end_reason"] == "max_duration"


def test_silence_ends_the_call(start):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "media_timeout": "1s"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    d, r = call(client, world)
    speak(r, 2.0)  # media keeps it alive
    assert Catalog(world.server).recordings()[0]["state"] == "recording"
    bye = request(client, 5)
    assert bye.method == "BYE"
    d.answer(bye)
    row = Catalog(world.server).wait_ended()
    assert row["end_reason"] == "timeout" and row["state"] != "failed"


def test_silence_is_asked_about_first(start):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "media_timeout": "1s"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    d, _ = call(client, world, extra=["Allow: INVITE, ACK, BYE, OPTIONS"])
    ask = request(client, 5)
    assert ask.method == "OPTIONS"
    d.answer(ask)
    ask = request(client, 5)
    assert ask.method == "OPTIONS"
    d.answer(ask, 481, "Gone")
    bye = request(client, 5)
    assert bye.method == "BYE"
    d.answer(bye, 481, "Gone")
    assert Catalog(world.server).wait_ended()["end_reason"] == "lost"


def test_metadata_may_come_later(start):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "missing_metadata_wait": "1s"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    d, r = call(client, world, body=sipc.sdp(PORTS), ctype="application/sdp")
    assert r.status == 200
    assert d.update(sipc.metadata(PEOPLE)).status == 200
    time.sleep(1.5)  # longer than the wait
    assert d.bye().status == 200
    assert Catalog(world.server).wait_ended()["end_reason"] == "bye"


def test_metadata_that_never_comes(start):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "missing_metadata_wait": "500ms"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    d = None

    def invite(ports):
        nonlocal d
        d, r = call(client, world, body=sipc.sdp(ports), ctype="application/sdp")
        return r

    voices, r = two_voices(invite)
    bye = request(client, 5)
    assert bye.method == "BYE"
    d.answer(bye)
    for v in voices:
        v.stop()
    cat = Catalog(world.server)
    spool = world.server.data / "spool"
    wait_for(lambda: not cat.recordings() and not list(spool.glob("*.spool")), 5, "nothing is kept")


def test_drain_lets_calls_finish(start):
    world = World(start({"server": {"drain": "20s"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    d, r = call(client, world)
    world.server.proc.terminate()

    def refused():
        late, r = call(client, world)
        if r.status == 200:  # the signal had not reached the sip role yet
            late.bye()
        return r.status == 503

    wait_for(refused, 5, "no new calls")
    assert world.server.proc.poll() is None
    assert d.bye().status == 200
    assert world.server.proc.wait(10) == 0


def test_drain_ends_with_bye(start):
    world = World(start({"server": {"drain": "1s"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    d, r = call(client, world)
    speak(r, 0.3)
    world.server.proc.terminate()
    bye = request(client, 5)
    assert bye.method == "BYE"
    d.answer(bye)
    assert world.server.proc.wait(15) == 0
    assert Catalog(world.server).wait_ended()["end_reason"] == "shutdown"
