"""Bodies in the shapes that recording products send: each is accepted, answered by the
contract that clients depend on, and its oddities become warnings."""
import re

import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.server import ALICE, BOB

NS = "urn:ietf:params:xml:ns:recording:1"
HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"


def line(label=None, port=40000, proto="RTP/AVP", pts="0", more="a=sendonly\r\n"):
    return (f"m=audio {port} {proto} {pts}\r\n" + (f"a=label:{label}\r\n" if label else "") + more)


def people(*extra):
    return (f'<participant participant_id="a"><nameID aor="{ALICE}"><name>Alice</name></nameID>'
            f'</participant><participant participant_id="b"><nameID aor="{BOB}"/></participant>'
            + "".join(extra))


def stream(id_, label):
    return f'<stream stream_id="{id_}" session_id="s"><label>{label}</label></stream>'


def sends(who, *ids):
    return (f'<participantstreamassoc participant_id="{who}">'
            + "".join(f"<send>{i}</send>" for i in ids) + "</participantstreamassoc>")


def doc(*inner, root="recording", ns=NS):
    return (f"<?xml version='1.0' encoding='UTF-8'?><{root} xmlns='{ns}'><datamode>complete"
            "</datamode><session session_id='s'/>" + "".join(inner) + f"</{root}>")


BOTH = people(stream("x", 1), stream("y", 2), sends("a", "x"), sends("b", "y"))
TWO = HEAD + line(1) + line(2, 40002)

# name: (SDP, metadata, accepted lines, warnings that must be there)
SHAPES = {
    "as in the RFC": (TWO, doc(BOTH), [1, 1], []),
    "OpenSIPS before 3.5: no associations": (
        TWO, doc(people(stream("x", 1), stream("y", 2))), [1, 1], ["metadata.no_association"]),
    "no streams and no labels": (
        HEAD + line() + line(port=40002), doc(people()), [1, 1],
        ["metadata.no_streams", "metadata.attributed_by_order"]),
    "Oracle: unquoted attribute and extensions": (
        TWO, doc(BOTH, "<extensiondata xmlns:apkt='http://acmepacket.com/siprec/extensiondata'>"
                       "<apkt:ucid id=7>00FA08</apkt:ucid></extensiondata>"),
        [1, 1], ["metadata.repaired"]),
    "Sonus: send against the order of labels": (
        TWO, doc(people(stream("x", 1), stream("y", 2), sends("a", "y"), sends("b", "x"))),
        [1, 1], ["metadata.order_inverted"]),
    "Metaswitch: one mixed line, two streams described": (
        HEAD + line("16777227", more="a=sendonly\r\n"), doc(BOTH.replace(">1<", ">16777227<")), [1],
        ["metadata.mixed_line"]),
    "older model: inline send, other namespace, root and data mode": (
        TWO, "<?xml version='1.0'?><recording_metadata xmlns='urn:ietf:params:xml:ns:siprec'>"
             "<dataMode>complete</dataMode><session id='s'/>"
             f"<participant id='a' session='s'><aor>{ALICE}</aor><send>x</send></participant>"
             f"<participant id='b' session='s'><aor>{BOB}</aor><send>y</send></participant>"
             "<stream id='x' session='s'><label>1</label></stream>"
             "<stream id='y' session='s'><label>2</label></stream></recording_metadata>",
        [1, 1], []),
    "raw Call-ID with a bracket, bare ampersand": (
        TWO, doc(BOTH, "<callid>12<34@host&x</callid>"), [1, 1], ["metadata.repaired"]),
    "third line is the mix": (
        TWO + line(3, 40004),
        doc(people(stream("x", 1), stream("y", 2), stream("z", 3), sends("a", "x"), sends("b", "y"))),
        [1, 1, 1], ["metadata.mix_of_others"]),
    "SAVP and AVP for one stream": (
        HEAD + line(1, proto="RTP/SAVP", more="a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:eHh4\r\n")
        + line(1, 40002) + line(2, 40004), doc(BOTH), [0, 1, 1], []),
    "labels are words": (
        HEAD + line("a_leg") + line("inbound", 40002),
        doc(BOTH.replace(">1<", ">a_leg<").replace(">2<", ">inbound<")), [1, 1], []),
    "video beside audio": (
        TWO + "m=video 40004 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\na=label:3\r\n", doc(BOTH),
        [1, 1, 0], []),
    "static types without rtpmap, two telephone-events, blanks at line ends": (
        HEAD + line(1, pts="0 101 110 ", more="a=rtpmap:101 telephone-event/8000 \r\na=rtpmap:110 "
                                              "telephone-event/48000\r\na=fmtp:101 0-15 \r\n")
        + line(2, 40002, more="a=direction:both\r\na=foo\r\na=\r\n"), doc(BOTH), [1, 1], []),
    "opus in capitals": (
        HEAD + line(1, pts="111", more="a=rtpmap:111 OPUS/48000/2\r\na=sendrecv\r\n")
        + line(2, 40002, "RTP/AVPF"), doc(BOTH), [1, 1], []),
    "no connection line": (
        HEAD.replace("c=IN IP4 127.0.0.1\r\n", "") + line(1) + line(2, 40002), doc(BOTH), [1, 1],
        ["sdp.no_connection"]),
}


def check_answer(offer, answer, accepted):
    want = re.findall(r"(?m)^a=label:(\S+)", offer)
    assert re.findall(r"(?m)^a=label:(\S+)", answer) == want
    offered = re.findall(r"(?m)^m=(\S+) \d+ (\S+)", offer)
    assert re.findall(r"(?m)^m=(\S+) \d+ (\S+)", answer) == offered
    ports = [int(p) for p in re.findall(r"(?m)^m=\S+ (\d+)", answer)]
    assert [int(p > 0) for p in ports] == accepted
    assert all(p % 2 == 0 for p in ports)
    assert "rtcp-mux" not in answer
    assert answer.count("a=recvonly") == sum(accepted)
    for formats in re.findall(r"(?m)^m=audio [1-9]\d* \S+ (.*?)\r?$", answer):
        assert len(formats.split()) <= 2


@pytest.fixture
def client(world):
    c = sipc.SipClient(world.server.sip["tcp"], "tcp")
    yield c
    c.close()


def newest_warnings(cat):
    rec = cat.recordings()[-1]["id"]
    return {r["code"] for r in cat.rows("SELECT code FROM warnings WHERE recording_id = ?", rec)}


def test_every_shape_is_recorded(client, world):
    cat = Catalog(world.server)
    for n, (name, (offer, xml, accepted, warnings)) in enumerate(SHAPES.items(), 1):
        d = client.dialog(token=world.access_token)
        r = d.invite([], [], body=sipc.multipart(offer, xml),
                     ctype="multipart/mixed;boundary=unique-boundary")
        assert r.status == 200, f"{name}: {r.raw}"
        assert r.get("content-type") == "application/sdp", name
        check_answer(offer, r.body.decode(), accepted)
        assert d.bye().status == 200
        cat.wait_ended(n)
        got = newest_warnings(cat)
        assert set(warnings) <= got, f"{name}: {got}"
        body = {c for c in got if c.startswith(("body.", "sdp.", "metadata."))}
        assert body <= set(warnings), f"{name}: {got}"
        rec = cat.recordings()[-1]["id"]
        assert {r["aor"] for r in cat.rows("SELECT aor FROM participants WHERE recording_id = ?",
                                           rec)} == {ALICE, BOB}, name


PARTS = ("Content-Type: application/sdp{e}{e}{sdp}", "Content-Type:application/rs-metadata{e}{e}{xml}")
MULTIPARTS = [
    ('multipart/mixed; boundary="a b"', "--a b\r\n{0}\r\n--a b\r\n{1}\r\n--a b--\r\n"),
    ("multipart/mixed; boundary = x", "\r\n\r\n--x \r\n{0}\r\n--x\t\r\n{1}\r\n--x-- "),
    ("multipart/mixed;boundary=x", "--x\r\n{0}\r\n--x\r\n{1}"),
    ("multipart/mixed;boundary=x", "--x\r\n{1}\r\n--x\r\n{0}\r\n--x--"),
    ("multipart/mixed;boundary=x", "--x\r\nContent-Length: 3\r\n{0}\r\n--x\r\n{1}\r\n--x--"),
    ("multipart/mixed;boundary=x", "--x\r\n{0}\r\n--x\r\nContent-Type: application/gtd\r\n"
     "Content-Disposition: signal;handling=optional\r\n\r\nCPN,2\r\n--x\r\n{1}\r\n--x--"),
    ("multipart/mixed;boundary=wrong", "--right\r\n{0}\r\n--right\r\n{1}\r\n--right--"),
]


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_every_multipart_is_split(client, world, end):
    cat = Catalog(world.server)
    for n, (ctype, frame) in enumerate(MULTIPARTS, 1):
        parts = [p.format(e="\r\n", sdp=TWO, xml=doc(BOTH)) for p in PARTS]
        d = client.dialog(token=world.access_token)
        r = d.invite([], [], body=frame.format(*parts).replace("\r\n", end), ctype=ctype)
        assert r.status == 200, f"{frame}: {r.raw}"
        check_answer(TWO, r.body.decode(), [1, 1])
        assert d.bye().status == 200
        cat.wait_ended(n)
        assert len(cat.rows("SELECT aor FROM participants WHERE recording_id = ?",
                            cat.recordings()[-1]["id"])) == 2, frame


def test_metadata_only_update_and_sdp_only_reinvite(client, world):
    d = client.dialog(token=world.access_token)
    assert d.invite([], [], body=sipc.multipart(TWO, doc(BOTH)),
                    ctype="multipart/mixed;boundary=unique-boundary").status == 200
    carol = '<participant participant_id="c"><nameID aor="sip:carol@voip.example"/></participant>'
    xml = f"<recording xmlns='{NS}'><datamode>partial</datamode>{carol}</recording>"
    assert d.update(xml, "application/rs-metadata").status == 200
    # o= starts again with another id: nothing is compared
    d.request("INVITE", TWO.replace("o=- 1 1", "o=- 9 1"), "application/sdp")
    r = d.final()
    d.request("ACK", cseq=d.cseq)
    assert r.status == 200
    check_answer(TWO, r.body.decode(), [1, 1])
    assert d.bye().status == 200
    cat = Catalog(world.server)
    cat.wait_ended()
    assert [r["aor"] for r in cat.rows("SELECT aor FROM participants ORDER BY ord")] == [
        ALICE, BOB, "sip:carol@voip.example"]
