"""Replays a case of tests/data/src: SIP messages from files, real RTP, and a look at
what the server made of it. tests/data/src/README.md describes the files."""
import base64
import hashlib
import functools
import json
import pathlib
import random
import re
import select
import socket
import struct
import subprocess
import time
import uuid
from urllib.parse import unquote
from xml.etree import ElementTree

from lib import codecs, sipc, srtp
from lib.catalog import Catalog
from lib.media import ULAW, decode, level, silences, tone_ulaw
from lib.server import ROOT, wait_for
from lib.text import LEVEL, RED, T140

SOURCE = ROOT / "tests/data/src"
SCHEMA = ROOT / "tests/data/rfc7865.xsd"
NS = "{urn:ietf:params:xml:ns:recording:1}"
HZ = (440, 610, 830, 1060, 1290, 1530)  # the tone of each m-line


def tone_of(line):
    return HZ[line % len(HZ)]


def ulaw_to_alaw():
    """G.711 A-law byte of each mu-law byte."""
    back = {}
    for v, u in enumerate(ULAW):
        back.setdefault(u, v - 32768)

    def alaw(s):
        sign, s = (0x80, s) if s >= 0 else (0, -s - 1)
        s = min(s >> 3, 4095)
        exp = max(s.bit_length() - 5, 0)
        body = s >> 1 if exp == 0 else exp << 4 | (s >> exp) & 0x0F
        return (sign | body) ^ 0x55
    return bytes(alaw(back.get(u, 0)) for u in range(256))


TO_ALAW = ulaw_to_alaw()
OTHERS = {c.lower(): c for c in codecs.CODECS if c != "PCMU"}  # of tests/e2e/lib/codecs.py
STATIC = {0: "pcmu", 2: "g726-32", 3: "gsm", 8: "pcma", 9: "g722", 18: "g729"}
WAVES = {hz: tone_ulaw(hz, 0, 8000) for hz in HZ}


@functools.lru_cache(maxsize=None)
def opus_tone(hz):
    """Four seconds of a tone as the stereo Opus packets of 20 ms that libopus makes."""
    ogg = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"sine=frequency={hz}:sample_rate=48000:duration=4",
         "-filter:a", "volume=3", "-ac", "2", "-c:a", "libopus", "-b:a", "48k", "-frame_duration", "20",
         "-f", "ogg", "-"], capture_output=True, check=True).stdout
    packets, piece, at = [], b"", 0
    while at < len(ogg):
        n = ogg[at + 26]
        lacing, at = ogg[at + 27:at + 27 + n], at + 27 + n
        for size in lacing:
            piece, at = piece + ogg[at:at + size], at + size
            if size < 255:
                packets.append(piece)
                piece = b""
    return packets[2:]  # behind the two headers


class Typist:
    """Real-time text of one m-line: RFC 4103 with two generations of redundancy."""

    def __init__(self):
        self.seq, self.ssrc, self.older = 7, uuid.uuid4().int & 0xFFFFFFFF, [(b"", 0)] * LEVEL

    def packet(self, text, ts, first):
        data = text.encode()
        body = b"".join(struct.pack("!I", 1 << 31 | T140 << 24 | (ts - t & 0x3FFF) << 10 | len(d))
                        for d, t in self.older)
        body += bytes([T140]) + b"".join(d for d, _ in self.older) + data
        self.older = self.older[1:] + [(data, ts)]
        self.seq += 1
        return struct.pack("!BBHII", 0x80, RED | first << 7, self.seq, ts, self.ssrc) + body


def cases():
    """{"vendor/case": folder} of everything in the tree."""
    return {f"{p.parent.parent.name}/{p.parent.name}": p.parent
            for p in sorted(SOURCE.glob("*/*/case.json"))}


class Line:
    """The media of one m-line: two sockets, and what the answer says of it."""

    def __init__(self, index):
        self.index = index
        self.rtp, self.rtcp = self._pair()
        self.port = self.rtp.getsockname()[1]
        self.ssrc = uuid.uuid4().int & 0xFFFFFFFF
        self.seq = index * 1000
        self.dest = self.pt = self.codec = self.dtmf_pt = None
        self.typist, self.late = Typist(), None
        self.key = self.sealer = None  # SRTP

    @staticmethod
    def _pair():
        for _ in range(50):
            a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
            a.bind(("127.0.0.1", 0))
            port = a.getsockname()[1]
            try:
                if port % 2 == 0:
                    b.bind(("127.0.0.1", port + 1))
                    return a, b
            except OSError:
                pass
            a.close()
            b.close()
        raise AssertionError("no pair of ports")

    def take(self, text):
        """One m-line of an answer."""
        m = re.match(r"m=(\S+) (\d+) \S+ (\d+)", text)
        ok = m and m[2] != "0" and "a=recvonly" in text
        self.dest = ("127.0.0.1", int(m[2])) if ok else None
        self.pt = int(m[3]) if ok else None
        name = re.search(rf"(?m)^a=rtpmap:{self.pt} ([\w-]+)(/\d+)", text)
        self.codec = name[1].lower() if name else STATIC.get(self.pt)
        if self.codec == "l16":
            self.codec += name[2]
        keys = re.search(r"(?m)^a=rtpmap:(\d+) telephone-event/", text)
        self.dtmf_pt = int(keys[1]) if keys else None
        suite = re.search(r"(?m)^a=crypto:\d+ (\S+) inline:\S+", text)
        if suite and not self.sealer:
            self.sealer = srtp.Context(self.key, suite[1])

    def packet(self, pt, ts, data):
        packet = struct.pack("!BBHII", 0x80, pt, self.seq & 0xFFFF, ts & 0xFFFFFFFF, self.ssrc) + data
        self.rtp.sendto(self.sealer.protect(packet) if self.sealer else packet, self.dest)
        self.seq += 1

    def send(self, tick, ptime=20, pt=None, lost=lambda: False, how=None):
        """What is spoken in the 20 ms of a tick; packets of ptime leave when they are full."""
        if how == "swapped" and tick % 5 == 0:  # this one leaves behind the next
            self.seq += 1
            self.late = tick
            return
        if how == "strays" and tick % 10 == 0:  # from nowhere, in the middle
            self.seq += 20000
            self.packet(self.pt, tick * 160 + 12345678, bytes(160))
            self.seq -= 20001
        if how == "crowd":  # and a packet of somebody else, each time of another
            mine, self.ssrc = self.ssrc, self.ssrc + 1 + tick & 0xFFFFFFFF
            self.packet(self.pt, tick * 160, bytes(160))
            self.ssrc, self.seq = mine, self.seq - 1
        if self.codec == "opus":
            packets = opus_tone(tone_of(self.index))
            data = b"\xff\x3f\x00" if how == "garbage" and tick % 3 == 0 else packets[tick % len(packets)]
            self.packet(self.pt, tick * 960, data)
            return
        other = OTHERS.get(STATIC.get(pt) if pt is not None else self.codec)
        if other:
            packets = codecs.payloads(other, tone_of(self.index))
            if lost():
                self.seq += 1
            else:
                self.packet(self.pt if pt is None else pt, tick * codecs.ticks(other), packets[tick % len(packets)])
            return
        alaw = pt == 8 if pt is not None else self.codec == "pcma"
        n = ptime * 8
        first, last = -(-tick * 160 // n), -(-(tick + 1) * 160 // n)
        for k in range(first, last):
            at = k * n % 8000
            data = (WAVES[tone_of(self.index)] * 2)[at:at + n]
            if lost():
                self.seq += 1
            else:
                self.packet(self.pt if pt is None else pt, k * n, data.translate(TO_ALAW) if alaw else data)
        if self.late is not None:
            self.seq, late, self.late = self.seq - 2, self.late, None
            self.packet(self.pt, late * 160, (WAVES[tone_of(self.index)] * 2)[late * 160 % 8000:][:160])
            self.seq += 1

    def press(self, key, tick):
        """One key (RFC 4733): 100 ms of event packets, the last of them three times."""
        event = "0123456789*#ABCD".index(key)
        for k in range(1, 8):
            end, duration = k > 5, min(k, 5) * 160
            self.packet(self.dtmf_pt | (0x80 if k == 1 else 0), tick * 160,
                        struct.pack("!BBH", event, (0x80 if end else 0) | 10, duration))

    def flood(self, keys):
        """So many keys at once, and as many packets that are too short for one."""
        for k in range(keys):
            self.packet(self.dtmf_pt | 0x80, k * 800, struct.pack("!BBH", k % 10, 0x80 | 10, 160))
            if k % 50 == 0:  # more than a socket's buffer takes
                self.packet(self.dtmf_pt, k * 800, b"\x01")
                time.sleep(0.06)

    def move(self, other):
        """From now on this line's media leaves from the sockets of another."""
        self.rtp, other.rtp = other.rtp, self.rtp
        self.rtcp, other.rtcp = other.rtcp, self.rtcp

    def close(self):
        self.rtp.close()
        self.rtcp.close()


def split_answer(sdp):
    return re.split(r"(?m)^(?=m=)", sdp)[1:]


def words_of_answer(sdp):
    """["recvonly 1", "refused 2", ...] in the order of m-lines; "-" is no label."""
    out = []
    for part in split_answer(sdp):
        label = re.search(r"(?m)^a=label:(\S+)", part)
        way = "refused" if re.match(r"m=\S+ 0 ", part) else next(
            (d for d in ("recvonly", "inactive", "sendonly") if f"a={d}" in part), "sendrecv")
        out.append(f"{way} {label[1] if label else '-'}")
    return out


# What belongs to one dialog, for cases that have two at a time.
DIALOG = ("call_id", "tag", "to_tag", "cseq", "branch", "invite", "sdp", "ended", "target", "lines")


class Player:
    """One case over one transport; play() talks, check() looks."""

    def __init__(self, name, folder, server, transport, token, cafile=None):
        self.name, self.folder, self.transport = name, folder, transport
        self.server, self.token = server, token
        self.case = json.loads((folder / "case.json").read_text())
        self.c = sipc.SipClient(server.sip[transport], transport, cafile=cafile)
        self.names, self.lines, self.dialogs, self.beside = {}, {}, [], []
        self.spoken, self.pause_s = None, 0  # tick of the last RTP; the longest pause in it
        self.late_s = 0  # what our own packets were behind their times at worst
        self.rng = random.Random(7865)
        self.begin = time.monotonic()
        self.new_dialog()

    def close(self):
        self.c.close()
        for lines in [self.lines] + [d["lines"] for d in self.beside]:
            for line in lines.values():
                line.close()

    # -- what stands in the files

    def new_dialog(self):
        self.call_id = uuid.uuid4().hex + "@" + self.c.host
        self.tag, self.to_tag = uuid.uuid4().hex[:10], ""
        self.cseq, self.branch, self.invite, self.sdp = 0, None, None, None
        self.ended = False  # by the server
        host, port = self.c.dest
        self.target = self.address = f"sip:srs@{host}:{port};transport={self.transport}"
        self.dialogs.append(self.call_id)

    def line(self, index):
        if index not in self.lines:
            self.lines[index] = Line(index)
        return self.lines[index]

    def unique(self, kind, name):
        """An id in a vendor's style; the same for the same name, new in each run."""
        raw = hashlib.sha256(f"{self.names.setdefault(name, uuid.uuid4().hex)}".encode()).digest()
        if kind == "uuid":
            return str(uuid.UUID(bytes=raw[:16]))
        if kind == "hex":
            return raw.hex()[:32]
        if kind == "num":
            return str(int.from_bytes(raw[:5], "big"))
        return base64.b64encode(raw[:16]).decode()

    def value(self, word):
        kind, _, arg = word.partition(":")
        if kind in ("port", "rtcp"):
            return str(self.line(int(arg)).port + (kind == "rtcp"))
        if kind.startswith("srtp"):
            line = self.line(int(arg))
            line.key = line.key or random.Random().randbytes(int(kind[4:]))
            return srtp.inline(line.key)
        if kind in ("id", "uuid", "hex", "num"):
            return self.unique(kind, arg)
        fixed = {"ip": self.c.host, "local": self.c.hostport, "server": "%s:%d" % self.c.dest,
                 "request-uri": self.target, "to-uri": self.address, "transport": self.transport,
                 "TRANSPORT": self.transport.upper(), "branch": self.branch, "tag": self.tag,
                 "to-tag": f";tag={self.to_tag}" if self.to_tag else "", "token": self.token,
                 "call-id": self.call_id, "cseq": str(self.cseq)}
        assert word in fixed, f"{self.name}: {{{{{word}}}}}"
        return fixed[word]

    def message(self, text, step):
        method = text.split(" ", 1)[0]
        if method in ("ACK", "CANCEL"):
            self.cseq = self.invite[0]
        else:
            self.cseq += step.get("cseq_step", 1)
        if method == "CANCEL":
            self.branch = self.invite[1]
        else:
            self.branch = "z9hG4bK" + uuid.uuid4().hex[:16]
        if method == "INVITE":
            self.invite = (self.cseq, self.branch)
        head, _, body = text.partition("\n\n")
        fill = lambda s: re.sub(r"\{\{([\w:.-]+)\}\}", lambda m: self.value(m[1]), s)
        ends = step.get("body_ends", "crlf")
        body = fill(body)
        if ends == "crlf":
            body = body.replace("\n", "\r\n")
        elif ends == "mixed":
            body = "".join(line + ("\r\n" if k % 3 else "\n")
                           for k, line in enumerate(body.split("\n")))
        raw = body.encode(step.get("charset", "utf-8"))
        head = head.replace("{{content-length}}", str(step.get("says_length", len(raw))))
        head = fill(head).replace("\n", "\n" if step.get("head_ends") == "lf" else "\r\n")
        gap = "\n\n" if step.get("head_ends") == "lf" else "\r\n\r\n"
        return head.encode() + gap.encode() + raw

    # -- the talk

    def simple(self, method, branch=None):
        if method in ("ACK", "CANCEL"):
            n = self.invite[0]
        else:
            self.cseq += 1
            n = self.cseq
        branch = branch or "z9hG4bK" + uuid.uuid4().hex[:16]
        to = f"<{self.address}>" + (f";tag={self.to_tag}" if self.to_tag else "")
        self.c.send(f"{method} {self.target} SIP/2.0\r\n"
                    f"Via: SIP/2.0/{self.transport.upper()} {self.c.hostport};branch={branch};rport\r\n"
                    f"Max-Forwards: 70\r\nFrom: <sip:src@{self.c.host}>;tag={self.tag}\r\nTo: {to}\r\n"
                    f"Call-ID: {self.call_id}\r\nCSeq: {n} {method}\r\nContent-Length: 0\r\n\r\n")

    def reply(self, request):
        lines = ["SIP/2.0 200 OK"] + [f"{n}: {v}" for n, v in request.headers if n in (
            "via", "from", "to", "call-id", "cseq")]
        self.c.send("\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n")

    def prack(self, r):
        """Confirm a reliable provisional answer (RFC 3262)."""
        tag = re.search(r";tag=([^;>\s]+)", r.get("to"))[1]
        self.cseq += 1
        self.c.send(f"PRACK {self.target} SIP/2.0\r\n"
                    f"Via: SIP/2.0/{self.transport.upper()} {self.c.hostport}"
                    f";branch=z9hG4bK{uuid.uuid4().hex[:16]};rport\r\n"
                    f"Max-Forwards: 70\r\nFrom: <sip:src@{self.c.host}>;tag={self.tag}\r\n"
                    f"To: <{self.address}>;tag={tag}\r\nCall-ID: {self.call_id}\r\n"
                    f"CSeq: {self.cseq} PRACK\r\nRAck: {r.get('rseq')} {r.get('cseq')}\r\n"
                    "Content-Length: 0\r\n\r\n")

    def final(self, method, timeout=15, prack=True):
        end = time.monotonic() + timeout
        wanted, self.reliable = self.cseq, None
        while True:
            r = self.c.recv(max(0.01, end - time.monotonic()))
            assert r is not None, f"{self.name}: no answer to {method}"
            if r.method:
                if r.method != "ACK":
                    self.reply(r)
                self.ended |= r.method == "BYE"
            elif r.cseq[1] == "PRACK":
                assert r.status == 200, f"{self.name}: PRACK: {r.raw.decode()}"
            elif r.status < 200 and r.get("rseq"):
                self.reliable = r
                if prack:
                    self.prack(r)
            elif r.status >= 200 and r.cseq[0] == wanted and r.get("call-id") == self.call_id:
                return r

    def send(self, step):
        text = (self.folder / step["send"]).read_text()
        method = text.split(" ", 1)[0]
        raw = self.message(text, step)
        if "cancel" in step:
            self.cancel(step, raw)
            return
        self.c.send(raw)
        if method == "ACK":
            return
        r = self.final(method, prack=step.get("prack", True))
        if "reliable" in step:
            assert bool(self.reliable) == step["reliable"], f"{self.name}: {step['send']}: reliable"
        for _ in range(step.get("again", 0)):
            self.c.send(raw)
            assert self.final(method).raw == r.raw, f"{self.name}: {step['send']}: another answer"
        assert r.status == step.get("status", 200), f"{self.name}: {step['send']}: {r.raw.decode()}"
        for word in step.get("says", []):
            assert word in r.raw.decode(), f"{self.name}: {word} is not in\n{r.raw.decode()}"
        if method == "INVITE":
            self.acknowledge(step, r)
        sdp = r.body.decode() if r.get("content-type") == "application/sdp" else ""
        if r.status == 200:
            self.take_answer(step, r, sdp, method)

    def cancel(self, step, raw):
        """The CANCEL follows in the same breath: 200 for it, 487 for its INVITE. Where it came
        too late after all the call is ended, and there is another try."""
        for _ in range(10):
            cancel = self.message((self.folder / step["cancel"]).read_text(), step)
            if self.transport == "udp":
                self.c.send(raw)
                self.c.send(cancel)
            else:
                self.c.send(raw + cancel)
            seen = {}
            while len(seen) < 2:
                r = self.final("CANCEL")
                seen[r.cseq[1]] = r
            self.acknowledge(step, seen["INVITE"])
            if seen["INVITE"].status != 200:
                break
            self.hang_up()
            self.dialogs.pop()
            self.new_dialog()
            raw = self.message((self.folder / step["send"]).read_text(), step)
        assert {m: r.status for m, r in seen.items()} == {"CANCEL": 200, "INVITE": 487}, (
            f"{self.name}: {[r.raw for r in seen.values()]}")

    def acknowledge(self, step, r):
        tag = re.search(r";tag=([^;>\s]+)", r.get("to"))
        if r.status >= 300:
            keep, self.to_tag = self.to_tag, tag[1]
            self.simple("ACK", self.invite[1])
            self.to_tag = keep
            return
        self.to_tag = tag[1]
        self.target = re.search(r"<([^>]+)>", r.get("contact"))[1]
        if "ack" in step:
            self.c.send(self.message((self.folder / step["ack"]).read_text(), step))
        else:
            self.simple("ACK")

    def take_answer(self, step, r, sdp, method):
        if method == "INVITE":
            assert sdp, f"{self.name}: {step['send']}: no SDP in {r.raw.decode()}"
            assert "+sip.srs" in r.get("contact")
        if step.get("same"):
            assert sdp == self.sdp, f"{self.name}: {step['send']}: another answer:\n{sdp}"
        self.sdp = sdp or self.sdp
        if "answer" in step:
            assert words_of_answer(sdp) == step["answer"], f"{self.name}: {step['send']}:\n{sdp}"
        for i, part in enumerate(split_answer(sdp)):
            port = int(part.split(" ")[1])
            assert port % 2 == 0, part
            self.line(i).take(part)
            assert "a=rtcp-mux" not in part or step.get("mux"), part
        if "offer" in step:  # we answer in the ACK: where our media goes is in theirs
            for i, part in enumerate(split_answer(sdp)):
                self.line(i).take(part)

    def speak(self, step):
        """Audio on every line that takes it; typed text and keys on those that are named."""
        only, words = step.get("lines"), step.get("type", {})
        live = [k for k in self.lines.values()
                if k.dest and (k.codec in ("pcmu", "pcma", "opus") or k.codec in OTHERS) and (only is None or k.index + 1 in only)]
        lost = (lambda: self.rng.random() < step["loss"]) if "loss" in step else lambda: False
        tick = first = int((time.monotonic() - self.begin) / 0.02)
        if live and self.spoken:  # what really was between, however slow the machine
            self.pause_s = max(self.pause_s, (first - self.spoken) * 0.02)
        while tick - first < step["rtp"] / 0.02:
            for line in live:
                line.send(tick, step.get("ptime", 20), step.get("pt"), lost, step.get("how"))
            for n, keys in step.get("keys", {}).items():  # a key every 300 ms
                k, rest = divmod(tick - first, 15)
                if rest == 5 and k < len(keys):
                    self.line(int(n) - 1).press(keys[k], tick)
            for n, text in words.items():  # three letters every 60 ms
                self.type(self.line(int(n) - 1), text, tick, tick - first)
            tick += 1
            self.wait(self.begin + tick * 0.02)
            self.late_s = max(self.late_s, time.monotonic() - self.begin - tick * 0.02)
        self.spoken = tick if live else self.spoken

    def type(self, line, text, tick, since):
        k, rest = divmod(since, 3)
        if rest == 0 and text == "garbage":
            line.packet(RED, tick * 20, bytes([0x80 | T140, 0xFF]))
        elif rest == 0 and 3 * k < len(text) + 3 * LEVEL:
            p = line.typist.packet(text[3 * k:3 * k + 3], tick * 20 & 0xFFFFFFFF, k == 0)
            if k % 4 != 2:  # a quarter is lost: redundancy fills it
                line.rtp.sendto(p, line.dest)

    def wait(self, until):
        """Sleep, but answer what the server asks meanwhile."""
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return
            if self.c.transport == "tls" or not select.select([self.c.sock], [], [], left)[0]:
                time.sleep(max(0, until - time.monotonic()))
                return
            m = self.c.recv(0.01)
            if m and m.method and m.method != "ACK":
                self.reply(m)

    def wait_bye(self):
        """The server ends the call."""
        while not self.ended:
            m = self.c.recv(10)
            assert m is not None, f"{self.name}: no BYE came"
            if m.method:
                self.reply(m)
            self.ended = m.method == "BYE"
        self.to_tag = ""

    def hang_up(self):
        if not self.to_tag:
            return
        self.simple("BYE")
        assert self.final("BYE").status == 200
        self.to_tag = ""

    def play(self):
        for step in self.case["steps"]:
            if "send" in step:
                self.send(step)
                if (self.folder / step["send"]).read_text().startswith("BYE "):
                    self.to_tag = ""
            elif "rtp" in step:
                self.speak(step)
            elif "wait" in step:
                self.wait(time.monotonic() + step["wait"])
            elif "flood" in step:
                self.line(0).flood(step["flood"])
            elif step.get("ssrc") == "new":
                for line in self.lines.values():
                    line.ssrc, line.seq = uuid.uuid4().int & 0xFFFFFFFF, line.seq + 4711
            elif "move" in step:
                for old, new in enumerate(step["move"]):
                    self.lines[old].move(self.line(new))
            elif step.get("gone"):
                self.wait_bye()
            elif step.get("dialog") == "new":
                self.hang_up()
                self.new_dialog()
            elif step.get("dialog") == "beside":
                self.beside.append({k: v for k, v in vars(self).items() if k in DIALOG})
                self.new_dialog()
                self.lines = {}
            else:
                raise AssertionError(f"{self.name}: {step}")
        self.hang_up()
        for state in self.beside:
            for line in self.lines.values():
                line.close()
            vars(self).update(state)
            self.hang_up()

    # -- what became of it

    def find(self, call_id):
        def ended():
            rows = Catalog(self.server).rows(
                "SELECT id, state FROM recordings WHERE call_id = ?", call_id)
            return rows[0] if rows and rows[0]["state"] in ("ready", "failed") else None
        return wait_for(ended, 60, f"{self.name}: a finished recording")

    def check(self, api_token, folder):
        wanted = self.case.get("recordings") or [self.case]
        if not self.case.get("recorded", True):
            rows = Catalog(self.server).rows("SELECT id FROM recordings WHERE call_id = ?",
                                             self.call_id)
            assert not rows, f"{self.name}: was recorded"
            return
        assert len(wanted) == len(self.dialogs), f"{self.name}: {len(self.dialogs)} dialogs"
        calls = set()
        for call_id, want in zip(self.dialogs, wanted):
            row = self.find(call_id)
            rec = self.server.get(f"/api/v1/recordings/{row['id']}", api_token).json()
            self.check_model(rec, want)
            self.check_extra(rec, want, api_token)
            self.check_typed(rec, want, api_token)
            self.check_printed(rec, folder)
            self.check_audio(rec, want, api_token, folder)
            calls.add(rec["call"]["id"])
            assert len(rec["call"]["legs"]) <= len(wanted), f"{self.name}: {rec['call']}"
        assert len(calls) == 1, f"{self.name}: {len(calls)} calls, not one"

    def check_model(self, rec, want):
        assert rec["state"] == want.get("state", "ready"), f"{self.name}: {rec}"
        people = [[p["aor"] or "", p["name"] or ""] for p in rec["participants"]]
        want = json.loads(json.dumps(want).replace("{ip}", self.c.host).replace(
            "{to}", self.address))
        assert people == want["people"], f"{self.name}: {people}"
        left = [p["aor"] or "" for p in rec["participants"] if p["left_at"]]
        assert left == want.get("left", []), f"{self.name}: left {left}"
        if "streams" in want:
            by_ord = {p["ord"]: p["aor"] for p in rec["participants"]}
            got = [[s["label"] or "", by_ord.get(s["participant"], "")] for s in rec["streams"]]
            assert got == want["streams"], f"{self.name}: {got}"
        codes = sorted({w["code"] for w in rec["warnings"]})
        assert codes == sorted(want.get("warnings", [])), f"{self.name}: {rec['warnings']}"
        for word in want.get("events", []):
            assert word in [e["kind"] for e in rec["events"]], f"{self.name}: {rec['events']}"
        keys = "".join(e["text"] for e in rec["events"] if e["kind"] == "dtmf")
        if "keys_at_least" in want:
            assert len(keys) >= want["keys_at_least"], f"{self.name}: {len(keys)} keys"
        else:
            assert keys == want.get("keys", ""), f"{self.name}: {rec['events']}"
        if "sessions" in want:  # communication sessions, and whether each is over
            over = [bool(s["to"]) for s in rec["communication_sessions"]]
            assert over == want["sessions"], f"{self.name}: {rec['communication_sessions']}"
        if "sent" in want:  # [label, who] in the order of time: who sent which stream when
            names = {p["ord"]: p["aor"] for p in rec["participants"]}
            labels = {s["index"]: s["label"] for s in rec["streams"]}
            got = [[labels[a["stream"]], names[a["participant"]]]
                   for a in rec["associations"] if a["kind"] == "send"]
            assert got == want["sent"], f"{self.name}: {got}"
        if "rule" in want:
            legs = {g["recording_id"]: g["rule"] for g in rec["call"]["legs"]}
            assert legs[rec["id"]] == want["rule"], f"{self.name}: {rec['call']}"

    def check_extra(self, rec, want, api_token):
        """Lifted fields and correlation headers, each of which finds the recording."""
        have = rec["metadata"] or {}
        for name, value in want.get("extra", {}).items():
            value = re.sub(r"\{\{([\w:.-]+)\}\}", lambda m: self.value(m[1]), value)
            assert have.get(name) == value, f"{self.name}: {name}: {have}"
            found = self.server.get("/api/v1/recordings", api_token, params={"q": value}).json()["items"]
            assert rec["id"] in [i["id"] for i in found], f"{self.name}: nobody finds {value}"

    def check_printed(self, rec, folder):
        """What was understood is printed as RFC 7865 XML: valid by its schema, and it says of
        people and streams what the catalog says. (Nothing is printed when there was nothing.)"""
        text = self.server.cli("recordings", "metadata", rec["id"], code=None)
        if not text:
            assert not any("<participant" in f.read_text() for f in self.folder.glob("*.sip")) or (
                not rec["participants"]), f"{self.name}: nothing is printed"
            return
        path = pathlib.Path(folder) / f"{rec['id']}.xml"
        path.write_text(text)
        done = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", SCHEMA, path],
                              capture_output=True, text=True)
        assert done.returncode == 0, f"{self.name}: {done.stderr}\n{text}"
        root = ElementTree.fromstring(text.encode())
        who = {p.get("participant_id"): p for p in root.iter(NS + "participant")}
        people = sorted([unquote(p.find(NS + "nameID").get("aor")), p.findtext(f"{NS}nameID/{NS}name") or ""]
                        for p in who.values())
        here = sorted([p["aor"] or "", p["name"] or ""] for p in rec["participants"] if not p["left_at"])
        assert people == here, f"{self.name}: printed {people}, recorded {here}"
        labels = {s.get("stream_id"): s.findtext(NS + "label") for s in root.iter(NS + "stream")}
        names = {p["ord"]: p["aor"] for p in rec["participants"]}
        lines = {s["index"]: s["label"] for s in rec["streams"] if s["codec"]}
        sent = {(names[a["participant"]], lines.get(a["stream"]))
                for a in rec["associations"] if a["kind"] == "send"}
        for a in root.iter(NS + "participantstreamassoc"):
            for stream in a.iter(NS + "send"):
                label, person = labels.get(stream.text), who.get(a.get("participant_id"))
                if label in lines.values() and person is not None and len(rec["streams"]) > 1:
                    aor = unquote(person.find(NS + "nameID").get("aor"))
                    assert (aor, label) in sent, f"{self.name}: {aor} sends {label}: {sent}"

    def check_typed(self, rec, want, api_token):
        for n, text in want.get("typed", {}).items():
            track = next(t for t in rec["tracks"] if t["kind"] == "text" and t["stream"] == int(n) - 1)
            r = self.server.get(f"/api/v1/recordings/{rec['id']}/tracks/{track['n']}/text", api_token)
            r.encoding = "utf-8"
            got = "".join(re.findall(r"(?m)^<v [^>]*>(.*)$", r.text))
            assert got == text, f"{self.name}: {r.text}"

    def check_audio(self, rec, want, api_token, folder):
        """want["audio"]: one list of m-line numbers (from 1) for each channel."""
        if "audio" not in want:
            return
        path = pathlib.Path(folder) / (self.name.replace("/", "-") + self.transport + ".ogg")
        r = self.server.get(f"/api/v1/recordings/{rec['id']}/audio?format=ogg", api_token)
        path.write_bytes(r.content)
        channels = decode(path)
        assert len(channels) == len(want["audio"]), f"{self.name}: {len(channels)} channels"
        for n, (samples, lines) in enumerate(zip(channels, want["audio"])):
            for k in range(min(len(self.lines), len(HZ))):
                heard = level(samples, tone_of(k)) > 0.03
                assert heard == (k + 1 in lines), (
                    f"{self.name}: m-line {k + 1} {'is' if heard else 'is not'} in channel {n + 1}"
                    f" ({level(samples, tone_of(k)):.3f})")
            if "pause_s" in want:
                self.check_pause(samples, want["pause_s"])

    def check_pause(self, samples, seconds):
        """A hold is a silence of the length that it had."""
        longest = max((n for _, n in silences(samples)), default=0)
        assert self.pause_s >= seconds and abs(longest - self.pause_s) < 0.25, (
            f"{self.name}: silences of {silences(samples)}, {self.pause_s:.2f} s were meant")
