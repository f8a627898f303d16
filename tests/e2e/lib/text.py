"""Real-time text (RFC 4103) as a sender would: a packet every 300 ms, redundancy (RFC 2198)."""
import socket
import struct
import time

T140, RED = 98, 100
LEVEL = 2


def media_line(port, label, direction="sendonly", red=True):
    """The m= line and its attributes."""
    lines = [f"m=text {port} RTP/AVP " + (f"{RED} {T140}" if red else f"{T140}"),
             f"a=rtpmap:{T140} t140/1000"]
    if red:
        lines += [f"a=rtpmap:{RED} red/1000", f"a=fmtp:{RED} " + "/".join([str(T140)] * (LEVEL + 1))]
    return "\r\n".join(lines + [f"a=label:{label}", f"a={direction}"]) + "\r\n"


class TextSender:
    """type() sends pieces; every packet repeats the last two. drop(i): packet i never leaves."""

    def __init__(self, local="127.0.0.1", interval=0.03, ssrc=0x7E87):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((local, 0))
        self.port = self.sock.getsockname()[1]
        self.interval, self.ssrc, self.seq, self.ts = interval, ssrc, 65530, 0
        self.older = [(b"", 0)] * LEVEL
        self.dest = None
        self.sent = self.lost = 0

    def packet(self, piece):
        """The next packet as bytes."""
        data = piece if isinstance(piece, bytes) else piece.encode()
        heads = b"".join(struct.pack("!I", 1 << 31 | T140 << 24 | (self.ts - ts & 0x3FFF) << 10 | len(d))
                         for d, ts in self.older)
        body = heads + bytes([T140]) + b"".join(d for d, _ in self.older) + data
        p = struct.pack("!BBHII", 0x80, RED, self.seq & 0xFFFF, self.ts & 0xFFFFFFFF, self.ssrc) + body
        self.older = self.older[1:] + [(data, self.ts)]
        self.seq += 1
        self.ts += int(self.interval * 1000)
        return p

    def type(self, pieces, drop=lambda i: False):
        """Pieces, then so many empty packets that the last is repeated, too."""
        for i, piece in enumerate(list(pieces) + [b""] * LEVEL):
            p = self.packet(piece)
            if drop(i):
                self.lost += 1
            else:
                self.sock.sendto(p, self.dest)
                self.sent += 1
            time.sleep(self.interval)

    def close(self):
        self.sock.close()
