"""SRTP with keys in the SDP (RFC 4568): answered, decrypted, recorded; the keys stay secret."""
import os
import pathlib
import re
import select
import socket
import struct
import time

import pytest

from lib import media, srtp
from lib.catalog import Catalog
from lib.server import ALICE, BOB, World, wait_for
from lib.sipc import SipClient

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
CM80 = "AES_CM_128_HMAC_SHA1_80"


class Call:
    """Two voices over SRTP."""

    def __init__(self, world, suite=CM80, seq=1000, proto="RTP/SAVP", wrong=False, more="", rounds=0):
        self.world, self.suite, self.proto, self.more = world, suite, proto, more
        self.keys = [srtp.new_key(suite) for _ in range(2)]
        used = [srtp.new_key(suite) for _ in range(2)] if wrong else self.keys
        self.senders = [srtp.SrtpSender(("127.0.0.1", 9), hz, key, suite, seq=seq, seed=hz)
                        for hz, key in zip((440, 880), used)]
        self.c = SipClient(world.server.sip["udp"])
        self.d = self.c.dialog(token=world.access_token)
        self.first = self.d.invite(None, PEOPLE, sdp_text=self.offer())
        assert self.first.status == 200, self.first.raw
        for s, port in zip(self.senders, self.first.ports()):
            s.dest = ("127.0.0.1", port)
            self.wind(s, rounds)
            s.start()

    @staticmethod
    def wind(sender, rounds):
        """So many times round all sequence numbers, towards nobody."""
        for i in range(4 * rounds):
            sender.context.protect(struct.pack("!BBHII", 0x80, 0, sender.seq + i * 0x4000 & 0xFFFF, 0,
                                               sender.ssrc) + b"\xff")

    def offer(self, **kw):
        lines = [srtp.crypto(k, self.suite, 7, self.more) for k in self.keys]
        return srtp.sdp(self.senders, lines, proto=self.proto, **kw)

    def reinvite(self, **kw):
        n = self.d.request("INVITE", self.offer(**kw), "application/sdp")
        r = self.d.final()
        self.d.request("ACK", cseq=n)
        return r

    def stop(self):
        for s in self.senders:
            s.stop()

    def end(self):
        self.stop()
        n = self.d.request("BYE")
        branch = self.d.branch
        for _ in range(8):
            r = self.c.recv(1)
            if r and r.status and r.status >= 200 and r.cseq[1] == "BYE":
                return r
            self.d.request("BYE", cseq=n, branch=branch)
        raise AssertionError("no answer to BYE")

    def secrets(self):
        """Every key of the call, as it is written and as it is."""
        keys = self.keys + [a[2] for a in srtp.answered(self.first)]
        return [srtp.inline(k).encode() for k in keys] + keys


def nowhere(server, secrets):
    """None of them is in a file of the data folder or in the log."""
    for folder, _, files in os.walk(server.dir):
        for name in files:
            try:
                data = pathlib.Path(folder, name).read_bytes()
            except FileNotFoundError:  # spools and journals go
                continue
            for s in secrets:
                assert s not in data, f"a key in {folder}/{name}"


def check_audio(world, item, tmp_path, whole=True, lost=0.25):
    left, right = media.decode(world.audio(item["id"], tmp_path / "mix.ogg"))
    for side, hz, other in ((left, 440, 880), (right, 880, 440)):
        end = len(side) - 2000 if whole else 10000
        assert media.level(side[2000:end], hz) > 0.15
        assert media.level(side[2000:end], other) < 0.02
    gone = sum(n for start, n in media.silences(left) if start > 0.3)
    assert gone < lost, media.silences(left)


@pytest.mark.parametrize("suite", srtp.SUITES)
@pytest.mark.parametrize("proto", ["RTP/SAVP", "RTP/SAVPF"])
def test_call_is_recorded(server, world, tmp_path, suite, proto):
    call = Call(world, suite, proto=proto, more="|2^31")
    for a, m in zip(srtp.answered(call.first), re.findall(rb"m=audio \d+ (\S+)", call.first.body)):
        assert a[:2] == (7, suite) and len(a[2]) == srtp.SUITES[suite] and m.decode() == proto
    keys = {a[2] for a in srtp.answered(call.first)} | set(call.keys)
    assert len(keys) == 4
    time.sleep(2)
    nowhere(server, call.secrets())
    call.end()
    item = world.wait_recording()
    check_audio(world, item, tmp_path)
    assert not [w for w in item["warnings"] if "srtp" in w["code"]], item["warnings"]
    nowhere(server, call.secrets())
    text = server.get(f"/api/v1/recordings/{item['id']}/signalling", world.api_token).text
    assert text.count("inline:[removed]") == 4


def test_wrong_key_stores_nothing(server, world):
    call = Call(world, wrong=True)
    Catalog(server).wait_warning("media.srtp_auth")
    call.end()
    wait_for(lambda: all(i["state"] not in ("recording", "rendering") for i in world.recordings()),
             what="no recording left open")
    assert not [i for i in world.recordings() if i["state"] == "ready"]


def test_doubled_packets(server, world, tmp_path):
    """What a network doubles is left out, and told."""
    call = Call(world)
    for s in call.senders:
        s.context.protect = lambda p, s=s, f=s.context.protect: twice(s, f(p))
    Catalog(server).wait_warning("media.srtp_replay")
    call.end()
    check_audio(world, world.wait_recording(), tmp_path)


def twice(sender, packet):
    sender.sock.sendto(packet, sender.dest)
    return packet


def test_refresh_and_new_keys(server, world, tmp_path):
    """A refresh changes nothing; other keys are taken, with what still comes by the old ones."""
    call = Call(world, seq=65500)
    wait_for(lambda: call.senders[0].sent > 60, what="media")
    r = call.reinvite()
    assert r.status == 200 and r.body == call.first.body
    r = call.reinvite(direction="inactive", version=2)
    assert r.status == 200 and srtp.answered(r) == srtp.answered(call.first)
    r = call.reinvite(version=3)
    assert r.status == 200 and srtp.answered(r) == srtp.answered(call.first)
    old = call.secrets()
    call.keys = [srtp.new_key() for _ in range(2)]
    r = call.reinvite(version=4)
    assert r.status == 200
    wait_for(lambda: call.senders[0].sent > 100, what="media by the old keys")
    for s, k in zip(call.senders, call.keys):
        s.context = srtp.Context(k)
    at = call.senders[0].sent
    wait_for(lambda: call.senders[0].sent > at + 60, what="media by the new keys")
    call.end()
    item = world.wait_recording()
    check_audio(world, item, tmp_path)
    assert "media.srtp_auth" not in Catalog(server).warnings()
    nowhere(server, old + call.secrets())


@pytest.mark.parametrize("what", ["capture", "sip", "all"])
def test_rollover_counter_survives(start, tmp_path, what):
    """kill -9 after the sequence number has wrapped: the audio goes on."""
    server = start()
    world = World(server)
    server.settings["sip"]["listen"] = ", ".join(server.ready["sip"])
    server.settings["http"]["listen"] = server.ready["http"]
    server.write_conf()
    call = Call(world, seq=65500)
    wait_for(lambda: call.senders[0].sent > 100, what="the number wraps")
    if what == "all":
        time.sleep(1)
        nowhere(server, call.secrets())
        server.kill_all()
        server.start()
    else:
        server.kill_role(what)
    Catalog(server).wait_warning("sip.restarted" if what != "capture" else "capture.restarted")
    at = call.senders[0].sent
    wait_for(lambda: call.senders[0].sent > at + 100, what="media after it")
    r = call.reinvite()
    assert r.status == 200 and srtp.answered(r) == srtp.answered(call.first)
    call.end()
    item = world.wait_recording()
    assert item["duration_s"] > 4
    left, right = media.decode(world.audio(item["id"], tmp_path / "mix.ogg"))
    assert media.level(left[-12000:-2000], 440) > 0.15  # of after the restart
    assert media.level(right[-12000:-2000], 880) > 0.15
    assert "media.srtp_auth" not in Catalog(server).warnings()
    nowhere(server, call.secrets())


@pytest.mark.parametrize("rounds", [1, 10, 200])
def test_joined_late(server, world, tmp_path, rounds):
    """The client has spoken since long ago: its counter is not 0."""
    call = Call(world, seq=3000, rounds=rounds)
    wait_for(lambda: call.senders[0].sent > 80, what="media")
    call.end()
    item = world.wait_recording()
    check_audio(world, item, tmp_path)
    assert "media.srtp_auth" not in Catalog(server).warnings()


@pytest.mark.parametrize("more", [["--srtp"], ["--srtp-suite", "AEAD_AES_256_GCM", "--dtmf", "1@1", "--hold", "2-3"],
                                  ["--srtp-suite", "AES_CM_128_HMAC_SHA1_32", "--like", "oracle"]])
def test_our_own_client(start, tmp_path, more):
    server = start({"media": {"srtp": "required"}})
    world = World(server)
    to = "sip:%s:%d" % server.sip["udp"]
    done = server.cli("call", "--to", to, "--token", world.access_token, "--participant", ALICE,
                      "--participant", BOB, "--duration", "4", *more)
    assert done["status"] == 200
    item = world.wait_recording()
    assert item["duration_s"] > 3
    assert not [w for w in item["warnings"] if "srtp" in w["code"]]
    left, right = media.decode(world.audio(item["id"], tmp_path / "mix.ogg"))
    assert media.rms(left[2000:8000]) > 0.02 and media.rms(right[2000:8000]) > 0.02
    server.cli("call", "--to", to, "--token", world.access_token, "--participant", ALICE, code=4)


def twins(sender, key, usable=True):
    avp = media.RtpSender(("127.0.0.1", 9), 440)
    lines = srtp.crypto(key) if usable else "a=fingerprint:sha-256 00:11\r\n"
    text = srtp.sdp([sender], [lines])
    return avp, text + f"m=audio {avp.port} RTP/AVP 0\r\na=sendonly\r\na=label:1\r\n"


@pytest.mark.parametrize("setting,usable,want", [
    ("preferred", True, [1, 0]), ("required", True, [1, 0]), ("off", True, [0, 1]),
    ("preferred", False, [0, 1]), ("required", False, None)])
def test_twins_by_setting(start, setting, usable, want):
    world = World(start({"media": {"srtp": setting}}))
    key = srtp.new_key()
    sender = srtp.SrtpSender(("127.0.0.1", 9), 880, key)
    avp, text = twins(sender, key, usable)
    d = SipClient(world.server.sip["udp"]).dialog(token=world.access_token)
    r = d.invite(None, PEOPLE, sdp_text=text)
    if not want:
        assert r.status == 488
        return
    assert r.status == 200
    assert [bool(p) for p in r.ports()] == [bool(w) for w in want]
    assert [bool(a) for a in srtp.answered(r)] == [bool(want[0]), False]
    assert d.bye().status == 200


@pytest.mark.parametrize("setting,lines,proto,status", [
    ("preferred", "a=fingerprint:sha-256 00:11\r\n", "RTP/SAVPF", 488),
    ("preferred", "a=fingerprint:sha-256 00:11\r\n", "UDP/TLS/RTP/SAVPF", 488),
    ("preferred", "", "RTP/SAVP", 488),
    ("preferred", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n", "RTP/SAVP", 488),
    ("off", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n", "RTP/SAVP", 488),
    ("required", "", "RTP/AVP", 488)])
def test_refused(start, setting, lines, proto, status):
    server = start({"media": {"srtp": setting}})
    world = World(server)
    d = SipClient(server.sip["udp"]).dialog(token=world.access_token)
    r = d.invite(None, PEOPLE, sdp_text=srtp.sdp([40000, 40002], [lines, lines], proto=proto))
    assert r.status == status
    nowhere(server, [b"A" * 40])


def test_rtcp_is_sealed_both_ways(server, world):
    call = Call(world)
    port = call.first.ports()[0]
    rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rtcp.bind(("127.0.0.1", call.senders[0].port + 1))
    ours = srtp.Context(srtp.answered(call.first)[0][2], kind=srtp.ANY_INBOUND)
    assert select.select([rtcp], [], [], 20)[0], "no report"
    data = rtcp.recv(2000)
    clear = ours.unprotect_rtcp(data)
    assert clear[1] == 201 and struct.unpack("!I", clear[8:12])[0] == call.senders[0].ssrc
    report = struct.pack("!BBHIQIII", 0x80, 200, 6, call.senders[0].ssrc, 1 << 40, 0, 1, 1)
    rtcp.sendto(call.senders[0].context.protect_rtcp(report), ("127.0.0.1", port + 1))
    rtcp.sendto(report, ("127.0.0.1", port + 1))  # in clear: not taken
    time.sleep(0.3)
    call.end()
    item = world.wait_recording()
    assert not [w for w in item["warnings"] if w["code"] == "media.srtp_auth"]  # one is too few


@pytest.mark.parametrize("general,own,srtp_line,clear", [
    ("preferred", "required", 200, 488), ("required", "off", 488, 200),
    ("off", "preferred", 200, 200), ("required", "default", 200, 488)])
def test_trunk_has_the_last_word(start, general, own, srtp_line, clear):
    server = start({"media": {"srtp": general}, "sip": {"allow_address_trunks": "yes"}})
    world = World(server)
    server.cli("trunk", "add", "--name", "sbc", "--grant", world.grant_id, "--addresses", "127.0.0.2",
               "--srtp", own)
    lines = [srtp.crypto(srtp.new_key())] * 2
    for text, status in ((srtp.sdp([40000, 40002], lines), srtp_line),
                         (srtp.sdp([40000, 40002], ["", ""], proto="RTP/AVP"), clear)):
        d = SipClient(server.sip["udp"], local="127.0.0.2").dialog()
        r = d.invite(None, PEOPLE, sdp_text=text)
        assert r.status == status, r.raw
        if status == 200:  # the same is true of a change
            assert d.invite(None, PEOPLE, sdp_text=text.replace("o=src 1 1", "o=src 1 2").replace(
                "sendonly", "inactive")).status == 200
            d.bye()
