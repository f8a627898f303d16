"""Who takes part, where header fields say it: names of the display names, other people after a
transfer; a request that repeats what is known says nothing."""
import re
import uuid

import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.server import ALICE, BOB, Server, World, wait_for

CAROL = "sip:carol@voip.example"
OPEN = {"type": "call_recording", "actions": ["record"],
        "owner": {"aor": [ALICE], "must_participate": False}, "conditions": {}}
MULTI = "multipart/mixed;boundary=unique-boundary"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("parties")).start()
    yield World(server, details=OPEN)
    server.stop()


class Call:
    """A dialog whose From, To and other fields are said in each request."""

    def __init__(self, world):
        self.world, self.c = world, sipc.SipClient(world.server.sip["udp"])
        self.call_id, self.tag, self.to_tag = uuid.uuid4().hex, uuid.uuid4().hex[:8], ""
        self.cseq, self.version = 0, 0
        self.target = self.uri = "sip:srs@%s:%d" % self.c.dest
        self.frm, self.to, self.agent = f'"Alice" <{ALICE}>', f'"Bob" <{BOB}>', "BroadWorks"

    def send(self, method, *fields, body="", ctype=None):
        self.cseq += method != "ACK"
        data = body.encode()
        lines = [f"{method} {self.target} SIP/2.0",
                 f"Via: SIP/2.0/UDP {self.c.hostport};branch=z9hG4bK{uuid.uuid4().hex};rport",
                 f"From: {self.frm};tag={self.tag}", f"To: {self.to}{self.to_tag}",
                 f"Call-ID: {self.call_id}", f"CSeq: {self.cseq} {method}", "Max-Forwards: 70",
                 f"Contact: <sip:pbx@{self.c.hostport}>", f"User-Agent: {self.agent}",
                 f"Authorization: Bearer {self.world.access_token}", *fields,
                 *([f"Content-Type: {ctype}"] if ctype else []), f"Content-Length: {len(data)}"]
        self.c.send("\r\n".join(lines).encode() + b"\r\n\r\n" + data)

    def ask(self, method, *fields, body="", ctype=None, ack=()):
        self.send(method, *fields, body=body, ctype=ctype)
        while True:
            r = self.c.recv(10)
            assert r is not None, f"no answer to {method}"
            if r.status >= 200:
                break
        assert r.status == 200, r.raw
        self.to_tag = ";tag=" + re.search(r";tag=([^;>\s]+)", r.get("to"))[1]
        if method == "INVITE":
            self.target = re.search(r"<([^>]+)>", r.get("contact"))[1]
            self.send("ACK", *ack)
        return r

    def offer(self, *fields, xml=None, ports=(40000, 40002), **kw):
        """INVITE or re-INVITE; each offer has a version of its own."""
        self.version += 1
        text = sipc.sdp(ports, self.c.host, version=self.version)
        if xml is None:
            return self.ask("INVITE", *fields, body=text, ctype="application/sdp", **kw)
        return self.ask("INVITE", *fields, body=sipc.multipart(text, xml), ctype=MULTI)

    def id(self):
        return next(r["id"] for r in Catalog(self.world.server).recordings() if r["call_id"] == self.call_id)

    def people(self):
        """[(address, name, has left)], in order"""
        return [(p["aor"], p["name"], p["left_us"] > 0) for p in Catalog(self.world.server).rows(
            "SELECT * FROM participants WHERE recording_id = ? ORDER BY ord", self.id())]

    def names(self):
        return [(aor, name) for aor, name, left in self.people() if not left]

    def lines(self):
        """Whose each m-line is."""
        return [r["aor"] for r in Catalog(self.world.server).rows(
            "SELECT p.aor FROM streams s LEFT JOIN participants p ON p.recording_id = s.recording_id"
            " AND p.ord = s.participant WHERE s.recording_id = ? ORDER BY s.idx", self.id())]

    def end(self):
        """BYE; the kinds of events there were."""
        self.ask("BYE")
        self.c.close()
        return [r["kind"] for r in Catalog(self.world.server).rows(
            "SELECT kind FROM events WHERE recording_id = ? ORDER BY id", self.id())
            if r["kind"] in ("join", "leave", "metadata")]


def nameless(*people, **kw):
    return re.sub(r"<name>\s*</name>", kw.pop("blank", ""), sipc.metadata([(p, "") for p in people], **kw))


@pytest.mark.parametrize("display,name", [
    ('"Alice Smith"', "Alice Smith"), ("Alice Smith", "Alice Smith"),
    (r'"Alice \"Al\" Sm\\ith"', 'Alice "Al" Sm\\ith'), ('"Zoë Grün 李"', "Zoë Grün 李"),
    ('"Smith, Alice"', "Smith, Alice"), ('"alice"', "alice"),
    ('"BroadWorks"', ""), ('"Anonymous"', ""), ('"2025550143"', ""), ('"+1 (202) 555-0143"', ""),
    ('""', ""), ("", ""), ('"sip:alice@voip.example"', ""), ('"MyPBX"', "")])
def test_a_display_name_names_who_has_none(world, display, name):
    call = Call(world)
    call.frm, call.to, call.agent = f"{display} <{ALICE};user=phone>", f"<{call.uri}>", "MyPBX/9.1"
    call.offer("Require: siprec", xml=nameless(ALICE, BOB))
    assert call.names() == [(ALICE, name), (BOB, "")]
    assert call.end() == []


@pytest.mark.parametrize("field", ["From", "To", "P-Asserted-Identity", "Remote-Party-ID"])
def test_every_field_names_people(world, field):
    call = Call(world)
    call.frm, call.to = "<sip:src@voip.example>", f"<{call.uri}>"
    named = f'"Bob Jones" <{BOB}>'
    if field == "From":
        call.frm = named
    elif field == "To":
        call.to = named
    more = [] if field in ("From", "To") else [f'{field}: "Room" <sip:x@y.example>, {named}']
    call.offer("Require: siprec", *more, xml=nameless(ALICE, BOB, blank="<name>  </name>"))
    assert call.names() == [(ALICE, ""), (BOB, "Bob Jones")]
    call.end()


def test_numbers_name_numbers_and_a_name_stays(world):
    call = Call(world)
    call.frm, call.to = '"Mallory" <sip:alice@voip.example>', f'"Ann Lee" <sip:+12025550143@10.1.2.3;user=phone>'
    call.offer("Require: siprec", xml=sipc.metadata([(ALICE, "Alice"), ("tel:+12025550143", "")]))
    assert call.names() == [(ALICE, "Alice"), ("tel:+12025550143", "Ann Lee")]
    call.end()


def test_names_come_later_and_once(world):
    call = Call(world)
    call.frm, call.to = f"<{ALICE}>", f"<{call.uri}>"
    call.offer("Require: siprec", xml=nameless(ALICE, BOB))
    assert call.names() == [(ALICE, ""), (BOB, "")]
    bob = f'P-Asserted-Identity: "Bob Jones" <{BOB}>'
    for method in ("UPDATE", "UPDATE", "INFO", "OPTIONS"):
        call.ask(method, bob)
        assert call.names() == [(ALICE, ""), (BOB, "Bob Jones")]
    # in a request with a description, for whom it adds without a name
    call.ask("UPDATE", f'Remote-Party-ID: "Carol" <{CAROL}>', ctype="application/rs-metadata+xml", body=(
        '<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>partial</datamode>'
        f'<participant participant_id="p7"><nameID aor="{CAROL}"/></participant></recording>'))
    assert call.names() == [(ALICE, ""), (BOB, "Bob Jones"), (CAROL, "Carol")]
    # a name of the metadata is what counts, whatever the fields say
    call.ask("UPDATE", bob, ctype="application/rs-metadata+xml", body=(
        '<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>partial</datamode>'
        f'<participant participant_id="p1"><nameID aor="{BOB}"><name>Robert</name></nameID></participant></recording>'))
    call.ask("UPDATE", bob)
    assert call.names() == [(ALICE, ""), (BOB, "Robert"), (CAROL, "Carol")]
    assert call.end() == ["metadata", "join", "metadata", "metadata"]


# -- a plain call

PAI, RPID = "P-Asserted-Identity: {}", "Remote-Party-ID: {};party=calling;screen=yes"


@pytest.mark.parametrize("field,method", [
    *[(PAI, m) for m in ("INVITE", "UPDATE", "INFO", "OPTIONS", "ACK")], (RPID, "INVITE"), (RPID, "UPDATE"),
    ("From", "INVITE"), ("From", "UPDATE")])
def test_other_fields_mean_another_person(world, field, method):
    call = Call(world)
    call.offer()
    assert call.names() == [(ALICE, "Alice"), (BOB, "Bob")] and call.lines() == [ALICE, BOB]
    carol, fields = f'"Carol King" <{CAROL}>', []
    if field == "From":
        call.frm = carol
    else:
        fields = [field.format(carol)]

    def say():
        if method == "INVITE":
            call.offer(*fields)
        elif method == "ACK":
            call.offer(ack=fields)
        else:
            call.ask(method, *fields)

    say()
    after = [(ALICE, "Alice", True), (BOB, "Bob", False), (CAROL, "Carol King", False)]
    wait_for(lambda: call.people() == after, 10, call.people())
    assert call.lines() == [CAROL, BOB]
    say()
    call.ask("UPDATE", *fields)  # nothing new
    if fields:
        call.ask("UPDATE")  # a refresh that names nobody
    call.frm = "<sip:pbx@voip.example>"
    call.ask("OPTIONS")  # From of a request that cannot change it
    assert call.people() == after and call.lines() == [CAROL, BOB]
    kinds = call.end()
    assert sorted(kinds) == ["join", "leave", "metadata"], kinds


def test_the_called_side_changes_and_comes_back(world):
    call = Call(world)
    pai = f'P-Asserted-Identity: "Alice" <{ALICE}>'
    called = 'Remote-Party-ID: {};party=called'
    call.offer(pai, called.format(f"<{BOB}>"))
    call.ask("UPDATE", pai, called.format(f'"Carol" <{CAROL}>'))
    assert call.names() == [(ALICE, "Alice"), (CAROL, "Carol")] and call.lines() == [ALICE, CAROL]
    call.ask("UPDATE", pai, called.format(f"<{BOB}>"))
    assert call.names() == [(ALICE, "Alice"), (BOB, "Bob")] and call.lines() == [ALICE, BOB]
    call.ask("UPDATE", f"P-Asserted-Identity: <{BOB}>")  # the one who is there on the other side
    assert call.names() == [(ALICE, "Alice"), (BOB, "Bob")]
    call.ask("UPDATE", "P-Asserted-Identity: <sip:anonymous@anonymous.invalid>")
    assert call.names() == [(ALICE, "Alice"), (BOB, "Bob")]
    assert call.end().count("metadata") == 2


def test_an_anonymous_from_has_an_asserted_identity(world):
    call = Call(world)
    call.frm = '"Anonymous" <sip:anonymous@anonymous.invalid>'
    call.offer('P-Asserted-Identity: "Dora" <sip:+442079460123@pbx.example>', "P-Asserted-Identity: <tel:+442079460123>")
    assert call.names() == [("sip:+442079460123@pbx.example", "Dora"), (BOB, "Bob")]
    assert call.end() == []


# -- vendors' fields

@pytest.mark.parametrize("method", ["UPDATE", "INFO", "OPTIONS", "ACK", "BYE"])
def test_cube_names_people_in_any_request(world, method):
    call = Call(world)
    named = lambda *uris: [f'X-Cisco-Recording-Participant: {u};media-index="{i}"' for i, u in enumerate(uris)]
    call.offer(*named(ALICE, BOB))
    call.ask("UPDATE", *named(ALICE, BOB))
    call.ask("INFO", *named(ALICE, BOB))
    call.offer(ack=named(ALICE, BOB))
    if method == "ACK":
        call.offer(ack=named(ALICE, CAROL))
    else:
        call.ask(method, *named(ALICE, CAROL))
    after = [(ALICE, "Alice", False), (BOB, "Bob", True), (CAROL, "", False)]
    wait_for(lambda: [p[:2] for p in call.people()] == [p[:2] for p in after], 10, call.people())
    if method == "BYE":
        return
    assert call.people() == after and call.lines() == [ALICE, CAROL]
    assert sorted(call.end()) == ["join", "leave", "metadata"]


def test_cucm_names_the_far_end_anew(world):
    call = Call(world)
    near = ('"Alice" <sip:1001@10.0.0.1;x-nearend;x-refci=7;x-nearendaddr=1001;x-farendrefci=8;x-farendaddr={}>')
    call.frm, call.agent = near.format(2002), "Cisco-CUCM14.0"
    call.offer(ports=(40000,))
    both = [("sip:1001@10.0.0.1", "Alice"), ("sip:2002@10.0.0.1", "")]
    assert call.names() == both
    call.offer(ports=(40000,))
    call.ask("UPDATE")
    assert call.names() == both
    call.frm = near.format(3003)
    call.ask("UPDATE")
    call.ask("UPDATE")
    assert call.people() == [(*both[0], False), (*both[1], True), ("sip:3003@10.0.0.1", "", False)]
    assert call.lines() == [both[0][0]]
    assert sorted(call.end()) == ["join", "leave", "metadata"]
