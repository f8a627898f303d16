"""A SIPREC client written from the RFCs (3261, 7866, 7865), for tests only."""
import re
import socket
import ssl
import time
import uuid


COMPACT = {"i": "call-id", "m": "contact", "l": "content-length", "c": "content-type", "f": "from",
           "k": "supported", "t": "to", "v": "via", "x": "session-expires"}


class Response:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        text = head.decode("utf-8", "replace").replace("\r", "")
        lines = re.sub(r"\n[ \t]+", " ", text).split("\n")
        self.start = lines[0]
        m = re.match(r"SIP/2\.0 (\d+) ?(.*)", lines[0])
        self.status, self.reason = (int(m[1]), m[2]) if m else (0, "")
        self.method = None if m else lines[0].split(" ")[0]
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.append((COMPACT.get(name, name), value.strip()))
        self.raw = raw

    def get(self, name):
        return next((v for n, v in self.headers if n == name.lower()), None)

    def all(self, name):
        return [v for n, v in self.headers if n == name.lower()]

    @property
    def cseq(self):
        num, method = self.get("cseq").split()
        return int(num), method

    def ports(self):
        return [int(p) for p in re.findall(rb"(?m)^m=\S+ (\d+)", self.body)]


def metadata(participants, session="c2Vzc2lvbi0x", mode="complete", state=None):
    """rs-metadata (RFC 7865): each participant sends the stream of its index."""
    x = ['<?xml version="1.0" encoding="UTF-8"?>',
         '<recording xmlns="urn:ietf:params:xml:ns:recording:1">',
         f"<datamode>{mode}</datamode>", f'<session session_id="{session}"/>']
    for i, (aor, name) in enumerate(participants):
        x.append(f'<participant participant_id="p{i}"><nameID aor="{aor}"><name>{name}</name></nameID>'
                 "</participant>")
    for i in range(len(participants)):
        x.append(f'<stream stream_id="s{i}" session_id="{session}"><label>{i + 1}</label></stream>')
        x.append(f'<participantsessionassoc participant_id="p{i}" session_id="{session}">'
                 "<associate-time>2026-01-01T00:00:00Z</associate-time></participantsessionassoc>")
        x.append(f'<participantstreamassoc participant_id="p{i}"><send>s{i}</send>'
                 + "".join(f"<recv>s{k}</recv>" for k in range(len(participants)) if k != i)
                 + "</participantstreamassoc>")
    return "\r\n".join(x + ["</recording>"])


def sdp(ports, host="127.0.0.1", direction="sendonly", codecs=((0, "PCMU/8000"),), version=1,
        labels=True):
    fam = "IP6" if ":" in host else "IP4"
    pts = " ".join(str(pt) for pt, _ in codecs)
    lines = ["v=0", f"o=src 1 {version} IN {fam} {host}", "s=-", f"c=IN {fam} {host}", "t=0 0"]
    for i, port in enumerate(ports):
        d = direction if isinstance(direction, str) else direction[i]
        lines += [f"m=audio {port} RTP/AVP {pts}"]
        lines += [f"a=rtpmap:{pt} {name}" for pt, name in codecs]
        lines += [f"a={d}"] + ([f"a=label:{i + 1}"] if labels else [])
    return "\r\n".join(lines) + "\r\n"


def multipart(sdp_text, xml, boundary="unique-boundary"):
    return (f"--{boundary}\r\nContent-Type: application/sdp\r\n\r\n{sdp_text}\r\n"
            f"--{boundary}\r\nContent-Type: application/rs-metadata+xml\r\n"
            f"Content-Disposition: recording-session\r\n\r\n{xml}\r\n--{boundary}--\r\n")


class SipClient:
    """One client socket; dialog() makes calls on it."""

    def __init__(self, dest, transport="udp", cafile=None, cert=None, local="127.0.0.1"):
        self.transport, self.dest = transport, dest
        family = socket.AF_INET6 if ":" in dest[0] else socket.AF_INET
        if transport == "udp":
            self.sock = socket.socket(family, socket.SOCK_DGRAM)
            self.sock.bind(("::1" if family == socket.AF_INET6 else local, 0))
            self.sock.connect(dest)
        else:
            self.sock = socket.create_connection(dest, 10)
            if transport == "tls":
                ctx = ssl.create_default_context(cafile=cafile)
                ctx.check_hostname = False
                if cert:
                    ctx.load_cert_chain(*cert)
                self.sock = ctx.wrap_socket(self.sock)
        self.host, self.port = self.sock.getsockname()[:2]
        self.hostport = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        self.buffer = b""
        self.eof = False

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def recv(self, timeout=10):
        """Next message, or None after the time."""
        end = time.monotonic() + timeout
        while True:
            message = self._take()
            if message:
                return Response(message)
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(65536)
            except (TimeoutError, socket.timeout):
                return None
            if self.transport == "udp":
                return Response(data)
            if not data:
                self.eof = True
                return None
            self.buffer += data

    def _take(self):
        self.buffer = self.buffer.lstrip(b"\r\n")
        head, sep, rest = self.buffer.partition(b"\r\n\r\n")
        if not sep:
            return None
        m = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
        n = int(m[1]) if m else 0
        if len(rest) < n:
            return None
        self.buffer = rest[n:]
        return head + sep + rest[:n]

    def dialog(self, **kw):
        return Dialog(self, **kw)


class Dialog:
    def __init__(self, client, token=None, user="srs", src="sbc"):
        self.c, self.token = client, token
        host, port = client.dest[:2]
        self.uri = f"sip:{user}@[{host}]:{port}" if ":" in host else f"sip:{user}@{host}:{port}"
        if client.transport != "udp":
            self.uri += f";transport={client.transport}"
        self.call_id = uuid.uuid4().hex
        self.from_tag = uuid.uuid4().hex[:10]
        self.to_tag = None
        self.cseq = 0
        self.target = self.uri
        self.src, self.from_params = src, ""
        self.branch = None
        self.last = None

    def request(self, method, body=None, ctype=None, extra=(), cseq=None, branch=None, auth=True):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        self.branch = branch or "z9hG4bK" + uuid.uuid4().hex
        via = {"udp": "UDP", "tcp": "TCP", "tls": "TLS"}[self.c.transport]
        to = f"<{self.uri}>" + (f";tag={self.to_tag}" if self.to_tag else "")
        body = (body or "").encode()
        lines = [f"{method} {self.target} SIP/2.0",
                 f"Via: SIP/2.0/{via} {self.c.hostport};branch={self.branch};rport",
                 "Max-Forwards: 70",
                 f"From: <sip:{self.src}@voip.example{self.from_params}>;tag={self.from_tag}",
                 f"To: {to}", f"Call-ID: {self.call_id}", f"CSeq: {cseq} {method}"]
        if method in ("INVITE", "UPDATE"):
            lines.append(f"Contact: <sip:{self.src}@{self.c.hostport};transport={self.c.transport}>;+sip.src")
        if method == "INVITE":
            lines.append("Require: siprec")
        if auth and self.token and method in ("INVITE", "UPDATE", "OPTIONS"):
            lines.append(f"Authorization: Bearer {self.token}")
        lines += list(extra)
        if ctype:
            lines.append(f"Content-Type: {ctype}")
        lines.append(f"Content-Length: {len(body)}")
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        self.c.send(data)
        return cseq

    def final(self, timeout=10):
        """The final response to the last request; provisional ones are skipped."""
        end = time.monotonic() + timeout
        while True:
            r = self.c.recv(max(0.01, end - time.monotonic()))
            assert r is not None, "no response"
            if r.status >= 200 and r.get("call-id") == self.call_id:
                self.last = r
                return r

    def invite(self, ports, participants, extra=(), ack=True, codecs=((0, "PCMU/8000"),),
               direction="sendonly", host=None, sdp_text=None, xml=None, body=None, ctype=None,
               version=1):
        host = host or self.c.host
        if body is None:
            body = multipart(sdp_text or sdp(ports, host, direction, codecs, version),
                             xml if xml is not None else metadata(participants))
            ctype = "multipart/mixed;boundary=unique-boundary"
        n = self.request("INVITE", body, ctype, extra)
        branch = self.branch
        r = self.final()
        if r.status < 300:
            m = re.search(r";tag=([^;>\s]+)", r.get("to"))
            self.to_tag = m[1] if m else None
            m = re.search(r"<([^>]+)>", r.get("contact") or "")
            self.target = m[1] if m else self.target
            if ack:
                self.request("ACK", cseq=n)
        else:
            tag = re.search(r";tag=([^;>\s]+)", r.get("to"))
            keep, self.to_tag = self.to_tag, tag[1] if tag else self.to_tag
            self.request("ACK", cseq=n, branch=branch)
            self.to_tag = keep
        return r

    def bye(self):
        self.request("BYE")
        return self.final()

    def update(self, body, ctype="application/rs-metadata+xml", extra=()):
        self.request("UPDATE", body, ctype, extra)
        return self.final()

    def answer(self, request, status=200, reason="OK"):
        """Answer a request of the server (BYE, OPTIONS)."""
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"{n}: {v}" for n, v in request.headers
                  if n in ("via", "from", "to", "call-id", "cseq")]
        self.c.send("\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n")


def request(client, timeout=10):
    """The next request of the server."""
    end = time.monotonic() + timeout
    while True:
        m = client.recv(max(0.01, end - time.monotonic()))
        assert m is not None, "no request came"
        if m.method:
            return m


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False
