#!/usr/bin/python3
"""Writes the families of cases in tests/data/src: the same situation in each product's words.

    tests/data/generate.py          write every family again
    tests/data/generate.py --check  say what differs from what is in the tree

What it writes is in the tree and is what the tests read; a case without a family is a
folder that somebody wrote by hand, and is left alone (see tests/data/src/README.md)."""
import json
import pathlib
import sys

from corpus_parts import (ALICE, BOB, CAROL, AudioCodes, Avaya, BroadWorks, Cube, FreeSwitch,
                          Genesys, Google, Jambonz, Metaswitch, NetSapiens, OpenSips, Oracle,
                          Ribbon, Sems, Sonus, Vendor, Webex, audio, head, in_session, person,
                          recording, rfc_people, sends, session, stream)

from corpus_field import field
from corpus_singles import singles
from corpus_structures import structures

SRC = pathlib.Path(__file__).resolve().parent / "src"
made = {}  # "vendor/case/file" -> text


def save(v, case, files, steps, **expect):
    doc = {"title": expect.pop("title")}
    doc.update({k: expect.pop(k) for k in ("conditions", "recorded", "transports") if k in expect})
    doc["steps"] = steps
    if "people" in expect:
        expect["people"] = [list(p) for p in expect["people"]]
    doc.update({k: x for k, x in expect.items() if x is not None})
    text = json.dumps(doc, indent=1, ensure_ascii=False)
    for name, content in files.items():
        made[f"{v.name}/{case}/{name}"] = content
    made[f"{v.name}/{case}/case.json"] = flatten(text) + "\n"


def flatten(text):
    """Short lists on one line, so that a case fits a screen."""
    import re
    for _ in range(3):
        text = re.sub(r"[\[{]\n\s+([^\[\]{}]{0,90}?)\n\s+[\]}]", lambda m: re.sub(
            r"\n\s+", " ", m[0]).replace("[ ", "[").replace(" ]", "]").replace("{ ", "{").replace(" }", "}"), text)
    return text


def normal(v):
    """(answer, streams, audio) of an ordinary call of a vendor."""
    if getattr(v, "mono", False):
        return [f"recvonly {v.labels[0]}"], [[v.labels[0], ""]], [[1]]
    answer = [f"recvonly {x}" for x in v.labels[:2]]
    people = [p[0] for p in people_of(v)]
    if isinstance(v, Sonus):
        return answer, [[v.labels[0], people[1]], [v.labels[1], people[0]]], [[2], [1]]
    return answer, [[v.labels[0], people[0]], [v.labels[1], people[1]]], [[1], [2]]


def people_of(v):
    if isinstance(v, Webex):
        return [list(ALICE), ["sip:bob@voip.example;user=phone", "Bob"]]
    return [list(p) for p in v.people]


def basic(v, title=None):
    answer, streams, sides = normal(v)
    save(v, "basic", {"01-invite.sip": v.invite(v.sdp(), v.xml())},
         [{"send": "01-invite.sip", "answer": answer}, {"rtp": 1.2}],
         title=title or f"{v.agent}: an ordinary call of two people",
         people=people_of(v), streams=streams, warnings=list(v.warnings), audio=sides,
         sent=[[streams[0][0], p[0]] for p in people_of(v)] if getattr(v, "mono", False) else None,
         extra=v.extra or None)


def hold(v, how="inactive", title=""):
    """Hold in all its forms: inactive, a=recvonly, c=0.0.0.0; resume with SDP only."""
    answer, streams, sides = normal(v)
    n = len(answer)
    held = [f"inactive {x.split()[1]}" for x in answer]
    if how == "zero":
        sdp = v.sdp(ver=2).replace("c=IN IP4 {{ip}}", "c=IN IP4 0.0.0.0")
        held = answer
    else:
        sdp = v.sdp([f"a={how}"] * n, ver=2)
    save(v, "hold-" + how, {
        "01-invite.sip": v.invite(v.sdp(), v.xml()),
        "02-hold.sip": v.invite(sdp, None, False),
        "03-resume.sip": v.invite(v.sdp(ver=3), None, False)},
        [{"send": "01-invite.sip", "answer": answer}, {"rtp": 0.7},
         {"send": "02-hold.sip", "answer": held}, {"wait": 0.8},
         {"send": "03-resume.sip", "answer": answer}, {"rtp": 0.7}],
        title=title or f"{v.agent}: hold by {how}, then resume, SDP only in both",
        people=people_of(v), streams=streams, warnings=list(v.warnings), audio=sides, pause_s=0.8,
        events=["hold", "resume"])


def joins(v):
    """A third party joins by a partial description in an UPDATE without multipart."""
    answer, streams, sides = normal(v)
    warnings = list(v.warnings)
    save(v, "metadata-only-update", {
        "01-invite.sip": v.invite(v.sdp(), v.xml()), "02-update.sip": v.update(v.joined(2, CAROL))},
        [{"send": "01-invite.sip", "answer": answer}, {"rtp": 0.6}, {"send": "02-update.sip"},
         {"rtp": 0.6}],
        title=f"{v.agent}: UPDATE with metadata alone; somebody joins without a stream",
        people=people_of(v) + [list(CAROL)], streams=streams, warnings=warnings, audio=sides,
        events=["join"])


def leaves(v):
    """A complete description without Bob: he has left."""
    answer, streams, sides = normal(v)
    only = v.xml([v.people[0]], v.labels[:1])
    save(v, "complete-without-bob", {
        "01-invite.sip": v.invite(v.sdp(), v.xml()), "02-update.sip": v.update(only)},
        [{"send": "01-invite.sip", "answer": answer}, {"rtp": 0.7}, {"send": "02-update.sip"}],
        title=f"{v.agent}: a complete description replaces the one before; who is gone has left",
        people=people_of(v), left=[people_of(v)[1][0]], streams=streams, audio=sides,
        warnings=list(v.warnings), events=["leave"])


def refresh(v):
    """The same INVITE again: nothing changes, the answer is the same."""
    answer, streams, sides = normal(v)
    save(v, "refresh", {
        "01-invite.sip": v.invite(v.sdp(), v.xml()), "02-refresh.sip": v.invite(v.sdp(), v.xml(), False)},
        [{"send": "01-invite.sip", "answer": answer}, {"rtp": 0.6},
         {"send": "02-refresh.sip", "answer": answer, "same": True}, {"rtp": 0.6}],
        title=f"{v.agent}: a session refresh that changes nothing, SDP and metadata repeated",
        people=people_of(v), streams=streams, warnings=list(v.warnings), audio=sides)


def sdp_only(v):
    """SDP alone in a re-INVITE, with o= counted anew."""
    answer, streams, sides = normal(v)
    again = v.sdp().replace(" 1 IN", " 0 IN", 1)
    save(v, "sdp-only-reinvite", {
        "01-invite.sip": v.invite(v.sdp(), v.xml()), "02-reinvite.sip": v.invite(again, None, False)},
        [{"send": "01-invite.sip", "answer": answer}, {"rtp": 0.6},
         {"send": "02-reinvite.sip", "answer": answer}, {"rtp": 0.6}],
        title=f"{v.agent}: re-INVITE with SDP alone, its o= starts again",
        people=people_of(v), streams=streams, warnings=list(v.warnings), audio=sides)


def transfer(v):
    """Another communication session in the same dialog: Bob hands over to Carol."""
    answer, streams, sides = normal(v)
    second = v.xml([v.people[0], CAROL], sess="s2").replace("{{id:p1}}", "{{id:p7}}")
    sent = v.update(second) if "UPDATE" in v.allow or v.name == "broadworks" else None
    save(v, "transfer", {
        "01-invite.sip": v.invite(v.sdp(), v.xml()),
        "02-transfer.sip": sent or v.invite(v.sdp(ver=2), second, False)},
        [{"send": "01-invite.sip", "answer": answer}, {"rtp": 0.6}, {"send": "02-transfer.sip"},
         {"rtp": 0.6}],
        title=f"{v.agent}: transfer; a new session and a new participant in the same dialog",
        people=people_of(v) + [list(CAROL)], left=[people_of(v)[1][0]], sessions=[True, False],
        sent=[*streams, [v.labels[1], CAROL[0]]],
        warnings=list(v.warnings), audio=sides, events=["session", "join", "leave"])


def added(v):
    """A third party with a stream of its own: one more m-line in a re-INVITE."""
    answer, streams, sides = normal(v)
    three = [*v.people, CAROL]
    more = answer + [f"recvonly {v.labels[2]}"]
    save(v, "stream-added", {
        "01-invite.sip": v.invite(v.sdp(), v.xml()),
        "02-third.sip": v.invite(v.sdp(n=3, ver=2), v.xml(three, v.labels[:3]), False)},
        [{"send": "01-invite.sip", "answer": answer}, {"rtp": 0.6},
         {"send": "02-third.sip", "answer": more}, {"rtp": 0.8}],
        title=f"{v.agent}: a third stream is added; two people become a conference",
        people=people_of(v) + [list(CAROL)], streams=streams + [[v.labels[2], CAROL[0]]],
        warnings=list(v.warnings), audio=[[1], [2, 3]], events=["join"])


def codec(v):
    """PCMU first, PCMA later."""
    answer, streams, sides = normal(v)
    save(v, "codec-changed", {
        "01-invite.sip": v.invite(v.sdp(pts="0 101"), v.xml()),
        "02-pcma.sip": v.invite(v.sdp(ver=2, pts="8 101"), None, False)},
        [{"send": "01-invite.sip", "answer": answer}, {"rtp": 0.7},
         {"send": "02-pcma.sip", "answer": answer, "says": ["PCMA/8000"]}, {"rtp": 0.7}],
        title=f"{v.agent}: G.711 mu-law becomes A-law in a re-INVITE",
        people=people_of(v), streams=streams, warnings=list(v.warnings), audio=sides)


def refused(v):
    """Outside of what the owner authorized: 403 that names the condition."""
    save(v, "refused", {"01-invite.sip": v.invite(v.sdp(), v.xml())},
         [{"send": "01-invite.sip", "status": 403,
           "says": ["Warning: 399", "application/problem+json", "violations"]}],
         title=f"{v.agent}: the conditions forbid a participant", recorded=False,
         conditions={"participants": {"deny": ["sip:bob@voip.example"]}})


def lf_only(v):
    answer, streams, sides = normal(v)
    save(v, "line-feeds", {"01-invite.sip": v.invite(v.sdp(), v.xml())},
         [{"send": "01-invite.sip", "answer": answer, "body_ends": "lf"}, {"rtp": 1.0}],
         title=f"{v.agent}: a body with bare line feeds", people=people_of(v), streams=streams,
         warnings=list(v.warnings), audio=sides)


def no_labels(v):
    _, streams, sides = normal(v)
    sdp = "".join(x + "\n" for x in v.sdp().split("\n")[:-1] if not x.startswith("a=label"))
    save(v, "no-labels", {"01-invite.sip": v.invite(sdp, v.xml())},
         [{"send": "01-invite.sip", "answer": ["recvonly -", "recvonly -"]}, {"rtp": 1.0}],
         title=f"{v.agent}: the m-lines have no labels; none is invented",
         people=people_of(v), streams=[["", v.people[0][0]], ["", v.people[1][0]]],
         warnings=[*v.warnings, "metadata.attributed_by_order"], audio=sides)


def families():
    everyone = [Vendor(), Avaya(), BroadWorks(), Cube(), Metaswitch(), NetSapiens(), OpenSips(),
                Oracle(), Sonus(), Webex(), Jambonz(), Genesys(), AudioCodes(), Sems(), Google(),
                Ribbon(), FreeSwitch()]
    by = {v.name: v for v in everyone}
    pick = lambda words: [by[w] for w in words.split()]
    for v in everyone:
        basic(v)
    for v in pick("generic cisco-cube opensips oracle jambonz sems"):
        hold(v)
    for v in pick("metaswitch broadworks"):
        hold(v, "zero")
    for v in pick("ribbon sonus"):
        hold(v, "recvonly")
    for v in pick("broadworks webex avaya genesys"):
        joins(v)
    for v in pick("generic avaya oracle audiocodes"):
        leaves(v)
    for v in pick("generic broadworks webex sems oracle"):
        refresh(v)
    for v in pick("broadworks webex cisco-cube avaya google"):
        sdp_only(v)
    for v in pick("broadworks webex generic"):
        transfer(v)
    for v in pick("generic avaya cisco-cube ribbon"):
        added(v)
    for v in pick("sonus audiocodes opensips"):
        codec(v)
    for v in pick("generic oracle broadworks"):
        refused(v)
    for v in pick("generic sonus opensips ribbon"):
        lf_only(v)
    for v in pick("generic freeswitch"):
        no_labels(v)


def main(check):
    families()
    singles(save)
    field(save)
    structures(save)
    wrong = []
    for name, text in sorted(made.items()):
        path = SRC / name
        if path.exists() and path.read_text() == text:
            continue
        wrong.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for name in wrong:
        print(("differs: " if check else "written: ") + name)
    return 1 if check and wrong else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
