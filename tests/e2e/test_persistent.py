"""Persistent recording (RFC 7866 section 10): the session stands while there is no call.

The owner's conditions need to know who takes part; as long as nothing is recorded they wait.
"""
import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.media import decode, level, tone_ulaw, two_voices
from lib.server import ALICE, BOB, CAROL, World, wait_for

PORTS = [40000, 40002]
PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
MULTI = "multipart/mixed;boundary=unique-boundary"
NOBODY = ('<?xml version="1.0"?><recording xmlns="urn:ietf:params:xml:ns:recording:1">'
          "<datamode>complete</datamode></recording>")
WAIT_S = 0.3


def begin(start, direction="inactive", xml=NOBODY, **sip):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0", "missing_metadata_wait": "300ms",
                                 **sip}}))
    client = sipc.SipClient(world.server.sip["udp"])
    d = client.dialog(token=world.access_token)
    r = d.invite(PORTS, [], xml=xml, direction=direction)
    return world, client, d, r


def change(d, body, ctype=MULTI):
    n = d.request("INVITE", body, ctype)
    branch = d.branch
    r = d.final()
    d.request("ACK", cseq=n, branch=None if r.status == 200 else branch)
    return r


def stays(client, seconds=3 * WAIT_S):
    m = client.recv(seconds)
    assert m is None, m.raw


@pytest.mark.parametrize("direction", ["inactive", "sendonly"])
def test_session_stands_before_the_call(start, direction):
    world, client, d, r = begin(start, direction)
    assert r.status == 200, r.raw
    stays(client)
    xml = sipc.metadata(PEOPLE)
    if direction == "inactive":
        r = change(d, sipc.multipart(sipc.sdp(PORTS, version=2), xml))
        assert r.status == 200 and r.body.count(b"a=recvonly") == 2
    else:  # as RFC 7866 has it: only the metadata changes
        assert d.update(xml).status == 200
    stays(client)
    assert d.bye().status == 200
    assert Catalog(world.server).wait_ended()["end_reason"] == "bye"


def test_it_is_not_refused_where_metadata_must_come_at_once(start):
    world, client, d, r = begin(start, on_missing_metadata="refuse")
    assert r.status == 200, r.raw
    stays(client)
    assert change(d, sipc.sdp(PORTS, version=2), "application/sdp").status == 403
    stays(client)  # as it was: nothing is recorded
    assert change(d, sipc.multipart(sipc.sdp(PORTS, version=3), sipc.metadata(PEOPLE))).status == 200
    assert d.bye().status == 200


def test_the_wait_begins_with_the_media(start):
    world, client, d, r = begin(start)
    voices, r = two_voices(lambda ports: change(d, sipc.sdp(ports, version=2), "application/sdp"))
    assert r.status == 200
    bye = sipc.request(client, 10)
    assert bye.method == "BYE" and "403" in bye.get("reason")
    d.answer(bye)
    for v in voices:
        v.stop()
    cat, spool = Catalog(world.server), world.server.data / "spool"
    wait_for(lambda: not cat.recordings() and not list(spool.glob("*.spool")), 5, "nothing is kept")


def left(session="c2Vzc2lvbi0x"):
    """RFC 8068 section 3.4.1: the call is over, the recording session is not."""
    return ('<?xml version="1.0"?><recording xmlns="urn:ietf:params:xml:ns:recording:1">'
            f'<datamode>partial</datamode><session session_id="{session}">'
            "<stop-time>2010-12-16T23:41:07Z</stop-time></session>" + "".join(
                f'<participantsessionassoc participant_id="p{i}" session_id="{session}">'
                "<disassociate-time>2010-12-16T23:41:07Z</disassociate-time>"
                "</participantsessionassoc>" for i in (0, 1)) + "</recording>")


@pytest.mark.parametrize("direction", ["inactive", "sendonly"])
def test_session_outlives_the_call(start, direction, tmp_path):
    """Two calls in one session; what is said between them is in neither."""
    world, client, d, r = begin(start)
    voices, r = two_voices(lambda ports: change(
        d, sipc.multipart(sipc.sdp(ports, version=2), sipc.metadata(PEOPLE))))
    ports = [v.port for v in voices]
    at = [v.sent for v in voices]
    wait_for(lambda: all(v.sent > k + 50 for v, k in zip(voices, at)), what="the first call")
    r = change(d, sipc.multipart(sipc.sdp(ports, version=3, direction=direction), left()))
    assert r.status == 200, r.raw
    secret = [v.sent for v in voices]
    for v in voices:  # nobody may hear this
        v.hz, v.wave = 1700, tone_ulaw(1700, 0, 8000)
    wait_for(lambda: all(v.sent > k + 50 for v, k in zip(voices, secret)), what="in between")
    stays(client)
    for v, hz in zip(voices, (440, 880)):
        v.hz, v.wave = hz, tone_ulaw(hz, 0, 8000)
    again = sipc.metadata([(ALICE, "Alice"), (CAROL, "Carol")], session="c2Vzc2lvbi0y")
    again = again.replace("_id=\"p", "_id=\"q").replace("_id=\"s", "_id=\"t").replace(">s", ">t")
    r = change(d, sipc.multipart(sipc.sdp(ports, version=4), again))
    assert r.status == 200, r.raw
    at = [v.sent for v in voices]
    wait_for(lambda: all(v.sent > k + 50 for v, k in zip(voices, at)), what="the second call")
    assert d.bye().status == 200
    for v in voices:
        v.stop()
    rec = world.recording(world.wait_recording()["id"])
    assert [p["name"] for p in rec["participants"]] == ["Alice", "Bob", "Alice", "Carol"]
    assert len(rec["communication_sessions"]) == 2
    for side in decode(world.audio(rec["id"], tmp_path / "x.ogg")):
        assert level(side, 1700) < 0.005


def test_nobody_is_waited_for_in_vain_for_ever(start):
    """A restart between two calls changes none of it, nor does the end."""
    world, client, d, r = begin(start)
    r = change(d, sipc.multipart(sipc.sdp(PORTS, version=2), sipc.metadata(PEOPLE)))
    assert r.status == 200
    assert d.update(left()).status == 200
    world.server.kill_role("sip")
    stays(client)
    assert d.bye().status == 200
    assert Catalog(world.server).wait_ended()["end_reason"] == "bye"


def test_what_names_the_call_counts_before_anybody_is_named(start):
    """The first description has the group and the session, and no participants."""
    early = NOBODY.replace("<datamode>complete</datamode>",
                           '<datamode>complete</datamode><group group_id="g-early"/>'
                           '<session session_id="cs-early"><group-ref>g-early</group-ref></session>')
    world, client, d, r = begin(start, xml=early)
    assert r.status == 200, r.raw
    live = world.recording(Catalog(world.server).recordings()[0]["id"])
    assert [s["id"] for s in live["communication_sessions"]] == ["cs-early"]
    assert [g["id"] for g in live["groups"]] == ["g-early"]
    assert d.bye().status == 200
