"""Situations that one product (or nobody in particular) is known for."""
from corpus_parts import (ALICE, BOB, CAROL, NS, AudioCodes, Avaya, BroadWorks, Cube, Genesys,
                          Metaswitch, NetSapiens, OpenSips, Oracle, Sems, Sonus, Vendor, Webex,
                          as_text, audio, head, in_session, old_people, person, recording, rfc_people,
                          sends, session, stream)

G = Vendor()
BOTH = [ALICE, BOB]
TWO = ["recvonly 1", "recvonly 2"]
STREAMS = [["1", ALICE[0]], ["2", BOB[0]]]
SIDES = [[1], [2]]
DAVE, ERIN = ("sip:dave@voip.example", "Dave"), ("sip:erin@voip.example", "Erin")


def two(sdp, xml, v=G):
    return {"01-invite.sip": v.invite(sdp, xml)}


def said(answer=TWO, seconds=1.0, **kw):
    return [{"send": "01-invite.sip", "answer": answer, **kw}, {"rtp": seconds}]


def cisco(save):
    v = Cube()
    nobody = v.xml().replace("<send>", "<!-- <send>").replace("</send>", "</send> -->")
    nobody = nobody.replace("<recv>", "<!-- <recv>").replace("</recv>", "</recv> -->")
    save(v, "inactive-first", {
        "01-invite.sip": v.invite(v.sdp(["a=inactive"] * 2), nobody),
        "02-active.sip": v.invite(v.sdp(ver=2), v.xml(), False)},
        [{"send": "01-invite.sip", "answer": ["inactive 1", "inactive 2"]},
         {"send": "02-active.sip", "answer": TWO}, {"rtp": 1.2}],
        title="CUBE: the first offer is all inactive, its associations are empty; a re-INVITE begins",
        people=BOTH, streams=STREAMS, warnings=["body.no_closing_boundary", "metadata.no_association"],
        audio=SIDES, events=["resume"])
    v = Cube()
    v.name, v.recognized, v.contact = "cisco-nbr", "Supported: timer\n", "<sip:{{local}};transport={{transport}}>"
    v.more += ("X-Cisco-Recording-Participant: sip:1001@voip.example;media-index=\"0\"\n"
               "X-Cisco-Recording-Participant: sip:2002@voip.example;media-index=\"1\"\n")
    plain = head("CiscoSystemsSIP-GW-UserAgent", 3, 1, "SIP Call") + audio(0, None, "a=sendonly", "0 101 19") \
        + audio(1, None, "a=sendonly", "0 101 19")
    save(v, "basic", {"01-invite.sip": v.invite(plain)}, said(["recvonly -", "recvonly -"], 1.2),
         title="CUBE's network-based recording: SDP alone, the parties in headers",
         people=[("sip:1001@voip.example", ""), ("sip:2002@voip.example", "")],
         streams=[["", "sip:1001@voip.example"], ["", "sip:2002@voip.example"]], audio=SIDES, warnings=[])
    vague = v.invite(plain).replace(';media-index="0"', "").replace(';media-index="1"', "")
    save(v, "no-media-index", {"01-invite.sip": vague}, said(["recvonly -", "recvonly -"], 0.8),
         title="CUBE's network-based recording without media-index: the order of headers is a guess",
         people=[("sip:1001@voip.example", ""), ("sip:2002@voip.example", "")],
         streams=[["", "sip:1001@voip.example"], ["", "sip:2002@voip.example"]], audio=SIDES,
         warnings=["metadata.attributed_by_order"])
    swapped = v.invite(plain).replace('"0"', '"x"').replace('"1"', '"0"').replace('"x"', '"1"')
    save(v, "media-index-swapped", {"01-invite.sip": swapped}, said(["recvonly -", "recvonly -"], 1.2),
         title="CUBE's network-based recording: media-index names the m-line, not the order of headers",
         people=[("sip:2002@voip.example", ""), ("sip:1001@voip.example", "")],
         streams=[["", "sip:2002@voip.example"], ["", "sip:1001@voip.example"]], audio=SIDES, warnings=[])
    again = v.invite(plain.replace(" 3 1 IN", " 3 2 IN"), None, False)
    named = lambda uri: "".join(f'X-Cisco-Recording-Participant: sip:{u};media-index="{i}"\n' for i, u in enumerate(
        ("1001@voip.example", uri)))
    answer = ["recvonly -", "recvonly -"]
    for case, second in (("transfer", again), ("transfer-in-update", v.headers("UPDATE", None, False))):
        save(v, case, {"01-invite.sip": v.invite(plain),
                       "02-transfer.sip": second.replace("User-Agent:", named("3003@voip.example") + "User-Agent:"),
                       "03-again.sip": second.replace("User-Agent:", named("3003@voip.example") + "User-Agent:")},
             [{"send": "01-invite.sip", "answer": answer}, {"rtp": 0.6},
              {"send": "02-transfer.sip", **({"answer": answer} if second == again else {})}, {"rtp": 0.6},
              {"send": "03-again.sip"}],
             title=f"CUBE's network-based recording: other parties in the headers ({case})",
             people=[("sip:1001@voip.example", ""), ("sip:2002@voip.example", ""), ("sip:3003@voip.example", "")],
             left=["sip:2002@voip.example"], audio=SIDES, warnings=[], events=["join", "leave"],
             sent=[["", "sip:1001@voip.example"], ["", "sip:2002@voip.example"], ["", "sip:3003@voip.example"]],
             streams=[["", "sip:1001@voip.example"], ["", "sip:3003@voip.example"]])


def cucm_from(end, refci, far, who='"Alice" <sip:1001@{{ip}}'):
    named = f";x-farendaddr={far}" if far else ""
    return (f"{who};x-{end};x-refci={refci};x-nearendclusterid=StandAloneCluster;"
            f"x-nearenddevice=SEP0011223344AA;x-nearendaddr=1001;x-farendrefci={refci}1;"
            f"x-farendclusterid=StandAloneCluster;x-farenddevice=SEP00112233BB{named}>")


def cucm_invite(end, refci, far, **who):
    v = Vendor()
    v.agent, v.recognized, v.allow = "Cisco-CUCM14.0", "Supported: timer,resource-priority,replaces\n", "INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER"
    v.contact = "<sip:1001@{{local}};transport={{transport}}>;isFocus"
    v.sender = cucm_from(end, refci, far, **who)
    v.more = "Session-ID: {{hex:sip-session}};remote=00000000000000000000000000000000\nCisco-Guid: 1186357120-0000065536-0000000068-{{num:guid}}\n"
    return v.headers("INVITE", None, True)


def cucm_ack(way="a=sendonly", label="1", pts="0 101"):
    v = Vendor()
    v.agent = "Cisco-CUCM14.0"
    text = v.headers("ACK", "application/sdp", False)
    return text + head("CiscoSystemsCCM-SIP", 71, 1, "SIP Call") + audio(0, label, way, pts)


def cucm_again(sender=None):
    v = Vendor()
    v.agent, v.recognized = "Cisco-CUCM14.0", "Supported: timer\n"
    v.sender = sender or v.sender
    return v.headers("INVITE", None, False)


def cucm(save):
    v = Vendor()
    v.name = "cucm"
    both = [["sip:1001@{ip}", "Alice"], ["sip:2002@{ip}", ""]]  # each dialog names both ends
    files = {"01-near.sip": cucm_invite("nearend", "{{num:ci}}", "2002"), "02-ack.sip": cucm_ack(),
             "03-far.sip": cucm_invite("farend", "{{num:ci}}", "2002"), "04-ack.sip": cucm_ack()}
    near = {"send": "01-near.sip", "ack": "02-ack.sip", "offer": True, "answer": ["recvonly 1"]}
    far = {"send": "03-far.sip", "ack": "04-ack.sip", "offer": True, "answer": ["recvonly 1"]}
    save(v, "near-end", {k: files[k] for k in ("01-near.sip", "02-ack.sip")}, [near, {"rtp": 1.2}],
         title="CUCM's built-in bridge: no offer in the INVITE, ours in the 200, the answer in the ACK",
         people=both, streams=[["1", "sip:1001@{ip}"]], audio=[[1]], warnings=[])
    save(v, "near-end-g729", {"01-near.sip": files["01-near.sip"], "02-ack.sip": cucm_ack(pts="18 101")},
         [{**near, "says": ["RTP/AVP 0 8 96 9 18 101"]}, {"rtp": 1.2, "pt": 18}],
         title="CUCM's built-in bridge: its phone takes G.729 out of our offer",
         people=both, streams=[["1", "sip:1001@{ip}"]], audio=[[1]], warnings=[])
    turn = lambda n, ack: {"send": f"{n:02}-again.sip", "ack": ack, "offer": True, "answer": ["recvonly 1"]}
    save(v, "hold-without-offer", {
        "01-near.sip": files["01-near.sip"], "02-ack.sip": cucm_ack(label=None),
        "03-again.sip": cucm_again(), "04-ack.sip": cucm_ack("a=inactive", None),
        "05-again.sip": cucm_again(), "06-ack.sip": cucm_ack("a=sendonly", None)},
        [{**near}, {"rtp": 0.7}, turn(3, "04-ack.sip"), turn(5, "06-ack.sip"),
         {"rtp": 0.2, "lines": []}, {"rtp": 0.7}],
        title="CUCM: hold and resume by re-INVITE without an offer; the answers have no label",
        people=both, streams=[["1", "sip:1001@{ip}"]], audio=[[1]], warnings=[],
        events=["hold", "resume"])
    save(v, "near-and-far", files, [near, {"rtp": 0.8}, {"dialog": "new"}, far, {"rtp": 0.8}],
         title="CUCM's built-in bridge: two dialogs with one refci, near end and far end",
         recordings=[
             {"people": both, "streams": [["1", "sip:1001@{ip}"]], "audio": [[1]]},
             {"people": both, "streams": [["1", "sip:2002@{ip}"]], "audio": [[1]]}])
    other = cucm_invite("farend", "{{num:ci}}", "2002", who='"Bob" <sip:+442079462002@{{ip}}')
    save(v, "far-end-in-from", {"01-far.sip": other, "02-ack.sip": cucm_ack()},
         [{**near, "send": "01-far.sip"}, {"rtp": 0.8}],
         title="CUCM: From of the far end's dialog names the far end; x-nearendaddr has the phone",
         people=[["sip:1001@{ip}", ""], ["sip:2002@{ip}", "Bob"]], streams=[["1", "sip:2002@{ip}"]], audio=[[1]],
         warnings=[])
    save(v, "far-end-withheld", {"01-far.sip": cucm_invite("farend", "{{num:ci}}", ""), "02-ack.sip": cucm_ack()},
         [{**near, "send": "01-far.sip"}, {"rtp": 0.8}],
         title="CUCM: the far end's dialog, its number withheld: the voice is not the phone's",
         people=[["sip:1001@{ip}", "Alice"], ["sip:anonymous@anonymous.invalid", ""]],
         streams=[["1", "sip:anonymous@anonymous.invalid"]], audio=[[1]], warnings=[])
    moved = cucm_from("farend", "{{num:ci}}", "3003", who='"Bob" <sip:+442079462002@{{ip}}')
    save(v, "far-end-in-from-transfer", {"01-far.sip": other, "02-ack.sip": cucm_ack(),
                                         "03-again.sip": cucm_again(moved), "04-ack.sip": cucm_ack()},
         [{**near, "send": "01-far.sip"}, {"rtp": 0.6}, turn(3, "04-ack.sip"), {"rtp": 0.6}],
         title="CUCM: From names the far end of before the transfer, x-farendaddr the one of now",
         people=[["sip:1001@{ip}", ""], ["sip:2002@{ip}", "Bob"], ["sip:3003@{ip}", ""]], left=["sip:2002@{ip}"],
         streams=[["1", "sip:3003@{ip}"]], sent=[["1", "sip:2002@{ip}"], ["1", "sip:3003@{ip}"]], audio=[[1]],
         warnings=[], events=["join", "leave"])
    for end, heard in (("near", [["1", "sip:1001@{ip}"]]), ("far", [["1", "sip:3003@{ip}"]])):
        moved = cucm_from(f"{end}end", "{{num:ci}}", "3003")
        save(v, f"{end}-end-transfer", {
            "01-first.sip": cucm_invite(f"{end}end", "{{num:ci}}", "2002"), "02-ack.sip": cucm_ack(),
            "03-again.sip": cucm_again(moved), "04-ack.sip": cucm_ack()},
            [{**near, "send": "01-first.sip"}, {"rtp": 0.6}, turn(3, "04-ack.sip"), {"rtp": 0.6}],
            title=f"CUCM: x-farendaddr of a re-INVITE is another after a transfer ({end} end)",
            people=[*both, ["sip:3003@{ip}", ""]], left=["sip:2002@{ip}"], streams=heard, audio=[[1]],
            sent=[["1", "sip:1001@{ip}"]] if end == "near" else [["1", "sip:2002@{ip}"], ["1", "sip:3003@{ip}"]],
            warnings=[], events=["join", "leave"])


G729 = "a=rtpmap:18 G729/8000\na=fmtp:18 annexb={}\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\n"


def only_one(save):
    """One codec in the offer, and not G.711."""
    lines = lambda pts, maps="": "".join(audio(i, i + 1, pts=pts, maps=maps) for i in (0, 1))
    v = Cube()
    offer = lambda maps, pts, ver=1: head(v.user, 3, ver, v.title) + lines(pts, maps)
    for case, maps, pts, says in (
            ("g729", G729.format("yes"), "18 101 19", ["a=rtpmap:18 G729/8000"]),
            ("g729-without-annex-b", G729.format("no"), "18 101", ["a=fmtp:18 annexb=no"]),
            ("g722", "", "9 101", ["RTP/AVP 9 101"])):
        maps = maps or "a=rtpmap:101 telephone-event/8000\n"
        save(v, case, {"01-invite.sip": v.invite(offer(maps, pts), v.xml())}, said(TWO, 1.2, says=says),
             title=f"CUBE: a call in {case[:1].upper()}.{case[1:4]} alone ({pts})", people=BOTH, streams=STREAMS,
             warnings=["body.no_closing_boundary"], audio=SIDES)
    v = BroadWorks()
    save(v, "g722", {"01-invite.sip": v.invite(head() + "".join(
        audio(i, v.labels[i], pts="9 101", maps="a=rtpmap:9 G722/8000\na=rtpmap:101 telephone-event/8000\n")
        for i in (0, 1)), v.xml())}, [{"send": "01-invite.sip", "says": ["a=rtpmap:9 G722/8000"]}, {"rtp": 1.2}],
        title="BroadWorks: a call between G.722 phones", people=BOTH, warnings=list(v.warnings), audio=SIDES)
    for case, pts, maps in (("g726", "2 13", ""), ("gsm", "3", ""), ("l16", "98", "a=rtpmap:98 L16/16000\n"),
                            ("aal2-g726", "98", "a=rtpmap:98 AAL2-G726-32/8000\n")):
        save(G, case, two(head() + lines(pts, maps), G.xml()), said(TWO, 1.0), title=f"{case} alone",
             people=BOTH, streams=STREAMS, warnings=[], audio=SIDES)
    text = lambda pts, ver: head(ver=ver) + lines(pts)
    save(G, "pcmu-to-g729-to-g722", {
        "01-invite.sip": G.invite(text("0", 1), G.xml()), "02-g729.sip": G.invite(text("18", 2), None, False),
        "03-g722.sip": G.invite(text("9", 3), None, False)},
        [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.7},
         {"send": "02-g729.sip", "answer": TWO, "says": ["RTP/AVP 18"]}, {"rtp": 0.7},
         {"send": "03-g722.sip", "answer": TWO, "says": ["RTP/AVP 9"]}, {"rtp": 0.7}],
        title="PCMU becomes G.729 becomes G.722, each the only codec of its offer",
        people=BOTH, streams=STREAMS, warnings=[], audio=SIDES)


def offerless(save):
    text = G.headers("INVITE", G.md_type, True) + G.xml()
    ack = G.headers("ACK", "application/sdp", False) + G.sdp()
    save(G, "offerless", {"01-invite.sip": text, "02-ack.sip": ack},
         [{"send": "01-invite.sip", "ack": "02-ack.sip", "offer": True, "answer": TWO}, {"rtp": 1.2}],
         title="No offer in the INVITE, metadata alone: as many lines are offered as it names streams",
         people=BOTH, streams=STREAMS, audio=SIDES, warnings=[])
    mute = ack.replace("a=sendonly", "a=inactive", 1)
    save(G, "offerless-one-inactive", {"01-invite.sip": text, "02-ack.sip": mute},
         [{"send": "01-invite.sip", "ack": "02-ack.sip", "offer": True, "answer": TWO},
          {"rtp": 1.2, "lines": [2]}],
         title="No offer in the INVITE; the answer in the ACK holds the first line",
         people=BOTH, streams=STREAMS, audio=[[], [2]], warnings=["media.silent"], events=["hold"])


def plain(save):
    v = Vendor()
    v.name, v.agent, v.recognized, v.contact = "linphone", "Linphone/5.2.0 (belle-sip/5.2)", "Supported: replaces, outbound, gruu\n", "<sip:alice@{{local}};transport={{transport}}>"
    v.sender, v.auth = '"Alice"<sip:alice@voip.example>', "Authorization: Bearer {{token}}, realm=\"voip.example\"\n"
    v.allow = "INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO, PRACK, UPDATE"
    opus = ("a=rtpmap:96 opus/48000/2\na=fmtp:96 useinbandfec=1\na=rtpmap:101 telephone-event/48000\n"
            "a=rtpmap:98 telephone-event/8000\na=rtcp-fb:* trr-int 1000\n")
    save(v, "own-phone", {"01-invite.sip": v.invite(
        head("alice", 3184, 1, "Talk") + audio(0, None, None, "0 8 96 101 98", "RTP/AVPF", opus))},
        said(["recvonly -"], 1.2), title="Linphone: the user's own phone sends a plain call",
        people=[ALICE, ("{to}", "")], warnings=["metadata.mixed_line"], audio=[[1]])
    save(v, "opus-first", {"01-invite.sip": v.invite(
        head("alice", 3184, 1, "Talk") + audio(0, None, "a=sendrecv", "96 0 101 98", "RTP/AVPF", opus))},
        said(["recvonly -"], 0.8, says=["opus/48000/2", "telephone-event/48000"]),
        title="Linphone: opus is offered first and chosen, telephone-event at its rate",
        people=[ALICE, ("{to}", "")], warnings=["metadata.mixed_line"])


def restarts(save):
    v = NetSapiens()
    first, second = v.xml(), v.xml([ALICE, CAROL], sess="s2").replace("{{id:p1}}", "{{id:p7}}")
    save(v, "restarted-dialog", {"01-invite.sip": v.invite(v.sdp(), first),
                                 "02-again.sip": v.invite(v.sdp(), second)},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.8}, {"dialog": "new"},
          {"send": "02-again.sip", "answer": TWO}, {"rtp": 0.8}],
         title="NetSapiens: the dialog ends and starts again with each party change, same group",
         recordings=[{"people": [list(ALICE), list(BOB)], "streams": STREAMS, "audio": SIDES},
                     {"people": [list(ALICE), list(CAROL)], "streams": [["1", ALICE[0]], ["2", CAROL[0]]],
                      "audio": SIDES}])
    v = Avaya()
    blank = v.xml([("sip:unknown@unknown.invalid", ""), BOB])
    named = v.xml([ALICE, BOB])
    save(v, "placeholder", {"01-invite.sip": v.invite(v.sdp(), blank), "02-update.sip": v.update(named)},
         [{"send": "01-invite.sip", "answer": [f"recvonly {x}" for x in v.labels[:2]]}, {"rtp": 0.6},
          {"send": "02-update.sip"}, {"rtp": 0.6}],
         title="Avaya: a participant that nobody knows yet gets its name later",
         people=BOTH, streams=[[v.labels[0], ALICE[0]], [v.labels[1], BOB[0]]], audio=SIDES, warnings=[])
    mixed = head("-", 1, 1) + audio(0, v.labels[0])
    save(v, "mixed-mono", two(mixed, v.xml(), v), said([f"recvonly {v.labels[0]}"]),
         title="Avaya: one m-line with mixed audio although two streams are described",
         people=BOTH, warnings=["metadata.mixed_line"], audio=[[1]])


def sdp_shapes(save):
    base = head()

    def shape(case, title, sdp, answer=TWO, streams=STREAMS, warnings=(), sides=SIDES, xml=None, **kw):
        save(G, case, two(sdp, xml or G.xml()), said(answer, **kw), title=title, people=BOTH,
             streams=streams, warnings=list(warnings), audio=sides)

    shape("direction-both", "a=direction:both, bare attributes, blanks at line ends",
          base + audio(0, 1, "a=direction:both", "0 8", more="a=foo\na=\na=silenceSupp:off - - - - \n")
          + audio(1, 2, "a=direction:both", "0 8 "))
    shape("no-direction", "no direction at all means sendrecv", base + audio(0, 1, None) + audio(1, 2, None))
    shape("static-payload-types", "static payload types without rtpmap, G.729 and G.722 first",
          base + audio(0, 1, pts="18 9 2 0 13 19", maps="") + audio(1, 2, pts="9 8 13", maps="a=ptime:20\n"),
          says=["m=audio"])
    shape("two-telephone-events", "telephone-event at 8000 and at 48000; the codec's rate is chosen",
          base + "".join(audio(i, i + 1, pts="0 110 101", maps="a=rtpmap:110 telephone-event/48000\n"
                               "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15 \n") for i in (0, 1)),
          says=["a=rtpmap:101 telephone-event/8000"])
    shape("avpf", "RTP/AVPF with feedback attributes", base + "".join(
        audio(i, i + 1, proto="RTP/AVPF", more="a=rtcp-fb:* nack\n") for i in (0, 1)))
    shape("rtcp-mux", "rtcp-mux is answered where it is offered, and only there",
          base + audio(0, 1, more="a=rtcp-mux\n") + audio(1, 2), mux=True)
    shape("savp-beside-avp", "one stream offered twice, as SAVP and as AVP",
          base + audio(0, 1, proto="RTP/SAVP", more="a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                       "inline:{{srtp30:0}}\n")
          + audio(1, 1) + audio(2, 2),
          ["recvonly 1", "refused 1", "recvonly 2"],
          [["1", ALICE[0]], *STREAMS], (), [[1], [3]])
    shape("video-beside", "a video line beside the audio is refused in its place",
          base + audio(0, 1) + "m=video {{port:1}} RTP/AVP 99\na=rtpmap:99 H264/90000\na=label:9\na=sendonly\n"
          + audio(2, 2), ["recvonly 1", "refused 9", "recvonly 2"], [STREAMS[0], ["9", ""], STREAMS[1]],
          ["answer.media_not_recorded"], [[1], [3]])
    shape("mix-as-third", "a third line is the mix of the other two and is not mixed again",
          base + audio(0, 1) + audio(1, 2) + audio(2, 3),
          ["recvonly 1", "recvonly 2", "recvonly 3"], [*STREAMS, ["3", ""]], ["metadata.mix_of_others"],
          xml=recording(session(), rfc_people(BOTH, ("1", "2", "3"))))
    shape("no-connection", "no c= anywhere", base.replace("c=IN IP4 {{ip}}\n", "") + audio(0, 1) + audio(1, 2),
          warnings=["sdp.no_connection"])
    shape("connection-per-line", "c= per media only, another port attribute order",
          base.replace("c=IN IP4 {{ip}}\n", "") + audio(0, 1).replace("\n", "\nc=IN IP4 {{ip}}\n", 1)
          + audio(1, 2).replace("\n", "\nc=IN IP4 {{ip}}\n", 1))
    shape("opus-in-capitals", "OPUS/48000/2 in capitals after PCMU",
          base + audio(0, 1, pts="0 111", maps="a=rtpmap:111 OPUS/48000/2\na=fmtp:111 stereo=0; useinbandfec=1 \n")
          + audio(1, 2))
    shape("word-labels", "labels are words", base + audio(0, "a_leg") + audio(1, "inbound"),
          ["recvonly a_leg", "recvonly inbound"], [["a_leg", ALICE[0]], ["inbound", BOB[0]]],
          xml=G.xml(labels=("a_leg", "inbound")))
    shape("one-line-refused", "a line with port 0 in the offer keeps its place",
          base + audio(0, 1) + audio(1, 3).replace("{{port:1}}", "0") + audio(2, 2),
          ["recvonly 1", "refused 3", "recvonly 2"], [STREAMS[0], ["3", ""], STREAMS[1]], (), [[1], [3]])
    shape("no-version", "no v=, o=, s= or t= line", "c=IN IP4 {{ip}}\n" + audio(0, 1) + audio(1, 2),
          warnings=["sdp.no_version"])
    lines = "".join(audio(i, i + 1) if i < 2 else audio(i, i + 1, "a=inactive") for i in range(32))
    shape("thirty-two-lines", "32 m-lines, two of them active: each gets a port", base + lines,
          [f"{'recvonly' if i < 2 else 'inactive'} {i + 1}" for i in range(32)], None)
    lines = "".join(f"m=audio 0 RTP/AVP 0\na=label:{i + 1}\n" if 2 <= i < 32 else audio(i, i + 1) for i in range(34))
    shape("thirty-four-lines", "34 m-lines of which 30 are gone: the last two are beyond what is kept", base + lines,
          [f"{'recvonly' if i < 2 else 'refused'} {i + 1}" for i in range(34)], None,
          ["answer.too_many_streams"])


def sdp_moves(save):
    moved = G.sdp(ver=2).replace("{{port:0}}", "{{port:4}}").replace("{{port:1}}", "{{port:5}}")
    save(G, "ports-moved", {"01-invite.sip": G.invite(G.sdp(), G.xml()),
                            "02-moved.sip": G.invite(moved, None, False)},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.6}, {"send": "02-moved.sip", "answer": TWO},
          {"move": [4, 5]}, {"rtp": 0.6}],
         title="The client's media moves to other ports", people=BOTH, streams=STREAMS, audio=SIDES, warnings=[])
    less = head(ver=2) + audio(0, 1) + audio(1, 2).replace("{{port:1}}", "0")
    save(G, "stream-removed", {"01-invite.sip": G.invite(G.sdp(), G.xml()),
                               "02-less.sip": G.invite(less, None, False)},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.8},
          {"send": "02-less.sip", "answer": ["recvonly 1", "refused 2"]}, {"rtp": 0.5}],
         title="A stream is removed with port 0", people=BOTH, streams=STREAMS, audio=SIDES, warnings=[])
    held = head(ver=2) + audio(0, 1, "a=inactive") + audio(1, 2)
    save(G, "one-line-on-hold", {"01-invite.sip": G.invite(G.sdp(), G.xml()),
                                 "02-held.sip": G.invite(held, None, False)},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.7},
          {"send": "02-held.sip", "answer": ["inactive 1", "recvonly 2"]}, {"rtp": 0.6}],
         title="One party is on hold, the other talks on", people=BOTH, streams=STREAMS, audio=SIDES,
         warnings=[], events=["hold"])
    save(G, "update-with-both", {
        "01-invite.sip": G.invite(G.sdp(), G.xml()),
        "02-update.sip": G.headers("UPDATE", G.ctype, False) + G.parts(
            G.sdp(n=3, ver=2), G.xml([*BOTH, CAROL], ("1", "2", "3")))},
        [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.6},
         {"send": "02-update.sip", "answer": [*TWO, "recvonly 3"]}, {"rtp": 0.8}],
        title="UPDATE with SDP and metadata: a third stream without a re-INVITE",
        people=[*BOTH, CAROL], streams=[*STREAMS, ["3", CAROL[0]]], audio=[[1], [2, 3]], warnings=[],
        events=["join"])
    zero = head(ver=2).replace("c=IN IP4 {{ip}}\n", "") + "".join(
        audio(i, i + 1).replace("\n", "\nc=IN IP4 0.0.0.0\n", 1) for i in (0, 1))
    v = BroadWorks()
    zero = zero.replace("a=label:1\n", "a=label:10\n").replace("a=label:2\n", "a=label:20\n")
    way = ["recvonly 10", "recvonly 20"]
    save(v, "hold-per-line", {"01-invite.sip": v.invite(v.sdp(), v.xml()),
                              "02-hold.sip": v.invite(zero, None, False),
                              "03-resume.sip": v.invite(v.sdp(ver=3), None, False)},
         [{"send": "01-invite.sip", "answer": way}, {"rtp": 0.7}, {"send": "02-hold.sip", "answer": way},
          {"send": "03-resume.sip", "answer": way}, {"rtp": 0.7}],
         title="BroadWorks: hold by 0.0.0.0 in the c= of each line", people=BOTH,
         streams=[["10", ALICE[0]], ["20", BOB[0]]], audio=SIDES, warnings=[], events=["hold", "resume"])


def xml_shapes(save):
    sdp = G.sdp()

    def shape(v, case, title, xml, people=BOTH, streams=STREAMS, warnings=(), sides=SIDES, step=None, **kw):
        save(v, case, two(sdp, xml, kw.pop("writer", G)), [{"send": "01-invite.sip", "answer": TWO, **(step or {})},
             {"rtp": 1.0}], title=title, people=people, streams=streams, warnings=list(warnings),
             audio=sides, **kw)

    body = session() + rfc_people(BOTH, ("1", "2"))
    shape(G, "no-namespace", "metadata without a namespace", recording(body, ns=""))
    shape(G, "prefixed", "every element has a prefix",
          recording(body, ns="").replace("<recording", "<recording xmlns:tns=\"" + NS + "\"").replace(
              "</", "</tns:").replace("<recording", "<tns:recording").replace("  <", "  <tns:")
          .replace("<tns:/", "</").replace("><nameID", "><tns:nameID").replace("><name ", "><tns:name ")
          .replace("><tns:name xml", "><tns:name xml"))
    shape(G, "drafts-namespace", "root recording-metadata and the namespace of the drafts",
          recording(as_text(old_people(BOTH, ("1", "2"))), ns="urn:ietf:params:xml:ns:siprec",
                    root="recording-metadata", tag="dataMode"))
    shape(G, "no-datamode", "no datamode means complete", recording(body, mode=None))
    shape(G, "aor-forms", "AoRs as element, without scheme, with parameters; a quoted name",
          recording(session(), '  <participant participant_id="{{id:p0}}"><nameID><aor>alice@voip.example</aor>'
                    '<name>"Alice"</name></nameID></participant>\n'
                    '  <participant participant_id="{{id:p1}}"><nameID aor="+442079460018"><name> </name></nameID>'
                    "</participant>\n", stream(0, "1"), stream(1, "2"), sends(0, 0), sends(1, 1)),
          [ALICE, ("tel:+442079460018", "")], [["1", ALICE[0]], ["2", "tel:+442079460018"]])
    shape(G, "odd-times", "times without zone, +0000, 1970, fractions",
          recording(body).replace("2026-03-02T09:15:00Z", "1970-01-01T00:00:00+0000", 1)
          .replace("2026-03-02T09:15:00Z", "2026-03-02 09:15:00.123456", 1))
    shape(G, "raw-call-id", "a Call-ID with < and a bare & in an element",
          recording(body, "  <extensiondata><callid>12<34@host&x</callid></extensiondata>\n"),
          warnings=["metadata.repaired"])
    shape(G, "cut-off", "the document ends in the middle of a participant",
          recording(body).split("  <participantsessionassoc")[0] + "  <participant",
          warnings=["metadata.no_association", "metadata.repaired"])
    shape(G, "unreadable", "metadata that is no XML at all", "just some words\n", [], [["1", ""], ["2", ""]],
          ["metadata.missing", "metadata.unreadable"])
    shape(G, "doctype", "a DOCTYPE with an entity: nothing of it is read",
          recording(body).replace("<recording", '<!DOCTYPE r [<!ENTITY a "b">]>\n<recording', 1), [],
          [["1", ""], ["2", ""]], ["metadata.doctype", "metadata.missing"])
    shape(G, "latin-1", "a name in Latin-1 without saying so",
          recording(session(), rfc_people([ALICE, (BOB[0], "Böb")], ("1", "2"))), [ALICE, (BOB[0], "Böb")],
          warnings=["metadata.repaired"], step={"charset": "latin-1"})
    shape(G, "names-in-utf-8", "names in Greek and Japanese",
          recording(session(), rfc_people([(ALICE[0], "Ἀλίκη"), (BOB[0], "ボブ")], ("1", "2"))),
          [(ALICE[0], "Ἀλίκη"), (BOB[0], "ボブ")])
    v = OpenSips()
    shape(v, "no-streams", "OpenSIPS before 3.5: participants, but no stream",
          recording(session(), person(0, ALICE), person(1, BOB)),
          warnings=["metadata.attributed_by_order", "metadata.no_streams"], writer=v)
    v = Sems()
    v_sdp = G.sdp()
    save(v, "dangling-ids", two(v_sdp, recording(session(), rfc_people(BOTH, ("1", "2")), sends(9, 0)), v),
         said(), title="SEMS: an association names a participant that is not described", people=BOTH,
         streams=STREAMS, audio=SIDES, warnings=["metadata.dangling_id"])
    save(v, "duplicate-ids", two(v_sdp, recording(session(), person(0, ALICE), rfc_people(BOTH, ("1", "2"))), v),
         said(), title="SEMS: one participant is described twice", people=BOTH, streams=STREAMS, audio=SIDES,
         warnings=["metadata.duplicate_id"])
    shape(G, "no-ids", "participants and streams without ids",
          recording(session(), '  <participant><nameID aor="sip:alice@voip.example"/></participant>\n'
                    '  <participant><nameID aor="sip:bob@voip.example"/></participant>\n'
                    "  <stream><label>1</label></stream>\n  <stream><label>2</label></stream>\n"),
          [(ALICE[0], ""), (BOB[0], "")], warnings=["metadata.missing_id", "metadata.no_association"])
    shape(G, "only-recv", "only <recv> is said: who does not receive a stream sends it",
          recording(session(), person(0, ALICE), person(1, BOB), stream(0, "1"), stream(1, "2"),
                    sends(0, recv=[1]), sends(1, recv=[0])))
    five = [ALICE, BOB, CAROL, DAVE, ERIN]
    labels = ("1", "2", "3", "4", "5")
    save(G, "conference", two(G.sdp(n=5), recording(session(), rfc_people(five, labels))),
         said([f"recvonly {x}" for x in labels], 1.2), title="A conference: five people, five streams",
         people=five, streams=[[x, p[0]] for x, p in zip(labels, five)], audio=[[1], [2, 3, 4, 5]], warnings=[])
    v = Metaswitch()
    v.name = "metaswitch"
    crowd = [(f"sip:guest{n}@voip.example", f"Guest {n}") for n in range(20)]
    save(v, "large-conference", {"01-invite.sip": v.invite(v.sdp(), v.xml(crowd))},
         said(["recvonly 0"]), title="Perimeta: twenty people in one mixed stream, a large INVITE",
         people=crowd, streams=[["0", ""]], audio=[[1]], warnings=["metadata.mixed_line"])


def bodies(save):
    def shape(v, case, title, text, warnings=(), **kw):
        save(v, case, {"01-invite.sip": text}, said(**kw), title=title, people=BOTH, streams=STREAMS,
             audio=SIDES, warnings=list(warnings))

    def writer(**kw):
        v = Vendor()
        for k, x in kw.items():
            setattr(v, k, x)
        return v

    sdp, xml = G.sdp(), G.xml()
    shape(G, "wrong-boundary", "the boundary in Content-Type is not the one in the body",
          writer(ctype="multipart/mixed;boundary=another").invite(sdp, xml), ["body.boundary_guessed"])
    shape(G, "no-boundary", "multipart without a boundary parameter",
          writer(ctype="multipart/mixed").invite(sdp, xml), ["body.boundary_guessed"])
    shape(G, "text-xml", "metadata as text/xml is known by its content",
          writer(md_type="text/xml").invite(sdp, xml), ["body.type_mismatch"])
    shape(G, "glued-headers", "no space after colons, in headers and in parts",
          G.invite(sdp, xml).replace("Content-Type: ", "Content-Type:").replace("Contact: ", "Contact:")
          .replace("CSeq: ", "CSeq:").replace("Require: ", "Require:"))
    shape(G, "mixed-line-ends", "line ends of both kinds in one body", G.invite(sdp, xml), body_ends="mixed")
    shape(G, "line-feeds-everywhere", "bare line feeds in the headers, too", G.invite(sdp, xml),
          body_ends="lf", head_ends="lf")
    shape(G, "folded-and-compact", "compact and folded header fields",
          G.invite(sdp, xml).replace("Content-Type: multipart", "c: multipart", 1).replace(
              "Contact:", "m:", 1).replace("From:", "f:", 1).replace("Call-ID:", "i:", 1)
          .replace("Require: siprec", "Require:\n siprec", 1))
    gtd = "Content-Type: application/gtd\nContent-Disposition: signal;handling=optional\n\nIAM,\nPRN,isdn*,,ATT5\n\n"
    v = Cube()
    text = v.invite(G.sdp(), v.xml())
    text = text.replace(f"--{v.boundary}\nContent-Type: application/sdp", f"--{v.boundary}\n{gtd}--{v.boundary}\nContent-Type: application/sdp")
    shape(v, "gtd-part", "CUBE: an extra part that may be ignored", text, ["body.no_closing_boundary"])
    shape(G, "contact-without-brackets", "Contact without brackets; the parameter is the URI's",
          writer(contact="sip:src@{{local}};transport={{transport}};+sip.src", recognized="Supported: timer\n").invite(sdp, xml))
    v = AudioCodes()
    shape(G, "100rel-required", "100rel is required; no reliable provisional answer is needed",
          writer(recognized="Require: 100rel, siprec\n").invite(sdp, xml))
    shape(G, "siprec-in-supported", "siprec in Supported only, a plain Contact",
          writer(recognized="Supported: siprec, timer\n", contact="<sip:src@{{local}};transport={{transport}}>").invite(sdp, xml))
    shape(G, "nested-multipart", "mixed within mixed",
          G.headers("INVITE", "multipart/mixed;boundary=outer", True)
          + "--outer\nContent-Type: multipart/mixed;boundary=unique-boundary-1\n\n" + G.parts(sdp, xml) + "--outer--\n")


def dialogs(save):
    jump = [{"send": "01-invite.sip", "answer": TWO, "cseq_step": 2147480000}, {"rtp": 0.8},
            {"send": "02-update.sip", "cseq_step": 3000}]
    save(G, "cseq-jumps", {"01-invite.sip": G.invite(G.sdp(), G.xml()), "02-update.sip": G.update(G.joined(2, CAROL))},
         jump, title="A ten-digit CSeq that jumps", people=[*BOTH, CAROL], streams=STREAMS, audio=SIDES, warnings=[])
    ack = G.headers("ACK", None, False).replace("{{to-tag}}", "")
    bye = G.headers("BYE", None, False).replace("{{to-tag}}", "").replace("{{cseq}} BYE", "{{cseq}} INVITE")
    v = Vendor()
    v.name = "sems"
    save(v, "tags-lost", {"01-invite.sip": G.invite(G.sdp(), G.xml()), "02-ack.sip": ack, "03-bye.sip": bye},
         [{"send": "01-invite.sip", "ack": "02-ack.sip", "answer": TWO}, {"rtp": 1.0},
          {"send": "03-bye.sip", "cseq_method": "INVITE"}],
         title="ACK and BYE without To-tag, BYE with another method in CSeq", people=BOTH, streams=STREAMS,
         audio=SIDES, warnings=["sip.ack_odd"])
    v = Genesys()
    options = v.headers("OPTIONS", None, False)
    save(v, "health-check", {"01-options.sip": options, "02-invite.sip": v.invite(v.sdp(), v.xml()),
                             "03-options.sip": options},
         [{"send": "01-options.sip", "says": ["siprec"]},
          {"send": "02-invite.sip", "answer": ["recvonly inbound", "recvonly outbound"]}, {"rtp": 1.0},
          {"send": "03-options.sip"}],
         title="Genesys: OPTIONS before the call and in its dialog", people=BOTH,
         streams=[["inbound", ALICE[0]], ["outbound", BOB[0]]], audio=SIDES, warnings=[])
    stop = recording(in_session(1, stop=True), mode="partial")
    bye = G.headers("BYE", G.md_type, False) + stop
    save(G, "metadata-in-bye", {"01-invite.sip": G.invite(G.sdp(), G.xml()), "02-bye.sip": bye},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 1.0}, {"send": "02-bye.sip"}],
         title="The BYE carries the last metadata: who left when", people=BOTH, left=[BOB[0]], streams=STREAMS,
         audio=SIDES, warnings=[])
    info = G.headers("INFO", G.md_type, False) + G.joined(2, CAROL)
    save(G, "metadata-in-info", {"01-invite.sip": G.invite(G.sdp(), G.xml()), "02-info.sip": info},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 1.0}, {"send": "02-info.sip"}],
         title="Metadata in an INFO request", people=[*BOTH, CAROL], streams=STREAMS, audio=SIDES, warnings=[])
    gone = recording(in_session(1, stop=True), mode="partial")
    save(G, "partial-leave", {"01-invite.sip": G.invite(G.sdp(), G.xml()), "02-update.sip": G.update(gone)},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 1.0}, {"send": "02-update.sip"}],
         title="A partial description with disassociate-time: Bob has left", people=BOTH, left=[BOB[0]],
         audio=SIDES, warnings=[], events=["leave"])
    broken = G.headers("UPDATE", G.md_type, False) + G.xml().split('  <participant participant_id="{{id:p1}}"')[0]
    save(G, "broken-update", {"01-invite.sip": G.invite(G.sdp(), G.xml()), "02-update.sip": broken},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.6}, {"send": "02-update.sip"}, {"rtp": 0.6}],
         title="Broken metadata in an UPDATE changes nothing but the warnings", people=BOTH, streams=STREAMS,
         audio=SIDES, warnings=["metadata.no_streams", "metadata.repaired"])


def refusals(save):
    sdp, xml = G.sdp(), G.xml()
    no = lambda case, title, text, status, says, **kw: save(
        G, case, {"01-invite.sip": text}, [{"send": "01-invite.sip", "status": status, "says": says}],
        title=title, recorded=False, **kw)
    no("no-token", "no token: 401 and a challenge", G.invite(sdp, xml, False), 401,
       ['WWW-Authenticate: Bearer realm=', "authz_server="])
    no("unknown-token", "a token that was never issued",
       G.invite(sdp, xml).replace("{{token}}", "bm90LWEtdG9rZW4"), 401, ['error="invalid_token"'])
    no("no-codec", "nothing in the offer can be recorded: 488",
       G.invite(head() + audio(0, 1, pts="15", maps="") + audio(1, 2, pts="15 13", maps=""), xml), 488, ["Warning: 305"])
    no("video-only", "only video: 488",
       G.invite(head() + "m=video {{port:0}} RTP/AVP 99\na=rtpmap:99 H264/90000\na=sendonly\n", xml), 488, [])
    save(G, "one-stream-permitted", two(G.sdp(n=3), recording(session(), rfc_people([ALICE, BOB, CAROL], ("1", "2", "3")))),
         said(["recvonly 1", "recvonly 2", "refused 3"]), title="The conditions permit two audio streams; the third is refused",
         conditions={"media": [{"kind": "audio", "max_streams": 2}]}, people=[ALICE, BOB, CAROL], audio=SIDES,
         warnings=["answer.not_permitted"])
    save(G, "codec-narrowed", two(G.sdp(), xml), said(says=["PCMA/8000"]),
         title="The conditions permit A-law only; it is chosen although mu-law comes first",
         conditions={"media": [{"kind": "audio", "codecs": ["G.711a"]}]}, people=BOTH, streams=STREAMS,
         audio=SIDES, warnings=[])
    deny = {"participants": {"deny": ["sip:carol@voip.example"]}}
    save(G, "refused-in-update", {"01-invite.sip": G.invite(sdp, xml), "02-update.sip": G.update(G.joined(2, CAROL))},
         [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.8},
          {"send": "02-update.sip", "status": 403, "says": ["Warning: 399"]}, {"gone": True}],
         title="Somebody joins whom the owner excluded: 403, and the recording ends", conditions=deny,
         people=BOTH, streams=STREAMS, audio=SIDES, warnings=[])


def singles(save):
    for family in (cisco, cucm, only_one, offerless, plain, restarts, sdp_shapes, sdp_moves, xml_shapes, bodies,
                   dialogs, refusals):
        family(save)
