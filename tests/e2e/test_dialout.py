"""Calls that the server starts: INVITE to a recording client, under a grant."""
import copy
import json
import re
import socket
import ssl
import subprocess
import threading
import uuid

import pytest
import requests

from lib import sipc
from lib.catalog import Catalog
from lib.media import RtpSender, decode, level
from lib.server import ALICE, BOB, DETAILS, SRS, World, wait_for

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


class Source:
    """A recording client that waits to be called (UDP, TCP or TLS).

    cert is (certificate, key); with cafile the caller has to show one, too."""

    def __init__(self, transport="udp", cert=None, cafile=None):
        self.tls = None
        if transport == "tls":
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*cert)
            if cafile:
                self.tls.load_verify_locations(cafile)
                self.tls.verify_mode = ssl.CERT_REQUIRED
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self.listener = socket.socket(socket.AF_INET, kind)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.transport, self.sock, self.peer, self.buffer = transport, None, None, b""
        if transport != "udp":
            self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.tag = uuid.uuid4().hex[:8]
        self.uri = f"sip:src@127.0.0.1:{self.port};transport={transport}"

    def recv(self, method=None, timeout=10):
        while True:
            self.listener.settimeout(timeout)
            if self.transport == "udp":
                data, self.peer = self.listener.recvfrom(65536)
                m = sipc.Response(data)
            else:
                if not self.sock:
                    self.sock, _ = self.listener.accept()
                    self.sock.settimeout(timeout)
                    if self.tls:
                        self.sock = self.tls.wrap_socket(self.sock, server_side=True)
                self.sock.settimeout(timeout)
                m = self._from_stream()
            if not method or m.method == method or (method == "answer" and m.status):
                return m

    def _from_stream(self):
        while True:
            head, sep, rest = self.buffer.partition(b"\r\n\r\n")
            n = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head) if sep else None
            if sep and len(rest) >= int(n[1] if n else 0):
                size = int(n[1] if n else 0)
                self.buffer = rest[size:]
                return sipc.Response(head + sep + rest[:size])
            data = self.sock.recv(65536)
            assert data, "the connection was closed"
            self.buffer += data

    def send(self, text):
        data = text.encode()
        if self.transport == "udp":
            self.listener.sendto(data, self.peer)
        else:
            self.sock.sendall(data)

    def answer(self, req, status=200, body="", ctype="application/sdp", extra=(), tag=None,
               contact=None):
        lines = [f"SIP/2.0 {status} Whatever"]
        for n, v in req.headers:
            if n == "to" and ";tag=" not in v:
                v += f";tag={tag or self.tag}"
            if n in ("via", "from", "to", "call-id", "cseq"):
                lines.append(f"{n}: {v}")
        lines.append(f"Contact: <{contact or self.uri}>;+sip.src")
        lines.append("Allow: INVITE, ACK, BYE, CANCEL, UPDATE, OPTIONS")
        lines += extra
        if body:
            lines.append(f"Content-Type: {ctype}")
        self.send("\r\n".join(lines + [f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body)

    def request(self, invite, method, cseq, body="", ctype=""):
        """A request of ours in the dialog that the INVITE opened."""
        target = re.search(r"<([^>]+)>", invite.get("contact"))[1]
        lines = [f"{method} {target} SIP/2.0",
                 f"Via: SIP/2.0/{self.transport.upper()} 127.0.0.1:{self.port};branch=z9hG4bK{uuid.uuid4().hex};rport",
                 "Max-Forwards: 70", f"From: {invite.get('to')};tag={self.tag}",
                 f"To: {invite.get('from')}", f"Call-ID: {invite.get('call-id')}",
                 f"CSeq: {cseq} {method}", f"Contact: <{self.uri}>;+sip.src"]
        if body:
            lines.append(f"Content-Type: {ctype}")
        self.send("\r\n".join(lines + [f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body)
        return self.recv("answer")

    def close(self):
        self.listener.close()
        if self.sock:
            self.sock.close()


def ask(world, uri, token=None, **more):
    return requests.post(f"{world.server.url}/api/v1/record", timeout=30,
                         json={"from": uri, "grant_id": world.grant_id, **more},
                         headers={"Authorization": f"Bearer {token or world.api_token}"})


class Asking(threading.Thread):
    """POST /api/v1/record while the test answers the INVITE."""

    def __init__(self, *args, **kw):
        super().__init__(daemon=True)
        self.args, self.kw = args, kw
        self.start()

    def run(self):
        self.answer = ask(*self.args, **self.kw)

    def result(self):
        self.join(20)
        return self.answer


@pytest.fixture
def world(start):
    return World(start({"sip": {"dial_to": "127.0.0.1"}}))


def state(world, answer):
    """Of the command, once it is over."""
    id = answer.json()["command_id"]

    def check():
        j = world.server.get(f"/api/v1/commands/{id}", world.api_token).json()
        return j if j["state"] not in ("new", "going") else None
    return wait_for(check, 10, "the command is over")


def test_commands_of_other_owners_are_not_seen(world):
    """Their ids are counted up: whoever has one can guess the next."""
    assert ask(world, "sip:192.0.2.1").status_code == 403  # the first: an address not named
    tokens = {}
    for role in ("owner", "admin"):
        id = world.server.cli("user", "add", "--tenant", "acme", "--email", f"{role}2@acme.example",
                              "--role", role, "--password-stdin", stdin="correct horse battery\n")["user_id"]
        tokens[role] = world.server.cli("token", "add", "--user", f"{role}2@acme.example")["token"]
        assert id
    path = "/api/v1/commands/1"
    assert world.server.get(path, world.api_token).json()["state"] == "refused"
    world.server.get(path, tokens["admin"])
    world.server.get(path, tokens["owner"], code=404)
    world.server.get(path, world.access_token, code=404)
    r = requests.delete(world.server.url + path, headers={"Authorization": f"Bearer {tokens['owner']}"},
                        timeout=10)
    assert r.status_code == 404


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_server_calls_and_records(world, transport, tmp_path):
    src = Source(transport)
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    assert inv.get("require") == "siprec" and "+sip.srs" in inv.get("contact")
    assert inv.body == b"" and not inv.get("content-type")
    senders = [RtpSender(("127.0.0.1", 1), hz) for hz in (440, 880)]
    src.answer(inv, 180)
    body = sipc.multipart(sipc.sdp([s.port for s in senders]), sipc.metadata(PEOPLE))
    src.answer(inv, 200, body, "multipart/mixed;boundary=unique-boundary",
               ["Session-Expires: 1800;refresher=uas"])
    ack = src.recv("ACK")
    assert ack.cseq[0] == inv.cseq[0] and f"tag={src.tag}" in ack.get("to")
    assert ack.get("content-type") == "application/sdp"
    assert ack.body.count(b"a=recvonly") == 2 and ack.body.count(b"m=audio") == 2
    assert re.findall(rb"a=label:(\S+)", ack.body) == [b"1", b"2"]
    for s, port in zip(senders, ack.ports()):
        s.dest = ("127.0.0.1", port)
    answer = asking.result()
    assert answer.status_code == 200 and answer.json()["state"] == "done", answer.text
    rec = answer.json()["recording_id"]
    item = world.server.get(f"/api/v1/recordings/{rec}", world.api_token).json()
    assert item["state"] == "recording"
    assert [p["aor"] for p in item["participants"]] == [ALICE, BOB]
    for s in senders:
        s.start()
    wait_for(lambda: senders[0].sent > 60, 10, "some sound")
    for s in senders:
        s.stop()
    assert src.request(inv, "BYE", 1).status == 200
    done = world.wait_recording()
    assert done["id"] == rec
    mix = tmp_path / "mix.ogg"
    mix.write_bytes(world.server.get(f"/api/v1/recordings/{rec}/audio", world.api_token).content)
    left, right = decode(mix)
    assert level(left, 440) > 0.1 and level(right, 880) > 0.1 and level(left, 880) < 0.01
    assert Catalog(world.server).audit("call.start")[0]["result"] == "ok"
    src.close()


def test_repeated_200_gets_the_same_answer(world):
    src = Source()
    asking = Asking(world, src.uri, participants=[ALICE, BOB])
    inv = src.recv("INVITE")
    src.answer(inv, 200, sipc.sdp([40000, 40002]))
    first = src.recv("ACK")
    src.answer(inv, 200, sipc.sdp([40000, 40002]))
    assert src.recv("ACK").body == first.body != b""
    assert asking.result().status_code == 200
    assert src.request(inv, "BYE", 1).status == 200
    src.close()


def test_no_more_lines_than_asked_for_are_taken(world):
    src = Source()
    asking = Asking(world, src.uri, participants=[ALICE, BOB], streams=2)
    inv = src.recv("INVITE")
    src.answer(inv, 200, sipc.sdp([40000, 40002, 40004]))
    ports = src.recv("ACK").ports()
    assert len(ports) == 3 and ports[0] and ports[1] and not ports[2]
    assert asking.result().status_code == 200
    assert src.request(inv, "BYE", 1).status == 200
    src.close()


@pytest.mark.parametrize("lines", [1, 0])
def test_offer_that_cannot_be_recorded_is_confirmed_and_hung_up(world, lines):
    body = sipc.sdp([40000], codecs=((126, "EVRC/8000"),)) if lines else ""
    src = Source()
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    src.answer(inv, 200, body)
    ack, bye = src.recv("ACK"), src.recv("BYE")
    assert ack.body.count(b"m=audio 0 ") == ack.body.count(b"m=") == lines
    assert "488" in bye.get("reason")
    src.answer(bye)
    answer = asking.result()
    assert answer.status_code == 409 and "offer" in answer.json()["detail"]
    assert world.recordings() == []
    src.close()


def test_metadata_may_come_later_and_we_may_hang_up(world):
    src = Source()
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    src.answer(inv, 200, sipc.sdp([40000, 40002]))
    assert src.recv("ACK")
    assert asking.result().status_code == 200
    r = src.request(inv, "UPDATE", 7, sipc.metadata(PEOPLE), "application/rs-metadata+xml")
    assert r.status == 200
    cat = Catalog(world.server)
    assert [p["aor"] for p in cat.rows("SELECT aor FROM participants ORDER BY ord")] == [ALICE, BOB]
    world.server.cli("grant", "revoke", world.grant_id)
    bye = src.recv("BYE")
    assert bye.get("reason") == 'SIP;cause=403;text="Authorization revoked"'
    src.answer(bye)
    assert cat.wait_ended()["end_reason"] == "revoked"
    src.close()


def test_busy_client_is_told(world):
    src = Source()
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    src.answer(inv, 486)
    assert src.recv("ACK")
    answer = asking.result()
    assert answer.status_code == 409 and "486" in answer.json()["detail"]
    assert world.recordings() == []
    src.close()


def test_conditions_are_judged(start):
    details = copy.deepcopy(DETAILS)
    details["conditions"]["participants"]["deny"] = [BOB]
    world = World(start({"sip": {"dial_to": "*"}}), details=details)
    answer = ask(world, "sip:src@127.0.0.1:9", participants=[ALICE, BOB])
    assert answer.status_code == 403 and "participants" in answer.json()["detail"]
    src = Source()
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    body = sipc.multipart(sipc.sdp([40000, 40002]), sipc.metadata(PEOPLE))
    src.answer(inv, 200, body, "multipart/mixed;boundary=unique-boundary")
    assert src.recv("ACK").ports() == [0, 0]
    bye = src.recv("BYE")
    assert "403" in bye.get("reason")
    src.answer(bye)
    assert asking.result().status_code == 403
    src.close()


def test_who_may_be_called(start):
    world = World(start())
    assert ask(world, "sip:src@127.0.0.1:9").status_code == 403  # dial_to is empty
    assert ask(world, "sip:src@names.example").status_code == 409
    assert ask(world, "sip:a@127.0.0.1", streams=99).status_code == 400
    assert ask(world, "sip:a@127.0.0.1", colour=1).status_code == 400
    other = World(world.server, tenant="other")
    answer = ask(world, "sip:a@127.0.0.1", token=other.api_token)
    assert answer.status_code == 400 and "grant_id" in answer.json()["detail"]
    world.server.cli("record", "--from", "sip:src@127.0.0.1:9", "--grant", str(uuid.uuid4()), code=3)


def test_command_line(world):
    src = Source()
    proc = subprocess.Popen([str(SRS), "-c", str(world.server.conf), "--json", "record", "--from",
                             src.uri, "--grant", world.grant_id, "--participant", ALICE,
                             "--participant", BOB], stdout=subprocess.PIPE, text=True)
    inv = src.recv("INVITE")
    src.answer(inv, 200, sipc.sdp([40000, 40002]))
    assert src.recv("ACK")
    out, _ = proc.communicate(timeout=20)
    assert proc.returncode == 0
    rec = json.loads(out)["recording_id"]
    people = world.server.get(f"/api/v1/recordings/{rec}", world.api_token).json()["participants"]
    assert [p["aor"] for p in people] == [ALICE, BOB]
    assert src.request(inv, "BYE", 1).status == 200
    src.close()


def test_call_of_ours_survives_a_restart(world):
    src = Source()
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    src.answer(inv, 200, sipc.sdp([40000, 40002]))
    src.recv("ACK")
    assert asking.result().status_code == 200
    world.server.kill_role("sip")
    Catalog(world.server).wait_warning("sip.restarted", 20)
    assert src.request(inv, "UPDATE", 7, sipc.metadata(PEOPLE),
                       "application/rs-metadata+xml").status == 200
    world.server.cli("grant", "revoke", world.grant_id)
    bye = src.recv("BYE")
    assert f"tag={src.tag}" in bye.get("to")
    src.answer(bye)
    src.close()


# ---- answers that are none, and calls that are given up


def refused(world, src, status, extra=()):
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    src.answer(inv, status, extra=extra)
    ack = src.recv("ACK")
    assert ack.cseq[0] == inv.cseq[0]
    answer = asking.result()
    assert answer.status_code == 409 and str(status) in answer.json()["detail"], answer.text
    assert world.recordings() == []


@pytest.mark.parametrize("status,extra", [
    (302, ["Contact: <sip:elsewhere@127.0.0.1:9>"]),
    (401, ['WWW-Authenticate: Digest realm="x", nonce="y"']),
    (407, ['Proxy-Authenticate: Digest realm="x", nonce="y"']),
    (486, []), (603, [])])
def test_no_is_no(world, status, extra):
    src = Source()
    refused(world, src, status, extra)
    with pytest.raises(TimeoutError):  # nobody else is called, nothing is tried again
        src.recv(timeout=0.3)
    src.close()


def cancelled(src, inv):
    cancel = src.recv("CANCEL")
    assert cancel.cseq[0] == inv.cseq[0] and cancel.get("via") == inv.get("via")
    src.answer(cancel)
    src.answer(inv, 487)
    assert src.recv("ACK").cseq[0] == inv.cseq[0]


def test_ringing_for_too_long_is_cancelled(start):
    world = World(start({"sip": {"dial_to": "127.0.0.1", "dial_timeout": "1s"}}))
    src = Source()
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    src.answer(inv, 180)
    cancelled(src, inv)
    answer = asking.result()
    assert state(world, answer)["detail"] == "no answer"
    assert world.recordings() == []
    src.close()


def test_ringing_call_is_cancelled_at_shutdown(start):
    world = World(start({"sip": {"dial_to": "127.0.0.1"}, "server": {"drain": "0s"}}))
    src = Source()
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    src.answer(inv, 180)
    asking.result()
    world.server.proc.terminate()
    cancelled(src, inv)
    assert world.server.stop() == 0
    assert Catalog(world.server).recordings() == []
    src.close()


def test_ringing_call_is_withdrawn(world):
    src = Source()
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    src.answer(inv, 180)
    url = world.server.url + asking.result().headers["location"]
    auth = {"Authorization": f"Bearer {world.api_token}"}
    other = world.server.cli("token", "add", "--user", World(world.server, "other").email)["token"]
    assert requests.delete(url, headers={"Authorization": f"Bearer {other}"}).status_code == 404
    r = requests.delete(url, headers=auth, timeout=10)
    assert r.status_code == 200 and r.json()["detail"] == "withdrawn", r.text
    cancelled(src, inv)
    assert requests.delete(url, headers=auth).status_code == 409
    assert Catalog(world.server).recordings() == []
    src.close()


def test_ringing_call_is_cancelled_when_the_grant_is_revoked(world):
    src = Source()
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    src.answer(inv, 180)
    world.server.cli("grant", "revoke", world.grant_id)
    cancelled(src, inv)
    answer = asking.result()
    assert answer.status_code == 409 and "revoked" in answer.json()["detail"]
    assert Catalog(world.server).recordings() == []
    src.close()


def test_answer_to_nothing_is_answered_by_nothing(world):
    src, victim = Source(), Source()
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    stray = re.sub(r"branch=[^;]+", "branch=z9hG4bKstray", inv.get("via"))
    lines = ["SIP/2.0 200 OK", f"Via: {stray}", "From: <sip:srs@127.0.0.1>;tag=a",
             "To: <sip:b@127.0.0.1>;tag=b", "Call-ID: never-was", "CSeq: 1 INVITE",
             f"Contact: <{victim.uri}>", "Content-Length: 0"]
    src.send("\r\n".join(lines) + "\r\n\r\n")
    with pytest.raises(TimeoutError):
        victim.recv(timeout=0.5)
    src.answer(inv, 486)
    assert src.recv("ACK")
    assert asking.result().status_code == 409
    src.close()
    victim.close()


def test_answer_after_the_cancel_is_hung_up(start):
    world = World(start({"sip": {"dial_to": "127.0.0.1", "dial_timeout": "1s"}}))
    src, victim = Source(), Source()
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    src.answer(inv, 180)
    src.answer(src.recv("CANCEL"))
    # too late, and with somebody else's address as Contact
    src.answer(inv, 200, sipc.sdp([40000, 40002]), contact=victim.uri)
    ack, bye = src.recv("ACK"), src.recv("BYE")
    for m in (ack, bye):
        assert m.get("call-id") == inv.get("call-id") and f"tag={src.tag}" in m.get("to")
    assert bye.cseq[0] > inv.cseq[0]
    src.answer(bye)
    assert state(world, asking.result())["state"] == "failed"
    assert world.recordings() == []
    with pytest.raises(TimeoutError):
        victim.recv(timeout=0.3)
    src.close()
    victim.close()


def test_second_answer_of_a_fork_is_hung_up(world):
    src = Source()
    asking = Asking(world, src.uri, participants=[ALICE, BOB])
    inv = src.recv("INVITE")
    src.answer(inv, 200, sipc.sdp([40000, 40002]), tag="first")
    assert "tag=first" in src.recv("ACK").get("to")
    src.answer(inv, 200, sipc.sdp([40004, 40006]), tag="second")
    ack, bye = src.recv("ACK"), src.recv("BYE")
    assert "tag=second" in ack.get("to") and "tag=second" in bye.get("to")
    src.answer(bye)
    src.answer(inv, 200, sipc.sdp([40000, 40002]), tag="first")  # repeated: the ACK again
    assert "tag=first" in src.recv("ACK").get("to")
    assert asking.result().json()["state"] == "done"
    src.tag = "first"
    assert src.request(inv, "BYE", 1).status == 200
    assert Catalog(world.server).wait_ended()["end_reason"] == "bye"
    src.close()


# ---- TLS


def tls_world(start, pki, ca="ca.pem", **sip):
    return World(start({"sip": {
        "listen": "tls:127.0.0.1:0, udp:127.0.0.1:0", "tls_certificate": pki / "server.pem",
        "tls_key": pki / "server.key", "dial_to": "127.0.0.1",
        **({"tls_ca": pki / ca} if ca else {}), **sip}}))


def test_call_over_tls_shows_our_certificate(start, pki):
    world = tls_world(start, pki)
    src = Source("tls", (pki / "server.pem", pki / "server.key"), pki / "ca.pem")
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    assert "TLS" in inv.get("via") and "transport=tls" in inv.get("contact")
    names = [v for kind, v in src.sock.getpeercert()["subjectAltName"] if kind == "DNS"]
    assert names == ["localhost"]
    src.answer(inv, 200, sipc.sdp([40000, 40002]))
    assert src.recv("ACK")
    assert asking.result().json()["state"] == "done"
    assert src.request(inv, "BYE", 1).status == 200
    src.close()


@pytest.mark.parametrize("ca,cert", [("ca.pem", "client"),  # names another host
                                     ("other.pem", "server"),  # of an authority we do not know
                                     (None, "server")])
def test_nobody_else_is_called_over_tls(start, pki, ca, cert):
    if ca == "other.pem":
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "other.key", "-out",
                        "other.pem", "-days", "30", "-subj", "/CN=Other CA"], cwd=pki, check=True,
                       capture_output=True)
    world = tls_world(start, pki, ca, t1="20ms")
    src = Source("tls", (pki / f"{cert}.pem", pki / f"{cert}.key"))
    asking = Asking(world, src.uri)
    with pytest.raises((AssertionError, OSError)):
        src.recv("INVITE")
    answer = asking.result()
    assert state(world, answer)["detail"] == "no answer"
    assert "sip.tls_callee_refused" in world.server.log()
    assert world.recordings() == []
    src.close()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_port_where_nobody_listens_is_no_answer(start, transport):
    world = World(start({"sip": {"dial_to": "127.0.0.1", "dial_timeout": "1s"}}))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    answer = Asking(world, f"sip:bob@127.0.0.1:{port};transport={transport}").result()
    assert answer.status_code == 409 and "no answer" in answer.json()["detail"], answer.text
    assert Catalog(world.server).recordings() == []
