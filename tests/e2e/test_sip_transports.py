"""The same call over UDP, TCP and TLS, IPv4 and IPv6, with and without certificates."""
import re
import socket
import ssl

import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.media import two_voices
from lib.server import ALICE, BOB, World, wait_for
from lib.sipc import has_ipv6

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


def one_call(client, world, host=None):
    d = client.dialog(token=world.access_token)
    r = d.invite([40000, 40002], PEOPLE, host=host)
    assert r.status == 200, r.raw
    assert d.bye().status == 200
    return r


def tls_settings(pki, verify):
    return {"sip": {"listen": "tls:127.0.0.1:0", "tls_certificate": pki / "server.pem",
                    "tls_key": pki / "server.key", "tls_ca": pki / "ca.pem", "tls_verify": verify}}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_call_over(world, transport):
    r = one_call(sipc.SipClient(world.server.sip[transport], transport), world)
    host, port = world.server.sip[transport]
    want = f"<sip:srs@{host}:{port}" + (";transport=tcp>" if transport == "tcp" else ">")
    assert r.get("contact").startswith(want)
    rows = Catalog(world.server).rows("SELECT DISTINCT transport FROM signalling")
    assert all(row["transport"] == transport for row in rows)


def test_two_calls_on_one_connection(world):
    c = sipc.SipClient(world.server.sip["tcp"], "tcp")
    one_call(c, world)
    one_call(c, world)


def test_message_in_pieces(world):
    c = sipc.SipClient(world.server.sip["tcp"], "tcp")
    whole = c.send
    c.send = lambda data: [whole(data[i:i + 100]) for i in range(0, len(data), 100)]
    c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one_call(c, world)


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_call_over_ipv6(start, transport):
    world = World(start({"sip": {"listen": f"{transport}:[::1]:0"}}))
    assert world.server.sip[transport][0] == "::1"
    r = one_call(sipc.SipClient(world.server.sip[transport], transport), world, host="127.0.0.1")
    assert "<sip:srs@[::1]:" in r.get("contact")


def test_several_listeners(start):
    world = World(start({"sip": {"listen": "udp:127.0.0.1:0, udp:127.0.0.2:0, tcp:127.0.0.1:0"}}))
    assert len(world.server.ready["sip"]) == 3
    for address in world.server.ready["sip"]:
        kind, rest = address.split(":", 1)
        host, port = rest.rsplit(":", 1)
        one_call(sipc.SipClient((host, int(port)), kind), world)


@pytest.mark.parametrize("verify,with_cert", [("none", False), ("none", True), ("optional", False),
                                              ("optional", True), ("required", True)])
def test_call_over_tls(start, pki, verify, with_cert):
    world = World(start(tls_settings(pki, verify)))
    cert = (pki / "client.pem", pki / "client.key") if with_cert else None
    c = sipc.SipClient(world.server.sip["tls"], "tls", cafile=pki / "ca.pem", cert=cert)
    r = one_call(c, world)
    assert ";transport=tls>" in r.get("contact")


def test_certificate_required(start, pki):
    world = World(start(tls_settings(pki, "required")))
    with pytest.raises((ssl.SSLError, OSError, AssertionError)):
        c = sipc.SipClient(world.server.sip["tls"], "tls", cafile=pki / "ca.pem")
        one_call(c, world)


@pytest.mark.parametrize("verify", ["optional", "required"])
def test_unknown_certificate_is_not_taken(start, pki, verify, tmp_path):
    import subprocess
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "x.key", "-out", "x.pem",
                    "-days", "3", "-subj", "/CN=sbc.voip.example"], cwd=tmp_path, check=True,
                   capture_output=True)
    world = World(start(tls_settings(pki, verify)))
    with pytest.raises((ssl.SSLError, OSError, AssertionError)):
        c = sipc.SipClient(world.server.sip["tls"], "tls", cafile=pki / "ca.pem",
                           cert=(tmp_path / "x.pem", tmp_path / "x.key"))
        one_call(c, world)
    # and the server goes on
    good = sipc.SipClient(world.server.sip["tls"], "tls", cafile=pki / "ca.pem",
                          cert=(pki / "client.pem", pki / "client.key"))
    one_call(good, world)


def test_old_tls_is_refused(start, pki):
    world = World(start(tls_settings(pki, "none")))
    ctx = ssl.create_default_context(cafile=pki / "ca.pem")
    ctx.check_hostname = False
    ctx.minimum_version = ctx.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, OSError)):
        ctx.wrap_socket(socket.create_connection(world.server.sip["tls"], 5))


@pytest.mark.parametrize("settings,word", [
    ({"listen": "tls:127.0.0.1:0"}, "tls_certificate"),
    ({"listen": "udp:localhost:5060"}, "listen"),
    ({"listen": "sctp:127.0.0.1:5060"}, "listen"),
])
def test_bad_listener_stops_the_start(start, settings, word):
    with pytest.raises(AssertionError) as e:
        start({"sip": settings})
    assert word in str(e.value)


def test_bad_certificate_stops_the_start(start, pki, tmp_path):
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing")
    s = tls_settings(pki, "none")
    s["sip"]["tls_certificate"] = bad
    with pytest.raises(AssertionError) as e:
        start(s)
    assert "bad.pem" in str(e.value)


@pytest.mark.parametrize("name", ["TPORT_LOG", "TPORT_DUMP", "TPORT_CAPT"])
def test_tracing_of_whole_messages_is_refused(start, name):
    with pytest.raises(AssertionError) as e:
        start(env={name: "1"})
    assert name in str(e.value)


def test_message_above_64_kb_is_413(world):
    c = sipc.SipClient(world.server.sip["tcp"], "tcp")
    d = c.dialog(token=world.access_token)
    r = d.invite([40000, 40002], PEOPLE, extra=[f"X-{i}: {'x' * 1000}" for i in range(70)])
    assert r.status == 413
    one_call(sipc.SipClient(world.server.sip["tcp"], "tcp"), world)


MULTIPART = "multipart/mixed;boundary=unique-boundary"
MANY = 150


def invite_bytes(d, **kw):
    """The INVITE as it would be sent."""
    held, send = [], d.c.send
    d.c.send = held.append
    d.request("INVITE", sipc.multipart(sipc.sdp([40000, 40002]), sipc.metadata(PEOPLE)), MULTIPART, **kw)
    d.c.send = send
    return held[0]


def accept(d, r):
    """Take the 200 and confirm it."""
    assert r.status == 200, r.raw
    d.to_tag = re.search(r";tag=([^;>\s]+)", r.get("to"))[1]
    d.request("ACK", cseq=1)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_many_dialogs_on_one_connection(start, pki, transport):
    """Each with a change in the middle; all answers come over the one connection."""
    world = World(start(tls_settings(pki, "none") if transport == "tls" else None))
    client = sipc.SipClient(world.server.sip[transport], transport, cafile=pki / "ca.pem")
    dialogs = {}
    for _ in range(MANY):
        d = client.dialog(token=world.access_token)
        dialogs[d.call_id] = d
        client.send(invite_bytes(d))
    ports = set()

    def answers(n):
        for _ in range(n):
            r = next(m for m in iter(lambda: client.recv(30), None) if m.status != 100)
            yield r, dialogs[r.get("call-id")]
    for r, d in answers(MANY):
        accept(d, r)
        ports.update(r.ports())
    assert len(ports) == 2 * MANY
    for d in dialogs.values():
        d.request("UPDATE", sipc.metadata(PEOPLE + [("sip:carol@voip.example", "Carol")]),
                  "application/rs-metadata+xml")
    for r, d in answers(MANY):
        assert r.status == 200, r.raw
    for d in dialogs.values():
        d.request("BYE")
    for r, d in answers(MANY):
        assert r.status == 200 and not client.eof
    Catalog(world.server).wait_ended(count=MANY, timeout=60)
    assert len(Catalog(world.server).rows(
        "SELECT DISTINCT recording_id FROM participants WHERE name = 'Carol'")) == MANY


# ---- a connection that is lost

@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_connection_lost_before_the_answer(start, pki, transport):
    """The client comes back and repeats its INVITE: it is the same call."""
    world = World(start(tls_settings(pki, "none") if transport == "tls" else None))

    def connect():
        return sipc.SipClient(world.server.sip[transport], transport, cafile=pki / "ca.pem")
    first = connect()
    d = first.dialog(token=world.access_token)
    data = invite_bytes(d)
    first.send(data)
    if transport == "tls":
        assert first.recv().status == 100  # or TLS would not have delivered it
    first.close()
    d.c = connect()
    for _ in range(20):
        d.c.send(data)
        r = d.c.recv(0.5)
        while r and r.status == 100:
            r = d.c.recv(5)
        if r:
            break
    accept(d, r)
    assert d.bye().status == 200
    assert len(Catalog(world.server).recordings()) == 1
    assert Catalog(world.server).wait_ended()["end_reason"] == "bye"


def test_connection_lost_before_the_answer_for_good(start):
    """Nobody comes back: the call ends by itself, and nothing is left behind."""
    world = World(start({"sip": {"listen": "tcp:127.0.0.1:0", "t1": "20ms"}}))
    first = sipc.SipClient(world.server.sip["tcp"], "tcp")
    d = first.dialog(token=world.access_token)
    first.send(invite_bytes(d))
    first.close()
    row = Catalog(world.server).wait_ended(timeout=30)
    assert row["end_reason"] in ("ack_missing", "lost")
    again = sipc.SipClient(world.server.sip["tcp"], "tcp")
    one_call(again, world)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("when", ["before the ACK", "before a change", "before the BYE"])
def test_connection_lost_in_the_call(start, pki, transport, when):
    """Media goes on, the dialog goes on over the next connection."""
    world = World(start(tls_settings(pki, "none") if transport == "tls" else None))

    def connect():
        return sipc.SipClient(world.server.sip[transport], transport, cafile=pki / "ca.pem")

    def lose():
        d.c.close()
        d.c = connect()
        at = [s.sent for s in senders]
        wait_for(lambda: all(s.sent > k + 10 for s, k in zip(senders, at)), 5, "media goes on")
    first = connect()
    d = first.dialog(token=world.access_token)
    senders, r = two_voices(lambda ports: d.invite(ports, PEOPLE, ack=False))
    try:
        if when == "before the ACK":
            lose()
        d.request("ACK", cseq=1)
        if when == "before a change":
            lose()
        assert d.update(sipc.metadata(PEOPLE + [("sip:carol@voip.example", "Carol")])).status == 200
        d.request("INVITE", sipc.sdp([s.port for s in senders], direction="inactive", version=2),
                  "application/sdp")
        held = d.final()
        d.request("ACK", cseq=d.cseq)
        assert held.status == 200 and held.ports() == r.ports()
        if when == "before the BYE":
            lose()
        assert d.bye().status == 200
    finally:
        for s in senders:
            s.stop()
    cat = Catalog(world.server)
    assert cat.wait_ended()["end_reason"] == "bye"
    assert len(cat.recordings()) == 1 and "sip.ack_missing" not in cat.warnings()
    assert world.wait_recording("ready")["duration_s"] > 0.2


# ---- large over UDP

def test_large_invite_comes_again_over_udp(world):
    """3 KB and more are several fragments; each repetition gets the same answer."""
    c = sipc.SipClient(world.server.sip["udp"])
    d = c.dialog(token=world.access_token)
    data = invite_bytes(d, extra=[f"X-Filler-{i}: {'x' * 200}" for i in range(12)])
    assert len(data) > 3500
    c.send(data)
    c.send(data)  # before there is an answer
    r = d.final()
    assert r.status == 200
    for _ in range(3):
        c.send(data)
        again = d.final()
        assert again.raw == r.raw
    accept(d, r)
    assert d.bye().status == 200
    assert len(Catalog(world.server).recordings()) == 1
