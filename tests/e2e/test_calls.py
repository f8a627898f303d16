"""What belongs together: RFC 7865's model of a recording, and several recordings
that are one call."""
import re
import time

import pytest

from lib import media
from lib.calls import Leg
from lib.catalog import Catalog
from lib.server import ALICE, BOB, CAROL, World
from lib.sipc import SipClient, metadata

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


def xml(people=PEOPLE, session="cs-1", group=None, **kw):
    text = metadata(people, session=session, **kw)
    if group:
        text = text.replace("<datamode>complete</datamode>",
                            f'<datamode>complete</datamode><group group_id="{group}"/>')
        text = text.replace(f'<session session_id="{session}"/>',
                            f'<session session_id="{session}"><group-ref>{group}</group-ref></session>')
    return text


class Call:
    """A dialog with media, long enough to be a recording."""

    def __init__(self, server, world, text, extra=(), src="sbc"):
        self.c = SipClient(server.sip["udp"])
        self.d = self.c.dialog(token=world.access_token, src=src)
        self.senders, _ = media.two_voices(
            lambda ports: self.d.invite(ports, PEOPLE, xml=text, extra=extra))

    def end(self, after=0.6):
        time.sleep(after)
        for s in self.senders:
            s.stop()
        assert self.d.bye().status == 200


def ready(world, count):
    world.wait_recording(count=count)
    return sorted((i["id"] for i in world.recordings()))


def test_a_call_restarted_with_the_same_group_is_one(server, world):
    Call(server, world, xml(session="a", group="g1")).end()
    Call(server, world, xml(session="b", group="g1")).end()
    Call(server, world, xml(session="c", group="g2")).end()
    first, second, other = ready(world, 3)
    a, b, c = (world.recording(i)["call"] for i in (first, second, other))
    assert a["id"] == b["id"] == first
    assert [leg["recording_id"] for leg in a["legs"]] == [first, second]
    assert [leg["rule"] for leg in b["legs"]] == ["", "group_id"]
    assert c == {"id": other, "legs": []}
    items = server.get(f"/api/v1/calls/{second}", world.api_token).json()
    assert items["id"] == first and [i["id"] for i in items["items"]] == [first, second]


def test_duplicate_legs_and_the_two_ends_of_a_phone(server, world):
    one, two = Call(server, world, xml(session="dup")), Call(server, world, xml(session="dup"))
    one.end(), two.end()
    guid = ["Cisco-Guid: 1234567890-1234567890"]
    near = Call(server, world, xml(session="n"), extra=guid)
    far = Call(server, world, xml(session="f"), extra=guid)
    near.end(), far.end()
    ids = ready(world, 4)  # tones: nobody can say that two are the same
    calls = [world.recording(i)["call"] for i in ids]
    assert calls[0]["id"] == calls[1]["id"] and calls[1]["legs"][1]["rule"] == "session_id"
    assert calls[2]["id"] == calls[3]["id"] and calls[3]["legs"][1]["rule"] == "correlation"
    assert calls[0]["id"] != calls[2]["id"]


def test_a_rule_can_be_switched_off(start):
    server = start({"stitch": {"group_id": "no"}})
    world = World(server)
    Call(server, world, xml(session="a", group="g1")).end()
    Call(server, world, xml(session="b", group="g1")).end()
    for rid in ready(world, 2):
        assert world.recording(rid)["call"] == {"id": rid, "legs": []}


CORRELATION = ["Cisco-Guid: 1-2-3-4", "X-BroadWorks-Correlation-Info: abc", "AC-Session-ID: 1:2",
               "X-Genesys-CallUUID: u1", "x-audc-call-id: c1"]


RULES = ["group_id", "session_id", "sip_session_id", "refci"]


def share(world, client, rule):
    """Two dialogs that share this one thing only; the calls that they are in."""
    calls = []
    for n in ("a", "b"):
        cs = f"cs-{rule}" if rule == "session_id" else f"cs-{rule}-{n}"
        text = xml(session=cs, group="g1" if rule == "group_id" else None)
        if rule == "sip_session_id":
            text = text.replace(f'<session session_id="{cs}"/>', f'<session session_id="{cs}">'
                                f"<sipSessionID>{'ab' * 16};remote={'0' * 32}</sipSessionID></session>")
        d = client.dialog(token=world.access_token)
        if rule == "refci":
            d.from_params = ";x-nearend;x-refci=77;x-farendaddr=1002"
        extra = [rule] if rule in CORRELATION else []
        assert d.invite([40000, 40002], PEOPLE, xml=text, extra=extra).status == 200
        row = Catalog(world.server).rows("SELECT id FROM recordings WHERE call_id = ?", d.call_id)
        calls.append(world.recording(row[0]["id"])["call"])
    return calls


@pytest.mark.parametrize("off", RULES + ["correlation"])
def test_every_rule_has_its_switch(start, off):
    """It joins unless it is switched off, and the others go on."""
    server = start({"stitch": {off: "no"}, "server": {"drain": "0s"}})
    world, client = World(server), SipClient(server.sip["udp"])
    for rule in RULES + CORRELATION:
        first, second = share(world, client, rule)
        name = "correlation" if rule in CORRELATION else rule
        assert (first["id"] == second["id"]) == (name != off), (rule, first, second)
        if name != off:
            assert second["legs"][1]["rule"] == name
    client.close()


def test_another_grants_call_is_never_joined(server, world):
    other = World(server, tenant="other")
    Call(server, world, xml(group="g")).end()
    Call(server, other, xml(group="g")).end()
    for w in (world, other):
        rid = ready(w, 1)[0]
        assert w.recording(rid)["call"] == {"id": rid, "legs": []}
    mine, theirs = ready(world, 1)[0], ready(other, 1)[0]
    server.get(f"/api/v1/calls/{theirs}", world.api_token, code=404)
    server.get(f"/api/v1/calls/{mine}", other.api_token, code=404)


def test_who_sent_which_stream_when(server, world):
    call = Call(server, world, xml(session="first"))
    time.sleep(0.5)
    # a transfer: another communication session in the same recording session
    people = [(ALICE, "Alice"), (CAROL, "Carol")]
    text = metadata(people, session="second").replace('"p1"', '"p9"').replace(">p1<", ">p9<")
    assert call.d.update(text).status == 200
    call.end()
    rid = ready(world, 1)[0]
    rec = world.recording(rid)
    names = {p["ord"]: p["name"] for p in rec["participants"]}
    sessions = rec["communication_sessions"]
    assert [s["id"] for s in sessions] == ["first", "second"]
    assert sessions[0]["to"] and sessions[1]["from"] >= sessions[0]["to"] and not sessions[1]["to"]
    sends = [a for a in rec["associations"] if a["kind"] == "send" and a["stream"] == 1]
    assert [names[a["participant"]] for a in sends] == ["Bob", "Carol"]
    assert sends[0]["to"] and sends[1]["to"] is None and sends[1]["from"] >= sends[0]["to"]
    parts = [a for a in rec["associations"] if a["kind"] == "takes_part" and a["session"] == "second"]
    assert {names[a["participant"]] for a in parts} == {"Alice", "Carol"}


def test_what_was_understood_is_printed_as_rfc7865(server, world):
    Call(server, world, xml(session="s", group="g")).end()
    rid = ready(world, 1)[0]
    text = server.cli("recordings", "metadata", rid)
    assert "urn:ietf:params:xml:ns:recording:1" in text
    assert re.search(r'<session [^>]*session_id="cw=="', text) and 'group_id="Zw=="' in text
    assert ALICE in text and BOB in text and text.count("<participant ") == 2


@pytest.mark.parametrize("bad", ["x", "00000000-0000-7000-8000-000000000000"])
def test_an_unknown_call_is_not_there(server, world, bad):
    server.get(f"/api/v1/calls/{bad}", world.api_token, code=404)


def test_a_conference_of_thirty_two(server, tmp_path):
    """Every line is kept, each as the track of whoever speaks on it."""
    people = [(ALICE, "Alice")] + [(f"sip:p{i}@voip.example", f"P {i}") for i in range(1, 32)]
    world = World(server)
    legs = [Leg(300 + 50 * i) for i in range(32)]
    d = SipClient(server.sip["tcp"], "tcp").dialog(token=world.access_token)
    r = d.invite([leg.port for leg in legs], people)
    assert r.status == 200 and all(r.ports()), r.raw
    for leg, port in zip(legs, r.ports()):
        leg.dest = ("127.0.0.1", port)
    began = time.monotonic()
    for tick in range(60):
        for leg in legs:
            leg.send(tick)
        time.sleep(max(0, began + 0.02 * (tick + 1) - time.monotonic()))
    assert d.bye().status == 200
    rec = world.recording(world.wait_recording(timeout=60)["id"])
    tracks = {t["participant"]: t["n"] for t in rec["tracks"] if t["n"]}
    assert len(tracks) == 32, tracks
    assert rec["warnings"] == []
    for i in (0, 15, 16, 31):
        got = server.get(f"/api/v1/recordings/{rec['id']}/tracks/{tracks[i]}/audio?format=ogg", world.api_token)
        assert got.status_code == 200
        path = tmp_path / f"{i}.ogg"
        path.write_bytes(got.content)
        voice = media.decode(path)[0][3000:8000]
        assert media.level(voice, 300 + 50 * i) > 0.1
        assert media.level(voice, 300 + 50 * (i + 1)) < 0.02
