"""Sends messages as they are in a file, only the top Via made ours, and tells what came back."""
import re
import time

from lib.sipc import SipClient

TOP_VIA = re.compile(rb"(?im)^(v(?:ia)?[ \t]*:[ \t\r\n]*SIP\s*/\s*[\d.]+\s*/\s*)(\w+)(\s+)"
                     rb"(\[[^\]]*\](?::\d+)?|[^\s;,]+)")


def ours(data, client):
    """The top Via names our transport and our socket; nothing else is touched."""
    via = {"udp": b"UDP", "tcp": b"TCP"}[client.transport]
    return TOP_VIA.sub(lambda m: m[1] + via + m[3] + client.hostport.encode(), data, 1)


STUCK_S = 0.5


def field(r, name):
    """Value of the first such header; "" without."""
    return r.get(name) or ""


def ping(client):
    """OPTIONS on the client's socket; its Call-ID."""
    d = client.dialog()
    d.request("OPTIONS", auth=False)
    return d.call_id


def acknowledge(client, sent, r):
    """ACK for a final response, with the headers of the INVITE."""
    def of(name):
        return field(r, name).encode()
    uri = sent.split(b"\r\n", 1)[0].split(b" ", 1)[1].rsplit(b" ", 1)[0]
    if r.status < 300:
        contact = re.search(rb"<([^>]+)>", of("contact"))
        uri = contact[1] if contact else uri
    number = of("cseq").split()[0]
    head = (b"Via: " + of("via") + b"\r\nMax-Forwards: 70\r\nFrom: " + of("from") + b"\r\nTo: "
            + of("to") + b"\r\nCall-ID: " + of("call-id") + b"\r\nContent-Length: 0\r\nCSeq: ")
    client.send(b"ACK " + uri + b" SIP/2.0\r\n" + head + number + b" ACK\r\n\r\n")
    if r.status < 300:
        head = head.replace(b";branch=", b";branch=z9hG4bKbye")
        client.send(b"BYE " + uri + b" SIP/2.0\r\n" + head + str(int(number) + 1).encode()
                    + b" BYE\r\n\r\n")


def outcome(dest, transport, data, wanted, timeout=10.0):
    """What the server does with one message: the status of its final answers in order, "silent"
    when only the ping after it is answered, "closed" when the server ends the connection, "stuck"
    when it does not and answers nothing more. wanted: what to wait for, up to the timeout."""
    client = SipClient(dest, transport)
    try:
        return _outcome(client, ours(data, client), wanted, timeout)
    finally:
        client.close()


def _outcome(client, data, wanted, timeout):
    client.send(data)
    mark, left = ping(client), 2
    # nothing comes of "stuck": no need to wait for it as long as for an answer
    end = time.monotonic() + (STUCK_S if wanted[-1] == "stuck" else timeout)
    got = []
    while True:
        try:
            r = client.recv(max(0.01, end - time.monotonic()))
        except ConnectionError:
            return got + ["closed"]
        if r is None:
            return got + ["closed" if client.eof else "stuck"]
        if field(r, "call-id") == mark:
            # the first is answered at once, an INVITE only at the end of its turn
            left -= 1
            mark = ping(client) if left else None
        elif r.status >= 200 and r.status not in got:
            got.append(r.status)
            if data.startswith(b"INVITE"):
                acknowledge(client, data, r)
        if not left and (got == wanted or wanted == ["silent"] or got != wanted[:len(got)]):
            return got or ["silent"]
