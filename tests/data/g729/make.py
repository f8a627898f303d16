#!/usr/bin/python3
"""Makes the G.729 payloads that the tests send: nothing that the tests need can encode it.

    make.py FOLDER      needs Debian's libbcg729-0 (1.1.1), which the server does not use

HZ.g729: four seconds of a tone (amplitude 0.4), frames of 10 bytes without headers.
annexb.g729: a second of 440 Hz, two of faint noise, one of 440 Hz, as an encoder with
voice detection sends it; before each frame of 10 ms its length: 10, 2 (SID) or 0 (nothing).
"""
import ctypes
import math
import pathlib
import random
import sys

HZ = (440, 610, 830, 1060, 1290, 1530)


class Encoder:
    def __init__(self, detect):
        self.lib = ctypes.CDLL("libbcg729.so.0")
        self.lib.initBcg729EncoderChannel.restype = ctypes.c_void_p
        self.lib.initBcg729EncoderChannel.argtypes = [ctypes.c_uint8]
        self.lib.bcg729Encoder.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
                                           ctypes.c_void_p]
        self.context = self.lib.initBcg729EncoderChannel(detect)

    def frame(self, samples):
        pcm, out, n = (ctypes.c_int16 * 80)(*samples), (ctypes.c_uint8 * 10)(), ctypes.c_uint8()
        self.lib.bcg729Encoder(self.context, pcm, out, ctypes.byref(n))
        return bytes(out[:n.value])


def tone(hz, start):
    return [int(32767 * 0.4 * math.sin(2 * math.pi * hz * i / 8000)) for i in range(start, start + 80)]


def main(folder):
    for hz in HZ:
        e = Encoder(0)
        (folder / f"{hz}.g729").write_bytes(b"".join(e.frame(tone(hz, 80 * k)) for k in range(400)))
    e, rng, out = Encoder(1), random.Random(1), b""
    for k in range(400):
        speech = k < 100 or k >= 300
        frame = e.frame(tone(440, 80 * k) if speech else [rng.randint(-20, 20) for _ in range(80)])
        out += bytes([len(frame)]) + frame
    (folder / "annexb.g729").write_bytes(out)


main(pathlib.Path(sys.argv[1]))
