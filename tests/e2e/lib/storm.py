"""Throws variants of requests (lib/mutate.py) at a server and behaves like a client otherwise:
what is accepted is acknowledged and ended, what asks for an ACK gets it. After each handful of
variants an OPTIONS on the same socket must be answered, so they have all been read."""
import socket
import time

from lib import sipc, torture
from lib.calls import PEOPLE

HANDFUL = 20
PATIENCE_S = 30

# An envelope with every field that a client of ours sends.
HEAD = """{method} sip:srs@127.0.0.1 SIP/2.0
Via: SIP/2.0/@TRANSPORT@ 127.0.0.1:@PORT@;branch=z9hG4bK@ID@;rport
Max-Forwards: 70
From: "S B C" <sip:sbc@voip.example>;tag={from_tag}
To: <sip:srs@127.0.0.1>{to_tag}
Call-ID: {call_id}
CSeq: @CSEQ@ {method}
Contact: <sip:sbc@127.0.0.1:@PORT@>;+sip.src
Require: siprec
Supported: timer, replaces
Session-Expires: 1800;refresher=uas
Authorization: Bearer @TOKEN@
Content-Type: {ctype}
Content-Length: {length}

"""
MULTIPART = "multipart/mixed;boundary=unique-boundary"


def request(method, body="", ctype="application/sdp", within=False, token="@TOKEN@"):
    """A template for lib/mutate.py; within: in the dialog that the storm holds."""
    head = HEAD.format(method=method, ctype=ctype, length=len(body.encode()),
                       from_tag="@FROM@" if within else "@ID@", to_tag=";tag=@TO@" if within else "",
                       call_id="@CALL@" if within else "@ID@@storm.example")
    return head.replace("@TOKEN@", token).replace("\n", "\r\n").encode() + body.encode()


def templates():
    offer = sipc.sdp([40000, 40002], codecs=((0, "PCMU/8000"), (8, "PCMA/8000"), (101, "telephone-event/8000")))
    xml = sipc.metadata(PEOPLE)
    both = sipc.multipart(offer, xml)
    return {
        "invite": request("INVITE", both, MULTIPART),
        "invite-sdp": request("INVITE", offer),
        "invite-xml": request("INVITE", xml, "application/rs-metadata+xml"),
        "invite-refused-1": request("INVITE", both, MULTIPART, token="@REFUSED@"),
        "invite-refused-2": request("INVITE", both, MULTIPART, token="@REFUSED@"),
        "reinvite": request("INVITE", both, MULTIPART, within=True),
        "update-xml": request("UPDATE", xml, "application/rs-metadata+xml", within=True),
        "update-sdp": request("UPDATE", offer, within=True),
        "options": request("OPTIONS"),
        "bye": request("BYE", within=True),
        "ack": request("ACK", offer, within=True),
        "cancel": request("CANCEL", within=True),
        "info": request("INFO", xml, "application/rs-metadata+xml", within=True),
        "prack": request("PRACK", offer, within=True),
        "register": request("REGISTER"),
    }


class Storm:
    """token: of a grant that allows; refused: of one whose conditions nobody meets."""

    def __init__(self, server, token, refused):
        self.server, self.token, self.refused = server, token, refused
        self.udp = sipc.SipClient(server.sip["udp"])
        self.udp.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sent = {}
        self.answers = {}
        self.slowest = 0.0
        self.victim = None

    def hold_victim(self):
        """A dialog of our own for the requests within one; a broken one is left to the server."""
        self.victim = self.udp.dialog(token=self.token)
        r = self.victim.invite([40000, 40002], PEOPLE)
        assert r.status == 200, r.raw

    def real(self, data, transport, port):
        """The variant with what only this run knows."""
        for name, value in (("TRANSPORT", transport), ("PORT", str(port)), ("TOKEN", self.token),
                            ("REFUSED", self.refused), ("CALL", self.victim.call_id),
                            ("FROM", self.victim.from_tag), ("TO", self.victim.to_tag or "x")):
            data = data.replace(f"@{name}@".encode(), value.encode())
        return data[:65000]

    def on_answer(self, client, r):
        self.answers[r.status] = self.answers.get(r.status, 0) + 1
        if r.method and r.method != "ACK":  # a request of the server: BYE, OPTIONS, re-INVITE
            lines = ["SIP/2.0 200 OK"] + [f"{n}: {v}" for n, v in r.headers
                                          if n in ("via", "from", "to", "call-id", "cseq")]
            client.send("\r\n".join(lines).encode("latin-1", "replace") + b"\r\nContent-Length: 0\r\n\r\n")
        if r.status < 200 or "INVITE" not in torture.field(r, "cseq").upper():
            return
        torture.acknowledge(client, b"INVITE sip:srs@127.0.0.1 SIP/2.0\r\n", r)

    def settle(self, client):
        """Until our own OPTIONS is answered; everything on the way is dealt with."""
        began = time.monotonic()
        mark = torture.ping(client)
        while True:
            r = client.recv(max(0.01, began + PATIENCE_S - time.monotonic()))
            assert r is not None, f"no answer to OPTIONS after {self.last}; log:\n" + self.server.log()[-3000:]
            if torture.field(r, "call-id") == mark:
                break
            self.on_answer(client, r)
        self.slowest = max(self.slowest, time.monotonic() - began)

    def over_udp(self, variants):
        for n, (name, data) in enumerate(variants):
            if n % (5 * HANDFUL) == 0:
                if self.victim:
                    self.victim.request("BYE")
                    self.settle(self.udp)
                self.hold_victim()
            self.last = name
            try:
                self.udp.send(self.real(data, "UDP", self.udp.port))
            except ConnectionRefusedError:
                raise AssertionError(f"nobody listens after {name}; log:\n" + self.server.log()[-3000:])
            if n % HANDFUL == HANDFUL - 1:
                self.settle(self.udp)
        self.settle(self.udp)

    def over_tcp(self, variants):
        """Each on a connection of its own, closed behind it: half a message ends there."""
        for n, (name, data) in enumerate(variants):
            self.last = name
            c = sipc.SipClient(self.server.sip["tcp"], "tcp")
            try:
                c.send(self.real(data, "TCP", c.port))
                c.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the server may have closed already
            c.close()
            if n % HANDFUL == HANDFUL - 1:
                self.settle(self.udp)
        self.settle(self.udp)
