"""RTP out, audio files in: tones, their measurement, G.711."""
import array
import math
import socket
import struct
import subprocess
import threading
import time


def linear_to_ulaw(s):
    sign = 0x80 if s < 0 else 0
    s = min(abs(s), 32635) + 132
    exp = s.bit_length() - 8
    return ~(sign | exp << 4 | (s >> (exp + 3)) & 0x0F) & 0xFF


ULAW = bytes(linear_to_ulaw(v) for v in range(-32768, 32768))


def tone_ulaw(hz, start, n, rate=8000, level=0.4):
    return bytes(ULAW[int(32767 * level * math.sin(2 * math.pi * hz * (start + i) / rate)) + 32768]
                 for i in range(n))


class RtpSender(threading.Thread):
    """A paced stream of 20 ms PCMU packets with a tone. Stop with stop()."""

    def __init__(self, dest, hz, local=("127.0.0.1", 0), pt=0, loss=0.0, reorder=False, seed=1,
                 seq=1000, ssrc=None, seconds=None):
        super().__init__(daemon=True)
        import random
        self.rng = random.Random(seed)
        self.sock = socket.socket(socket.AF_INET6 if ":" in local[0] else socket.AF_INET,
                                  socket.SOCK_DGRAM)
        self.sock.bind(local)
        self.port = self.sock.getsockname()[1]
        self.dest, self.hz, self.pt, self.loss, self.reorder = dest, hz, pt, loss, reorder
        self.seq, self.ts = seq, 160 * seq
        self.ssrc = ssrc or self.rng.getrandbits(32)
        self.sent = self.lost = 0
        self.muted = threading.Event()
        self.ended = threading.Event()
        self.limit = seconds
        cycle = 8000 // math.gcd(8000, hz)
        n = cycle * 160 // math.gcd(cycle, 160)
        self.wave = tone_ulaw(hz, 0, n)

    def run(self):
        start = time.monotonic()
        held, tick = None, 0
        while not self.ended.is_set():
            if self.limit and tick * 0.02 >= self.limit:
                break
            at = tick * 160 % len(self.wave)
            packet = struct.pack("!BBHII", 0x80, self.pt, self.seq & 0xFFFF, self.ts & 0xFFFFFFFF,
                                 self.ssrc) + self.wave[at:at + 160]
            if not self.muted.is_set():
                if self.rng.random() < self.loss:
                    self.lost += 1
                elif self.reorder and held is None and self.rng.random() < 0.05:
                    held = packet
                else:
                    self._send(packet)
                    if held:
                        self._send(held)
                        held = None
                self.seq += 1
            self.ts += 160
            tick += 1
            self.ended.wait(max(0, start + tick * 0.02 - time.monotonic()))

    def _send(self, packet):
        try:
            self.sock.sendto(packet, self.dest)
            self.sent += 1
        except OSError:
            pass

    def stop(self):
        self.ended.set()
        self.join()
        self.sock.close()


def two_voices(invite, tones=(440, 880), host="127.0.0.1"):
    """invite(ports) must be answered 200; then a tone goes to each of its ports.

    Returns the senders, which run until stop(), and the answer.
    """
    senders = [RtpSender((host, 9), hz, local=(host, 0)) for hz in tones]
    r = invite([s.port for s in senders])
    assert r.status == 200, r.raw
    for s, port in zip(senders, r.ports()):
        s.dest = (host, port)
        s.start()
    return senders, r



def decode(path, rate=8000):
    """Samples of an audio file, one list per channel. Opus by libopus: FFmpeg's own decoder
    runs away on some pure tones (SILK at 8 kHz; 680 and 1480 Hz were seen to)."""
    probe = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries",
                            "stream=codec_name,channels", "-of", "csv=p=0", str(path)],
                           capture_output=True, text=True, check=True).stdout
    codec, channels = probe.strip().split(",")[:2]
    channels = int(channels)
    by = ["-c:a", "libopus"] if codec == "opus" else []
    raw = subprocess.run(["ffmpeg", "-v", "error", *by, "-i", str(path), "-f", "s16le", "-ar",
                          str(rate), "-"], capture_output=True, check=True).stdout
    samples = array.array("h", raw)
    return [samples[c::channels] for c in range(channels)]


def level(samples, hz, rate=8000):
    """Amplitude of one tone (Goertzel), 0..1."""
    n = len(samples)
    if not n:
        return 0.0
    w = 2 * math.pi * hz / rate
    c, s1, s2 = 2 * math.cos(w), 0.0, 0.0
    for x in samples:
        s1, s2 = x + c * s1 - s2, s1
    power = s1 * s1 + s2 * s2 - c * s1 * s2
    return 2 * math.sqrt(max(power, 0)) / n / 32768


def rms(samples):
    return math.sqrt(sum(x * x for x in samples) / len(samples)) / 32768 if samples else 0.0


def silences(samples, rate=8000, step=0.02, floor=0.01):
    """[(start_s, length_s)] of stretches of at least 0.2 s below the floor."""
    n, out, begin = int(rate * step), [], None
    count = len(samples) // n
    for k in range(count + 1):
        quiet = k < count and rms(samples[k * n:(k + 1) * n]) < floor
        if quiet and begin is None:
            begin = k
        elif not quiet and begin is not None:
            if (k - begin) * step >= 0.2:
                out.append((begin * step, (k - begin) * step))
            begin = None
    return out
