"""Every codec that is recorded: offered alone, spoken by real RTP, heard again at its pitch, on
its side and at its length."""
import re

import pytest

from lib import codecs, sipc
from lib.catalog import Catalog
from lib.media import decode, level, rms, silences
from lib.server import ALICE, BOB, World, wait_for
from test_sip_calls import details

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
ANY = {"media": [{"kind": "audio"}], "participants": {"min": 1}}
TONES = (440, 1060)


@pytest.fixture
def world(server):
    return World(server, details=details(**ANY))


class Call:
    """One m-line for each sender: offer is a list of (formats, attributes)."""

    def __init__(self, world, senders, offer, people=PEOPLE):
        self.world, self.senders, self.client = world, senders, sipc.SipClient(world.server.sip["udp"])
        self.d = self.client.dialog(token=world.access_token)
        self.version = 0
        self.r = self.d.invite([], people, sdp_text=self.sdp(offer))

    def sdp(self, offer):
        self.version += 1
        lines = ["v=0", f"o=src 1 {self.version} IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
        for i, (s, (formats, attributes)) in enumerate(zip(self.senders, offer)):
            lines += [f"m=audio {s.port} RTP/AVP {formats}", *attributes, "a=sendonly", f"a=label:{i + 1}"]
        return "\r\n".join(lines) + "\r\n"

    def again(self, offer):
        n = self.d.request("INVITE", self.sdp(offer), "application/sdp")
        r = self.d.final()
        self.d.request("ACK", cseq=n)
        return r

    def speak(self, seconds):
        """Until so much more has left every sender."""
        for s, port in zip(self.senders, self.r.ports()):
            if not s.is_alive():
                s.dest = ("127.0.0.1", port)
                s.start()
        until = [s.sent + seconds / s.now[2] for s in self.senders]
        wait_for(lambda: all(s.sent >= n for s, n in zip(self.senders, until)), 40, "media")

    def end(self):
        for s in self.senders:
            s.stop()
        assert self.d.bye().status == 200
        self.client.close()
        return self.world.recording(self.world.wait_recording("ready")["id"])


def sides(world, rec, tmp_path, rate=16000):
    return decode(world.audio(rec["id"], tmp_path / "mix.ogg"), rate)


def steady(samples, hz, rate):
    """The share of windows of 40 ms in which the tone is heard; its phase may jump."""
    n = rate // 25
    parts = [samples[k:k + n] for k in range(0, len(samples) - n + 1, n)]
    return sum(level(p, hz, rate) > 0.15 for p in parts) / len(parts)


def windows(samples, hz, rate):
    """(how many of 40 ms have the tone, how many sound otherwise)."""
    n = rate // 25
    parts = [samples[k:k + n] for k in range(0, len(samples) - n + 1, n)]
    heard = [level(p, hz, rate) > 0.15 for p in parts]
    return sum(heard), sum(rms(p) > 0.1 and not h for p, h in zip(parts, heard))


def warnings(world):
    return sorted(Catalog(world.server).warnings())


@pytest.mark.parametrize("pt,codec", [(9, "G722"), (18, "G729"), (3, "GSM"), (2, "G726-32"), (4, "G723"),
                                      (11, "L16/44100")])
def test_a_static_payload_type_alone_is_recorded(world, tmp_path, pt, codec):
    senders = [codecs.Sender(codec, hz, pt) for hz in TONES]
    c = Call(world, senders, [(f"{pt}", [])] * 2)
    assert c.r.status == 200, c.r.raw
    assert re.findall(rb"m=audio \d+ RTP/AVP (\d+)\r", c.r.body) == [str(pt).encode()] * 2
    c.speak(2)
    rec = c.end()
    heard = sides(world, rec, tmp_path)
    for k, samples in enumerate(heard):
        assert level(samples[8000:24000], TONES[k], 16000) > 0.25
        assert level(samples[8000:24000], TONES[1 - k], 16000) < 0.01
        assert not silences(samples[1600:30000], 16000)
        sent = min(s.sent for s in senders) * codecs.packet_s(codec)
        assert abs(len(samples) / 16000 - sent) < 0.4
    assert warnings(world) == []


def test_every_codec_beside_each_other(world, tmp_path):
    """A conference in which everybody has another one, by dynamic payload types."""
    names = ["PCMU", "G722", "G726-16", "G726-24", "G726-32", "G726-40", "AAL2-G726-32", "GSM", "G723",
             "G729", "L16/8000", "L16/16000"]
    hz = [codecs.HZ[i % len(codecs.HZ)] for i in range(len(names))]
    senders = [codecs.Sender(n, f, 96 + i) for i, (n, f) in enumerate(zip(names, hz))]
    offer = [(f"13 {96 + i}", [f"a=rtpmap:{96 + i} {n if '/' in n else n + '/8000'}"])
             for i, n in enumerate(names)]
    people = PEOPLE + [(f"sip:p{i}@voip.example", f"P{i}") for i in range(2, len(names))]
    c = Call(world, senders, offer, people)
    assert c.r.status == 200, c.r.raw
    # comfort noise stands first in each offer and is never the codec
    assert [int(x) for x in re.findall(rb"m=audio \d+ RTP/AVP (\d+)\r", c.r.body)] == [
        96 + i for i in range(len(names))]
    c.speak(2)
    rec = c.end()
    tracks = [t for t in rec["tracks"] if t["kind"] == "track" and t["format"] == "ogg"]
    assert len(tracks) == len(names)
    for t in tracks:
        r = world.server.get(f"/api/v1/recordings/{rec['id']}/tracks/{t['n']}/audio?format=ogg",
                             world.api_token)
        path = tmp_path / f"{t['n']}.ogg"
        path.write_bytes(r.content)
        samples = decode(path, 16000)[0]
        name, tone = names[t["stream"]], hz[t["stream"]]
        got = level(samples[8000:24000], tone, 16000)
        # two bits a sample are mostly noise; a tone of this amplitude is 0.28 strong
        assert got > 0.25 and got / rms(samples[8000:24000]) > 1.2, f"{name}: {got:.3f}"
    assert warnings(world) == []


def test_wideband_of_g722_is_kept(world, tmp_path):
    """5 kHz does not exist at 8000 samples a second."""
    c = Call(world, [codecs.Sender("G722", 5000, 9)], [("9 13", [])], PEOPLE[:1])
    assert c.r.status == 200, c.r.raw
    c.speak(1.5)
    samples = sides(world, c.end(), tmp_path)[0]
    assert level(samples[4000:20000], 5000, 16000) > 0.2


def test_our_own_client_speaks_g722(world, tmp_path):
    world.server.cli("call", "--to", "sip:%s:%d" % world.server.sip["udp"], "--token",
                     world.access_token, "--participant", ALICE, "--participant", BOB,
                     "--codec", "g722", "--duration", "2")
    rec = world.recording(world.wait_recording("ready")["id"])
    assert [s["codec"] for s in rec["streams"]] == ["G722"] * 2
    heard = sides(world, rec, tmp_path)
    for k, samples in enumerate(heard):
        assert abs(len(samples) / 16000 - 2) < 0.3
        assert level(samples[8000:24000], 440 * (k + 1), 16000) > 0.2
        assert level(samples[8000:24000], 440 * (2 - k), 16000) < 0.01


def test_pauses_of_annex_b_are_silence(world, tmp_path):
    """A second of tone, two of which only one SID frame is sent, a second of tone."""
    c = Call(world, [codecs.Sender("G729", 440, 18, codecs.annexb())],
             [("18", ["a=rtpmap:18 G729/8000", "a=fmtp:18 annexb=yes"])], PEOPLE[:1])
    assert c.r.status == 200 and b"annexb" not in c.r.body
    c.speak(1.95)  # packets: those of both tones
    samples = sides(world, c.end(), tmp_path, 8000)[0]
    pauses = silences(samples)
    assert len(pauses) == 1 and abs(pauses[0][1] - 2) < 0.1, pauses
    assert level(samples[800:7200], 440) > 0.3 and level(samples[-4000:-1600], 440) > 0.3
    assert warnings(world) == []


def test_annex_b_is_refused_by_those_who_offer_no(world):
    c = Call(world, [codecs.Sender("G729", 440, 18)],
             [("18 101", ["a=rtpmap:18 G729/8000", "a=fmtp:18 annexb=no",
                          "a=rtpmap:101 telephone-event/8000"])], PEOPLE[:1])
    assert c.r.status == 200 and b"a=fmtp:18 annexb=no\r\n" in c.r.body
    c.speak(0.3)
    c.end()


@pytest.mark.parametrize("agreed", [True, False])
def test_comfort_noise_between_g722(world, tmp_path, agreed):
    """RFC 3389, asked for or not: each tenth packet is one. The others are heard."""
    sender = codecs.Sender("G722", 440, 9)
    sender.comfort = (13, b"\x40\x10\x20")
    c = Call(world, [sender], [("13 9" if agreed else "9", [])], PEOPLE[:1])
    assert c.r.status == 200 and re.search(rb"m=audio \d+ RTP/AVP 9\r", c.r.body)
    c.speak(2)
    samples = sides(world, c.end(), tmp_path, 8000)[0]
    assert abs(len(samples) / 8000 - sender.sent * 0.02) < 0.3
    assert steady(samples[1600:-800], 440, 8000) > 0.7
    assert not silences(samples[:-800])
    assert warnings(world) == []


def test_pcmu_becomes_g729_and_g722_in_the_call(world, tmp_path):
    """re-INVITEs that change the codec; one sound, its pitch the same all along."""
    s = [codecs.Sender("PCMU", 440, 0), codecs.Sender("PCMU", 1060, 0)]
    c = Call(world, s, [("0", [])] * 2)
    assert c.r.status == 200
    c.speak(1)
    for pt, codec in ((18, "G729"), (9, "G722")):
        for sender in s:  # who changes says nothing until it is agreed
            sender.muted.set()
        r = c.again([(f"{pt}", [])] * 2)
        assert r.status == 200 and r.ports() == c.r.ports(), r.raw
        for k, sender in enumerate(s):
            sender.codec(codec, TONES[k], pt)
            sender.muted.clear()
        c.speak(1)
    heard = sides(world, c.end(), tmp_path)
    for k, samples in enumerate(heard):  # three times a second, wherever a busy machine put it
        tone, other = windows(samples, TONES[k], 16000)
        assert tone >= 60 and other <= tone // 10, (k, tone, other)
    assert warnings(world) == []


def test_conditions_choose_among_the_codecs(server):
    world = World(server, details=details(media=[{"kind": "audio", "codecs": ["G.729", "G.722"]}],
                                          participants={"min": 1}))
    c = Call(world, [codecs.Sender("G729", 440, 18)], [("0 8 18 9", [])], PEOPLE[:1])
    assert c.r.status == 200 and re.search(rb"m=audio \d+ RTP/AVP 18\r", c.r.body)
    c.d.bye()
    c = Call(world, [codecs.Sender("G729", 440, 18)], [("0 8 3", [])], PEOPLE[:1])
    assert c.r.status == 403 and c.r.get("warning").startswith("399")


@pytest.mark.parametrize("offer", [
    ("96", ["a=rtpmap:96 EVS/16000"]), ("96", ["a=rtpmap:96 X-MADE-UP/8000"]), ("13 19", []),
    ("15", []), ("96 101", ["a=rtpmap:96 G7221/16000", "a=rtpmap:101 telephone-event/8000"])])
def test_codecs_of_nobody_are_488(world, offer):
    c = Call(world, [codecs.Sender("G729", 440, 18)], [offer], PEOPLE[:1])
    assert c.r.status == 488 and c.r.get("warning").startswith("305")
