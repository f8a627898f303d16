"""Words and sentences of recording clients, for tests/data/generate.py.

One Vendor for each product: how its INVITE looks, how it writes SDP and metadata, in which
order it puts the parts. Written for this project after the shapes seen in the field."""
import re

ALICE = ("sip:alice@voip.example", "Alice")
BOB = ("sip:bob@voip.example", "Bob")
CAROL = ("sip:carol@voip.example", "Carol")
NS = "urn:ietf:params:xml:ns:recording:1"
OLD_NS = "urn:ietf:params:xml:ns:recording"

SDP_HEAD = "v=0\no={user} {sess} {ver} IN IP4 {{{{ip}}}}\ns={name}\nc=IN IP4 {{{{ip}}}}\nt=0 0\n"


def head(user="-", sess=1, ver=1, name="-"):
    return SDP_HEAD.format(user=user, sess=sess, ver=ver, name=name)


def audio(i, label=None, way="a=sendonly", pts="0 8 101", proto="RTP/AVP", maps=None, more=""):
    """m-line number i (from 0); way is the direction's line or None."""
    if maps is None:
        known = {"0": "PCMU/8000", "8": "PCMA/8000", "101": "telephone-event/8000"}
        maps = "".join(f"a=rtpmap:{p} {known[p]}\n" for p in pts.split() if p in known)
        maps += "a=fmtp:101 0-15\n" if "101" in pts.split() else ""
    return (f"m=audio {{{{port:{i}}}}} {proto} {pts}\n{maps}{more}"
            + (f"a=label:{label}\n" if label is not None else "") + (f"{way}\n" if way else ""))


def person(n, who, form="attribute"):
    aor, name = who
    name = f'<name xml:lang="en">{name}</name>' if name else ""
    if form == "attribute":
        inner = f'<nameID aor="{aor}">{name}</nameID>' if name else f'<nameID aor="{aor}"/>'
    else:
        inner = f"<nameID><aor>{aor}</aor>{name}</nameID>"
    return f'  <participant participant_id="{{{{id:p{n}}}}}">{inner}</participant>\n'


def stream(n, label, session="s"):
    return (f'  <stream stream_id="{{{{id:m{n}}}}}" session_id="{{{{id:{session}}}}}">\n'
            f"    <label>{label}</label>\n  </stream>\n")


def in_session(n, session="s", stop=False):
    return (f'  <participantsessionassoc participant_id="{{{{id:p{n}}}}}" session_id="{{{{id:{session}}}}}">\n'
            "    <associate-time>2026-03-02T09:15:00Z</associate-time>\n"
            + ("    <disassociate-time>2026-03-02T09:16:00Z</disassociate-time>\n" if stop else "")
            + "  </participantsessionassoc>\n")


def sends(n, *streams, recv=()):
    return (f'  <participantstreamassoc participant_id="{{{{id:p{n}}}}}">\n'
            + "".join(f"    <send>{{{{id:m{k}}}}}</send>\n" for k in streams)
            + "".join(f"    <recv>{{{{id:m{k}}}}}</recv>\n" for k in recv)
            + "  </participantstreamassoc>\n")


def session(name="s", group="g", start="2026-03-02T09:15:00Z"):
    return (f'  <session session_id="{{{{id:{name}}}}}">\n'
            + (f"    <group-ref>{{{{id:{group}}}}}</group-ref>\n" if group else "")
            + (f"    <start-time>{start}</start-time>\n" if start else "") + "  </session>\n")


def recording(*inner, mode="complete", ns=NS, root="recording", tag="datamode", more=""):
    return ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            f"<{root}" + (f' xmlns="{ns}"' if ns else "") + f"{more}>\n"
            + (f"  <{tag}>{mode}</{tag}>\n" if mode else "") + "".join(inner) + f"</{root}>\n")


def rfc_people(people, labels, form="attribute", sess="s", order=None):
    """Session, participants, streams and associations of RFC 7865; order[n] is the stream
    that participant n sends."""
    order = order or list(range(len(people)))
    out = "".join(person(n, p, form) for n, p in enumerate(people))
    out += "".join(stream(n, label, sess) for n, label in enumerate(labels))
    out += "".join(in_session(n, sess) for n in range(len(people)))
    for n in range(len(people)):
        out += sends(n, order[n], recv=[k for k in order[:len(people)] if k != order[n]])
    return out


def old_people(people, labels, sess="s", group=None, order=None, recv=True):
    """The model of the drafts before RFC 7865, as BroadWorks and Webex write it: ids in `id`,
    <send> and <recv> inside the participant, the stream's id in an element of its own."""
    order = order or list(range(len(people)))
    out = (f'  <group id="{{{{id:{group}}}}}">\n    <start-time>2026-03-02T09:15:00</start-time>\n  </group>\n'
           if group else "")
    out += (f'  <session id="{{{{id:{sess}}}}}">\n'
            + (f"    <group-ref>{{{{id:{group}}}}}</group-ref>\n" if group else "")
            + "    <start-time>2026-03-02T09:15:00</start-time>\n  </session>\n")
    for n, (aor, name) in enumerate(people):
        out += (f'  <participant id="{{{{id:p{n}}}}}" session="{{{{id:{sess}}}}}">\n    <nameID aor="{aor}">'
                + (f"<name>{name}</name>" if name else "")
                + "</nameID>\n    <associate-time>2026-03-02T09:15:00</associate-time>\n"
                + f"    <send><id>{{{{id:m{order[n]}}}}}</id></send>\n"
                + "".join(f"    <recv><id>{{{{id:m{k}}}}}</id></recv>\n"
                          for k in sorted(set(order)) if recv and k != order[n]) + "  </participant>\n")
    for n, label in enumerate(labels):
        out += (f'  <stream id="{{{{id:m{n}}}}}" session="{{{{id:{sess}}}}}">\n    <mode>separate</mode>\n'
                f"    <start-time>2026-03-02T09:15:00</start-time>\n    <label>{label}</label>\n  </stream>\n")
    return out


def as_text(xml):
    """<send>ID</send>, as some write in the older model."""
    return re.sub(r"<(send|recv)><id>(.*?)</id></\1>", r"<\1>\2</\1>", xml)


def as_attribute(xml):
    return re.sub(r"<(send|recv)><id>(.*?)</id></\1>", r'<\1 id="\2"/>', xml)


class Vendor:
    labels = ("1", "2", "3", "4", "5", "6")
    people = (ALICE, BOB)
    boundary = "unique-boundary-1"
    ctype = "multipart/mixed;boundary=unique-boundary-1"
    md_type = "application/rs-metadata+xml"
    disposition = "Content-Disposition: recording-session\n"
    closing = True
    first = "sdp"
    name = "generic"
    contact = "<sip:src@{{local}};transport={{transport}}>;+sip.src"
    recognized = "Require: siprec\n"
    sender = '"Recorder" <sip:src@{{local}}>'
    more = ""
    agent = "SRC/1.0"
    allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE"
    warnings = ()  # of an ordinary call
    extra = {}  # what of an ordinary call is lifted
    auth = "Authorization: Bearer {{token}}\n"
    form = "attribute"
    way = "a=sendonly"
    pts = "0 8 101"
    user, title = "-", "-"
    # what follows, in the words of their names
    part_lead = ""

    def headers(self, method, ctype, first):
        out = f"{method} {{{{request-uri}}}} SIP/2.0\n"
        out += "Via: SIP/2.0/{{TRANSPORT}} {{local}};branch={{branch}};rport\n"
        out += "Max-Forwards: 70\n"
        out += f"From: {self.sender};tag={{{{tag}}}}\nTo: <{{{{to-uri}}}}>{{{{to-tag}}}}\n"
        out += f"Call-ID: {{{{call-id}}}}\nCSeq: {{{{cseq}}}} {method}\n"
        if method in ("INVITE", "UPDATE"):
            out += f"Contact: {self.contact}\n"
        out += self.recognized if method == "INVITE" else ""
        out += f"Allow: {self.allow}\n" if self.allow else ""
        out += f"User-Agent: {self.agent}\n"
        out += (self.auth + self.more) if first else ""
        out += f"Content-Type: {ctype}\n" if ctype else ""
        return out + "Content-Length: {{content-length}}\n\n"

    def parts(self, sdp, xml):
        a = f"Content-Type: application/sdp\n\n{sdp}"
        b = f"Content-Type: {self.md_type}\n{self.disposition}\n{xml}"
        one, two = (a, b) if self.first == "sdp" else (b, a)
        end = f"--{self.boundary}--\n" if self.closing else ""
        return f"{self.part_lead}--{self.boundary}\n{one}\n--{self.boundary}\n{two}\n{end}"

    def invite(self, sdp, xml=None, first=True):
        if xml is None:
            return self.headers("INVITE", "application/sdp", first) + sdp
        return self.headers("INVITE", self.ctype, first) + self.parts(sdp, xml)

    def update(self, xml):
        return self.headers("UPDATE", self.md_type, False) + xml

    def sdp(self, ways=None, n=2, ver=1, **kw):
        ways = ways or [self.way] * n
        return head(self.user, 8823 + ver if getattr(self, "restarts", 0) else 8823, ver,
                    self.title) + "".join(
            audio(i, self.labels[i], w, kw.get("pts", self.pts)) for i, w in enumerate(ways))

    def xml(self, people=None, labels=None, **kw):
        people = people or self.people
        labels = labels or self.labels[:len(people)]
        return recording(session(kw.get("sess", "s")),
                         rfc_people(people, labels, self.form, kw.get("sess", "s")))

    def joined(self, n, who):
        """Partial: somebody joins without a stream."""
        return recording(person(n, who, self.form), in_session(n), mode="partial")

    def gone(self, n, who):
        return recording(person(n, who, self.form), in_session(n, stop=True), mode="partial")


class Avaya(Vendor):
    name, agent = "avaya", "Avaya-SBC/8.1.3"
    contact = "<sip:src@{{local}};transport={{transport}};+sip.src>"
    more = "User-to-User: 00FA080019038F5B4A3C2D1E;encoding=hex\nP-Location: SM;origlp=\"Site A\";termlp=\"Site B\"\n"
    sender = '"SRC"<sip:src@{{local}}>'
    extra = {"User-to-User": "00FA080019038F5B4A3C2D1E;encoding=hex", "ucid": "0019038F5B4A3C2D"}
    labels = ("16777227", "16777228", "16777229", "16777230")
    ctype = 'multipart/mixed; boundary="avaya-boundary-23"'
    boundary = "avaya-boundary-23"


class BroadWorks(Vendor):
    name, agent, user, title = "broadworks", "BroadWorks", "BroadWorks", "-"
    contact = "<sip:src@{{local}};transport={{transport}}>;src"
    recognized = "Supported: \nRecv-Info: \n"
    more = ("X-BroadWorks-Correlation-Info: {{uuid:correlation}}\n"
            "Proxy-Require: privacy\nAccept: application/media_control+xml, application/sdp\n")
    ctype = "multipart/mixed; boundary=UniqueBroadWorksBoundary"
    boundary, md_type = "UniqueBroadWorksBoundary", "application/rs-metadata"
    disposition, restarts = "Content-Length: 12\n", 1
    labels = ("10", "20", "30", "40")
    allow = "ACK,BYE,CANCEL,INFO,INVITE,OPTIONS,PRACK,REFER,NOTIFY"
    extra = {"X-BroadWorks-Correlation-Info": "{{uuid:correlation}}", "tenant": "acme", "ext.callType": "originating"}

    def xml(self, people=None, labels=None, **kw):
        people, sess = people or self.people, kw.get("sess", "s")
        labels = labels or self.labels[:len(people)]
        ext = ('  <extensiondata xmlns:bw="urn:broadworks:call-recording">\n    <bw:callType>originating</bw:callType>\n'
               "    <bw:serviceProviderID>acme</bw:serviceProviderID>\n"
               '    <bw:recordingType>always</bw:recordingType>\n  </extensiondata>\n')
        return recording(old_people(people, labels, sess, "g", kw.get("order")), ext, ns=OLD_NS, tag="dataMode")

    def joined(self, n, who):
        return recording(f'  <participant id="{{{{id:p{n}}}}}" session="{{{{id:s}}}}"><nameID aor="{who[0]}">'
                         f"<name>{who[1]}</name></nameID></participant>\n", mode="partial", ns=OLD_NS, tag="dataMode")


class Cube(Vendor):
    name, agent, user, title = "cisco-cube", "Cisco-SIPGateway/IOS-17.9", "CiscoSystemsSIP-GW-UserAgent", "SIP Call"
    recognized = "Supported: timer,resource-priority,replaces,sdp-anat\nRequire: 100rel,siprec\n"
    more = ("Cisco-Guid: 2877411328-0000065536-0000000017-{{num:guid}}\n"
            "Session-ID: {{hex:sip-session}};remote=00000000000000000000000000000000\n"
            "Min-SE:  1800\nSession-Expires:1800;refresher=uac\n")
    ctype, boundary = "multipart/mixed;boundary=uniqueBoundary", "uniqueBoundary"
    closing, disposition = False, "Content-Disposition: recording-session;handling=required\n"
    allow = "INVITE, OPTIONS, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY, INFO, REGISTER"
    pts = "0 101 19"
    extra = {"Cisco-Guid": "2877411328-0000065536-0000000017-{{num:guid}}",
             "Session-ID": "{{hex:sip-session}};remote=00000000000000000000000000000000"}
    warnings = ("body.no_closing_boundary",)
    labels = ("1", "2", "3", "4")

    def xml(self, people=None, labels=None, **kw):
        return super().xml(people, labels, **kw).replace("2026-03-02T09:15:00Z", "2026-03-02T09:15:00.000-08:00")


class Metaswitch(Vendor):
    name, agent = "metaswitch", "Perimeta/4.9"
    ctype, boundary = "multipart/mixed;boundary=boundary-4a7f", "boundary-4a7f"
    labels, pts, restarts = ("0", "1", "2", "3"), "0 8", 0
    warnings = ("metadata.mixed_line",)
    extra = {"tenant": "acme"}
    mono = True

    def sdp(self, ways=None, n=1, ver=1, **kw):
        ways = (ways or [self.way])[:1]
        return head("MSCN", 91, ver) + audio(0, "0", ways[0], kw.get("pts", self.pts))

    def xml(self, people=None, labels=None, **kw):
        people = people or self.people
        out = "".join(person(n, p) for n, p in enumerate(people)) + stream(0, "0")
        out += "".join(in_session(n) for n in range(len(people)))
        out += "".join(sends(n, 0, recv=[0]) for n in range(len(people)))
        ext = ('  <extensiondata xmlns:ms="http://www.metaswitch.com/siprec">\n    <ms:enterpriseId>acme</ms:enterpriseId>\n'
               "  </extensiondata>\n")
        return recording(session(), out, ext)


class NetSapiens(Vendor):
    name, agent = "netsapiens", "NetSapiens SiPBx 44"
    labels = ("1", "2", "3", "4")
    contact = "<sip:src@{{local}};transport={{transport}}>;+sip.src"
    ctype, boundary = "multipart/mixed;boundary=foobar", "foobar"
    extra = {"tenant": "acme.example", "ext.orig_callid": "{{call-id}}"}

    def xml(self, people=None, labels=None, **kw):
        text = super().xml(people, labels, **kw)
        ext = ('  <extensiondata xmlns:ns="http://www.netsapiens.com/siprec">\n    <ns:domain>acme.example</ns:domain>\n'
               "    <ns:orig_callid>{{call-id}}</ns:orig_callid>\n  </extensiondata>\n")
        return text.replace("</recording>", ext + "</recording>")


class OpenSips(Vendor):
    name, agent = "opensips", "OpenSIPS (3.4.5)"
    ctype, boundary = "multipart/mixed;boundary=OSS-unique-boundary-42", "OSS-unique-boundary-42"
    labels, md_type = ("1", "2", "3", "4"), "application/rs-metadata+xml"
    warnings = ("metadata.no_association",)
    allow = ""

    def xml(self, people=None, labels=None, **kw):
        people = people or self.people
        labels = labels or self.labels[:len(people)]
        out = "".join(person(n, p) for n, p in enumerate(people))
        out += "".join(stream(n, label) for n, label in enumerate(labels))
        return recording(session(group=None, start=None), out)


class Oracle(Vendor):
    name, agent = "oracle", "Acme Packet SBC"
    ctype, boundary = "multipart/mixed; boundary=unique-boundary-1", "unique-boundary-1"
    labels = ("65804", "65805", "65806", "65807")
    warnings = ("metadata.repaired",)
    more = "Call-Info: <sip:127.0.0.1>;appearance-index=1\n"
    extra = {"ucid": "00FA080018803B69810C6D", "caller": ALICE[0], "ext.realm": "access&egress",
             "Call-Info": "<sip:127.0.0.1>;appearance-index=1"}

    def xml(self, people=None, labels=None, **kw):
        text = super().xml(people, labels, **kw)
        text = text.replace("</nameID></participant>", "</nameID>\n    <extensiondata xmlns:apkt=\"http://acmepacket.com/"
                            "siprec/extensiondata\"><apkt:callerOrig>true</apkt:callerOrig></extensiondata>\n"
                            "  </participant>", 1)
        ext = ('  <extensiondata xmlns:apkt="http://acmepacket.com/siprec/extensiondata">\n'
               "    <apkt:ucid id=0>00FA080018803B69810C6D</apkt:ucid>\n"
               "    <apkt:realm>access&egress</apkt:realm>\n  </extensiondata>\n")
        return text.replace("</recording>", ext + "</recording>")


class Sonus(Vendor):
    name, agent = "sonus", "SBC5400"
    ctype, boundary = "multipart/mixed;boundary=sonus-content-delim", "sonus-content-delim"
    closing = False
    warnings = ("body.no_closing_boundary", "metadata.order_inverted")
    user = "Sonus_UAC"

    def xml(self, people=None, labels=None, **kw):
        people = people or self.people
        labels = labels or self.labels[:len(people)]
        order = [1, 0] + list(range(2, len(people)))
        return recording(session(), rfc_people(people, labels, order=order))


class Webex(Vendor):
    name, agent = "webex", "Cisco-WebexCalling"
    contact = "<sip:src@{{local}};transport={{transport}}>;src"
    recognized = "Supported: \n"
    more = "X-BroadWorks-Correlation-Info: {{uuid:correlation}}\n"
    restarts = 1
    ctype, boundary = "multipart/mixed;boundary=UniqueBroadWorksBoundary", "UniqueBroadWorksBoundary"
    labels, md_type, disposition = ("1", "2", "3", "4"), "application/rs-metadata", ""
    user = "BroadWorks"
    extra = {"X-BroadWorks-Correlation-Info": "{{uuid:correlation}}"}

    def xml(self, people=None, labels=None, **kw):
        people = people or self.people
        return recording(old_people(people, labels or self.labels[:len(people)], kw.get("sess", "s"), "g",
                                    kw.get("order")), ns=OLD_NS, tag="dataMode").replace(
            'sip:bob@voip.example"', 'sip:bob@voip.example;user=phone"')

    joined = BroadWorks.joined


class Jambonz(Vendor):
    name, agent = "jambonz", "jambonz sbc-inbound"
    ctype, boundary = "multipart/mixed;boundary=uniqueBoundary", "uniqueBoundary"
    labels = ("1", "2", "3", "4")
    more = "X-Account-ID: ed649e33-e771-403a-8c99-1780eabbc803\nX-Call-Sid: {{uuid:sid}}\n"
    extra = {"X-Account-ID": "ed649e33-e771-403a-8c99-1780eabbc803", "X-Call-Sid": "{{uuid:sid}}",
             "callee": "+15551230001", "caller": "+15559870002", "ext.callsid": "{{uuid:sid}}"}
    md_type = "application/rs-metadata+xml"
    form = "attribute"

    def xml(self, people=None, labels=None, **kw):
        text = super().xml(people, labels, **kw)
        ext = ('  <extensiondata xmlns:jb="http://jambonz.org/siprec">\n    <jb:callsid>{{uuid:sid}}</jb:callsid>\n'
               "    <jb:direction>inbound</jb:direction>\n    <jb:callingnumber>+15551230001</jb:callingnumber>\n"
               "    <jb:callednumber>+15559870002</jb:callednumber>\n  </extensiondata>\n")
        return text.replace("</recording>", ext + "</recording>")


class Genesys(Vendor):
    name, agent = "genesys", "PureCloud Edge"
    ctype, boundary = "multipart/mixed;boundary=gvp-boundary", "gvp-boundary"
    more = "X-Genesys-CallUUID: {{uuid:call}}\n"
    labels = ("inbound", "outbound", "third", "fourth")
    first = "metadata"
    extra = {"X-Genesys-CallUUID": "{{uuid:call}}", "agent": "agent-7", "tenant": "acme"}

    def xml(self, people=None, labels=None, **kw):
        text = super().xml(people, labels, **kw)
        ext = ('  <extensiondata xmlns:gn="http://www.genesys.com/siprec">\n    <gn:agentId>agent-7</gn:agentId>\n'
               "    <gn:tenant>acme</gn:tenant>\n  </extensiondata>\n")
        return text.replace("</recording>", ext + "</recording>")


class AudioCodes(Vendor):
    name, agent = "audiocodes", "Mediant SW/v.7.40A"
    contact = "<sip:src@{{local}};transport={{transport}}>; src"
    recognized = "Supported: replaces,resource-priority\nRequire: siprec\n"
    more = ("AC-Session-ID: 4b1b54:27:{{num:ac}}\nx-audc-call-id: {{hex:audc}}\n")
    ctype, boundary = "multipart/mixed;boundary=boundary_ac1fffff85b", "boundary_ac1fffff85b"
    labels, md_type = ("1", "2", "3", "4"), "application/rs-metadata"
    extra = {"AC-Session-ID": "4b1b54:27:{{num:ac}}", "x-audc-call-id": "{{hex:audc}}", "ucid": "FA080030C4E34B5B9E59"}

    def xml(self, people=None, labels=None, **kw):
        people = people or self.people
        text = recording(session(group=None), rfc_people(people, labels or self.labels[:len(people)]),
                         ns="urn:ietf:params:xml:ns:recording")
        ext = '  <extensiondata xmlns:ac="http://AudioCodes">\n    <ac:AvayaUCID>FA080030C4E34B5B9E59</ac:AvayaUCID>\n  </extensiondata>\n'
        return text.replace("</recording>", ext + "</recording>")

    def sdp(self, ways=None, n=2, ver=1, **kw):
        """No c= for the session, one in each media part."""
        text = super().sdp(ways, n, ver, **kw)
        text = text.replace("c=IN IP4 {{ip}}\n", "", 1)
        out = ""
        for line in text.split("\n")[:-1]:
            out += line + "\n" + ("c=IN IP4 {{ip}}\n" if line.startswith("m=") else "")
        return out


class Sems(Vendor):
    name, agent, user, restarts = "sems", "SEMS/1.7", "sems", 1
    ctype, boundary = "multipart/mixed; boundary = sems-bound", "sems-bound"
    labels = ("a_leg", "b_leg", "c_leg", "d_leg")


class Google(Vendor):
    name, agent = "google", "SBC/9.0"
    more = ("Call-Info: <http://dialogflow.googleapis.com/v2beta1/projects/p/conversations/c1>"
            ";purpose=Goog-ContactCenter-Conversation\n")
    labels = ("1", "2")
    extra = {"Call-Info": "<http://dialogflow.googleapis.com/v2beta1/projects/p/conversations/c1>"
             ";purpose=Goog-ContactCenter-Conversation"}
    ctype, boundary = "multipart/mixed;boundary=foobar", "foobar"


class Ribbon(Vendor):
    name, agent = "ribbon", "Ribbon SWe Edge"
    labels, first = ("0", "1", "2", "3"), "metadata"
    ctype, boundary = "multipart/mixed;boundary=\"ribbon core bound\"", "ribbon core bound"
    form = "element"
    part_lead = "\n\n"


class FreeSwitch(Vendor):
    name, agent = "freeswitch", "FreeSWITCH-mod_siprec/1.10"
    user, title = "FreeSWITCH", "FreeSWITCH"
    ctype, boundary = "multipart/mixed;boundary=fs-siprec", "fs-siprec"
    labels, pts = ("1", "2", "3", "4"), "0 8 101 13"
    way = "a=sendrecv"
