"""Calls that the server starts: INVITE to a recording client, under a grant."""
import copy
import json
import re
import socket
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
    """A recording client that waits to be called (UDP or TCP)."""

    def __init__(self, transport="udp"):
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self.listener = socket.socket(socket.AF_INET, kind)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.transport, self.sock, self.peer, self.buffer = transport, None, None, b""
        if transport == "tcp":
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
            self.buffer += self.sock.recv(65536)

    def send(self, text):
        data = text.encode()
        if self.transport == "udp":
            self.listener.sendto(data, self.peer)
        else:
            self.sock.sendall(data)

    def answer(self, req, status=200, body="", ctype="application/sdp", extra=()):
        lines = [f"SIP/2.0 {status} Whatever"]
        for n, v in req.headers:
            if n == "to" and ";tag=" not in v:
                v += f";tag={self.tag}"
            if n in ("via", "from", "to", "call-id", "cseq"):
                lines.append(f"{n}: {v}")
        lines.append(f"Contact: <{self.uri}>;+sip.src")
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


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_server_calls_and_records(world, transport, tmp_path):
    src = Source(transport)
    asking = Asking(world, src.uri)
    inv = src.recv("INVITE")
    assert inv.get("require") == "siprec" and "+sip.srs" in inv.get("contact")
    assert inv.body.count(b"a=recvonly") == 2 and inv.body.count(b"m=audio") == 2
    senders = [RtpSender(("127.0.0.1", p), hz) for p, hz in zip(inv.ports(), (440, 880))]
    src.answer(inv, 180)
    body = sipc.multipart(sipc.sdp([s.port for s in senders]), sipc.metadata(PEOPLE))
    src.answer(inv, 200, body, "multipart/mixed;boundary=unique-boundary",
               ["Session-Expires: 1800;refresher=uas"])
    ack = src.recv("ACK")
    assert ack.cseq[0] == inv.cseq[0] and f"tag={src.tag}" in ack.get("to")
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
    assert src.recv("ACK")
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
