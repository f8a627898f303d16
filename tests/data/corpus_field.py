"""Situations of the field that belong to the whole life of a call: what is cancelled, sent
again or sent twice, typed, pressed, lost; who comes and goes; and the odder shapes of bodies."""
from corpus_parts import (ALICE, BOB, CAROL, NS, AudioCodes, Avaya, BroadWorks, Cube, Genesys, Metaswitch, NetSapiens, OpenSips,
                          Oracle, Sonus, Vendor, Webex, as_text, audio, head, in_session, old_people, person, recording,
                          rfc_people, sends, session, stream)
from corpus_singles import BOTH, G, SIDES, STREAMS, TWO, said, two

DAVE = ("sip:dave@voip.example", "Dave")
TEXT = "a=rtpmap:98 t140/1000\na=rtpmap:100 red/1000\na=fmtp:100 98/98/98\n"
OPUS = "a=rtpmap:111 opus/48000/2\na=fmtp:111 useinbandfec=1; stereo=1; sprop-stereo=1\n"
ORDINARY = {"people": BOTH, "streams": STREAMS, "warnings": [], "audio": SIDES}


def own(name, **kw):
    """A Vendor that differs in some words."""
    v = Vendor()
    v.name = name
    for k, x in kw.items():
        setattr(v, k, x)
    return v


def bare(v, method, text):
    """The CANCEL of an INVITE has its header fields and no body."""
    return v.headers(method, None, False).replace("{{to-tag}}", "")


def requests(save):
    for v in (Vendor(), OpenSips(), Webex()):
        cancel = bare(v, "CANCEL", "")
        save(v, "cancelled", {"01-invite.sip": v.invite(v.sdp(), v.xml()), "02-cancel.sip": cancel},
             [{"send": "01-invite.sip", "cancel": "02-cancel.sip"}],
             title=f"{v.agent}: CANCEL in the same breath as the INVITE; nothing is recorded", recorded=False)
    v = OpenSips()
    save(v, "cancelled-then-called", {
        "01-invite.sip": v.invite(v.sdp(), v.xml()), "02-cancel.sip": bare(v, "CANCEL", ""),
        "03-invite.sip": v.invite(v.sdp(), v.xml())},
        [{"send": "01-invite.sip", "cancel": "02-cancel.sip"},
         {"send": "03-invite.sip", "answer": TWO}, {"rtp": 0.8}],
        title="OpenSIPS: a cancelled INVITE, then another one with the same Call-ID", transports=["tcp", "tls"], **{
            **ORDINARY, "warnings": ["metadata.no_association"]})
    filler = "".join(f"X-Vendor-Data-{n}: {'0123456789abcdef' * 10}\n" for n in range(18))
    v = own("generic", more=filler)
    for case, more in (("large-invite", {}), ("large-invite-retransmitted", {"again": 3})):
        save(v, case, {"01-invite.sip": v.invite(v.sdp(), v.xml())},
             [{"send": "01-invite.sip", "answer": TWO, **more}, {"rtp": 0.8}], transports=["udp"],
             title="An INVITE of 5 KB over UDP" + (", sent four times before the ACK" if more else ""),
             **ORDINARY)
    save(G, "update-retransmitted", {"01-invite.sip": G.invite(G.sdp(), G.xml()), "02-update.sip": G.update(G.joined(2, CAROL))},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.7}, {"send": "02-update.sip", "again": 2}],
         title="An UPDATE is sent three times: one person joins once", transports=["udp"],
         **{**ORDINARY, "people": [*BOTH, CAROL]})
    for case, n in (("content-length-too-long", 99999), ("content-length-missing", None)):
        text = G.invite(G.sdp(), G.xml())
        if n is None:
            text = text.replace("Content-Length: {{content-length}}\n", "")
        save(G, case, {"01-invite.sip": text},
             [{"send": "01-invite.sip", "answer": TWO, **({"says_length": n} if n else {})}, {"rtp": 0.8}],
             title="Over UDP the body ends with the datagram, whatever Content-Length says", transports=["udp"], **ORDINARY)
    save(G, "contact-with-a-blank", two(G.sdp(), G.xml(), own(
        "generic", recognized="", contact="<sip:src@{{local}};transport={{transport}}>; +sip.src")),
         said(), title="A blank before +sip.src, nothing else says SIPREC", **ORDINARY)
    save(G, "known-by-metadata", two(G.sdp(), G.xml(), own(
        "generic", recognized="", contact="<sip:src@{{local}};transport={{transport}}>")),
         said(), title="Only the metadata part says that this is a recording session", **ORDINARY)
    v = own("generic", recognized="Supported:\nRecv-Info:\nProxy-Require: privacy\nRequire: siprec, x-unheard-of\n",
            sender='"S B C"<sip:src@{{local}}>')
    save(v, "empty-and-unknown-headers", two(v.sdp(), v.xml(), v), said(),
         title="Empty Supported and Recv-Info, Proxy-Require, an option tag nobody knows",
         **{**ORDINARY, "warnings": ["sip.require_ignored"]})
    v = Oracle()
    options = v.headers("OPTIONS", None, False)
    save(v, "health-check", {"01-options.sip": options, "02-invite.sip": v.invite(v.sdp(), v.xml()), "03-options.sip": options},
         [{"send": "01-options.sip", "says": ["siprec"]},
          {"send": "02-invite.sip", "answer": ["recvonly 65804", "recvonly 65805"]}, {"rtp": 0.8},
          {"send": "03-options.sip"}],
         title="Oracle: OPTIONS as ping before the call and in its dialog", people=BOTH,
         streams=[["65804", ALICE[0]], ["65805", BOB[0]]], audio=SIDES, warnings=["metadata.repaired"])


def legs(save):
    one = {"people": BOTH, "streams": STREAMS, "audio": SIDES}
    save(G, "sent-twice", {"01-invite.sip": G.invite(G.sdp(), G.xml()), "02-again.sip": G.invite(G.sdp(), G.xml())},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.6}, {"dialog": "beside"},
          {"send": "02-again.sip", "answer": TWO}, {"rtp": 0.6}],
         title="One communication session recorded twice at the same time: two legs of one call",
         recordings=[{**one, "rule": ""}, {**one, "rule": "group_id"}])
    alone = lambda: recording(session(group=None), rfc_people(BOTH, ("1", "2")))
    save(G, "sent-twice-without-group", {"01-invite.sip": G.invite(G.sdp(), alone()), "02-again.sip": G.invite(G.sdp(), alone())},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.6}, {"dialog": "beside"},
          {"send": "02-again.sip", "answer": TWO}, {"rtp": 0.6}],
         title="The same, told by the session's id alone", recordings=[{**one, "rule": ""}, {**one, "rule": "session_id"}])
    ids = lambda n: recording(
        f'  <session session_id="{{{{id:s{n}}}}}"><sipSessionID>{{{{hex:sip}}}};remote=00000000000000000000000000000000'
        "</sipSessionID></session>\n", rfc_people(BOTH, ("1", "2"), sess=f"s{n}"))
    save(G, "same-sip-session-id", {"01-invite.sip": G.invite(G.sdp(), ids(1)), "02-again.sip": G.invite(G.sdp(), ids(2))},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.6}, {"dialog": "new"},
          {"send": "02-again.sip", "answer": TWO}, {"rtp": 0.6}],
         title="Two recorders of one call, told by its SIP Session-ID (RFC 7989)",
         recordings=[{**one, "rule": ""}, {**one, "rule": "sip_session_id"}])


def three_parties(save):
    """Bob leaves, then Carol joins on his stream; and all of it once more as complete."""
    three = [*BOTH, CAROL]
    gone = recording(in_session(1, stop=True), mode="partial")
    came = recording(person(2, CAROL), in_session(2), sends(2, 1, recv=[0]), mode="partial")
    fill = lambda v, *more: {"01-invite.sip": v.invite(v.sdp(), v.xml()), **{
        f"{n + 2:02}-update.sip": v.update(x) for n, x in enumerate(more)}}
    steps = [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.5}, {"send": "02-update.sip"}, {"rtp": 0.3},
             {"send": "03-update.sip"}, {"rtp": 0.5}]
    want = {"people": three, "left": [BOB[0]], "sent": [*STREAMS, ["2", CAROL[0]]], "events": ["leave", "join"],
            "audio": SIDES, "warnings": []}
    save(G, "one-leaves-another-joins", fill(G, gone, came), steps,
         title="Partial updates: Bob leaves, then Carol joins and sends what was his stream", **want)
    only = recording(session(), rfc_people([ALICE], ("1",)))
    carol = recording(session(), person(0, ALICE), person(2, CAROL), stream(0, "1"), stream(1, "2"),
                      in_session(0), in_session(2), sends(0, 0, recv=[1]), sends(2, 1, recv=[0]))
    save(G, "one-leaves-another-joins-complete", fill(G, only, carol), steps,
         title="The same with complete descriptions: who is not named has left", **want)
    back = recording(person(1, BOB), in_session(1), sends(1, 1, recv=[0]), mode="partial")
    save(G, "leaves-and-comes-back", fill(G, gone, back), steps, people=BOTH, streams=STREAMS,
         title="Bob leaves and comes back with the same id: one person, not two", left=[],
         events=["leave", "join"], audio=SIDES, warnings=[])
    save(G, "first-party-replaced", fill(G, recording(in_session(0, stop=True), mode="partial"),
                                         recording(person(2, CAROL), in_session(2), sends(2, 0, recv=[1]), mode="partial")),
         steps, title="Alice leaves, Carol joins and sends what was her stream: nothing is inverted",
         people=three, left=[ALICE[0]], sent=[*STREAMS, ["1", CAROL[0]]], events=["leave", "join"],
         audio=SIDES, warnings=[])
    save(G, "renamed", fill(G, recording(person(1, (BOB[0], "Robert")), mode="partial")),
         steps[:4], title="A partial update names Bob anew; nobody joins or leaves",
         people=[ALICE, (BOB[0], "Robert")], streams=STREAMS, audio=SIDES, warnings=[])


def media(save):
    opus = head() + audio(0, 1, pts="111", maps=OPUS) + audio(1, 2, pts="111", maps=OPUS)
    save(G, "opus", two(opus, G.xml()), [{"send": "01-invite.sip", "answer": TWO, "says": ["opus/48000/2"]}, {"rtp": 1.4}],
         title="Stereo Opus from both sides", **ORDINARY)
    for ptime in (10, 30, 60):
        save(G, f"ptime-{ptime}", two(head() + "".join(
            audio(i, i + 1, more=f"a=ptime:{ptime}\n") for i in (0, 1)), G.xml()),
             [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 1.2, "ptime": ptime}],
             title=f"Packets of {ptime} ms", **ORDINARY)
    save(G, "ssrc-changes", two(G.sdp(), G.xml()),
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.7}, {"ssrc": "new"}, {"rtp": 0.7}],
         title="SSRC and sequence change in the middle of a stream", **{**ORDINARY, "warnings": ["media.restarted"]})
    save(G, "payload-type-changes", two(G.sdp(), G.xml()),
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.7}, {"rtp": 0.7, "pt": 8}],
         title="The payload type changes without a re-INVITE, to one that was offered", **ORDINARY)
    save(G, "packets-lost", two(G.sdp(), G.xml()),
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 1.5, "loss": 0.15}],
         title="Every seventh packet never comes", **{**ORDINARY, "warnings": ["media.loss"]})
    save(G, "keys", two(G.sdp(), G.xml()),
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 1.8, "keys": {"1": "4*2#"}}],
         title="Alice presses keys (RFC 4733)", keys="4*2#", **ORDINARY)
    text = G.sdp() + "m=text {{port:2}} RTP/AVP 100 98\n" + TEXT + "a=label:3\na=sendonly\n"
    people = recording(session(), person(0, ALICE), person(1, BOB), *(stream(n, str(n + 1)) for n in range(3)),
                       in_session(0), in_session(1), sends(0, 0, recv=[1]), sends(1, 1, 2, recv=[0]))
    save(G, "typed-text", two(text, people),
         [{"send": "01-invite.sip", "answer": [*TWO, "recvonly 3"], "says": ["red/1000", "t140/1000"]},
          {"rtp": 1.8, "lines": [1, 2], "type": {"3": "Grüße aus Köln, bitte 2 Stück"}}],
         title="Real-time text beside two voices; a quarter of its packets is lost and nothing is missing",
         conditions={"media": [{"kind": "audio"}, {"kind": "text"}]}, people=BOTH,
         streams=[*STREAMS, ["3", BOB[0]]], typed={"3": "Grüße aus Köln, bitte 2 Stück"}, audio=SIDES,
         warnings=["text.recovered"])
    save(G, "recordpref", two(head() + audio(0, 1, more="a=recordpref:on\n") + audio(1, 2, more="a=recordpref:off\n"),
                              G.xml(), own("generic", recognized="Require: siprec\nSupported: record-aware\n")),
         [{"send": "01-invite.sip", "answer": TWO, "says": ["a=record:on"]}, {"rtp": 0.9}],
         title="A client that is aware of recording wishes its second stream not recorded: noted",
         **{**ORDINARY, "warnings": ["sip.recordpref"]})
    key = "a=crypto:3 AEAD_AES_256_GCM inline:{{srtp44:1}}\n"
    save(G, "srtp-beside-rtp", two(head() + audio(0, 1) + audio(1, 2, proto="RTP/SAVPF", more=key), G.xml()),
         said(TWO, 0.8, says=["RTP/SAVPF", "a=crypto:3 AEAD_AES_256_GCM inline:"]),
         title="A line of SRTP beside one in clear", **ORDINARY)
    save(G, "dtls-beside-rtp", two(head() + audio(0, 1) + audio(
        1, 2, proto="UDP/TLS/RTP/SAVPF", more="a=setup:actpass\na=fingerprint:sha-256 " + ":".join(["0A"] * 32) + "\n"),
        G.xml()), said(["recvonly 1", "refused 2"], 0.8),
         title="A line of DTLS-SRTP without a twin in clear is refused in its place",
         **{**ORDINARY, "audio": [[1]], "warnings": ["answer.srtp_no_key"]})
    save(G, "srtp-other-suite", two(head() + audio(0, 1) + audio(
        1, 2, proto="RTP/SAVP", more="a=crypto:1 F8_128_HMAC_SHA1_80 inline:{{srtp30:1}}\n"), G.xml()),
         said(["recvonly 1", "refused 2"], 0.8), title="A line of SRTP with a suite that we do not have is refused",
         **{**ORDINARY, "audio": [[1]], "warnings": ["answer.srtp_no_key"]})
    save(G, "tcp-beside-rtp", two(head() + audio(0, 1) + audio(1, 2, proto="TCP/RTP/AVP"), G.xml()),
         said(["recvonly 1", "refused 2"], 0.8), title="A line with RTP over TCP is refused in its place",
         **{**ORDINARY, "audio": [[1]], "warnings": ["answer.no_transport"]})
    for v, lines in ((Oracle(), ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{{srtp30:%d}}\n"
                          "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{{srtp30:%d}}\n")),
                     (AudioCodes(), ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{{srtp30:%d}}|2^31\n"
                          "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{{srtp30:%d}}|2^31\n"))):
        sdp = v.sdp().split("m=audio ")
        sdp = sdp[0] + "".join("m=audio " + part.replace("RTP/AVP", "RTP/SAVP", 1).rstrip("\n") + "\n" + lines % (i, i)
                               for i, part in enumerate(sdp[1:]))
        labels = [part.split("\n")[0] for part in sdp.split("a=label:")[1:]]
        save(v, "srtp", two(sdp, v.xml(), v),
             said([f"recvonly {k}" for k in labels], 0.8, says=["a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"]),
             title="SRTP with two suites; the first is taken", people=BOTH, audio=SIDES,
             streams=[[labels[0], ALICE[0]], [labels[1], BOB[0]]],
             warnings=["metadata.repaired"] if labels[0] != "1" else [])
    save(G, "no-media", two(G.sdp(), G.xml()), [{"send": "01-invite.sip", "answer": TWO}],
         title="Not a single packet comes", people=BOTH, state="failed", warnings=["media.none"])
    save(G, "one-side-silent", two(G.sdp(), G.xml()), [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 1.0, "lines": [1]}],
         title="One of two senders never sends", **{**ORDINARY, "audio": [[1], []], "warnings": ["media.silent"]})


def media_odds(save):
    """What makes each warning about media that a client can cause."""
    plain = lambda case, title, step, warnings, sdp=None, after=None, **kw: save(
        G, case, two(sdp or G.sdp(), G.xml()),
        [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.5}, step, *([after] if after else [])],
        title=title, **{**ORDINARY, "warnings": warnings, **kw})
    opus = head() + audio(0, 1, pts="111", maps=OPUS) + audio(1, 2, pts="111", maps=OPUS)
    plain("packets-swapped", "Every fifth packet comes behind the next one", {"rtp": 1.0, "how": "swapped"}, ["media.reordered"])
    plain("packets-from-nowhere", "Single packets of another sequence and time", {"rtp": 1.5, "how": "strays"}, ["media.dropped"])
    plain("senders-without-end", "Between the packets of a stream others, each of another SSRC", {"rtp": 1.2, "how": "crowd"},
          ["media.dropped", "media.restarted", "media.ssrc_rejected"])
    plain("broken-opus", "A third of the Opus packets cannot be decoded", {"rtp": 1.2, "how": "garbage"}, ["media.undecodable"], opus)
    plain("payload-type-of-nobody", "Half of the packets have a payload type that was never offered", {"rtp": 0.6, "pt": 77},
          ["media.dropped", "media.payload_type_rejected"])
    plain("long-silence", "Nothing comes for three seconds, and nobody said hold", {"wait": 3}, ["media.gap"], after={"rtp": 0.5})
    save(G, "key-flood", two(G.sdp(), G.xml()), [
        {"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.5}, {"flood": 1100}, {"rtp": 0.5}],
        title="More keys than anybody can press, some of their packets too short", keys_at_least=1000,
        **{**ORDINARY, "warnings": ["dtmf.broken", "dtmf.too_many"]})
    text = G.sdp() + "m=text {{port:2}} RTP/AVP 100 98\n" + TEXT + "a=label:3\na=sendonly\n"
    save(G, "broken-text", two(text, G.xml()), [
        {"send": "01-invite.sip", "answer": [*TWO, "recvonly 3"]},
        {"rtp": 0.8, "lines": [1, 2], "type": {"3": "garbage"}}],
        title="Packets of typed text whose redundancy cannot be read", conditions={"media": [{"kind": "audio"}, {"kind": "text"}]},
        people=BOTH, audio=SIDES, warnings=["text.broken"])
    save(G, "one-line-without-codec", two(head() + audio(0, 1) + audio(1, 2, pts="15", maps=""), G.xml()),
         said(["recvonly 1", "refused 2"], 0.8), title="One of two lines offers G.728 alone: an error of that line",
         **{**ORDINARY, "audio": [[1]], "warnings": ["answer.no_codec"]})
    crowd = lambda a, b, mode: recording(*([session()] if mode == "complete" else []), *(
        f'<participant participant_id="x{n}"><nameID aor="x{n}@y"/></participant>\n' for n in range(a, b)), mode=mode)
    save(G, "crowd-grows-too-large", {
        "01-invite.sip": G.invite(G.sdp(), crowd(0, 200, "complete")), "02-update.sip": G.update(crowd(200, 300, "partial"))},
        [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.5}, {"send": "02-update.sip"}], transports=["tcp"],
        title="Two hundred people, and a hundred more: 256 are kept",
        people=[(f"sip:x{n}@y", "") for n in range(256)],
        warnings=["metadata.attributed_by_order", "metadata.limit", "metadata.no_streams", "metadata.not_taken"])
    bad = "".join(f"m=audio {70000 + n} RTP/AVP 0\n" for n in range(60))
    save(G, "sixty-bad-ports", two(head() + audio(0, 1) + audio(1, 2) + bad, G.xml()),
         [{"send": "01-invite.sip", "answer": [*TWO, *["refused -"] * 60]}, {"rtp": 0.8}],
         title="One message that leads to sixty warnings: the rest is counted", people=BOTH, audio=SIDES,
         warnings=["sdp.bad_port", "warnings.dropped"])


def sdp_odds(save):
    long_label = "x" * 200
    save(G, "endless-label", two(head() + audio(0, long_label) + audio(1, 2),
                                 G.xml(labels=(long_label[:127], "2"))),
         said([f"recvonly {long_label[:127]}", "recvonly 2"], 0.8), title="A label of 200 bytes",
         people=BOTH, streams=[[long_label[:63], ALICE[0]], STREAMS[1]], audio=SIDES, warnings=["sdp.label_too_long"])
    save(G, "bad-connection", two(head() + audio(0, 1, more="c=IN IP4\n") + audio(1, 2), G.xml()), said(seconds=0.8),
         title="A c= without an address is passed over", **{**ORDINARY, "warnings": ["sdp.bad_connection"]})
    save(G, "bad-port", two(head() + audio(0, 1) + audio(1, 2) + audio(2, 3).replace("{{port:2}}", "99999"), G.xml()),
         said([*TWO, "refused 3"], 0.8), title="A port beyond 65535", people=BOTH, streams=[*STREAMS, ["3", ""]],
         audio=SIDES, warnings=["sdp.bad_port"])
    many = " ".join(str(n) for n in range(35, 75))
    save(G, "forty-payload-types", two(head() + audio(0, 1) + audio(1, 2, pts="0 " + many, maps=""), G.xml()),
         said(seconds=0.8), title="Forty payload types of which one is known",
         **{**ORDINARY, "warnings": ["sdp.too_many_payload_types"]})
    lines = "".join(audio(i, i + 1, pts="0", maps="") if i < 2 else f"m=audio 0 RTP/AVP 0\na=label:{i + 1}\n" for i in range(70))
    save(G, "seventy-lines", two(head() + lines, G.xml()), [{"send": "01-invite.sip", "answer": [
        *TWO, *(f"refused {i + 1}" for i in range(2, 64))]}, {"rtp": 0.8}],
        title="Seventy m-lines, of which 64 are read", people=BOTH, warnings=["sdp.too_many_lines"], audio=SIDES)


def body_odds(save):
    sdp, xml = G.sdp(), G.xml()
    text = G.invite(sdp, xml)
    b = G.boundary
    save(G, "blanks-behind-boundaries", {"01-invite.sip": text.replace(f"--{b}\n", f"--{b}  \t\n").replace(f"--{b}--\n", f"--{b}-- \n")},
         said(seconds=0.8), title="Blanks and tabs behind the boundaries", **ORDINARY)
    save(G, "sdp-that-says-multipart", {"01-invite.sip": G.headers("INVITE", "multipart/mixed;boundary=none", True) + sdp},
         said(seconds=0.8), title="Content-Type says multipart, the body is SDP alone", people=[],
         streams=[["1", ""], ["2", ""]], audio=SIDES, warnings=["body.not_multipart", "body.type_mismatch", "metadata.missing"])
    part = f"--{b}\nContent-Type: text/plain\n\nnothing\n"
    save(G, "twenty-parts", {"01-invite.sip": text.replace(f"--{b}--\n", part * 20 + f"--{b}--\n")}, said(seconds=0.8),
         title="Twenty parts nobody asked for", **{**ORDINARY, "warnings": ["body.too_many_parts"]})
    again = f"--{b}\nContent-Type: application/sdp\n\nv=0\n"
    save(G, "sdp-twice", {"01-invite.sip": text.replace(f"--{b}--\n", again + f"--{b}--\n")}, said(seconds=0.8),
         title="A second SDP part is not looked at", **{**ORDINARY, "warnings": ["body.repeated_part"]})
    v = Genesys()
    lower = v.invite(v.sdp(), v.xml()).replace("Content-Type: application/rs", "content-type:application/rs").replace(
        "Content-Type: application/sdp", "CONTENT-TYPE:application/sdp;charset=utf-8")
    save(v, "part-headers-in-any-case", {"01-invite.sip": lower}, said(["recvonly inbound", "recvonly outbound"], 0.8),
         title="Part headers in any case, without blanks, with parameters", people=BOTH,
         streams=[["inbound", ALICE[0]], ["outbound", BOB[0]]], audio=SIDES, warnings=[])


def xml_odds(save):
    body = session() + rfc_people(BOTH, ("1", "2"))

    def shape(case, title, xml, **kw):
        save(G, case, two(G.sdp(), xml), said(seconds=0.8), title=title, **{**ORDINARY, **kw})

    shape("root-recording_metadata", "root recording_metadata in the namespace siprec",
          recording(body, ns="urn:ietf:params:xml:ns:siprec", root="recording_metadata"))
    mixed = body.replace("</nameID></participant>", "</nameID><send>{{id:m0}}</send></participant>", 1)
    shape("both-models", "associations for Bob, an inline <send> for Alice",
          recording(mixed.replace(sends(0, 0, recv=[1]), "")))
    aors = ("  <participant participant_id=\"{{id:p0}}\"><nameID aor=\"1001\"/></participant>\n"
            "  <participant participant_id=\"{{id:p1}}\"><nameID aor=\"sip:voip.example\"/></participant>\n")
    shape("aor-without-scheme-or-user", "an extension alone, and a host alone",
          recording(session(), aors, stream(0, "1"), stream(1, "2"), sends(0, 0), sends(1, 1)),
          people=[("sip:1001", ""), ("sip:voip.example", "")], streams=[["1", "sip:1001"], ["2", "sip:voip.example"]])
    aors = ("  <participant participant_id=\"{{id:p0}}\"><nameID aor=\"&lt;sip:alice@voip.example;noa=national&gt;\">"
            "<name>'Alice'</name></nameID></participant>\n"
            "  <participant participant_id=\"{{id:p1}}\"><nameID aor=\"sip:1001@\"/></participant>\n")
    shape("aor-in-brackets", "brackets, parameters, an @ without a host, a name in single quotes",
          recording(session(), aors, stream(0, "1"), stream(1, "2"), sends(0, 0), sends(1, 1)),
          people=[("sip:alice@voip.example;noa=national", "Alice"), ("sip:1001", "")],
          streams=[["1", "sip:alice@voip.example;noa=national"], ["2", "sip:1001"]])
    ids = body.replace("{{id:p0}}", "urn:uuid:{{uuid:p0}}").replace("{{id:p1}}", "17").replace(
        "{{id:m0}}", "{{hex:m0}}").replace("{{id:m1}}", "{{call-id}}").replace("{{id:s}}", "a b/c+d=")
    shape("ids-of-all-kinds", "ids as URN, number, hexadecimal and Call-ID", recording(ids))
    shape("blanks-around-ids", "blanks and line ends around ids, in the drafts' model",
          recording(as_text(old_people(BOTH, ("1", "2"))).replace('participant id="{{id:p', 'participant id=" {{id:p').replace(
              '}}" session', '}} " session').replace("<send>", "<send>\n  "), ns="urn:ietf:params:xml:ns:recording"))
    shape("deep", "nested deeper than 32: recorded without metadata",
          recording(body, "<x>" * 40 + "</x>" * 40), people=[], streams=[["1", ""], ["2", ""]],
          warnings=["metadata.missing", "metadata.too_big"])
    flat = "".join(f'<participant participant_id="x{n}"><nameID aor="x{n}@y"/></participant>\n' for n in range(300))
    save(G, "three-hundred-people", two(G.sdp(), recording(session(), rfc_people(BOTH, ("1", "2")), flat)), said(seconds=0.8),
         title="Three hundred people: 256 are kept", transports=["tcp", "tls"],
         people=[*BOTH, *((f"sip:x{n}@y", "") for n in range(254))], streams=STREAMS, audio=SIDES,
         warnings=["metadata.limit"])
    shape("beyond-repair", "a character that XML cannot have: what came before is used",
          recording(body, "  <note>\uffff</note>\n", person(2, CAROL)), warnings=["metadata.truncated"])
    shape("attribute-twice", "an attribute is there twice: the first one counts",
          recording(body).replace(f'participant_id="{{{{id:p1}}}}">', 'participant_id="{{id:p1}}" participant_id="zoe">', 1),
          warnings=["metadata.repaired"])
    save(G, "persistent", {
        "01-invite.sip": G.invite(G.sdp(["a=inactive"] * 2), recording("")),
        "02-begins.sip": G.invite(G.sdp(ver=2), G.xml(), False)},
        [{"send": "01-invite.sip", "answer": ["inactive 1", "inactive 2"]}, {"send": "02-begins.sip", "answer": TWO}, {"rtp": 0.9}],
        title="Persistent recording: the recording session stands before there is a call",
        people=BOTH, streams=STREAMS, audio=SIDES, sessions=[False], events=["resume", "join"],
        warnings=["metadata.missing", "metadata.no_participants"])
    mono = "".join(person(n, p) for n, p in enumerate(BOTH)) + stream(0, "1")
    mono += "".join(in_session(n) + sends(n, 0, recv=[0]) for n in (0, 1))
    ack = G.headers("ACK", G.ctype, False) + G.parts(head() + audio(0, 1), recording(session(), mono))
    save(G, "metadata-in-ack", {"01-invite.sip": G.headers("INVITE", None, True), "02-ack.sip": ack},
         [{"send": "01-invite.sip", "ack": "02-ack.sip", "offer": True, "answer": TWO[:1]}, {"rtp": 0.9}],
         title="INVITE without a body; SDP and metadata come in the ACK", people=BOTH, audio=[[1]],
         warnings=["metadata.missing", "metadata.mixed_line"])


def vendors(save):
    v = Metaswitch()
    named = recording(session(), "".join(person(n, p) + stream(n, str(n)) + in_session(n) for n, p in enumerate(BOTH)),
                      sends(0, 0, recv=[1]), sends(1, 1, recv=[0]))
    save(v, "two-streams-named", two(v.sdp(), named, v), said(["recvonly 0"], 0.9),
         title="Perimeta: one m-line with mixed audio, although the metadata names a stream for each",
         people=BOTH, streams=[["0", ""]], audio=[[1]], warnings=["metadata.mixed_line"])
    v = Avaya()
    mono = head("-", 1, 1) + audio(0, v.labels[0])
    blank = lambda who: recording(session(), person(0, who), person(1, BOB), stream(0, v.labels[0]), in_session(0),
                                  in_session(1), sends(0, 0), sends(1, 0))
    save(v, "placeholder-replaced", {
        "01-invite.sip": v.invite(mono, blank(("sip:anonymous@anonymous.invalid", ""))),
        "02-update.sip": v.update(blank(CAROL).replace("{{id:p0}}", "{{id:p8}}"))},
        [{"send": "01-invite.sip", "answer": [f"recvonly {v.labels[0]}"]}, {"rtp": 0.6}, {"send": "02-update.sip"}, {"rtp": 0.4}],
        title="Avaya: a placeholder is replaced by somebody with another id on the same stream; both send it",
        people=[CAROL, BOB], left=[], streams=[[v.labels[0], ""]], audio=[[1]], warnings=["metadata.mixed_line"])
    v = BroadWorks()
    first = v.xml([ALICE, BOB])
    second = v.xml([ALICE, CAROL], sess="s2").replace("{{id:p1}}", "{{id:p7}}").replace("{{id:p0}}", "{{id:p6}}")
    way = ["recvonly 10", "recvonly 20"]
    save(v, "transfer-all-ids-new", {"01-invite.sip": v.invite(v.sdp(), first), "02-update.sip": v.update(second)},
         [{"send": "01-invite.sip", "answer": way}, {"rtp": 0.6}, {"send": "02-update.sip"}, {"rtp": 0.6}],
         title="BroadWorks: transfer; session and participants all have new ids, but Alice is Alice",
         people=[ALICE, BOB, CAROL], left=[BOB[0]], sessions=[True, False], audio=SIDES,
         sent=[["10", ALICE[0]], ["20", BOB[0]], ["20", CAROL[0]]],
         events=["session", "join", "leave"], warnings=[])
    v = NetSapiens()
    three = [v.xml(), v.xml([ALICE, BOB, CAROL], sess="s2"), v.xml([ALICE, CAROL], sess="s3").replace("{{id:p1}}", "{{id:p2}}")]
    save(v, "two-restarts", {"01-invite.sip": v.invite(v.sdp(), three[0]),
                             "02-joined.sip": v.invite(v.sdp(n=3), three[1]), "03-left.sip": v.invite(v.sdp(), three[2])},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.6}, {"dialog": "new"},
          {"send": "02-joined.sip", "answer": [*TWO, "recvonly 3"]}, {"rtp": 0.6}, {"dialog": "new"},
          {"send": "03-left.sip", "answer": TWO}, {"rtp": 0.6}],
         title="NetSapiens: Carol joins, Bob leaves; each time another dialog of the same group",
         recordings=[
             {"people": BOTH, "streams": STREAMS, "audio": SIDES, "rule": ""},
             {"people": [*BOTH, CAROL], "streams": [*STREAMS, ["3", CAROL[0]]], "audio": [[1], [2, 3]], "rule": "group_id"},
             {"people": [ALICE, CAROL], "streams": [STREAMS[0], ["2", CAROL[0]]], "audio": SIDES, "rule": "group_id"}])
    v = Cube()
    save(v, "hold-and-transfer", {
        "01-invite.sip": v.invite(v.sdp(), v.xml()), "02-hold.sip": v.invite(v.sdp(["a=inactive"] * 2, ver=2), None, False),
        "03-transfer.sip": v.invite(v.sdp(ver=3), v.xml([ALICE, CAROL]).replace("{{id:p1}}", "{{id:p7}}"), False)},
        [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.6}, {"send": "02-hold.sip", "answer": ["inactive 1", "inactive 2"]},
         {"wait": 0.6}, {"send": "03-transfer.sip", "answer": TWO}, {"rtp": 0.6}],
        title="CUBE: held, then resumed with somebody else in the same session",
        people=[*BOTH, CAROL], left=[BOB[0]], sessions=[False], sent=[*STREAMS, ["2", CAROL[0]]], pause_s=0.6,
        events=["hold", "resume", "join", "leave"], audio=SIDES, warnings=["body.no_closing_boundary"])
    v = Sonus()
    save(v, "inverted-with-three", two(v.sdp(n=3), v.xml([*BOTH, CAROL]), v), said([*TWO, "recvonly 3"], 0.9),
         title="Sonus: the first two send each other's stream, the third its own; associations are trusted",
         people=[*BOTH, CAROL], streams=[["1", BOB[0]], ["2", ALICE[0]], ["3", CAROL[0]]], audio=[[2], [1, 3]],
         warnings=["body.no_closing_boundary", "metadata.order_inverted"])
    v = own("generic", more=(
        "Call-Info: <urn:nena:uid:callid:2e4b1c:esrp.example>;purpose=nena-CallId,\n"
        " <urn:nena:uid:incidentid:77ab:esrp.example>;purpose=nena-IncidentId\n"
        "Call-Info: <urn:emergency:uid:callid:90f3:psap.example>;purpose=emergency-CallId\n"))
    save(v, "emergency-call", two(v.sdp(), v.xml(), v), said(seconds=0.8),
         title="An emergency call: its call id and incident id are in Call-Info", extra={
             "emergency_call": "urn:nena:uid:callid:2e4b1c:esrp.example, urn:emergency:uid:callid:90f3:psap.example",
             "emergency_incident": "urn:nena:uid:incidentid:77ab:esrp.example"}, **ORDINARY)
    ext = lambda text: f'  <extensiondata xmlns:gn="http://www.genesys.com/siprec">{text}</extensiondata>\n'
    late = recording(ext("<gn:agentId>agent-9</gn:agentId><gn:queue>sales</gn:queue>"), mode="partial")
    v = Genesys()
    save(v, "agent-is-known-later", {"01-invite.sip": v.invite(v.sdp(), v.xml()), "02-update.sip": v.update(late)},
         [{"send": "01-invite.sip", "answer": ["recvonly inbound", "recvonly outbound"]}, {"rtp": 0.8}, {"send": "02-update.sip"}],
         title="Genesys: another agent and a queue are named in an UPDATE", people=BOTH, audio=SIDES,
         extra={"agent": "agent-7, agent-9", "ext.queue": "sales", "tenant": "acme"}, warnings=[])


def field(save):
    for family in (requests, legs, three_parties, media, media_odds, sdp_odds, body_odds, xml_odds, vendors):
        family(save)
