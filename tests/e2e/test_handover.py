"""A running recording session goes to another node: REFER to it, INVITE with Replaces."""
import re
import socket
import threading
import uuid

import pytest
import requests

from lib import sipc
from lib.catalog import Catalog
from lib.media import RtpSender, decode, level
from lib.server import ALICE, BOB, World, wait_for
from test_dialout import Source

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
SESSION = "aGFuZG92ZXI="


class Client(Source):
    """A recording client on one UDP socket that supports Replaces (RFC 3891)."""

    def __init__(self, dest, token, supported="siprec, replaces", contact=None):
        super().__init__()
        self.contact = contact or self.uri
        self.dest, self.token, self.supported = dest, token, supported
        self.call_id, self.mine, self.cseq = uuid.uuid4().hex, uuid.uuid4().hex[:8], 0
        self.theirs = None
        self.target = f"sip:srs@{dest[0]}:{dest[1]}"
        self.senders = [RtpSender(("127.0.0.1", 9), hz) for hz in (440, 880)]

    def ask(self, method, body="", ctype="", extra=(), cseq=None):
        """A request in (or for) the first dialog."""
        self.cseq = cseq or self.cseq + 1
        to = f"<sip:srs@{self.dest[0]}>" + (f";tag={self.theirs}" if self.theirs else "")
        lines = [f"{method} {self.target} SIP/2.0",
                 f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{uuid.uuid4().hex};rport",
                 "Max-Forwards: 70", f"From: <sip:src@voip.example>;tag={self.mine}", f"To: {to}",
                 f"Call-ID: {self.call_id}", f"CSeq: {self.cseq} {method}",
                 f"Contact: <{self.contact}>;+sip.src", *extra]
        if body:
            lines.append(f"Content-Type: {ctype}")
        self.peer = self.dest
        self.send("\r\n".join(lines + [f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body)

    def final(self):
        """The answer to a request of ours; 1xx and other requests are kept waiting."""
        while True:
            m = self.recv("answer")
            if m.status >= 200:
                return m

    def description(self):
        text = sipc.metadata(PEOPLE, session=SESSION)
        return sipc.multipart(sipc.sdp([s.port for s in self.senders]), text)

    def call(self):
        self.ask("INVITE", self.description(), "multipart/mixed;boundary=unique-boundary",
                 ["Require: siprec", f"Supported: {self.supported}",
                  "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, OPTIONS",
                  f"Authorization: Bearer {self.token}"])
        r = self.final()
        assert r.status == 200, r.raw
        self.theirs = re.search(r";tag=([^;>\s]+)", r.get("to"))[1]
        self.target = re.search(r"<([^>]+)>", r.get("contact"))[1]
        self.ask("ACK", cseq=self.cseq)
        for s, port in zip(self.senders, r.ports()):
            s.dest = ("127.0.0.1", port)
            s.start()
        return self

    def ok(self, m):
        """200 to a request, to where it came from."""
        self.answer(m, 200)

    def accept(self, inv):
        """The INVITE that replaces our dialog: media goes there, then BYE to the old node."""
        replaces = dict(p.split("=") for p in inv.get("replaces").split(";")[1:])
        assert inv.get("replaces").split(";")[0] == self.call_id
        assert replaces == {"to-tag": self.mine, "from-tag": self.theirs}
        assert {w.strip() for w in inv.get("require").split(",")} == {"siprec", "replaces"}
        self.answer(inv, 200, self.description(), "multipart/mixed;boundary=unique-boundary",
                    ["Supported: siprec, replaces"])
        ack = self.recv("ACK")
        before = [s.dest for s in self.senders]
        for s, port in zip(self.senders, ack.ports()):
            s.dest = ("127.0.0.1", port)
        assert before != [s.dest for s in self.senders]
        return ack

    def request(self, invite, *args, **kw):
        """A request in the dialog that a node opened."""
        host, port = re.search(r"@([\d.]+):(\d+)", invite.get("contact")).groups()
        self.peer = (host, int(port))
        return super().request(invite, *args, **kw)

    def stop(self):
        for s in self.senders:
            s.stop()
        self.close()


def trunk(world, *args):
    return world.server.cli("trunk", "add", "--name", f"node-{uuid.uuid4().hex[:6]}", "--grant",
                            world.grant_id, *args)


@pytest.fixture
def nodes(start):
    """Two servers with folders of their own; the second knows the first by its address."""
    b = World(start({"sip": {"listen": "udp:127.0.0.1:0, tcp:127.0.0.1:0", "dial_to": "127.0.0.1",
                             "allow_address_trunks": "yes"},
                     "server": {"name": "node-b"}}, name="b"))
    b.trunk_id = trunk(b, "--addresses", "127.0.0.1", "--uri-user", b.tenant)["trunk_id"]
    a = World(start({"sip": {"listen": "udp:127.0.0.1:0, tcp:127.0.0.1:0",
                             "nodes": f"192.0.2.1, {at(b, 'udp')}, {at(b, 'tcp')}"},
                     "server": {"name": "node-a"}}, name="a"))
    return a, b


def at(world, kind):
    return "{}:{}".format(*world.server.sip[kind])


def node_uri(b, kind="udp"):
    return f"sip:{at(b, kind)};transport={kind}"


def begin(a, **kw):
    client = Client(a.server.sip["udp"], a.access_token, **kw).call()
    wait_for(lambda: client.senders[0].sent > 60, 10, "some sound")
    return client, Catalog(a.server).recordings()[0]["id"]


def refer(client, to, extra=()):
    client.ask("REFER", extra=[f"Refer-To: {to}", *extra])
    r = client.final()
    return r


def notified(client):
    m = client.recv("NOTIFY")
    client.ok(m)
    return m.body.decode().strip(), m.get("subscription-state").split(";")[0]


def hung_up(client):
    """BYE to the old node, in the first dialog."""
    client.ask("BYE")
    r = client.final()
    assert r.status == 200, r.raw


def check_legs(client, a, b, first, tmp_path):
    """Each catalog has its leg, with sound; B's goes on."""
    assert Catalog(a.server).wait_ended()["end_reason"] == "handed_over"
    at_switch = [s.sent for s in client.senders]
    wait_for(lambda: client.senders[0].sent > at_switch[0] + 60, 10, "sound for the new node")
    live = Catalog(b.server).recordings()[0]
    assert live["state"] == "recording" and live["grant_id"] == b.grant_id
    for s in client.senders:
        s.stop()
    bye = client.request(client.invite, "BYE", 1)
    assert bye.status == 200
    done = [a.wait_recording(), b.wait_recording()]
    assert done[0]["id"] == first
    for w, d in zip((a, b), done):
        path = tmp_path / f"{w.server.dir.name}.ogg"
        path.write_bytes(w.server.get(f"/api/v1/recordings/{d['id']}/audio", w.api_token).content)
        left, right = decode(path)
        assert level(left, 440) > 0.1 and level(right, 880) > 0.1
        assert [p["aor"] for p in d["participants"]] == [ALICE, BOB]
        keys = Catalog(w.server).rows("SELECT rule, value FROM call_keys")
        assert {"rule": "session_id", "value": SESSION} in keys
    keys = Catalog(b.server).rows("SELECT value FROM call_keys WHERE rule = 'replaces'")
    assert keys == [{"value": client.call_id}]


def take_over(client):
    client.invite = client.recv("INVITE")
    client.accept(client.invite)


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_client_asks_for_a_hand_over(nodes, tmp_path, kind):
    a, b = nodes
    client, rec = begin(a)
    r = refer(client, f"<{node_uri(b, kind)}>")
    assert r.status == 200, r.raw
    assert notified(client) == ("SIP/2.0 100 Trying", "active")
    take_over(client)
    assert notified(client) == ("SIP/2.0 200 OK", "terminated")
    assert Catalog(a.server).recordings()[0]["state"] == "recording"  # until the BYE
    hung_up(client)
    check_legs(client, a, b, rec, tmp_path)
    cat = Catalog(a.server)
    entry, = cat.audit("recording.hand-over")
    assert entry["actor"] == f"client:{a.client_id}" and entry["result"] == "ok"
    assert entry["object"] == f"recording:{rec}"
    assert {"hand_over", "handed_over"} <= {k for k, _ in cat.events()}
    assert Catalog(b.server).audit("call.refer")[0]["actor"].startswith("trunk:")
    client.stop()


class Asking(threading.Thread):
    def __init__(self, fn):
        super().__init__(daemon=True)
        self.fn, self.value = fn, None
        self.start()

    def run(self):
        self.value = self.fn()

    def result(self):
        self.join(30)
        return self.value


def by_api(a, rec, to, **kw):
    return requests.post(f"{a.server.url}/api/v1/recordings/{rec}/hand-over", json={"to": to, **kw},
                         headers={"Authorization": f"Bearer {a.api_token}"}, timeout=30)


def test_hand_over_by_api_and_an_early_bye(nodes, tmp_path):
    a, b = nodes
    client, rec = begin(a)
    asking = Asking(lambda: by_api(a, rec, node_uri(b)))
    take_over(client)
    hung_up(client)  # before anybody has told A how it went
    answer = asking.result()
    assert answer.status_code == 200 and answer.json()["command"] == "hand-over", answer.text
    check_legs(client, a, b, rec, tmp_path)
    client.stop()


def test_hand_over_by_command(nodes, tmp_path):
    a, b = nodes
    client, rec = begin(a)
    asking = Asking(lambda: a.server.cli("recordings", "hand-over", rec, "--to", node_uri(b)))
    take_over(client)
    assert asking.result()["state"] == "done"
    hung_up(client)
    check_legs(client, a, b, rec, tmp_path)
    client.stop()


def test_hand_over_after_a_restart(nodes):
    a, b = nodes
    client, rec = begin(a)
    a.server.kill_role("sip")
    Catalog(a.server).wait_warning("sip.restarted", 20)
    assert refer(client, f"<{node_uri(b)}>").status == 200
    assert notified(client) == ("SIP/2.0 100 Trying", "active")
    take_over(client)
    assert notified(client) == ("SIP/2.0 200 OK", "terminated")
    hung_up(client)
    assert Catalog(a.server).wait_ended()["end_reason"] == "handed_over"
    assert client.request(client.invite, "BYE", 1).status == 200
    client.stop()


def test_client_whose_contact_is_a_name_is_found_by_its_address(nodes):
    a, b = nodes
    client, rec = begin(a, contact="sip:src@sbc.voip.example:5099;transport=udp")
    asking = Asking(lambda: by_api(a, rec, node_uri(b)))
    take_over(client)
    assert asking.result().status_code == 200
    hung_up(client)
    assert client.request(client.invite, "BYE", 1).status == 200
    client.stop()


def test_target_dialog_names_the_session(nodes):
    a, b = nodes
    client, rec = begin(a)
    side = sipc.SipClient(a.server.sip["udp"])

    def ask(remote, token=None):
        d = side.dialog()
        target = f"{client.call_id};local-tag={client.mine};remote-tag={remote}"
        d.request("REFER", extra=[f"r: <{node_uri(b)}>", "Require: tdialog, nosub",
                                  f"Target-Dialog: {target}",
                                  f"Contact: <sip:sbc@{side.hostport}>",
                                  f"Authorization: Bearer {token or a.access_token}"])
        return d.final()

    assert ask("another").status == 481
    other = World(a.server, tenant="other")
    assert ask(client.theirs, other.access_token).status == 481  # not its session
    assert ask(client.theirs).status == 200
    take_over(client)
    hung_up(client)
    assert Catalog(a.server).wait_ended()["end_reason"] == "handed_over"
    assert client.request(client.invite, "BYE", 1).status == 200
    side.close()
    client.stop()


def still_there(client, a, rec):
    """The session is as it was: it takes a change, its media is kept."""
    item = a.recording(rec)
    assert item["state"] == "recording"
    client.ask("UPDATE", sipc.metadata(PEOPLE, session=SESSION), "application/rs-metadata+xml")
    assert client.final().status == 200
    hung_up(client)
    row = Catalog(a.server).wait_ended()
    assert row["end_reason"] == "bye"
    client.stop()


def test_new_node_that_may_not_changes_nothing(nodes, start):
    a, b = nodes
    client, rec = begin(a)
    b.server.cli("trunk", "remove", b.trunk_id)
    answer = by_api(a, rec, node_uri(b))
    assert answer.status_code == 409 and "401" in answer.json()["detail"]
    Catalog(a.server).wait_event("hand_over_failed")
    still_there(client, a, rec)


def test_client_that_refuses_the_new_node_stays(nodes):
    a, b = nodes
    client, rec = begin(a)
    assert refer(client, f"<{node_uri(b)}>").status == 200
    assert notified(client) == ("SIP/2.0 100 Trying", "active")
    client.answer(client.recv("INVITE"), 481)
    assert client.recv("ACK")
    assert notified(client) == ("SIP/2.0 481 Call/Transaction Does Not Exist", "terminated")
    Catalog(a.server).wait_event("hand_over_failed")
    assert Catalog(b.server).recordings() == []
    still_there(client, a, rec)


def test_call_that_ends_during_a_failing_hand_over(nodes):
    a, b = nodes
    client, rec = begin(a)
    assert refer(client, f"<{node_uri(b)}>", ["Require: nosub"]).status == 200
    inv = client.recv("INVITE")
    hung_up(client)  # the call is over, not replaced
    assert Catalog(a.server).wait_ended()["end_reason"] == "handed_over"  # so it seems
    client.peer = b.server.sip["udp"]
    client.answer(inv, 481)
    wait_for(lambda: Catalog(a.server).recordings()[0]["end_reason"] == "bye", what="the truth")
    assert Catalog(a.server).audit("recording.hand-over")[0]["result"] == "failed"
    client.stop()


def test_who_is_no_node(nodes):
    a, b = nodes
    client, rec = begin(a)
    assert by_api(a, rec, "sip:192.0.2.7").status_code == 403
    assert by_api(a, rec, f"sip:127.0.0.1:{client.port}").status_code == 403
    assert by_api(a, rec, "sip:names.example").status_code == 409
    assert by_api(a, rec, node_uri(b), more=1).status_code == 400
    assert by_api(a, str(uuid.uuid4()), node_uri(b)).status_code == 404
    a.server.cli("recordings", "hand-over", rec, "--to", "sip:192.0.2.7", code=4)
    # for a REFER it is then somebody to call, and dial_to is empty
    assert refer(client, "<sip:127.0.0.1:9>").status == 200
    assert notified(client) == ("SIP/2.0 100 Trying", "active")
    assert notified(client) == ("SIP/2.0 403 Forbidden", "terminated")
    still_there(client, a, rec)


def test_no_session_goes_to_another_account(nodes):
    """The second node would believe the first whose session it is."""
    a, b = nodes
    other = World(b.server, tenant="other")
    trunk(other, "--addresses", "127.0.0.1", "--uri-user", "other")
    client, rec = begin(a)
    for user in ("other", "%6Fther", "acme:x", "acme%20"):
        assert by_api(a, rec, f"sip:{user}@{at(b, 'udp')}").status_code == 403
    assert refer(client, f"<sip:other@{at(b, 'udp')}>").status == 200
    assert notified(client) == ("SIP/2.0 100 Trying", "active")
    assert notified(client) == ("SIP/2.0 403 Forbidden", "terminated")
    asking = Asking(lambda: by_api(a, rec, f"sip:acme@{at(b, 'udp')}"))  # its own
    take_over(client)
    assert asking.result().status_code == 200
    assert len(Catalog(b.server).recordings()) == 1 and other.recordings() == []
    hung_up(client)
    assert client.request(client.invite, "BYE", 1).status == 200
    client.stop()


def test_operator_may_name_an_account(nodes):
    a, b = nodes
    other = World(b.server, tenant="other")
    trunk(other, "--addresses", "127.0.0.1", "--uri-user", "other")
    client, rec = begin(a)
    asking = Asking(lambda: a.server.cli("recordings", "hand-over", rec, "--to",
                                         f"sip:other@{at(b, 'udp')}"))
    take_over(client)
    assert asking.result()["state"] == "done" and len(other.recordings()) == 1
    hung_up(client)
    assert client.request(client.invite, "BYE", 1).status == 200
    client.stop()


def test_client_without_replaces_stays(nodes):
    a, b = nodes
    client, rec = begin(a, supported="siprec")
    answer = by_api(a, rec, node_uri(b))
    assert answer.status_code == 409 and "Replaces" in answer.json()["detail"]
    assert refer(client, f"<{node_uri(b)}>").status == 200
    assert notified(client)[0] == "SIP/2.0 100 Trying"
    assert notified(client) == ("SIP/2.0 420 Bad Extension", "terminated")
    still_there(client, a, rec)


def test_silent_node_is_given_up(start):
    hole = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    hole.bind(("127.0.0.1", 0))
    a = World(start({"sip": {"listen": "udp:127.0.0.1:0", "nodes": "127.0.0.1", "t1": "20ms"}}))
    client, rec = begin(a)
    answer = by_api(a, rec, f"sip:127.0.0.1:{hole.getsockname()[1]}")
    assert answer.status_code in (202, 409)
    assert by_api(a, rec, "sip:127.0.0.1:9").status_code in (202, 409)
    wait_for(lambda: Catalog(a.server).audit("recording.hand-over"), what="it is given up")
    still_there(client, a, rec)
    hole.close()


def test_new_node_takes_a_session_that_its_client_names(nodes, tmp_path):
    """REFER with Replaces from the client to the new node; the old one is not asked."""
    a, b = nodes
    client, rec = begin(a)
    side = sipc.SipClient(b.server.sip["udp"])
    d = side.dialog()
    replaces = f"{client.call_id};to-tag={client.mine};from-tag={client.theirs}"
    replaces = replaces.replace(";", "%3B").replace("=", "%3D")
    d.request("REFER", extra=[f"Refer-To: <{client.uri}?Replaces={replaces}&Require=replaces>",
                              f"Contact: <sip:sbc@{side.hostport}>", "Require: nosub",
                              f"Authorization: Bearer {b.access_token}"])
    assert d.final().status == 200
    take_over(client)
    hung_up(client)
    assert Catalog(a.server).wait_ended()["end_reason"] == "bye"
    assert client.request(client.invite, "BYE", 1).status == 200
    side.close()
    client.stop()


def test_both_legs_in_one_catalog_are_one_call(start):
    """A node that hands a session to itself: the rule that joins the legs."""
    a = World(start({"sip": {"listen": "udp:127.0.0.1:0", "dial_to": "127.0.0.1"},
                     "stitch": {"session_id": "no"}}))
    client, rec = begin(a)
    side = sipc.SipClient(a.server.sip["udp"])
    d = side.dialog()
    replaces = f"{client.call_id};to-tag={client.mine};from-tag={client.theirs}"
    replaces = replaces.replace(";", "%3B").replace("=", "%3D")
    d.request("REFER", extra=[f"Refer-To: <{client.uri}?Replaces={replaces}>", "Require: nosub",
                              f"Contact: <sip:sbc@{side.hostport}>",
                              f"Authorization: Bearer {a.access_token}"])
    assert d.final().status == 200
    take_over(client)
    hung_up(client)
    legs = a.recording(rec)["call"]["legs"]
    assert [leg["rule"] for leg in legs] == ["", "replaces"]
    assert client.request(client.invite, "BYE", 1).status == 200
    side.close()
    client.stop()


def test_hand_over_over_tls_with_certificates(start, pki):
    """B knows A by its certificate, A checks B's."""
    tls = {"listen": "udp:127.0.0.1:0, tls:127.0.0.1:0", "tls_certificate": pki / "server.pem",
           "tls_key": pki / "server.key", "tls_ca": pki / "ca.pem", "tls_verify": "optional"}
    b = World(start({"sip": {**tls, "dial_to": "127.0.0.1"}}, name="b"))
    trunk(b, "--tls-name", "localhost")
    a = World(start({"sip": {**tls, "nodes": "127.0.0.1"}}, name="a"))
    client, rec = begin(a)
    assert refer(client, f"<{node_uri(b, 'tls')}>").status == 200
    assert notified(client) == ("SIP/2.0 100 Trying", "active")
    take_over(client)
    assert notified(client) == ("SIP/2.0 200 OK", "terminated")
    hung_up(client)
    assert Catalog(a.server).wait_ended()["end_reason"] == "handed_over"
    assert client.request(client.invite, "BYE", 1).status == 200
    client.stop()


@pytest.mark.parametrize("nodes,good", [
    ("192.0.2.9:5061, [2001:db8::9]:5061, 2001:db8::9, [::1]", True), ("node-b.example", False),
    ("192.0.2.9:x", False), ("*", False)])
def test_nodes_are_addresses(start, nodes, good):
    s = start({"sip": {"nodes": nodes}}, run=False)
    s.cli("check-config", code=0 if good else 2)
