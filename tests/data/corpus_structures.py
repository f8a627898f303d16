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


def structures(save):
    for family in (ids, lines, callers):
        family(save)
