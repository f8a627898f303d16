"""Indications: a=record, a=recordpref and record-aware (RFC 7866)."""
import time

import pytest

from lib import media, sipc
from lib.catalog import Catalog
from lib.server import ALICE, BOB, World

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


def offer(ports, *attributes, version=1):
    """SDP whose lines end with an attribute each ("" = none)."""
    head, *lines = sipc.sdp(ports, version=version).split("m=audio")
    return head + "".join("m=audio" + line + (f"a={a}\r\n" if a else "")
                          for line, a in zip(lines, attributes))


class Call:
    def __init__(self, world, *attributes, extra=()):
        self.client = sipc.SipClient(world.server.sip["udp"])
        self.d = self.client.dialog(token=world.access_token)
        self.senders = [media.RtpSender(("127.0.0.1", 9), hz) for hz in (440, 880)]
        self.ports = [s.port for s in self.senders]
        self.answer = self.d.invite([], PEOPLE, sdp_text=offer(self.ports, *attributes), extra=extra)
        assert self.answer.status == 200, self.answer.raw
        for s, port in zip(self.senders, self.answer.ports()):
            s.dest = ("127.0.0.1", port)
            s.start()

    def reinvite(self, *attributes, version=2, extra=()):
        r = self.d.invite([], [], body=offer(self.ports, *attributes, version=version),
                          ctype="application/sdp", extra=extra)
        assert r.status == 200, r.raw
        return r.body.decode()

    def end(self):
        for s in self.senders:
            s.stop()
        assert self.d.bye().status == 200
        self.client.close()


def finished(world):
    return world.recording(world.wait_recording()["id"])


def kinds(rec, *wanted):
    return [(e["kind"], e["text"], e["stream"]) for e in rec["events"] if e["kind"] in wanted]


@pytest.fixture
def honest(start):
    return World(start({"sip": {"recordpref": "honour"}}))


def test_a_wish_is_noted(world):
    call = Call(world, "recordpref:off", "record:on")
    time.sleep(0.5)
    assert "a=record" not in call.answer.body.decode()
    call.end()
    rec = finished(world)
    assert kinds(rec, "recordpref", "record", "pause") == [("recordpref", "off", 0), ("record", "on", 1)]
    assert "sip.recordpref" in {w["code"] for w in rec["warnings"]}
    assert Catalog(world.server).warnings() >= {"sip.recordpref"}
    assert not [w for w in rec["warnings"] if w["code"] == "media.silent"]


def test_a_wish_is_honoured_until_another_one(honest, tmp_path):
    call = Call(honest, "", "", extra=["Supported: record-aware"])
    assert call.answer.body.decode().count("a=record:on") == 2
    assert "record-aware" in call.answer.get("supported")
    time.sleep(1)
    assert call.reinvite("", "recordpref:pause").count("a=record:paused") == 1
    time.sleep(0.5)
    body = call.reinvite("", "", version=3)  # nothing said: as it was
    assert "a=record:paused" in body.split("m=audio")[2]
    time.sleep(0.5)
    assert call.reinvite("", "recordpref:on", version=4).count("a=record:on") == 2
    time.sleep(1)
    call.end()
    rec = finished(honest)
    assert kinds(rec, "recordpref", "pause", "unpause") == [
        ("recordpref", "pause", 1), ("pause", "recordpref", 1),
        ("recordpref", "on", 1), ("unpause", "recordpref", 1)]
    left, right = media.decode(honest.audio(rec["id"], tmp_path / "mix.ogg"))
    assert not media.silences(left[1600:-1600])
    quiet = media.silences(right)
    assert len(quiet) == 1 and 0.8 < quiet[0][1] < 1.5 and 0.7 < quiet[0][0] < 1.6, quiet


def test_from_the_start_nothing_of_it_is_kept(honest):
    call = Call(honest, "recordpref:off", "", extra=["Supported: record-aware"])
    body = call.answer.body.decode()
    assert "a=record:paused" in body.split("m=audio")[1] and "a=record:on" in body.split("m=audio")[2]
    time.sleep(0.5)
    call.end()
    rec = finished(honest)
    tracks = {t["stream"] for t in rec["tracks"]}
    assert tracks == {1}
    assert ("pause", "recordpref", 0) in kinds(rec, "pause")


def test_a_restart_forgets_no_wish(honest):
    call = Call(honest, "", "recordpref:off", extra=["Supported: record-aware"])
    honest.server.kill_role("sip")
    Catalog(honest.server).wait_warning("sip.restarted")
    body = call.reinvite("", "")
    assert "a=record:on" in body.split("m=audio")[1] and "a=record:paused" in body.split("m=audio")[2]
    call.end()
    assert {t["stream"] for t in finished(honest)["tracks"]} == {0}
