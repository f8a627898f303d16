"""Whose requests count in a call: nobody's but those of who set it up."""
import re

import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.server import ALICE, BOB, CAROL, Server, World, wait_for
from lib.sipc import SipClient
from test_oauth import finish

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
PORTS = [40000, 40002]
XML = "application/rs-metadata+xml"
METHODS = ["INVITE", "UPDATE", "INFO", "OPTIONS", "MESSAGE", "NOTIFY", "REFER", "SUBSCRIBE", "PRACK", "PUBLISH",
           "FOO", "BYE"]


@pytest.fixture(scope="module")
def world(tmp_path_factory, pki):
    s = Server(tmp_path_factory.mktemp("peer"), {"sip": {
        "listen": "udp:127.0.0.1:0, tcp:127.0.0.1:0, tls:127.0.0.1:0", "tls_certificate": pki / "server.pem",
        "tls_key": pki / "server.key", "tls_ca": pki / "ca.pem", "tls_verify": "optional"}}).start()
    yield World(s)
    finish(s)


@pytest.fixture
def connect(world, pki):
    made = []

    def make(transport="udp", local="127.0.0.1", cert=False):
        files = (pki / "client.pem", pki / "client.key") if cert else None
        made.append(SipClient(world.server.sip[transport], transport, cafile=pki / "ca.pem", cert=files, local=local))
        return made[-1]

    yield make
    for c in made:
        c.close()


class Call:
    """A call, and what the catalog says of it."""

    def __init__(self, world, client):
        self.world, self.d = world, client.dialog(token=world.access_token)
        r = self.d.invite(PORTS, PEOPLE)
        assert r.status == 200, r.raw
        self.id = Catalog(world.server).rows("SELECT id FROM recordings WHERE call_id = ?", self.d.call_id)[0]["id"]

    def rows(self, sql):
        return Catalog(self.world.server).rows(sql, self.id)

    def kept(self):
        """All that a request may change."""
        return (self.rows("SELECT aor, name, left_us FROM participants WHERE recording_id = ? ORDER BY ord"),
                self.rows("SELECT kind, text FROM events WHERE recording_id = ? ORDER BY id"),
                self.rows("SELECT state, meta FROM recordings WHERE id = ?"))

    def messages(self):
        return "\n".join(row["body"].decode(errors="replace") if isinstance(row["body"], bytes) else row["body"]
                         for row in self.rows("SELECT body FROM signalling WHERE recording_id = ?"))

    def pretend(self, client):
        """The same dialog from somewhere else."""
        e = client.dialog()
        e.call_id, e.from_tag, e.to_tag = self.d.call_id, self.d.from_tag, self.d.to_tag
        e.uri, e.cseq = self.d.uri, self.d.cseq + 1000
        return e

    def end(self):
        assert self.d.bye().status == 200
        wait_for(lambda: self.rows("SELECT state FROM recordings WHERE id = ?")[0]["state"] != "recording", 10, "end")
        return self.rows("SELECT end_reason FROM recordings WHERE id = ?")[0]["end_reason"]


def attack(call, client, methods=METHODS):
    """Each of them is refused, and nothing is different."""
    before = call.kept()
    e = call.pretend(client)
    body = sipc.metadata([(CAROL, "Carol"), (BOB, "Mallory")])
    extra = ["X-Genesys-CallUUID: planted", "Session-Expires: 90", "Refer-To: <sip:x@127.0.0.1:9>", "RAck: 1 1 INVITE",
             "Event: refer", "Supported: timer"]
    for method in methods:
        e.request(method, body, XML, extra)
        r = e.final()
        assert r.status == 403, f"{method}: {r.raw}"
        assert "Not from where the call was set up" in r.get("warning")
    e.request("ACK", body, XML)
    assert call.kept() == before
    wait_for(lambda: all(f" {m}\r\n" in call.messages() for m in methods + ["ACK"]), 5, "kept as refused")
    assert call.messages().count("SIP/2.0 403 ") >= len(methods)


@pytest.mark.parametrize("transport,cert", [("udp", False), ("tcp", False), ("tls", False), ("tls", True)])
def test_nobody_else_touches_a_call(world, connect, transport, cert):
    call = Call(world, connect(transport, cert=cert))
    audited = len(Catalog(world.server).audit("call.refuse_change"))
    attack(call, connect("udp", local="127.0.0.2"), METHODS if transport != "tls" else METHODS[:3])
    if transport == "tls":  # its own address, in clear
        attack(call, connect("udp"), METHODS[3:6])
        attack(call, connect("tcp"), METHODS[6:])
    else:  # nor over TLS
        attack(call, connect("tls"), ["UPDATE", "BYE"])
    if cert:
        attack(call, connect("tls"), ["UPDATE", "BYE"])
    assert len(Catalog(world.server).audit("call.refuse_change")) > audited
    # the client goes on, whatever CSeq the others used, from a new port too
    call.d.c = connect(transport, cert=cert)
    assert call.d.update(sipc.metadata(PEOPLE + [(CAROL, "Carol")])).status == 200
    assert (CAROL, "Carol") in [(p["aor"], p["name"]) for p in call.kept()[0]]
    assert call.end() == "bye"
    warnings = [w["detail"] for w in call.rows("SELECT code, detail FROM warnings WHERE recording_id = ?")
                if w["code"] == "sip.refused_within"]
    assert len(warnings) == 1 and "127.0.0." in warnings[0]


def test_an_ack_or_cancel_from_elsewhere_counts_for_nothing(world, connect):
    client = connect()
    d = client.dialog(token=world.access_token)
    assert d.invite(PORTS, PEOPLE, ack=False).status == 200
    e = client.dialog()
    e.c = connect("udp", local="127.0.0.2")
    e.call_id, e.from_tag, e.to_tag, e.uri = d.call_id, d.from_tag, d.to_tag, d.uri
    e.request("ACK", cseq=1)
    again = client.recv(5)  # so our 200 is still not confirmed
    assert again.status == 200 and again.get("cseq") == "1 INVITE"
    d.request("ACK", cseq=1)
    # a CANCEL of the INVITE by its branch
    e.to_tag = None
    e.request("CANCEL", cseq=1, branch=d.branch)
    assert e.final().status == 403
    assert d.bye().status == 200


def test_a_token_within_a_call_is_judged(world, connect):
    other = World(world.server, tenant="other")
    call = Call(world, connect())
    before = call.kept()
    body = sipc.metadata([(CAROL, "Carol")])
    for token, status in ((other.access_token, 403), (world.access_token[:-3] + "xyz", 401), ("nonsense", 401)):
        for method in ("UPDATE", "INFO", "OPTIONS", "MESSAGE"):
            call.d.request(method, body, XML, [f"Authorization: Bearer {token}"], auth=False)
            assert call.d.final().status == status, (method, token[:8])
        call.d.request("BYE", extra=[f"Authorization: Bearer {token}"])
        assert call.d.final().status == 403
    call.d.request("INFO", body, XML, [f"Authorization: Bearer {world.access_token}"] * 2, auth=False)
    assert call.d.final().status == 400
    assert call.kept() == before
    call.d.request("BYE", extra=[f"Authorization: Bearer {world.access_token}"])
    assert call.d.final().status == 200


def test_what_is_refused_to_the_client_itself_is_not_taken(world, connect):
    call = Call(world, connect())
    before = call.kept()
    body = sipc.metadata(PEOPLE + [(CAROL, "Carol")])
    for method, status in (("MESSAGE", 405), ("NOTIFY", 405), ("FOO", 501)):
        call.d.request(method, body, XML)
        assert call.d.final().status == status
    none = sipc.multipart(sipc.sdp(PORTS, codecs=((96, "EVS/16000"),), version=2), body)
    assert call.d.update(none, "multipart/mixed;boundary=unique-boundary").status in (403, 488)
    assert call.kept() == before
    assert call.end() == "bye"


def test_a_clients_other_addresses_are_named(world, connect):
    call = Call(world, connect())
    e = call.pretend(connect("udp", local="127.0.0.3"))
    e.request("BYE")
    assert e.final().status == 403
    world.server.cli("client", "set", world.client_id, "--addresses", "127.0.0.3, 192.0.2.0/24")
    listed = world.server.cli("client", "list")["items"]
    assert [c["addresses"] for c in listed if c["client_id"] == world.client_id] == ["127.0.0.3, 192.0.2.0/24"]
    e.request("UPDATE", sipc.metadata(PEOPLE + [(CAROL, "Carol")]), XML)
    assert e.final().status == 200
    e.request("BYE")
    assert e.final().status == 200
    world.server.cli("client", "set", world.client_id, "--addresses", "")


def test_a_call_stays_whose_it_is_over_a_restart(world, connect):
    call = Call(world, connect("tls", cert=True))
    world.server.kill_role("sip")
    Catalog(world.server).wait_warning("sip.restarted")
    attack(call, connect("udp"), ["UPDATE", "BYE"])
    attack(call, connect("tls"), ["UPDATE", "BYE"])
    call.d.c = connect("tls", cert=True)
    assert call.end() == "bye"


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_keepalives_are_answered(world, connect, transport):
    """RFC 5626 section 4.4.1."""
    c = connect(transport)

    def pongs(n):
        data = b""
        while len(data) < 2 * n:
            c.sock.settimeout(10)
            data += c.sock.recv(100)
        assert data == b"\r\n" * n

    c.send("\r\n\r\n")
    pongs(1)
    for piece in ("\r", "\n\r", "\n"):
        c.send(piece)
    pongs(1)
    d = c.dialog(token=world.access_token)
    d.request("OPTIONS")
    assert d.final().status == 200
    whole, c.send = c.send, lambda data: whole(data + b"\r\n\r\n")
    d.request("OPTIONS")  # with a ping behind it
    c.send, data = whole, b""
    while not (re.search(rb"Content-Length: 0\r\n\r\n", data) and
               re.sub(rb"SIP/2.0 200.*?\r\n\r\n", b"", data, flags=re.S) == b"\r\n"):
        data += c.sock.recv(1000)
    c.send("\r\n\r\n")
    pongs(1)


def test_who_may_not_steer_a_live_call_sees_no_tags(world, connect):
    call = Call(world, connect())
    path = f"/api/v1/recordings/{call.id}/signalling"
    tokens = {}
    for role in ("auditor", "listener", "supervisor", "admin"):
        world.server.cli("user", "add", "--tenant", world.tenant, "--email", f"{role}@acme.example", "--role", role)
        tokens[role] = world.server.cli("token", "add", "--user", f"{role}@acme.example")["token"]
    wait_for(lambda: "ACK " in call.messages(), 5, "the call's messages")

    def shown(token, form):
        return world.server.get(path, token, params={"format": form}).content

    secrets = [t.encode() for t in (call.d.from_tag, call.d.to_tag, call.d.branch)]
    for form in ("text", "json", "pcapng"):
        assert all(t in shown(tokens["supervisor"], form) and t in shown(world.api_token, form) for t in secrets)
        text = shown(tokens["auditor"], form)
        assert b"tag=hidden" in text and b"branch=hidden" in text and not any(t in text for t in secrets)
    assert call.end() == "bye"
    assert secrets[0] in shown(tokens["auditor"], "text")
