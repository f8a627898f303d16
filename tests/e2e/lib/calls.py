"""Many calls being recorded at once, each side with its own tone, all RTP from one thread."""
import socket
import struct
import threading
import time

from lib import media
from lib.server import ALICE, BOB, wait_for
from lib.sipc import SipClient

SHORTEST_TICKS = 150  # of 20 ms
PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


def tones(n):
    """Left and right of call n; all different and apart from each other."""
    return 300 + 20 * n, 1400 + 20 * n


class Leg:
    def __init__(self, hz):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.dest = None
        self.wave = media.tone_ulaw(hz, 0, 8000)

    def send(self, tick):
        at = tick * 160 % 8000
        head = struct.pack("!BBHII", 0x80, 0, tick & 0xFFFF, tick * 160, self.port)
        try:
            self.sock.sendto(head + self.wave[at:at + 160], self.dest)
        except OSError:
            pass


class Calls:
    """`count` calls that run until end(); check() measures what was recorded."""

    def __init__(self, world, count):
        self.world, self.legs, self.dialogs, self.began = world, [], [], []
        self.ticks = 0
        self.ended = threading.Event()
        self.client = SipClient(world.server.sip["udp"])
        for n in range(count):
            pair = [Leg(hz) for hz in tones(n)]
            d = self.client.dialog(token=world.access_token)
            r = d.invite([leg.port for leg in pair], PEOPLE)
            assert r.status == 200, r.raw
            self.began.append(time.monotonic())
            self.dialogs.append(d)
            for leg, port in zip(pair, r.ports()):
                leg.dest = ("127.0.0.1", port)
            self.legs += pair
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        start = time.monotonic()
        while not self.ended.wait(max(0, start + self.ticks * 0.02 - time.monotonic())):
            for leg in self.legs:
                leg.send(self.ticks)
            self.ticks += 1

    def end(self):
        """BYE for all, once they have some sound; the server must still know each of them."""
        wait_for(lambda: self.ticks >= SHORTEST_TICKS, what="RTP of a few seconds")
        self.seconds = []
        for d, began in zip(self.dialogs, self.began):
            r = d.bye()
            assert r.status == 200, r.raw
            self.seconds.append(time.monotonic() - began)
        self.ended.set()
        self.thread.join()
        for leg in self.legs:
            leg.sock.close()
        self.client.close()

    def check(self, folder, catalog, timeout=60):
        """All ready, as long as they were, both tones on their sides from end to end."""
        ids = [d.call_id for d in self.dialogs]
        marks = ",".join("?" * len(ids))

        def rows():
            found = catalog.rows(f"SELECT * FROM recordings WHERE call_id IN ({marks})", *ids)
            assert not [r for r in found if r["state"] == "failed"], found
            return found if len(found) == len(ids) and all(
                r["state"] == "ready" for r in found) else None

        by_call = {r["call_id"]: r for r in wait_for(rows, timeout, "every call ready")}
        for n, d in enumerate(self.dialogs):
            row = by_call[d.call_id]
            assert abs(row["duration_us"] / 1e6 - self.seconds[n]) < 1.0, (row, self.seconds[n])
            path = folder / f"call-{n}.ogg"
            left, right = media.decode(self.world.audio(row["id"], path))
            path.unlink()
            for side, hz in zip((left, right), tones(n)):
                assert len(side) / 8000 > self.seconds[n] - 1.5, f"call {n} is short"
                for third in range(3):
                    part = side[len(side) * third // 3:][:8000]
                    loud = media.level(part[400:-400], hz)
                    assert loud > 0.15, f"call {n}: {hz} Hz only {loud:.3f} in third {third}"
                assert not [s for s in media.silences(side[4000:-4000])], f"call {n} has holes"
