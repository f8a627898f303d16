"""Real-time text of a call: recorded, put together from what came, shown as WebVTT."""
import copy
import random
import re

import pytest

from lib import sipc
from lib.media import RtpSender
from lib.server import ALICE, BOB, DETAILS, World, wait_for
from lib.text import TextSender, media_line

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
DISH = "Grüße, wie geht es dir? Ich möchte 2 Pizzas & einen Salat bestellen. "


def with_text():
    d = copy.deepcopy(DETAILS)
    d["conditions"]["media"].append({"kind": "text", "codecs": ["t140/1000"]})
    return d


@pytest.fixture
def world(server):
    return World(server, details=with_text())


class Call:
    """Two audio lines with their metadata, and a text line that Bob types on."""

    def __init__(self, world, red=True):
        self.client = sipc.SipClient(world.server.sip["udp"])
        self.d = self.client.dialog(token=world.access_token)
        self.audio = [RtpSender(("127.0.0.1", 9), hz) for hz in (440, 880)]
        self.text = TextSender()
        offer = sipc.sdp([a.port for a in self.audio]) + media_line(self.text.port, "3", red=red)
        xml = sipc.metadata(PEOPLE).replace(
            "</recording>", '<stream stream_id="s9" session_id="c2Vzc2lvbi0x"><label>3</label></stream>'
            "</recording>").replace("<send>s1</send>", "<send>s1</send><send>s9</send>")
        self.answer = self.d.invite([], PEOPLE, sdp_text=offer, xml=xml)
        assert self.answer.status == 200, self.answer.raw

    def talk(self):
        ports = self.answer.ports()
        self.text.dest = ("127.0.0.1", ports[2])
        for a, port in zip(self.audio, ports):
            a.dest = ("127.0.0.1", port)
            a.start()
        return self.text

    def end(self):
        for a in self.audio:
            a.stop()
        self.text.close()
        assert self.d.bye().status == 200
        self.client.close()


def cues(vtt):
    """[(start_s, voice, text)]"""
    found = re.findall(r"(\d+):(\d+):([\d.]+) --> \S+\n<v ([^>]*)>(.*)\n", vtt)
    return [(int(h) * 3600 + int(m) * 60 + float(s), who, text) for h, m, s, who, text in found]


def vtt_of(world, rec):
    track = next(t for t in rec["tracks"] if t["kind"] == "text")
    r = world.server.get(f"/api/v1/recordings/{rec['id']}/tracks/{track['n']}/text", world.api_token)
    assert r.headers["Content-Type"].startswith("text/vtt")
    r.encoding = "utf-8"
    return track, r.text


def test_a_fifth_is_lost_and_nothing_is_missing(world):
    call = Call(world)
    body = call.answer.body.decode()
    assert re.search(r"m=text \d+ RTP/AVP 100 98\r\n", body) and "a=fmtp:100 98/98/98" in body
    sender = call.talk()
    rng = random.Random(4103)
    gone = []  # 20 %, but never three in a row: two generations can fill no more

    def drop(i):
        lost = rng.random() < 0.25 and gone[-2:] != [i - 2, i - 1]
        if lost:
            gone.append(i)
        return lost

    sender.type([DISH[i:i + 2] for i in range(0, len(DISH), 2)] * 2, drop)
    assert sender.lost >= 0.2 * (sender.lost + sender.sent) - 2
    call.end()
    rec = world.recording(world.wait_recording()["id"])
    track, vtt = vtt_of(world, rec)
    text = "".join(t for _, _, t in cues(vtt)).replace("&amp;", "&")
    assert text == DISH * 2, vtt
    assert {who for _, who, _ in cues(vtt)} == {"Bob"}
    assert track["participant"] == 1 and track["stream"] == 2 and track["n"] == 3
    codes = {w["code"] for w in rec["warnings"]}
    assert "text.recovered" in codes and "text.loss" not in codes and "media.unknown_codec" not in codes
    typed = [e for e in rec["events"] if e["kind"] == "text"]
    assert [e["text"] for e in typed] == [f"{2 * len(DISH)} characters"] and typed[0]["participant"] == 1
    assert world.server.cli("verify")["problems"] == []


def test_what_is_lost_is_marked(world):
    call = Call(world)
    call.talk().type(["Hel", "lo ", "my ", "de", "ar\b\b\b", "ust"], drop=lambda i: 1 <= i <= 3)
    call.end()
    rec = world.recording(world.wait_recording()["id"])
    _, vtt = vtt_of(world, rec)
    # "lo " is gone; "my " and "de" are in the next packet, "dear" became "dust"
    assert [t for _, _, t in cues(vtt)] == ["Hel\ufffdmy dust"], vtt
    assert "text.loss" in {w["code"] for w in rec["warnings"]}


def test_without_a_condition_text_is_refused_and_audio_goes_on(server):
    world = World(server)
    call = Call(world)
    assert call.answer.ports()[2] == 0 and all(call.answer.ports()[:2])
    call.talk()
    call.end()


def test_a_pause_is_not_repeated_by_redundancy(server):
    details = with_text()
    details["actions"].append("pause_resume")
    world = World(server, details=details)
    call = Call(world)
    sender = call.talk()
    sender.type(["abc"])
    rid = world.recordings()[0]["id"]
    server.cli("recordings", "pause", rid)
    # no empty packets at the end: the PIN is still in what follows, and its
    # sender's clock says that it is young
    sender.interval = 0.001
    for piece in ("PI", "N4711"):
        sender.sock.sendto(sender.packet(piece), sender.dest)
    server.cli("recordings", "resume", rid)
    sender.type(["def"])
    spool = next((server.data / "spool").glob("*.spool"))
    wait_for(lambda: b"def" in spool.read_bytes(), what="text in the spool")
    assert b"4711" not in spool.read_bytes()
    call.end()
    rec = world.recording(world.wait_recording()["id"])
    _, vtt = vtt_of(world, rec)
    assert "".join(t for _, _, t in cues(vtt)) == "abcdef", vtt
