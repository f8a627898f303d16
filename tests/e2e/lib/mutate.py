"""Malformed variants of valid SIP requests, the same ones for the same seed.

    for name, data in variants(seed, count, templates): ...

A template is a whole request as bytes. In it @ID@ becomes a word of the variant's own (for
Call-ID, branch and tags) and @CSEQ@ a number that grows, so that no variant is taken for a
retransmission. Every variant has gone through one, two or three of the mutators below; the
name says which: "invite:xml.nest+length.header".
"""
import random
import re

NUMBERS = [b"0", b"1", b"-1", b"255", b"256", b"65535", b"65536", b"2147483647", b"2147483648",
           b"4294967295", b"4294967296", b"9223372036854775808", b"18446744073709551615",
           b"18446744073709551616", b"9" * 40, b"9" * 4000, b"0x10", b"1e9", b"007", b" 5", b"5 ",
           b"+5", b"", b"\xd9\xa3", b"1.5", b"NaN"]
JUNK = [b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b"\t", b" ", b"\x7f", b"\xff", b"\xfe\xff",
        b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"%00", b"%", b"%zz", b"\\", b'"', b"'",
        b"<", b">", b"<>", b";", b";;", b",", b",,", b";=", b"=", b"@", b":", b"::", b"[", b"]", b"[::",
        b"&", b"&amp", b"&#0;", b"&#x110000;", b"<!--", b"]]>", b"--", b"*", b"\x1b[31m", b"A" * 300,
        b"\xe2\x80\xae", b"$(id)", b"../../x", b"%n%s%x"]
HEADERS = [b"Via", b"From", b"To", b"Call-ID", b"CSeq", b"Contact", b"Max-Forwards", b"Require",
           b"Content-Type", b"Content-Length", b"Authorization", b"Supported", b"Allow"]
MORE = [b"Session-Expires: @N@;refresher=uas", b"Min-SE: @N@", b"Expires: @N@", b"RAck: @N@ @N@ INVITE",
        b"RSeq: @N@", b"Timestamp: @N@", b"MIME-Version: @N@", b"Route: <sip:127.0.0.1;lr>@J@",
        b"Record-Route: <sip:127.0.0.1:9;lr>,@J@", b"Replaces: @J@;to-tag=@N@;from-tag=1",
        b"Supported: @J@,siprec,100rel", b"Require: @J@", b"Proxy-Require: @J@", b"Date: @J@",
        b"Warning: @N@ @J@ \"x", b"Allow: @J@,INVITE", b"Accept: @J@/*", b"Content-Encoding: gzip",
        b"Content-Disposition: @J@;handling=@J@", b"Content-Language: @J@", b"Subject: @J@",
        b"Reason: Q.850;cause=@N@;text=@J@", b"Recv-Info: @J@", b"Info-Package: @J@",
        b"Session-ID: @J@;remote=@N@", b"User-to-User: @J@;encoding=hex", b"X-Refci: @J@",
        b"X-Cisco-Recording-Participant: <@J@>;media-index=\"@N@\"", b"P-Asserted-Identity: <@J@>",
        b"Authorization: Bearer @J@", b"Authorization: @J@", b"Proxy-Authorization: Digest @J@",
        b"Identity: @J@", b"Geolocation: <cid:@J@>", b"@J@: @J@", b": @J@", b"@J@", b"k", b"e: @J@"]


# --- a request in pieces


def split(data):
    head, _, body = data.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body


def join(lines, body, fix=True):
    """fix: Content-Length is made right again."""
    if fix:
        lines = [b"Content-Length: %d" % len(body) if x.lower().startswith(b"content-length") else x
                 for x in lines]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def fill(rng, text):
    text = re.sub(b"@N@", lambda m: rng.choice(NUMBERS), text)
    return re.sub(b"@J@", lambda m: rng.choice(JUNK), text)


def at_line(rng, lines, name=None):
    """Index of a header line, of the first line only when there is no other."""
    if name:
        found = [i for i, x in enumerate(lines) if i and x.lower().startswith(name.lower())]
        if found:
            return rng.choice(found)
    return rng.randrange(1, len(lines)) if len(lines) > 1 else 0


MUTATORS = {}


def mutator(name, part=None):
    """part: what the body must contain for this one to make sense."""
    def add(fn):
        MUTATORS[name] = (fn, part)
        return fn
    return add


# --- lengths


@mutator("length.header")
def _(rng, data):
    lines, body = split(data)
    n = len(body)
    wrong = rng.choice(NUMBERS + [b"%d" % v for v in (n - 1, n + 1, n // 2, n * 2)] + [b"x%d" % n])
    lines = [b"Content-Length: " + wrong if x.lower().startswith(b"content-length") else x
             for x in lines]
    return join(lines, body, fix=False)


@mutator("length.twice")
def _(rng, data):
    lines, body = split(data)
    lines.insert(at_line(rng, lines), b"l: " + rng.choice(NUMBERS))
    return join(lines, body, fix=False)


@mutator("length.none")
def _(rng, data):
    lines, body = split(data)
    return join([x for x in lines if not x.lower().startswith(b"content-length")], body, fix=False)


@mutator("cut")
def _(rng, data):
    return data[:rng.randrange(1, max(2, len(data)))]


@mutator("cut.head")
def _(rng, data):
    return data[:rng.randrange(1, data.find(b"\r\n\r\n") + 4 or 2)]


@mutator("cut.front")
def _(rng, data):
    return data[rng.randrange(1, max(2, min(len(data), 200))):]


@mutator("more")
def _(rng, data):
    return data + rng.choice([b"\0" * 1000, data, b"x" * 5000, b"\r\n" * 1000, data[:200]])


# --- separators and encodings


@mutator("lines.lf")
def _(rng, data):
    return data.replace(b"\r\n", b"\n")


@mutator("lines.cr")
def _(rng, data):
    return data.replace(b"\r\n", b"\r")


@mutator("lines.some")
def _(rng, data):
    ends = [b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n ", b"\0\r\n", b"", b"\r\n\r\n", b"\x85"]
    return re.sub(b"\r\n", lambda m: rng.choice(ends) if rng.random() < 0.1 else m[0], data)


@mutator("colon")
def _(rng, data):
    lines, body = split(data)
    i = at_line(rng, lines)
    lines[i] = lines[i].replace(b":", rng.choice([b"", b" :", b"::", b" \t:\t ", b"=", b":\r\n "]), 1)
    return join(lines, body)


@mutator("junk.head")
def _(rng, data):
    lines, body = split(data)
    for _ in range(rng.randrange(1, 4)):
        i = rng.randrange(len(lines))
        at = rng.randrange(len(lines[i]) + 1)
        lines[i] = lines[i][:at] + rng.choice(JUNK) + lines[i][at:]
    return join(lines, body)


@mutator("junk.body", b"")
def _(rng, data):
    lines, body = split(data)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(body) + 1)
        body = body[:at] + rng.choice(JUNK) + body[at + rng.randrange(3):]
    return join(lines, body)


@mutator("marks")
def _(rng, data):
    """One kind of separator in the head becomes another."""
    lines, body = split(data)
    i = rng.randrange(len(lines))
    lines[i] = lines[i].replace(rng.choice([b";", b"=", b"<", b">", b"@", b",", b" ", b"/", b"."]),
                                rng.choice(JUNK))
    return join(lines, body)


@mutator("bits")
def _(rng, data):
    out = bytearray(data)
    for _ in range(rng.randrange(1, 20)):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


@mutator("bytes")
def _(rng, data):
    out = bytearray(data)
    for _ in range(rng.randrange(1, 12)):
        at = rng.randrange(len(out))
        how = rng.randrange(3)
        if how == 0:
            del out[at:at + rng.randrange(1, 40)]
        elif how == 1:
            out[at:at] = rng.randbytes(rng.randrange(1, 20))
        else:
            start = rng.randrange(len(out))
            out[at:at] = out[start:start + rng.randrange(200)]
        out = out or bytearray(b"x")
    return bytes(out)


@mutator("utf16")
def _(rng, data):
    lines, body = split(data)
    return join(lines, body.decode("latin-1").encode(rng.choice(["utf-16", "utf-16-be", "utf-32"])))


# --- headers


@mutator("header.drop")
def _(rng, data):
    lines, body = split(data)
    for _ in range(rng.randrange(1, 4)):
        if len(lines) > 2:
            del lines[at_line(rng, lines, rng.choice(HEADERS))]
    return join(lines, body)


@mutator("header.twice")
def _(rng, data):
    lines, body = split(data)
    i = at_line(rng, lines, rng.choice(HEADERS))
    lines.insert(at_line(rng, lines), lines[i] + rng.choice([b"", b"", b"x", b",", b";a=b"]))
    return join(lines, body)


@mutator("header.empty")
def _(rng, data):
    lines, body = split(data)
    i = at_line(rng, lines, rng.choice(HEADERS))
    lines[i] = lines[i].split(b":")[0] + rng.choice([b":", b": ", b": ,", b": ;", b":\t\r\n\t"])
    return join(lines, body)


@mutator("header.number")
def _(rng, data):
    lines, body = split(data)
    i = at_line(rng, lines, rng.choice([b"CSeq", b"Max-Forwards", b"Via", b"Contact"]))
    spots = list(re.finditer(rb"\d+", lines[i]))
    if spots:
        m = rng.choice(spots)
        lines[i] = lines[i][:m.start()] + rng.choice(NUMBERS) + lines[i][m.end():]
    return join(lines, body)


@mutator("header.more")
def _(rng, data):
    lines, body = split(data)
    for _ in range(rng.randrange(1, 5)):
        lines.insert(rng.randrange(1, len(lines) + 1), fill(rng, rng.choice(MORE)))
    return join(lines, body)


@mutator("header.swap")
def _(rng, data):
    lines, body = split(data)
    a, b = at_line(rng, lines), at_line(rng, lines)
    x, y = lines[a].partition(b":"), lines[b].partition(b":")
    lines[a], lines[b] = x[0] + b":" + y[2], y[0] + b":" + x[2]
    return join(lines, body)


@mutator("header.order")
def _(rng, data):
    lines, body = split(data)
    rest = lines[1:]
    rng.shuffle(rest)
    return join(lines[:1] + rest, body)


@mutator("header.huge")
def _(rng, data):
    lines, body = split(data)
    size = rng.choice([255, 256, 1023, 4096, 20000])
    i = at_line(rng, lines, rng.choice(HEADERS))
    lines[i] += rng.choice([b";", b"", b",", b" ", b'"']) + rng.choice([b"a", b"%41", b"\xc3\xa4", b";x=y",
                                                                      b",", b"(", b"\r\n "]) * (size // 4)
    return join(lines, body)


@mutator("header.many")
def _(rng, data):
    lines, body = split(data)
    line = rng.choice([lines[at_line(rng, lines)], b"X-A: b", b"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx",
                       b"Route: <sip:127.0.0.1:9;lr>", b"Record-Route: <sip:127.0.0.1:9;lr>",
                       b"Supported: x", b"Require: siprec", b"Contact: <sip:a@127.0.0.1:9>"])
    return join(lines + [line] * rng.choice([20, 70, 300, 1200]), body)


@mutator("header.names")
def _(rng, data):
    lines, body = split(data)
    short = {b"Via": b"v", b"From": b"F", b"To": b"t", b"Call-ID": b"i", b"Contact": b"M",
             b"Content-Type": b"c", b"Supported": b"k"}
    out = []
    for x in lines:
        name, colon, value = x.partition(b":")
        out.append(short.get(name, name.swapcase()) + rng.choice([b"", b" ", b"\t"]) + colon + value
                   if out else x)
    return join(out, body)


# --- the first line


@mutator("first.method")
def _(rng, data):
    word = rng.choice([b"", b"INVITE", b"ACK", b"CANCEL", b"PRACK", b"UPDATE", b"invite", b"SIP/2.0",
                       b"A" * 3000, b"GET", b"INV\0ITE", b"%49NVITE", b"BYE BYE", b"\xff"])
    return word + data[data.find(b" "):]


@mutator("first.uri")
def _(rng, data):
    uri = fill(rng, rng.choice([
        b"", b"sip:", b"sip:@", b"sip:a@", b"sip:@b", b"sip::5060", b"sip:a@b:@N@", b"sip:[::1", b"sip:[]",
        b"sip:a@[fe80::1%lo]", b"<sip:a@b>", b"tel:+1@J@", b"sips:a@b;lr;lr=@J@", b"sip:a@b?@J@=@J@", b"*",
        b"sip:" + b"u" * 4000 + b"@h", b"sip:a@" + b"h." * 2000, b"http://x/y?z", b"sip:%00%00@%00",
        b"sip:@J@@127.0.0.1;@J@", b"urn:service:sos", b"sip:a@127.0.0.1;transport=@J@", b"sip:a b@c"]))
    parts = data.split(b"\r\n", 1)
    words = parts[0].split(b" ")
    return b" ".join([words[0], uri] + words[2:]) + b"\r\n" + parts[-1]


@mutator("first.version")
def _(rng, data):
    return data.replace(b" SIP/2.0", rng.choice([b"", b" SIP/7.0", b" SIP/2", b" sip/2.0", b" HTTP/1.1",
                                                 b" SIP/2.0.1", b"\tSIP/2.0", b" SIP/2.0 x",
                                                 b" SIP/99999999999.0"]), 1)


@mutator("first.answer")
def _(rng, data):
    first = fill(rng, rng.choice([b"SIP/2.0 200 OK", b"SIP/2.0 @N@ x", b"SIP/2.0 100", b"SIP/2.0", b"SIP/3 @N@"]))
    return first + data[data.find(b"\r\n"):]


@mutator("first.blank")
def _(rng, data):
    return rng.choice([b"\r\n", b"\r\n\r\n", b"\n", b" ", b"\0", b"\r\n \r\n"]) * rng.randrange(1, 40) + data


# --- multipart


BOUNDARY = b"unique-boundary"


@mutator("parts.boundary", BOUNDARY)
def _(rng, data):
    lines, body = split(data)
    i = at_line(rng, lines, b"Content-Type")
    value = rng.choice([b"", b"boundary", b"boundary=", b'boundary=""', b'boundary="', b"boundary=x",
                        b'boundary="unique-boundary', b"boundary=" + b"b" * 3000, b"boundary=\0",
                        b"boundary=unique-boundary;boundary=x", b"BOUNDARY = unique-boundary ",
                        b"boundary=unique", b"boundary=-", b"boundary=--unique-boundary"])
    lines[i] = b"Content-Type: multipart/mixed;" + value
    return join(lines, body)


@mutator("parts.marks", BOUNDARY)
def _(rng, data):
    lines, body = split(data)
    marks = [b"--" + BOUNDARY, b"--" + BOUNDARY + b"--"]
    new = rng.choice([b"", b"--" + BOUNDARY + b"x", b"-" + BOUNDARY, b"--" + BOUNDARY + b"--",
                      b"--" + BOUNDARY + b"\r\n--" + BOUNDARY, b"--\r\n" + BOUNDARY])
    return join(lines, body.replace(rng.choice(marks), new, rng.choice([1, 2, 9])))


@mutator("parts.nest", BOUNDARY)
def _(rng, data):
    lines, body = split(data)
    for n in range(rng.choice([1, 2, 5, 30, 200])):
        same = rng.random() < 0.3
        b = BOUNDARY if same else b"n%d" % n
        old = BOUNDARY if n == 0 or same else b"n%d" % (n - 1)
        body = (b"--" + b + b"\r\nContent-Type: multipart/mixed;boundary=" + old + b"\r\n\r\n" + body
                + b"\r\n--" + b + b"--\r\n")
        last = b
    i = at_line(rng, lines, b"Content-Type")
    lines[i] = b"Content-Type: multipart/mixed;boundary=" + last
    return join(lines, body[:60000])


@mutator("parts.many", BOUNDARY)
def _(rng, data):
    lines, body = split(data)
    part = rng.choice([b"--" + BOUNDARY + b"\r\n", b"--" + BOUNDARY + b"\r\n\r\n",
                       b"--" + BOUNDARY + b"\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n",
                       b"--" + BOUNDARY + b"\r\nContent-Type: x/y\r\n\r\n\r\n"])
    return join(lines, part * rng.choice([10, 100, 600]) + body)


@mutator("parts.headers", BOUNDARY)
def _(rng, data):
    lines, body = split(data)
    more = fill(rng, rng.choice([
        b"Content-Type: @J@", b"Content-Transfer-Encoding: base64", b"Content-Length: @N@", b"@J@",
        b"Content-Transfer-Encoding: quoted-printable", b"Content-Disposition: @J@",
        b"X: " + b"y" * 9000, b"Content-Type: application/sdp", b" folded", b"X-@N@: 1\r\n" * 300]))
    return join(lines, body.replace(b"Content-Type", more + b"\r\nContent-Type", rng.choice([1, 2])))


@mutator("parts.types")
def _(rng, data):
    return re.sub(rb"application/(sdp|rs-metadata(\+xml)?)",
                  lambda m: rng.choice([b"application/sdp", b"application/rs-metadata+xml", b"text/plain", b"",
                                        b"application/" + b"x" * 500, b"multipart/mixed", b"*/*", b"sdp"]), data)


# --- XML


XML = b"<recording"


@mutator("xml.cut", XML)
def _(rng, data):
    lines, body = split(data)
    start = body.find(XML)
    a = rng.randrange(start, len(body))
    return join(lines, body[:a] + (body[a + rng.randrange(1, 200):] if rng.random() < 0.5 else b""))


@mutator("xml.nest", XML)
def _(rng, data):
    lines, body = split(data)
    n = rng.choice([10, 50, 65, 1000, 5000])
    deep = b"<a>" * n + rng.choice([b"</a>" * n, b"", b"</b>" * n])
    return join(lines, body.replace(b"</recording>", deep[:50000] + b"</recording>", 1))


@mutator("xml.tags", XML)
def _(rng, data):
    lines, body = split(data)
    tags = list(re.finditer(rb"</?[a-zA-Z][^>]*>", body))
    for m in sorted(rng.sample(tags, min(len(tags), rng.randrange(1, 6))), key=lambda m: -m.start()):
        new = rng.choice([b"", m[0] * 2, m[0][:-1], m[0].replace(b"</", b"<"), m[0].replace(b"<", b"<x:"),
                          m[0].replace(b"=", b""), m[0].replace(b'"', b"'", 1), m[0].upper(), b"<" + m[0]])
        body = body[:m.start()] + new + body[m.end():]
    return join(lines, body)


@mutator("xml.values", XML)
def _(rng, data):
    lines, body = split(data)
    start = body.find(XML)
    spots = list(re.finditer(rb'(?<==")[^"]*(?=")|(?<=>)[^<]+(?=<)', body[start:]))
    for m in sorted(rng.sample(spots, min(len(spots), rng.randrange(1, 6))), key=lambda m: -m.start()):
        new = rng.choice(NUMBERS + JUNK + [b"x" * 9000, rng.choice(spots)[0], rng.choice(spots)[0]])
        body = body[:start + m.start()] + new + body[start + m.end():]
    return join(lines, body)


@mutator("xml.entities", XML)
def _(rng, data):
    lines, body = split(data)
    doctype = rng.choice([
        b'<!DOCTYPE r [<!ENTITY a "b">]>', b'<!DOCTYPE r SYSTEM "file:///etc/passwd">', b"<!DOCTYPE",
        b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
        b"<?xml version='9.9' encoding='none'?>", b"<?php ?>", b"<![CDATA[" + b"x" * 5000])
    body = body.replace(XML, doctype + XML, 1)
    return join(lines, body.replace(b"<name>", b"<name>&a;&b;&c;&d;&#9999999999;", 1))


@mutator("xml.many", XML)
def _(rng, data):
    lines, body = split(data)
    n = rng.choice([20, 70, 300, 700])
    kind = rng.choice([
        b'<participant participant_id="q%d"><nameID aor="sip:q@x"/></participant>',
        b'<stream stream_id="t%d" session_id="x"><label>%d</label></stream>',
        b'<session session_id="s%d"/>', b"<group group_id='g%d'/>",
        b'<participantstreamassoc participant_id="p0"><send>s%d</send></participantstreamassoc>',
        b'<participantsessionassoc participant_id="p%d" session_id="x"/>',
        b'<extensiondata id="x%d" parent="p0"><a/></extensiondata>', b"<dataMode>%d</dataMode>"])
    many = b"".join(kind.replace(b"%d", b"%d" % (i if rng.random() < 0.9 else 0)) for i in range(n))
    return join(lines, body.replace(b"</recording>", many[:50000] + b"</recording>", 1))


@mutator("xml.attributes", XML)
def _(rng, data):
    lines, body = split(data)
    more = rng.choice([b' a="1" a="2"', b' xmlns="x" xmlns="y"', b' xmlns:x="', b" =", b' a="<"', b" a=1",
                       b"".join(b' a%d="b"' % i for i in range(900)), b' a="' + b"v" * 20000 + b'"', b" /"])
    tag = rng.choice([b"<recording", b"<session", b"<participant", b"<stream", b"<nameID", b"<name"])
    return join(lines, body.replace(tag, tag + more, rng.choice([1, 3])))


# --- SDP


SDP = b"v=0"


def sdp_lines(rng, data, change):
    """Lines of the first SDP in the body through change(list)."""
    lines, body = split(data)
    start = body.find(SDP)
    end = body.find(b"\r\n\r\n", start)
    end = body.find(b"\r\n--", start) if end < 0 else end
    end = len(body) if end < 0 else end
    new = b"\r\n".join(change(body[start:end].split(b"\r\n")))
    return join(lines, body[:start] + new[:55000] + body[end:])


@mutator("sdp.drop", SDP)
def _(rng, data):
    return sdp_lines(rng, data, lambda s: [x for x in s if rng.random() > 0.2])


@mutator("sdp.order", SDP)
def _(rng, data):
    return sdp_lines(rng, data, lambda s: rng.sample(s, len(s)))


@mutator("sdp.twice", SDP)
def _(rng, data):
    return sdp_lines(rng, data, lambda s: [y for x in s for y in [x] * rng.choice([1, 1, 1, 2, 40])])


@mutator("sdp.number", SDP)
def _(rng, data):
    def change(s):
        for _ in range(rng.randrange(1, 5)):
            i = rng.randrange(len(s))
            spots = list(re.finditer(rb"\d+", s[i]))
            if spots:
                m = rng.choice(spots)
                s[i] = s[i][:m.start()] + rng.choice(NUMBERS) + s[i][m.end():]
        return s
    return sdp_lines(rng, data, change)


@mutator("sdp.lines", SDP)
def _(rng, data):
    many = rng.choice([10, 33, 100, 400])
    extra = fill(rng, rng.choice([
        b"m=audio @N@ RTP/AVP 0", b"m=audio 4000/@N@ RTP/AVP 0", b"m=@J@ 4000 @J@ 0", b"m=audio", b"m=",
        b"m=audio 4000 RTP/AVP " + b"0 " * 400, b"m=audio 4000 RTP/AVP " + b" ".join(b"%d" % i for i in range(300)),
        b"a=rtpmap:0 PCMU/@N@/@N@", b"a=rtpmap:@N@ @J@/8000", b"a=rtpmap:", b"a=fmtp:0 " + b"x=y;" * 2000,
        b"a=label:@J@", b"a=label:" + b"l" * 5000, b"a=rtcp:@N@ IN IP4 127.0.0.1", b"a=ptime:@N@", b"a=@J@",
        b"a=crypto:@N@ AES_CM_128_HMAC_SHA1_80 inline:@J@|2^@N@|@N@:@N@", b"a=group:BUNDLE @J@ 1 2",
        b"c=IN IP4 @J@", b"c=IN IP6 ::::", b"c=IN IP4 224.0.0.1/@N@/@N@", b"c=", b"o=@J@ @N@ @N@", b"b=AS:@N@",
        b"t=@N@ @N@", b"r=@J@", b"z=@N@", b"k=clear:@J@", b"=", b"x", b"a" * 9000, b"a=sendonly\r\na=inactive",
        b"a=mid:@J@\r\na=rtcp-mux\r\na=setup:@J@", b"a=candidate:@J@ 1 UDP @N@ 1.2.3.4 5 typ host"]))

    def change(s):
        at = rng.randrange(len(s) + 1)
        return s[:at] + [extra] * (many if rng.random() < 0.3 else 1) + s[at:]
    return sdp_lines(rng, data, change)


# --- all together


def mutate(rng, data, rounds):
    """@return (names joined by +, the changed request)."""
    names = []
    while len(names) < rounds:
        name = rng.choice(sorted(MUTATORS))
        fn, part = MUTATORS[name]
        if part is not None and (b"\r\n\r\n" not in data
                                 or part not in data.partition(b"\r\n\r\n")[2]):
            continue
        data = fn(rng, data) or b"\r\n"
        names.append(name)
    return "+".join(names), data


def variants(seed, count, templates):
    """templates: {name: bytes}. Yields (name, bytes), `count` times; at most a datagram long."""
    rng = random.Random(seed)
    names = sorted(templates)
    for n in range(count):
        which = names[n % len(names)]
        data = templates[which].replace(b"@ID@", b"v%dx%d" % (seed, n)).replace(b"@CSEQ@", b"%d" % (n + 10))
        how, data = mutate(rng, data, rng.choice([1, 1, 1, 2, 2, 3]))
        yield f"{which}:{how}", data[:65000]
