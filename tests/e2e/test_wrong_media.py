"""Nobody else's sound gets into a recording: ports that are used again, hosts and ports that
were not negotiated, SSRCs that are the same."""
import socket

import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.media import RtpSender, decode, level, silences
from lib.server import World, wait_for
from test_sip_calls import PEOPLE


def free_range(pairs):
    """An even port and the last one of so many pairs, all free now."""
    for base in range(30000, 60000, 2 * pairs):
        held = []
        try:
            for port in range(base, base + 2 * pairs):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                held.append(s)
                s.bind(("127.0.0.1", port))
            return base, base + 2 * pairs - 1
        except OSError:
            continue
        finally:
            for s in held:
                s.close()
    raise AssertionError("no free ports")


class Call:
    """Two senders and their call; they go on until silence()."""

    def __init__(self, world, client, tones, start=True, **kw):
        self.senders = [RtpSender(("127.0.0.1", 1), hz, seed=hz, **kw) for hz in tones]
        # a port just given up is free a moment later: the supervisor had a duplicate of its socket
        wait_for(lambda: self._invite(world, client), 10, "ports")
        for s, port in zip(self.senders, self.r.ports()):
            s.dest = ("127.0.0.1", port)
        if start:
            self.speak()

    def _invite(self, world, client):
        self.dialog = client.dialog(token=world.access_token)
        self.r = self.dialog.invite([s.port for s in self.senders], PEOPLE)
        assert self.r.status in (200, 503), self.r.raw
        return self.r.status == 200

    def speak(self, packets=80):
        for s in self.senders:
            s.start()
        wait_for(lambda: min(s.sent for s in self.senders) >= packets, 20, "some sound")

    def silence(self):
        for s in self.senders:
            s.stop()


@pytest.fixture
def client(request):
    made = []

    def make(server):
        made.append(sipc.SipClient(server.sip["udp"]))
        return made[-1]
    yield make
    for c in made:
        c.close()


def sound(world, rec, tmp_path):
    path = tmp_path / f"{rec['id']}.ogg"
    path.write_bytes(world.server.get(f"/api/v1/recordings/{rec['id']}/audio",
                                      world.api_token).content)
    return decode(path)


def loud(samples, hz):
    """Mean level of a tone in windows of 0.1 s: where a stream begins anew within a recording,
    its clock may be fitted by some parts in a thousand, which a long window would not find."""
    parts = [level(samples[i:i + 800], hz) for i in range(0, len(samples) - 799, 800)]
    return sum(parts) / len(parts)


def is_only(samples, hz, others):
    assert loud(samples, hz) > 0.1, [loud(samples, x) for x in (hz, *others)]
    for other in others:
        assert loud(samples, other) < 0.02, (other, loud(samples, other))


def test_late_packets_do_not_get_into_the_next_call(start, client, tmp_path):
    """The client of the first call never stops sending, and the second gets the same ports."""
    low, high = free_range(2)
    world = World(start({"media": {"ports": f"{low}-{high}"}}))
    c = client(world.server)
    a = Call(world, c, (500, 1500))
    assert a.dialog.bye().status == 200
    Catalog(world.server).wait_ended(1)
    b = Call(world, c, (800, 2100), start=False)
    assert sorted(b.r.ports()) == sorted(a.r.ports())
    was = [s.sent for s in a.senders]
    wait_for(lambda: min(s.sent - n for s, n in zip(a.senders, was)) > 50, 20, "late packets")
    b.speak()
    assert b.dialog.bye().status == 200
    a.silence()
    b.silence()
    rec = world.wait_recording(count=2)
    left, right = sound(world, rec, tmp_path)
    is_only(left, 800, (500, 1500, 2100))
    is_only(right, 2100, (500, 1500, 800))


def test_what_comes_after_the_end_is_in_no_recording(start, client, tmp_path):
    world = World(start())
    a = Call(world, client(world.server), (500, 1500))
    assert a.dialog.bye().status == 200
    sent = [s.sent for s in a.senders]
    rec = world.wait_recording()
    assert min(s.sent - n for s, n in zip(a.senders, sent)) > 0
    a.silence()
    assert rec["duration_s"] < max(sent) * 0.02 + 1.0


def test_another_host_is_not_heard(start, client, tmp_path):
    world = World(start())
    a = Call(world, client(world.server), (500, 1500))
    intruder = RtpSender(a.senders[0].dest, 1000, local=("127.0.0.2", 0))
    intruder.start()
    wait_for(lambda: intruder.sent > 80, 20, "an intruder")
    intruder.stop()
    Catalog(world.server).wait_warning("media.source_rejected")
    assert a.dialog.bye().status == 200
    a.silence()
    left, right = sound(world, world.wait_recording(), tmp_path)
    is_only(left, 500, (1000, 1500))
    is_only(right, 1500, (1000, 500))


def test_another_port_of_the_host_gives_way_to_the_negotiated_one(start, client, tmp_path):
    """Somebody on the client's host (a call that it forgot) is first: it does not stay."""
    world = World(start())
    b = Call(world, client(world.server), (800, 2100), start=False)
    stale = RtpSender(b.senders[0].dest, 1000)
    stale.start()
    wait_for(lambda: stale.sent > 30, 20, "a stale sender")
    b.speak(150)
    assert b.dialog.bye().status == 200
    stale.stop()
    b.silence()
    left, right = sound(world, world.wait_recording(), tmp_path)
    tail = left[-16000:]
    is_only(tail, 800, (1000, 2100))
    is_only(right, 2100, (1000, 800))
    assert not silences(tail)


def test_same_ssrc_on_both_lines_is_two_sources(start, client, tmp_path):
    world = World(start())
    a = Call(world, client(world.server), (500, 1500), ssrc=0x5eed)
    assert a.dialog.bye().status == 200
    a.silence()
    left, right = sound(world, world.wait_recording(), tmp_path)
    is_only(left, 500, (1500,))
    is_only(right, 1500, (500,))
