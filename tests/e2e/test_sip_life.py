"""What happens to a call by time, loss and the owner's will: each end keeps the recording."""
import copy
import json
import os
import re
import signal
import time

import pytest

from lib import media, sipc
from lib.catalog import Catalog
from lib.media import RtpSender, two_voices
from lib.server import ALICE, BOB, CAROL, DETAILS, World, wait_for
from lib.sipc import has_ipv6, request

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
PORTS = [40000, 40002]
ALL = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, OPTIONS"


@pytest.fixture
def client(world):
    c = sipc.SipClient(world.server.sip["udp"])
    yield c
    c.close()


class Voices:
    """RTP to both streams of a call, from the offered ports."""

    def __init__(self, world, client, local="127.0.0.1", **kw):
        self.d = client.dialog(token=world.access_token)
        self.senders, self.r = two_voices(
            lambda ports: self.d.invite(ports, PEOPLE, host=local, **kw), host=local)
        wait_for(lambda: all(s.sent > 10 for s in self.senders), 5, "media")

    def stop(self):
        for s in self.senders:
            s.stop()


@pytest.fixture
def voices():
    made = []

    def make(*a, **kw):
        made.append(Voices(*a, **kw))
        return made[-1]

    yield make
    for v in made:
        v.stop()


def expect_bye(client, dialog, reason, timeout=10):
    bye = request(client, timeout)
    assert bye.method == "BYE" and reason in bye.get("reason"), bye.raw
    dialog.answer(bye)


def kept(world, end_reason):
    """The newest recording ended for this reason and is played."""
    assert Catalog(world.server).wait_ended()["end_reason"] == end_reason
    return world.wait_recording("ready")


def narrow(world, **conditions):
    d = copy.deepcopy(DETAILS)
    d["conditions"].update(conditions)
    world.details_path.write_text(json.dumps(d))
    world.server.cli("grant", "narrow", world.grant_id, "--details", world.details_path)


# -- time


def say(d, request, status, *headers, reason="Whatever"):
    """Answer a request of the server, with headers."""
    lines = [f"SIP/2.0 {status} {reason}"] + [f"{n}: {v}" for n, v in request.headers if n in (
        "via", "from", "to", "call-id", "cseq")]
    d.c.send("\r\n".join(lines + list(headers)) + "\r\nContent-Length: 0\r\n\r\n")


def test_session_timers(world, voices):
    """Calls with the shortest timer there is, 90 s: refreshed by us (the client takes over, wants
    longer, or is busy for a moment), by the client with UPDATE and re-INVITE, and by nobody."""
    timer = ["Supported: timer", ALL]
    calls = {}
    for name in ("mine", "longer", "busy", "update", "invite"):
        d = calls[name] = sipc.SipClient(world.server.sip["udp"]).dialog(token=world.access_token)
        who = "uac" if name in ("update", "invite") else "uas"
        r = d.invite(PORTS, PEOPLE, xml=sipc.metadata(PEOPLE, session=name),  # calls of their own
                     extra=timer + [f"Session-Expires: 90;refresher={who}"])
        assert r.get("session-expires") == f"90;refresher={who}"
    nobodys = sipc.SipClient(world.server.sip["udp"])
    c = voices(world, nobodys, extra=timer + ["Session-Expires: 90"],
               xml=sipc.metadata(PEOPLE, session="nobody"))
    assert c.r.get("session-expires") == "90;refresher=uac" and "timer" in c.r.get("supported")

    def refresh_of_ours(d, timeout=60):
        m = request(d.c, timeout)
        assert m.method == "UPDATE" and m.get("session-expires").endswith(";refresher=uac"), m.raw
        return m
    say(calls["mine"], refresh_of_ours(calls["mine"]), 200, "Session-Expires: 90;refresher=uac")
    say(calls["longer"], refresh_of_ours(calls["longer"]), 422, "Min-SE: 200")
    m = refresh_of_ours(calls["longer"], 5)
    assert m.get("session-expires") == "200;refresher=uac"
    say(calls["longer"], m, 200, "Session-Expires: 200;refresher=uac")
    say(calls["busy"], refresh_of_ours(calls["busy"]), 491)
    say(calls["busy"], refresh_of_ours(calls["busy"], 15), 200, "Session-Expires: 90;refresher=uac")
    d = calls["update"]
    d.request("UPDATE", extra=timer + ["Session-Expires: 90;refresher=uac"])
    r = d.final()
    assert r.status == 200 and r.get("session-expires") == "90;refresher=uac" and not r.body
    d = calls["invite"]
    n = d.request("INVITE", sipc.sdp(PORTS), "application/sdp", timer + ["Session-Expires: 90;refresher=uac"])
    r = d.final()
    assert r.status == 200 and r.get("session-expires") == "90;refresher=uac" and r.body
    d.request("ACK", cseq=n)
    # too short within the call is refused, and the call goes on (RFC 4028 section 6)
    d.request("UPDATE", extra=timer + ["Session-Expires: 30;refresher=uac"])
    r = d.final()
    assert r.status == 422 and r.get("min-se") == "90"

    expect_bye(nobodys, c.d, "408", 40)
    c.stop()
    kept(world, "session_expired")
    assert "sip.session_expired" in Catalog(world.server).warnings()
    for name, d in calls.items():
        assert d.bye().status == 200, name


# -- BYE and CANCEL in any state


@pytest.fixture
def capture_stopped(world):
    """Changes have to wait for the media process."""
    pid = world.server.roles()["capture"]
    os.kill(pid, signal.SIGSTOP)
    yield pid
    os.kill(pid, signal.SIGCONT)


def statuses(d, n):
    """{method: status} of the next n final answers."""
    got = {}
    while len(got) < n:
        r = d.final()
        got[r.cseq[1]] = r.status
    return got


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_bye_while_a_change_is_under_way(client, world, voices, method):
    v = voices(world, client)
    pid = world.server.roles()["capture"]
    os.kill(pid, signal.SIGSTOP)
    try:
        n = v.d.request(method, sipc.sdp(PORTS + [40004], version=2), "application/sdp")
        branch = v.d.branch
        v.d.request("BYE")
        got = statuses(v.d, 2)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert got == {method: 487, "BYE": 200}, got
    if method == "INVITE":
        v.d.request("ACK", cseq=n, branch=branch)
    v.stop()
    kept(world, "bye")


def test_bye_before_the_ack_and_bye_again(client, world, voices):
    v = voices(world, client, ack=False)
    assert v.d.bye().status == 200
    assert v.d.bye().status in (200, 481)
    v.stop()
    kept(world, "bye")
    assert "sip.ack_missing" not in Catalog(world.server).warnings()


def test_bye_of_both_at_once(client, world, voices):
    """Ours crosses theirs: each is answered, one recording is kept."""
    v = voices(world, client)
    world.server.cli("grant", "revoke", world.grant_id)
    ours = request(client)
    assert ours.method == "BYE"
    v.d.request("BYE")
    assert v.d.final().status in (200, 481)
    v.d.answer(ours)
    v.stop()
    kept(world, "revoked")


def test_cancel_while_the_call_is_opened(client, world, capture_stopped):
    d = client.dialog(token=world.access_token)
    n = d.request("INVITE", sipc.multipart(sipc.sdp(PORTS), sipc.metadata(PEOPLE)), REL)
    branch = d.branch
    assert client.recv().status == 100
    d.request("CANCEL", cseq=n, branch=branch)
    assert statuses(d, 2) == {"CANCEL": 200, "INVITE": 487}
    d.request("ACK", cseq=n, branch=branch)
    os.kill(capture_stopped, signal.SIGCONT)
    assert d.invite(PORTS, PEOPLE).status == 200  # a new one at once
    assert d.bye().status == 200
    assert len(Catalog(world.server).recordings()) == 1


def test_glare_with_a_reinvite_of_ours(server, voices):
    """RFC 3261 14.2: ours is under way, so theirs is 491; ours is tried again after theirs."""
    world = World(server, details={**DETAILS, "actions": DETAILS["actions"] + ["pause_resume"]})
    client = sipc.SipClient(server.sip["udp"])
    v = voices(world, client, extra=[ALL])
    rid = world.recordings()[0]["id"]
    world.server.cli("recordings", "pause", rid)
    ours = request(client)
    assert ours.method == "INVITE" and b"a=inactive" in ours.body
    n = v.d.request("INVITE", sipc.sdp(PORTS, direction="inactive", version=2), "application/sdp")
    branch = v.d.branch
    assert v.d.final().status == 491
    v.d.request("ACK", cseq=n, branch=branch)
    v.d.answer(ours, 491, "Request Pending")
    again = request(client, 15)
    while again.method == "ACK":
        again = request(client, 15)
    assert again.method == "INVITE" and again.cseq[0] > ours.cseq[0]
    v.d.answer(again, 488, "Not now")
    assert v.d.bye().status == 200
    v.stop()
    kept(world, "bye")


def test_lost_ack_is_a_warning_while_media_comes(start, voices):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "t1": "25ms"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    v = voices(world, client, ack=False)
    cat = Catalog(world.server)
    cat.wait_warning("sip.ack_missing")
    assert "goes on" in cat.rows("SELECT detail FROM warnings WHERE code = 'sip.ack_missing'")[0]["detail"]
    v.d.cseq = 0  # nor is its numbering right
    v.d.request("BYE", cseq=0)
    while v.d.final().cseq[1] != "BYE":
        pass
    assert v.d.last.status == 200
    v.stop()
    kept(world, "bye")
    assert "sip.cseq_below" in cat.warnings()


def test_lost_ack_ends_a_silent_call(start):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "t1": "25ms"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    d = client.dialog(token=world.access_token)
    r = d.invite(PORTS, PEOPLE, ack=False)
    repeats = 0
    while True:
        m = client.recv(10)
        assert m, "neither a 200 nor a BYE"
        if m.method:
            break
        assert m.status == 200 and m.body == r.body
        repeats += 1
    assert repeats >= 3
    assert m.method == "BYE" and "408" in m.get("reason")
    d.answer(m)
    assert Catalog(world.server).wait_ended()["end_reason"] == "ack_missing"
    assert "sip.ack_missing" in Catalog(world.server).warnings()


def test_silence_is_asked_about_then_ends(start, voices):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "media_timeout": "1s", "t1": "20ms"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    v = voices(world, client, extra=[ALL])
    v.stop()
    ask = request(client)
    assert ask.method == "OPTIONS"
    seen = {ask.cseq}
    while True:  # nobody answers: it is repeated, then given up
        m = request(client)
        if m.method == "BYE":
            break
        assert m.method == "OPTIONS"
        seen.add(m.cseq)
    assert len(seen) == 1
    v.d.answer(m, 481, "Gone")
    kept(world, "lost")


def test_who_lists_no_options_is_not_asked(start, voices):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "media_timeout": "1s", "t1": "20ms"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    v = voices(world, client, extra=["Allow: INVITE, ACK, BYE, CANCEL, UPDATE"])
    v.stop()
    m = request(client)
    assert m.method == "BYE" and "408" in m.get("reason"), m.raw
    v.d.answer(m)
    kept(world, "timeout")


# -- the owner's will


def test_narrowing_ends_what_is_outside(client, world, voices):
    v = voices(world, client)
    narrow(world, participants={"min": 2, "match": "any", "deny": [BOB]})
    expect_bye(client, v.d, "403", 5)
    v.stop()
    kept(world, "conditions")
    assert client.dialog(token=world.access_token).invite(PORTS, PEOPLE).status == 403


def test_narrowing_leaves_what_is_inside(client, world, voices):
    v = voices(world, client)
    narrow(world, media=[{"kind": "audio", "codecs": ["PCMU/8000"]}])
    Catalog(world.server).wait_event("conditions")
    # what was allowed a moment ago is refused now, and the call goes on
    v.d.request("INVITE", sipc.sdp(PORTS, codecs=((8, "PCMA/8000"),), version=2), "application/sdp")
    r = v.d.final()
    v.d.request("ACK", cseq=v.d.cseq, branch=v.d.branch)
    assert r.status in (403, 488)
    assert v.d.bye().status == 200
    v.stop()
    kept(world, "bye")


def test_narrowing_never_widens(world):
    world.details_path.write_text(json.dumps({**DETAILS, "conditions": {"media": [{"kind": "audio"}]}}))
    world.server.cli("grant", "narrow", world.grant_id, "--details", world.details_path, code=2)
    world.server.cli("grant", "narrow", "nobody", "--details", world.details_path, code=3)


def test_revoked_while_nobody_could_act(client, world, voices):
    """The news came while the new process waited for the media process."""
    v = voices(world, client)
    capture = world.server.roles()["capture"]
    os.kill(capture, signal.SIGSTOP)
    try:
        world.server.kill_role("sip")
        world.server.cli("grant", "revoke", world.grant_id)
        expect_bye(client, v.d, "403", 10)
    finally:
        os.kill(capture, signal.SIGCONT)
    v.stop()
    kept(world, "revoked")


# -- lost connections


def secure(pki):
    return {"sip": {"listen": "tls:127.0.0.1:0", "tls_certificate": pki / "server.pem",
                    "tls_key": pki / "server.key"}}


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_lost_connection_leaves_the_call(start, pki, voices, transport):
    world = World(start(secure(pki) if transport == "tls" else None))
    dest = world.server.sip[transport]

    def connect():
        return sipc.SipClient(dest, transport, cafile=pki / "ca.pem")

    first = connect()
    v = voices(world, first)
    first.close()
    cat = Catalog(world.server)
    sent = [s.sent for s in v.senders]
    wait_for(lambda: all(s.sent > n + 10 for s, n in zip(v.senders, sent)), 5, "media goes on")
    v.d.c = connect()
    assert v.d.update(sipc.metadata(PEOPLE)).status == 200
    assert cat.recordings()[0]["state"] == "recording"
    v.d.c.close()
    v.d.c = connect()
    assert v.d.bye().status == 200
    v.stop()
    kept(world, "bye")


def test_bye_of_ours_follows_to_the_new_connection(world, voices):
    first = sipc.SipClient(world.server.sip["tcp"], "tcp")
    v = voices(world, first)
    first.close()
    v.d.c = sipc.SipClient(world.server.sip["tcp"], "tcp")
    assert v.d.update(sipc.metadata(PEOPLE)).status == 200
    world.server.cli("grant", "revoke", world.grant_id)
    expect_bye(v.d.c, v.d, "403", 5)
    v.stop()
    kept(world, "revoked")


def test_connection_lost_for_good_is_reaped(start, voices):
    world = World(start({"sip": {"media_timeout": "1s"}}))
    v = voices(world, sipc.SipClient(world.server.sip["tcp"], "tcp"))
    v.stop()
    v.d.c.close()
    kept(world, "timeout")
    assert "media.timeout" in Catalog(world.server).warnings()


# -- IPv6


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_ipv6_from_invite_to_audio(start, voices, tmp_path):
    world = World(start({"sip": {"listen": "udp:[::1]:0"}, "media": {"address": "::1"}}))
    v = voices(world, sipc.SipClient(world.server.sip["udp"]), local="::1")
    assert b"c=IN IP6 ::1\r\n" in v.r.body and b"IN IP6 ::1" in v.r.body.split(b"\r\n")[1]
    wait_for(lambda: all(s.sent > 50 for s in v.senders), 10, "a second of audio")
    assert v.d.bye().status == 200
    v.stop()
    rec = kept(world, "bye")
    assert rec["duration_s"] > 0.8

    left, right = media.decode(world.audio(rec["id"], tmp_path / "a.ogg"))
    assert media.level(left, 440) > 0.2 and media.level(right, 880) > 0.2


# -- requests that cross or repeat


def test_overlapping_reinvites_are_491_or_500(client, world):
    d = client.dialog(token=world.access_token)
    d.invite(PORTS, PEOPLE)
    first = d.request("INVITE", sipc.sdp(PORTS + [40004], version=2), "application/sdp")
    d.request("INVITE", sipc.sdp(PORTS, direction="inactive", version=3), "application/sdp")
    got = {}
    while len(got) < 2:
        r = d.final()
        got[r.cseq[0]] = r.status
        d.request("ACK", cseq=r.cseq[0], branch=None if r.status == 200 else d.branch)
    assert got[first] == 200 and got[first + 1] in (200, 491), got
    assert d.bye().status == 200


def test_merged_request_is_482(client, world):
    """The same INVITE over two ways (RFC 3261, 8.2.2.2): recorded once."""
    d = client.dialog(token=world.access_token)
    body = sipc.multipart(sipc.sdp(PORTS), sipc.metadata(PEOPLE))
    kind = "multipart/mixed;boundary=unique-boundary"
    d.request("INVITE", body, kind, cseq=1)
    d.request("INVITE", body, kind, cseq=1)
    got = {}
    while len(got) < 2:
        r = d.final()
        got[re.search("branch=([^;]+)", r.get("via"))[1]] = r
    assert sorted(r.status for r in got.values()) == [200, 482]
    ok = next(r for r in got.values() if r.status == 200)
    d.to_tag = re.search(r";tag=([^;>\s]+)", ok.get("to"))[1]
    d.cseq = 1
    d.request("ACK", cseq=1)
    assert d.bye().status == 200
    assert len(Catalog(world.server).recordings()) == 1


REL = "multipart/mixed;boundary=unique-boundary"


def invite_100rel(client, world, header):
    """(dialog, provisional answers, the 200)"""
    d = client.dialog(token=world.access_token)
    d.request("INVITE", sipc.multipart(sipc.sdp(PORTS), sipc.metadata(PEOPLE)), REL,
              [header, ALL + ", PRACK"])
    early = []
    while (r := client.recv()).status < 200:
        if r.status > 100:
            early.append(r)
    assert r.status == 200, r.raw
    d.to_tag = re.search(r";tag=([^;>\s]+)", r.get("to"))[1]
    return d, early, r


def prack(d, rseq, cseq=1):
    d.request("PRACK", extra=[f"RAck: {rseq} {cseq} INVITE"])
    return d.final()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("order", ["PRACK ACK", "ACK PRACK"])
def test_100rel_that_is_required(world, transport, order):
    """RFC 3262: a reliable 183 without SDP, and the 200 at once."""
    client = sipc.SipClient(world.server.sip[transport], transport)
    d, early, ok = invite_100rel(client, world, "Require: 100rel, siprec")
    assert len(early) == 1
    r = early[0]
    assert r.status == 183 and not r.body and r.get("require") == "100rel"
    assert r.get("to") == ok.get("to") and r.get("contact").startswith("<sip:srs@")
    rseq = int(r.get("rseq"))
    assert 1 <= rseq < 2**31
    assert ok.get("rseq") is None and "100rel" not in (ok.get("require") or "")
    assert "100rel" in ok.get("supported") and "PRACK" in ok.get("allow")
    for word in order.split():
        if word == "ACK":
            d.request("ACK", cseq=1)
        else:
            assert prack(d, rseq + 1).status == 481  # not what we sent
            assert prack(d, rseq, 7).status == 481
            answer = prack(d, rseq)
            assert answer.status == 200 and answer.get("to") == ok.get("to")
    assert prack(d, rseq).status == 481  # confirmed already
    assert d.update(sipc.metadata(PEOPLE)).status == 200
    assert d.bye().status == 200
    cat = Catalog(world.server)
    assert cat.wait_ended()["end_reason"] == "bye"
    assert "sip.prack_missing" not in cat.warnings()
    words = [bytes(m["body"]).split(b"\r\n")[0] for m in cat.rows("SELECT body FROM signalling")]
    assert sum(w.startswith(b"SIP/2.0 183") for w in words) == 1
    assert sum(w.startswith(b"PRACK ") for w in words) == 4


def test_100rel_that_is_only_supported(client, world):
    d, early, ok = invite_100rel(client, world, "Supported: 100rel")
    assert early == [] and "rseq" not in [n for n, _ in ok.headers]
    d.request("ACK", cseq=1)
    assert prack(d, 1).status == 481
    assert d.bye().status == 200
    o = client.dialog(token=world.access_token)
    o.to_tag = "nobody"
    assert prack(o, 1).status == 481


def test_100rel_without_prack_keeps_the_call(start, voices):
    """A client that never confirms the 183 is recorded all the same."""
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "t1": "20ms"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    v = voices(world, client, extra=["Require: 100rel", ALL])
    Catalog(world.server).wait_warning("sip.prack_missing")
    assert client.recv(0.1) is None  # neither the 183 nor the 200 comes again
    assert v.d.bye().status == 200
    v.stop()
    kept(world, "bye")


def test_100rel_in_a_reinvite_needs_no_183(client, world):
    """CUBE lists it in every INVITE; nothing but the first one may ring."""
    d, early, ok = invite_100rel(client, world, "Require: 100rel")
    d.request("ACK", cseq=1)
    assert prack(d, early[0].get("rseq")).status == 200
    n = d.request("INVITE", sipc.sdp(PORTS, direction="inactive", version=2), "application/sdp",
                  ["Require: 100rel"])
    while (r := client.recv()).status == 100:
        pass
    assert r.status == 200 and r.cseq == (n, "INVITE")
    d.request("ACK", cseq=n)
    assert d.bye().status == 200


def test_what_we_can_is_said_the_same_everywhere(client, world):
    d = client.dialog(token=world.access_token)
    d.request("OPTIONS")
    o = d.final()
    can = set(re.split(r",\s*", o.get("supported")))
    assert {"siprec", "timer", "100rel"} <= can
    d.request("MESSAGE")
    refused = d.final()
    assert refused.status == 405
    d = client.dialog(token=world.access_token)
    ok = d.invite(PORTS, PEOPLE, extra=["Supported: 100rel, timer"])
    assert refused.get("allow") == o.get("allow") == ok.get("allow")
    assert set(re.split(r",\s*", ok.get("supported"))) <= can
    assert d.bye().status == 200


def test_cancel_before_anything_else(client, world):
    """A CANCEL that overtook its INVITE finds nothing; the INVITE is a call all the same."""
    d = client.dialog(token=world.access_token)
    held = []
    send = client.send
    client.send = held.append
    n = d.request("INVITE", sipc.multipart(sipc.sdp(PORTS), sipc.metadata(PEOPLE)),
                  "multipart/mixed;boundary=unique-boundary")
    branch = d.branch
    client.send = send
    d.request("CANCEL", cseq=n, branch=branch)
    assert d.final().status == 481
    send(held[0])
    r = d.final()
    assert r.status == 200 and r.cseq == (n, "INVITE")
    d.to_tag = re.search(r";tag=([^;>\s]+)", r.get("to"))[1]
    d.request("ACK", cseq=n)
    d.request("CANCEL", cseq=n, branch=branch)  # and now it is too late
    assert d.final().status in (200, 481)
    assert d.bye().status == 200
    assert Catalog(world.server).wait_ended()["end_reason"] == "bye"


# -- offers of ours


ANSWER = sipc.sdp([40000], codecs=((8, "PCMA/8000"),), direction="sendonly", labels=False)


def offered(client, world, **kw):
    """An INVITE without SDP: (dialog, 200, its CSeq)."""
    d = client.dialog(token=world.access_token)
    n = d.request("INVITE", sipc.metadata(PEOPLE), "application/rs-metadata", **kw)
    r = d.final()
    assert r.status == 200, r.raw
    d.to_tag = re.search(r";tag=([^;>\s]+)", r.get("to"))[1]
    return d, r, n


def test_our_offer_and_its_answer(client, world):
    d, r, n = offered(client, world)
    lines = r.body.decode().split("m=audio ")[1:]
    assert [re.findall(r"a=rtpmap:\d+ ([^/]+)", m)[-2:] for m in lines] == [["opus", "telephone-event"]] * 2
    assert all(re.match(r"[1-9]\d* RTP/AVP 0 8 \d+ \d+\r", m) for m in lines)
    assert r.body.count(b"a=recvonly") == 2
    text = sipc.sdp([40000, 40002], codecs=((8, "PCMA/8000"),))
    d.request("ACK", text, "application/sdp", cseq=n)
    cat = Catalog(world.server)
    wait_for(lambda: [s["codec"] for s in cat.rows("SELECT codec FROM streams ORDER BY idx")]
             == ["PCMA", "PCMA"], 5, "the answer is taken")
    assert d.bye().status == 200


def test_our_offer_holds_what_the_owner_permits(client, world):
    narrow(world, media=[{"kind": "audio", "codecs": ["PCMA/8000"]}])
    d, r, n = offered(client, world)
    for formats in re.findall(rb"m=audio \d+ RTP/AVP ([^\r]*)", r.body):
        assert formats.split()[0] == b"8" and b"0" not in formats.split()
    d.request("ACK", sipc.sdp(PORTS), "application/sdp", cseq=n)  # PCMU all the same
    bye = request(client)
    assert bye.method == "BYE" and re.search("403|488", bye.get("reason"))
    d.answer(bye)


def test_our_offer_without_an_answer(client, world):
    d, r, n = offered(client, world)
    d.request("ACK", cseq=n)
    bye = request(client)
    assert bye.method == "BYE" and "488" in bye.get("reason")
    d.answer(bye)
    row = Catalog(world.server).wait_ended()
    assert row["state"] == "failed" and row["end_reason"] == "no_answer"
    assert "sip.answer_missing" in Catalog(world.server).warnings()


def test_our_offer_survives_a_restart(client, world):
    d, r, n = offered(client, world)
    world.server.kill_role("sip")
    cat = Catalog(world.server)
    text = sipc.sdp([40000, 40002], codecs=((8, "PCMA/8000"),))

    def taken():
        d.request("ACK", text, "application/sdp", cseq=n)
        return [s["codec"] for s in cat.rows("SELECT codec FROM streams ORDER BY idx")] == ["PCMA", "PCMA"]
    wait_for(taken, 15, "the answer is taken")
    assert d.bye().status == 200


def test_our_offer_without_an_answer_but_with_media(client, world):
    d, r, n = offered(client, world)
    d.request("ACK", cseq=n)
    sender = RtpSender(("127.0.0.1", r.ports()[0]), 440)
    sender.start()
    assert client.recv(7) is None  # longer than the wait for media
    assert d.bye().status == 200
    sender.stop()
    kept(world, "bye")


# -- many lines


def test_thirty_two_lines(client, world):
    d = client.dialog(token=world.access_token)
    r = d.invite(range(40000, 40064, 2), PEOPLE)
    assert r.status == 200
    ports = r.ports()
    assert len(ports) == 32 and sum(1 for p in ports if p) >= 16 and all(p % 2 == 0 for p in ports)
    assert re.findall(rb"a=label:(\S+)", r.body) == [b"%d" % i for i in range(1, 33)]
    text = sipc.sdp(range(40000, 40064, 2), host="0.0.0.0", version=2)
    d.request("INVITE", text, "application/sdp")
    again = d.final()
    d.request("ACK", cseq=d.cseq)
    assert again.status == 200 and again.ports() == ports
    assert d.bye().status == 200


# -- the last word


def people_of(world):
    return [(p["aor"], p["name"]) for p in
            Catalog(world.server).rows("SELECT aor, name FROM participants ORDER BY ord")]


def test_metadata_of_a_bye_is_taken(client, world, voices):
    """Placeholders get their names with the BYE (a complete description as usual)."""
    v = voices(world, client, xml=sipc.metadata([(ALICE, ""), ("sip:unknown@voip.example", "")]))
    last = sipc.metadata([(ALICE, "Alice"), (BOB, "Bob"), (CAROL, "Carol")])
    v.d.request("BYE", last, "application/rs-metadata+xml")
    assert v.d.final().status == 200
    v.stop()
    kept(world, "bye")
    assert (BOB, "Bob") in people_of(world) and (CAROL, "Carol") in people_of(world)
    cat = Catalog(world.server)
    streams = cat.rows("SELECT label, participant FROM streams ORDER BY idx")
    ords = {p["aor"]: p["ord"] for p in cat.rows("SELECT aor, ord FROM participants")}
    assert [s["participant"] for s in streams] == [ords[ALICE], ords[BOB]]


def test_everybody_leaves_in_a_bye(client, world, voices):
    """A description that names nobody takes nobody's stream away."""
    v = voices(world, client)
    v.d.request("BYE", sipc.metadata([]), "application/rs-metadata+xml")
    assert v.d.final().status == 200
    v.stop()
    kept(world, "bye")
    cat = Catalog(world.server)
    assert [s["participant"] for s in cat.rows("SELECT * FROM streams ORDER BY idx")] == [0, 1]


@pytest.mark.parametrize("who,stays", [(BOB, True), (CAROL, False)])
def test_metadata_that_was_waited_for_comes_with_the_bye(start, voices, who, stays):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "missing_metadata_wait": "60s"}}))
    narrow(world, participants={"min": 2, "match": "any", "deny": [CAROL]})
    client = sipc.SipClient(world.server.sip["udp"])
    v = voices(world, client, body=sipc.sdp([40000, 40002]), ctype="application/sdp")
    v.d.request("BYE", sipc.metadata([(ALICE, "Alice"), (who, "Who")]), "application/rs-metadata+xml")
    assert v.d.final().status == 200
    v.stop()
    if stays:
        kept(world, "bye")
    else:
        spool = world.server.data / "spool"
        wait_for(lambda: not Catalog(world.server).recordings() and not list(spool.glob("*.spool")),
                 10, "nothing is kept")


def test_who_was_never_allowed_is_told_by_the_bye(client, world, voices):
    v = voices(world, client)
    narrow(world, participants={"min": 2, "match": "any", "deny": [CAROL]})
    Catalog(world.server).wait_event("conditions")
    v.d.request("BYE", sipc.metadata(PEOPLE + [(CAROL, "Carol")]), "application/rs-metadata+xml")
    assert v.d.final().status == 200
    v.stop()
    kept(world, "conditions")


@pytest.mark.parametrize("method", ["INFO", "OPTIONS"])
def test_metadata_in_any_request(client, world, method):
    d = client.dialog(token=world.access_token)
    assert d.invite(PORTS, PEOPLE).status == 200
    d.request(method, sipc.metadata(PEOPLE + [(CAROL, "Carol")]), "application/rs-metadata+xml")
    assert d.final().status == 200
    wait_for(lambda: (CAROL, "Carol") in people_of(world), 5, "Carol")
    assert d.bye().status == 200


# -- held, and our offer takes the call back


def resume_without_offer(d, ports):
    """Hold, then a re-INVITE without SDP: its CSeq; the ACK is due."""
    d.request("INVITE", sipc.sdp(ports, direction="inactive", version=2), "application/sdp")
    r = d.final()
    assert r.status == 200 and r.body.count(b"a=inactive") == 2
    d.request("ACK", cseq=d.cseq)
    n = d.request("INVITE")
    r = d.final()
    assert r.status == 200 and r.body.count(b"a=recvonly") == 2
    return n


def loud_seconds(world, tmp_path):
    left, right = media.decode(world.audio(world.wait_recording("ready")["id"], tmp_path / "a.ogg"))
    step = 400
    return sum(media.rms(left[i:i + step]) > 0.05 for i in range(0, len(left) - step, step)) * step / 8000


@pytest.mark.parametrize("answer", ["sendonly", "inactive"])
def test_media_before_the_ack_that_resumes(client, world, voices, tmp_path, answer):
    """RFC 3264 section 5.1: whoever offers must take media before the answer is there."""
    v = voices(world, client)
    ports = [s.port for s in v.senders]
    for s in v.senders:
        s.muted.set()
    cat = Catalog(world.server)
    n = resume_without_offer(v.d, ports)
    cat.wait_event("hold")
    for s in v.senders:
        s.muted.clear()
    at = [s.sent for s in v.senders]
    wait_for(lambda: all(s.sent >= k + 75 for s, k in zip(v.senders, at)), 10, "1.5 s of audio")
    v.d.request("ACK", sipc.sdp(ports, direction=answer, version=3), "application/sdp", cseq=n)
    if answer == "sendonly":
        cat.wait_event("resume")
    else:  # on hold it stays, and now nothing more is taken
        assert v.d.update(sipc.metadata(PEOPLE)).status == 200
        time.sleep(0.3)
        at = [s.sent for s in v.senders]
        wait_for(lambda: all(s.sent >= k + 100 for s, k in zip(v.senders, at)), 10, "2 s on hold")
        assert "resume" not in [k for k, _ in cat.events()]
    assert v.d.bye().status == 200
    v.stop()
    loud = loud_seconds(world, tmp_path)
    assert 1.4 < loud < 2.7, loud


@pytest.mark.parametrize("with_ack", [True, False])
def test_restart_between_our_offer_and_its_answer(start, voices, tmp_path, with_ack):
    """The ACK finds another process, or none at all: the call goes on."""
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "t1": "25ms"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    v = voices(world, client)
    ports = [s.port for s in v.senders]
    n = resume_without_offer(v.d, ports)
    world.server.kill_role("sip")
    cat = Catalog(world.server)
    cat.wait_warning("sip.restarted")
    if with_ack:
        v.d.request("ACK", sipc.sdp(ports, version=3), "application/sdp", cseq=n)
        cat.wait_event("resume")
    else:
        cat.wait_warning("sip.answer_missing")
    at = [s.sent for s in v.senders]
    wait_for(lambda: all(s.sent >= k + 50 for s, k in zip(v.senders, at)), 10, "a second of audio")
    assert v.d.update(sipc.metadata(PEOPLE)).status == 200
    assert v.d.bye().status == 200
    v.stop()
    assert cat.wait_ended()["end_reason"] == "bye"
    assert loud_seconds(world, tmp_path) > 1


def test_restart_and_the_first_offer_is_never_answered(start):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "t1": "25ms"}}))
    client = sipc.SipClient(world.server.sip["udp"])
    d, r, n = offered(client, world)
    world.server.kill_role("sip")
    bye = request(client, 15)
    assert bye.method == "BYE" and "488" in bye.get("reason")
    d.answer(bye)
    assert Catalog(world.server).wait_ended()["end_reason"] == "no_answer"
