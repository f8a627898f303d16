"""Tones as the payloads of every codec that is recorded, made by others' encoders: FFmpeg's,
libgsm (through FFmpeg), bcg729 (tests/data/g729)."""
import functools
import itertools
import socket
import struct
import subprocess
import threading
import time

from lib.media import tone_ulaw
from lib.server import ROOT

HZ = (440, 610, 830, 1060, 1290, 1530)  # of the payloads of G.729
SECONDS = 4  # then from the beginning

# name: FFmpeg's encoder, rate of the samples, bytes of a packet, its RTP ticks
CODECS = {
    "G722": (["-c:a", "g722", "-f", "g722"], 16000, 160, 160),
    "G726-16": (["-c:a", "g726le", "-code_size", "2", "-f", "g726le"], 8000, 40, 160),
    "G726-24": (["-c:a", "g726le", "-code_size", "3", "-f", "g726le"], 8000, 60, 160),
    "G726-32": (["-c:a", "g726le", "-code_size", "4", "-f", "g726le"], 8000, 80, 160),
    "G726-40": (["-c:a", "g726le", "-code_size", "5", "-f", "g726le"], 8000, 100, 160),
    "AAL2-G726-32": (["-c:a", "g726", "-code_size", "4", "-f", "g726"], 8000, 80, 160),
    "GSM": (["-c:a", "libgsm", "-f", "gsm"], 8000, 33, 160),
    "G723": (["-c:a", "g723_1", "-b:a", "6300", "-f", "g723_1"], 8000, 24, 240),
    "G729": (None, 8000, 20, 160),
    "L16/8000": (["-c:a", "pcm_s16be", "-f", "s16be"], 8000, 320, 160),
    "L16/16000": (["-c:a", "pcm_s16be", "-f", "s16be"], 16000, 640, 320),
    "L16/44100": (["-c:a", "pcm_s16be", "-f", "s16be"], 44100, 882, 441),
    "PCMU": (None, 8000, 160, 160),
}


@functools.lru_cache(maxsize=None)
def encoded(codec, hz):
    """SECONDS of a tone of amplitude 0.4."""
    by, rate, _, _ = CODECS[codec]
    if codec == "PCMU":
        return tone_ulaw(hz, 0, 8000 * SECONDS)
    if codec == "G729":
        return (ROOT / f"tests/data/g729/{hz}.g729").read_bytes()
    out = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i",
         f"sine=frequency={hz}:sample_rate={rate}:duration={SECONDS}", "-filter:a", "volume=3.2",
         "-ac", "1", *by, "-"], capture_output=True, check=True).stdout
    return out


@functools.lru_cache(maxsize=None)
def payloads(codec, hz):
    """Its packets, [bytes]."""
    size, data = CODECS[codec][2], encoded(codec, hz)
    return [data[i:i + size] for i in range(0, len(data) - size + 1, size)]


def ticks(codec):
    """RTP time of a packet."""
    return CODECS[codec][3]


def packet_s(codec):
    """Seconds of a packet; the RTP clock of G.722 is 8000 Hz (RFC 3551 section 4.5.2)."""
    _, rate, _, n = CODECS[codec]
    return n / (rate if codec.startswith("L16") else 8000)


def annexb():
    """G.729 with pauses: the frames of 10 ms, b"" where nothing was sent."""
    data, frames, at = (ROOT / "tests/data/g729/annexb.g729").read_bytes(), [], 0
    while at < len(data):
        frames.append(data[at + 1:at + 1 + data[at]])
        at += 1 + data[at]
    return frames


class Sender(threading.Thread):
    """A paced stream of a codec's packets. packets: [payload]; "" = nothing is sent then."""

    def __init__(self, codec, hz, pt, packets=None):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.dest, self.ssrc = None, 0x10000000 + self.port
        self.seq, self.ts, self.sent, self.ended = 65530, 0xFFFFF000, 0, threading.Event()
        self.muted = threading.Event()
        self.comfort = None  # (payload type, payload) of a packet in the place of each tenth
        self.codec(codec, hz, pt, packets)

    def codec(self, codec, hz, pt, packets=None):
        """From the next packet on, by a new encoder. Frames of 10 ms when packets are given."""
        made = itertools.cycle(packets or payloads(codec, hz))
        self.now = (made, 80 if packets else ticks(codec), 0.01 if packets else packet_s(codec), pt)

    def run(self):
        due, k = time.monotonic(), 0
        while not self.ended.wait(max(0, due - time.monotonic())):
            made, step, seconds, pt = self.now
            data = next(made)
            if self.comfort and k % 10 == 9:
                pt, data = self.comfort
            if data and not self.muted.is_set():
                self.sock.sendto(struct.pack("!BBHII", 0x80, pt, self.seq & 0xFFFF, self.ts & 0xFFFFFFFF,
                                             self.ssrc) + data, self.dest)
                self.seq += 1
                self.sent += 1
            self.ts += step
            due += seconds
            k += 1

    def stop(self):
        self.ended.set()
        self.join()
        self.sock.close()
