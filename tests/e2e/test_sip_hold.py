"""Holds, streams that come, go and move, and refreshes: one call each, with real RTP."""
import re

import pytest

from lib import media, sipc
from lib.catalog import Catalog
from lib.media import RtpSender
from lib.server import ALICE, BOB, CAROL, wait_for

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
ALL = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, OPTIONS"


class Call:
    """A call with two tones whose offers are made of lines, so that each can be changed."""

    def __init__(self, world, client, **kw):
        self.world, self.version = world, 0
        self.d = client.dialog(token=world.access_token)
        self.senders = [RtpSender(("127.0.0.1", 9), hz, seed=hz) for hz in (440, 880)]
        self.lines = [{"port": s.port, "way": "sendonly", "pts": ((0, "PCMU/8000"),), "label": i + 1}
                      for i, s in enumerate(self.senders)]
        self.session_c = "127.0.0.1"
        self.r = self.d.invite([], PEOPLE, sdp_text=self.sdp(), **kw)
        assert self.r.status == 200, self.r.raw
        for s, port in zip(self.senders, self.r.ports()):
            s.dest = ("127.0.0.1", port)
            s.start()
        self.more(20)

    def sdp(self, same_version=False):
        self.version += not same_version
        out = ["v=0", f"o=src 1 {self.version} IN IP4 127.0.0.1", "s=-",
               f"c=IN IP4 {self.session_c}", "t=0 0"]
        for line in self.lines:
            out.append(f"m=audio {line['port']} RTP/AVP " + " ".join(str(p) for p, _ in line["pts"]))
            if "c" in line:
                out.append(f"c=IN IP4 {line['c']}")
            out += [f"a=rtpmap:{p} {n}" for p, n in line["pts"]]
            out += [f"a={line['way']}"] * bool(line["way"]) + [f"a=label:{line['label']}"]
        return "\r\n".join(out) + "\r\n"

    def offer(self, method="INVITE", text=None, status=200, extra=()):
        n = self.d.request(method, text or self.sdp(), "application/sdp", extra)
        branch = self.d.branch
        r = self.d.final()
        assert r.status == status, r.raw
        if method == "INVITE":
            self.d.request("ACK", cseq=n, branch=None if status == 200 else branch)
        return r

    def more(self, n):
        """Until so many packets more have left each sender that speaks."""
        on = [s for s in self.senders if not s.muted.is_set()]
        at = [s.sent for s in on]
        wait_for(lambda: all(s.sent >= k + n for s, k in zip(on, at)), 20, "media")

    def mute(self, *which):
        for i, s in enumerate(self.senders):
            (s.muted.set if i in which else s.muted.clear)()

    def end(self, tmp_path):
        """(samples of each side, the recording)"""
        assert self.d.bye().status == 200
        for s in self.senders:
            s.stop()
        rec = self.world.wait_recording("ready")
        return media.decode(self.world.audio(rec["id"], tmp_path / "a.ogg")), rec


@pytest.fixture
def call(world):
    made = []

    def make(transport="udp", **kw):
        c = sipc.SipClient(world.server.sip[transport], transport)
        made.append(Call(world, c, **kw))
        return made[-1]
    yield make
    for c in made:
        for s in c.senders:
            s.stop()


def every(**kw):
    return lambda c: [line.update(kw) for line in c.lines]


HOLDS = {  # how both lines are held: what changes, what the answer says of them
    "inactive": (every(way="inactive"), "inactive"),
    "recvonly": (every(way="recvonly"), "inactive"),
    "session c=0.0.0.0": (lambda c: setattr(c, "session_c", "0.0.0.0"), None),
    "media c=0.0.0.0": (every(c="0.0.0.0"), None),
    "c=0.0.0.0 and no direction": (every(c="0.0.0.0", way=""), None),
    "inactive and c=0.0.0.0": (every(c="0.0.0.0", way="inactive"), "inactive"),
}


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("how", sorted(HOLDS))
def test_every_form_of_hold(call, world, how, method):
    """The answer keeps its ports; a hold and a resume for each line, in this order."""
    c = call()
    change, said = HOLDS[how]
    before = [dict(line) for line in c.lines]
    change(c)
    c.mute(0, 1)
    r = c.offer(method)
    assert r.ports() == c.r.ports()
    assert re.findall(rb"a=label:(\S+)", r.body) == [b"1", b"2"]
    if said:
        assert r.body.count(b"a=" + said.encode()) == 2, r.body
    cat = Catalog(world.server)
    wait_for(lambda: len(cat.events()) >= 2, 5, "two holds")
    c.lines, c.session_c = before, "127.0.0.1"
    c.mute()
    r = c.offer(method)
    assert r.ports() == c.r.ports() and r.body.count(b"a=recvonly") == 2
    wait_for(lambda: len(cat.events()) >= 4, 5, "two resumes")
    assert cat.events() == [("hold", 0), ("hold", 1), ("resume", 0), ("resume", 1)]
    assert c.d.bye().status == 200


def test_held_line_by_line_is_silence_of_the_right_length(call, world, tmp_path):
    """One side is held, then the other; the sides stay together in time."""
    c = call()
    cat = Catalog(world.server)
    for held in (0, 1):
        c.lines[held]["way"], c.lines[1 - held]["way"] = "inactive", "sendonly"
        c.mute(held)
        r = c.offer()
        assert re.findall(rb"a=(inactive|recvonly)", r.body)[held] == b"inactive"
        c.more(60)
    c.lines[1]["way"] = "sendonly"
    c.mute()
    c.offer()
    c.more(30)
    (left, right), rec = c.end(tmp_path)
    assert cat.events() == [("hold", 0), ("resume", 0), ("hold", 1), ("resume", 1)]
    quiet = [[s for s in media.silences(x) if s[1] > 0.6] for x in (left, right)]
    assert [len(q) for q in quiet] == [1, 1], quiet
    (at, long), (at2, long2) = quiet[0][0], quiet[1][0]
    assert 1.0 < long < 2.2 and 1.0 < long2 < 2.2 and abs(at + long - at2) < 0.5, quiet


def test_line_goes_by_port_zero_and_comes_back(call, world, tmp_path):
    """RFC 3264 section 8: the place stays; another stream may take it."""
    c = call()
    port = c.lines[1]["port"]
    c.lines[1]["port"] = 0
    c.mute(1)
    r = c.offer()
    assert r.ports() == [c.r.ports()[0], 0] and b"a=label:2" in r.body
    c.more(50)
    c.lines[1]["port"] = port
    c.mute()
    r = c.offer()
    assert r.ports()[0] == c.r.ports()[0] and r.ports()[1] % 2 == 0 and r.ports()[1]
    c.senders[1].dest = ("127.0.0.1", r.ports()[1])
    c.more(60)
    (left, right), rec = c.end(tmp_path)
    assert media.level(right[-4000:], 880) > 0.2 and media.level(left[-4000:], 440) > 0.2
    assert max(s[1] for s in media.silences(right)) > 0.8


def test_third_line_comes_and_goes(call, world, tmp_path):
    c = call()
    third = RtpSender(("127.0.0.1", 9), 1320, seed=7)
    try:
        c.lines.append({"port": third.port, "way": "sendonly", "pts": ((0, "PCMU/8000"),), "label": 3})
        r = c.offer()
        assert r.ports()[:2] == c.r.ports() and r.ports()[2] and b"a=label:3" in r.body
        xml = sipc.metadata(PEOPLE + [(CAROL, "Carol")])
        assert c.d.update(xml).status == 200
        third.dest = ("127.0.0.1", r.ports()[2])
        third.start()
        wait_for(lambda: third.sent > 60, 10, "the third's media")
        c.lines[2]["port"] = 0
        r = c.offer()
        assert r.ports() == c.r.ports() + [0]
        third.stop()
        c.more(20)
        c.end(tmp_path)
        cat = Catalog(world.server)
        ords = {p["aor"]: p["ord"] for p in cat.rows("SELECT * FROM participants")}
        streams = cat.rows("SELECT * FROM streams ORDER BY idx")
        assert [s["participant"] for s in streams] == [ords[ALICE], ords[BOB], ords[CAROL]]
        tracks = cat.rows("SELECT DISTINCT n FROM tracks WHERE n > 0")
        assert len(tracks) == 3, tracks
    finally:
        third.stop()


def pitch(samples):
    """By its crossings of zero: a sender that begins late is caught up with."""
    return sum(a < 0 <= b for a, b in zip(samples, samples[1:])) * 8000 / len(samples)


def test_stream_moves_to_another_port(call, world, tmp_path):
    """Media from the new port counts, and no more from the old one."""
    c = call()
    moved = RtpSender(("127.0.0.1", c.r.ports()[0]), 1320, seed=7)
    try:
        c.lines[0]["port"] = moved.port
        r = c.offer()
        assert r.ports() == c.r.ports()
        moved.start()  # the old one goes on, too
        wait_for(lambda: moved.sent > 80, 10, "media from the new port")
        (left, right), _ = c.end(tmp_path)
        tail = left[-6000:]
        assert media.rms(tail) > 0.15 and 1250 < pitch(tail) < 1390 and media.level(tail, 440) < 0.05
    finally:
        moved.stop()


def alaw(sender):
    """The same tone as PCMA under another payload type."""
    from lib.corpus import TO_ALAW
    sender.wave = sender.wave.translate(TO_ALAW)


def test_codec_and_payload_type_change(call, world, tmp_path):
    c = call()
    c.lines[0]["pts"] = ((8, "PCMA/8000"),)
    r = c.offer()
    assert r.ports() == c.r.ports() and b"RTP/AVP 8\r\n" in r.body
    alaw(c.senders[0])
    c.senders[0].pt = 8
    c.more(60)
    c.lines[0]["pts"] = ((111, "PCMA/8000"), (101, "telephone-event/8000"))
    r = c.offer("UPDATE")
    assert b"RTP/AVP 111 101\r\n" in r.body
    c.senders[0].pt = 111
    c.more(60)
    (left, right), rec = c.end(tmp_path)
    n = len(left)
    for part in (left[n // 3:n // 3 + 4000], left[-6000:-2000]):
        assert media.level(part, 440) > 0.2
    assert not [s for s in media.silences(left) if s[1] > 0.3]
    assert {s["codec"] for s in Catalog(world.server).rows("SELECT codec FROM streams")} == {"PCMA", "PCMU"}


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("version", ["same", "next", "again from 1", "other id"])
def test_refresh_that_changes_nothing(call, world, method, version):
    """Whatever o= says: same answer byte for byte, no event, no new metadata."""
    c = call()
    c.offer(method)
    first = c.offer(method, c.sdp(same_version=True))
    for _ in range(2):
        text = c.sdp(same_version=version == "same")
        if version == "again from 1":
            text = re.sub(r"o=src 1 \d+", "o=src 1 1", text)
        elif version == "other id":
            text = re.sub(r"o=src 1 \d+", "o=- 987654321 7", text)
        assert c.offer(method, text).body == first.body
    cat = Catalog(world.server)
    assert c.d.bye().status == 200
    cat.wait_ended()
    assert cat.events() == []
    assert first.body == c.r.body or re.sub(rb"o=.*", b"", first.body) == re.sub(rb"o=.*", b"", c.r.body)


def test_refused_change_leaves_all_as_it_was(call, world, tmp_path):
    """488 for a re-INVITE: the call is recorded on under the old terms (RFC 3261 14.2)."""
    c = call()
    before = [dict(line) for line in c.lines]
    for line in c.lines:
        line["pts"] = ((99, "NONSENSE/8000"),)
    n = c.d.request("INVITE", c.sdp(), "application/sdp")
    branch = c.d.branch
    r = c.d.final()
    assert r.status in (403, 488)
    c.d.request("ACK", cseq=n, branch=branch)
    c.lines = before
    c.more(60)
    (left, right), _ = c.end(tmp_path)
    assert media.level(left[-4000:], 440) > 0.2 and not [s for s in media.silences(left) if s[1] > 0.4]
