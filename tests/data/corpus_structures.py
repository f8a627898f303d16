"""Structures of single products for tests/data/generate.py: where in the XML and in the header an
id, a person, or who called stands, and what becomes of it when it changes."""
from corpus_parts import (ALICE, BOB, CAROL, OLD_NS, BroadWorks, NetSapiens, Vendor, Webex, as_attribute, as_text,
                          in_session, old_people, person, recording, sends, stream)

DAVE = ("sip:dave@voip.example", "Dave")
BOTH = [ALICE, BOB]
STREAMS = [["1", ALICE[0]], ["2", BOB[0]]]
SIDES = [[1], [2]]
TWO = ["recvonly 1", "recvonly 2"]
G = Vendor()


def invited(v, sdp, xml):
    return {"01-invite.sip": v.invite(sdp, xml)}


def said(answer=TWO, seconds=0.8):
    return [{"send": "01-invite.sip", "answer": list(answer)}, {"rtp": seconds}]


def ids(save):
    """The older model: ids as text, in attributes, in elements; exchanged; four on one line."""
    for case, form, title in (("older-model-text", as_text, "text"), ("older-model-attribute", as_attribute, "attribute")):
        xml = form(recording(old_people(BOTH, ("1", "2"), group="g", order=[1, 0]), ns=OLD_NS, tag="dataMode"))
        save(G, case, invited(G, G.sdp(), xml), said(), title=f"the older model, ids of streams as {title}, exchanged",
             people=BOTH, streams=[["1", BOB[0]], ["2", ALICE[0]]], audio=[[2], [1]],
             warnings=["metadata.order_inverted"])
    xml = recording(old_people(BOTH, ("1", "2"), group="g", order=[1, 0]), ns=OLD_NS, tag="dataMode")
    for what in ("group", "session", "participant", "stream"):
        xml = xml.replace(f'<{what} id="', f"<{what}><id>").replace("<session><id>{{id:s}}\">", "<session><id>{{id:s}}</id>")
    xml = xml.replace('" session="{{id:s}}">', "</id><session><id>{{id:s}}</id></session>").replace(
        '<group><id>{{id:g}}">', "<group><id>{{id:g}}</id>").replace(
        "<group-ref>{{id:g}}<", "<group-ref><id>{{id:g}}</id><")
    save(G, "older-model-nested", invited(G, G.sdp(), xml), said(),
         title="the older model, every id an element, streams exchanged", people=BOTH,
         streams=[["1", BOB[0]], ["2", ALICE[0]]], audio=[[2], [1]], warnings=["metadata.order_inverted"])
    for v in (BroadWorks(), Webex()):
        a, b = v.labels[:2]
        bob = (BOB[0] + (";user=phone" if v.name == "webex" else ""), BOB[1])
        save(v, "ids-exchanged", invited(v, v.sdp(), v.xml(order=[1, 0])), said([f"recvonly {a}", f"recvonly {b}"]),
             title=f"{v.agent}: the first party sends the second stream", people=[ALICE, bob],
             streams=[[a, bob[0]], [b, ALICE[0]]], audio=[[2], [1]], warnings=["metadata.order_inverted"])
        four = [ALICE, bob, CAROL, DAVE]
        save(v, "conference-on-one-label", invited(v, v.sdp(n=1), v.xml([ALICE, BOB, CAROL, DAVE], [a], order=[0] * 4)),
             said([f"recvonly {a}"]), title=f"{v.agent}: four people in a conference send one stream",
             people=four, streams=[[a, ""]], sent=[[a, p[0]] for p in four], audio=[[1]], warnings=["metadata.mixed_line"])
        save(v, "conference-on-two-labels", invited(v, v.sdp(), v.xml([ALICE, BOB, CAROL, DAVE], [a, b], order=[0, 1, 1, 1])),
             said([f"recvonly {a}", f"recvonly {b}"]), title=f"{v.agent}: three of four people send one stream",
             people=four, streams=[[a, ALICE[0]], [b, ""]],
             sent=[[a, ALICE[0]], *([b, p[0]] for p in four[1:])], audio=SIDES, warnings=[])


def lines(save):
    """A line that somebody leaves behind is not hers who sends one of her own."""
    joins = recording(person(2, CAROL), stream(2, "3"), in_session(2), sends(2, 2), mode="partial")
    save(G, "joins-with-a-line-another-leaves", {
        **invited(G, G.sdp(), G.xml()), "02-joins.sip": G.invite(G.sdp(n=3, ver=2), joins, False),
        "03-leaves.sip": G.update(G.gone(1, BOB))},
        [{"send": "01-invite.sip", "answer": TWO}, {"rtp": 0.6},
         {"send": "02-joins.sip", "answer": [*TWO, "recvonly 3"]}, {"rtp": 0.6}, {"send": "03-leaves.sip"},
         {"rtp": 0.6, "lines": [1, 3]}],
        title="Carol joins with a line of her own, then Bob leaves: partial descriptions",
        people=[*BOTH, CAROL], left=[BOB[0]], streams=[*STREAMS, ["3", CAROL[0]]], sent=[*STREAMS, ["3", CAROL[0]]],
        audio=[[1], [2, 3]], events=["join", "leave"], warnings=[])


def callers(save):
    """A condition on direction is judged by whoever the client says has called."""
    v, eve = NetSapiens(), ("sip:eve@other.example", "Eve")
    for who, recorded in (("alice", True), ("eve", False)):
        xml = v.xml([ALICE, eve]).replace("<ns:domain>", f"<ns:callingParty>{who}</ns:callingParty>\n    <ns:domain>")
        expect = {"people": [ALICE, eve], "streams": [STREAMS[0], ["2", eve[0]]], "audio": SIDES, "warnings": []}
        save(v, f"called-by-{who}", invited(v, v.sdp(), xml),
             said() if recorded else [{"send": "01-invite.sip", "status": 403}],
             title=f"NetSapiens 1.1: {who} called; only calls out may be recorded",
             conditions={"direction": "outbound"}, recorded=recorded, **(expect if recorded else {}))


def of_user(kind, inside=""):
    """What BroadWorks and Webex say of the user whose call is recorded."""
    return ('  <extensiondata xmlns:bw="urn:broadworks:call-recording">\n    <bw:broadWorksRecordingMetadata>\n'
            "      <bw:extTrackingID>8214:1</bw:extTrackingID>\n      <bw:userID>alice@voip.example</bw:userID>\n"
            f"      <bw:callType><bw:{kind}>{inside}</bw:{kind}></bw:callType>\n"
            "    </bw:broadWorksRecordingMetadata>\n  </extensiondata>\n")


def sides(save):
    """The user whose call is recorded called, or was called; then somebody else is at the other end."""
    eve, mallory = ("sip:eve@other.example", "Eve"), ("sip:mallory@other.example", "Mallory")
    number = "<bw:callingPartyNumber>eve</bw:callingPartyNumber>"
    for v in (BroadWorks(), Webex()):
        a, b = v.labels[:2]
        xml = lambda people, *of, **kw: v.xml(people, **kw).split("  <extensiondata")[0].split("</recording>")[0] \
            + "".join(of) + "</recording>\n"
        two = [f"recvonly {a}", f"recvonly {b}"]
        expect = {"people": [ALICE, eve], "streams": [[a, ALICE[0]], [b, eve[0]]], "audio": SIDES, "warnings": []}
        extra = {k: x for k, x in v.extra.items() if k.startswith("X-")}
        for kind, way, caller in (("origCall", "outbound", ALICE), ("termCall", "inbound", eve)):
            save(v, f"user-{kind.lower()}", invited(v, v.sdp(), xml([ALICE, eve], of_user(kind))), said(two),
                 title=f"{v.agent}: {kind} of the recorded user; only {way} calls may be recorded",
                 conditions={"direction": way}, extra={**extra, "caller": caller[0]}, **expect)
        save(v, "user-termcall-refused", invited(v, v.sdp(), xml([ALICE, eve], of_user("origCall"), of_user("termCall"))),
             [{"send": "01-invite.sip", "status": 403}], title=f"{v.agent}: of two the last counts: it is no call out",
             conditions={"direction": "outbound"}, recorded=False)
        later = lambda *of: xml([ALICE, mallory], *of, sess="s2").replace("{{id:p1}}", "{{id:p7}}")
        save(v, "redirected", {
            "01-invite.sip": v.invite(v.sdp(), xml([ALICE, eve], of_user("termCall", number))),
            "02-again.sip": v.invite(v.sdp(ver=2), later(), False),
            "03-again.sip": v.invite(v.sdp(ver=3), later(of_user("origCall"), of_user("termCall")), False)},
            [{"send": "01-invite.sip", "answer": two}, {"rtp": 0.6}, {"send": "02-again.sip", "answer": two},
             {"rtp": 0.3}, {"send": "03-again.sip", "answer": two}, {"rtp": 0.3}],
            title=f"{v.agent}: the caller leaves in a redirect; only calls in may be recorded",
            conditions={"direction": "inbound"}, people=[ALICE, eve, mallory], left=[eve[0]], sessions=[True, False],
            sent=[[a, ALICE[0]], [b, eve[0]], [b, mallory[0]]], warnings=[], audio=SIDES,
            events=["session", "join", "leave"], extra=extra)


def structures(save):
    for family in (ids, lines, callers, sides):
        family(save)
