"""`srs call --like PRODUCT` speaks each dialect; the server records all of them."""
import concurrent.futures
import json
import re

import pytest

from lib.catalog import Catalog
from lib.media import decode, level
from lib.server import ALICE, BOB, World, wait_for

CAROL = "sip:carol@voip.example"

MIXED = {"avaya", "metaswitch"}
WARNINGS = {  # what a product is known for
    "avaya": {"metadata.mixed_line"}, "metaswitch": {"metadata.mixed_line"},
    "cisco-cube": {"body.no_closing_boundary", "metadata.no_association"},
    "opensips": {"metadata.no_association"}, "oracle": {"metadata.repaired"},
    "sonus": {"body.no_closing_boundary", "metadata.order_inverted"},
}
HEX = "[0-9a-f]{32}"
LIFTED = {  # by which each call is found in the product's own records
    "avaya": {"User-to-User": f"00FA08{HEX};encoding=hex", "ucid": "[0-9a-f]{16}"},
    "broadworks": {"X-BroadWorks-Correlation-Info": HEX, "tenant": "acme"},
    "cisco-cube": {"Cisco-Guid": f"2877411328-0000065536-{HEX}", "Session-ID": f"{HEX};remote=0{{32}}"},
    "cucm": {"Cisco-Guid": ".*", "x-refci": "[0-9]+"},
    "metaswitch": {"tenant": "acme"}, "netsapiens": {"tenant": "acme.example"},
    "oracle": {"ucid": "00FA080018803B69810C6D", "ext.realm": "access&egress"},
    "webex": {"X-BroadWorks-Correlation-Info": HEX},
    "jambonz": {"caller": ALICE, "callee": BOB, "X-Call-Sid": HEX, "X-Account-ID": ".*"},
    "genesys": {"X-Genesys-CallUUID": HEX, "agent": "agent-7", "tenant": "acme"},
}
NAMES = ["rfc", "avaya", "broadworks", "cisco-cube", "cucm", "metaswitch", "netsapiens", "opensips",
         "oracle", "sonus", "webex", "jambonz", "genesys"]


OPEN = {"type": "call_recording", "actions": ["record"],
        "owner": {"aor": [ALICE], "must_participate": False}, "conditions": {}}


def place(world, name, *more):
    out = world.server.cli("call", "--to", "sip:srs@%s:%d" % world.server.sip["udp"], "--token",
                           world.access_token, "--participant", ALICE, "--name", "Alice",
                           "--participant", BOB, "--like", name, *(more or ("--duration", 1.5, "--hold", "0.6-0.9")))
    lines = out if isinstance(out, str) else json.dumps(out)
    return [json.loads(line) for line in lines.splitlines() if line.strip()]


def finished(world, call_id):
    row = wait_for(lambda: [r for r in Catalog(world.server).recordings()
                            if r["call_id"] == call_id and r["state"] in ("ready", "failed")],
                   40, call_id)[0]
    return world.recording(row["id"])


def legs(world, rec):
    return world.recording(rec["id"])["call"]["legs"]


def ready(world, rid):
    rec = world.recording(rid)
    return rec if rec["state"] == "ready" else None


def check(world, name, call, index, folder):
    assert call["ok"] and call["status"] == 200 and call["change_status"] == 200, call
    rec = finished(world, call["call_id"])
    assert rec["state"] == "ready", rec
    people = [p["aor"] for p in rec["participants"]]
    assert people == [ALICE, BOB], (name, people)
    if name == "cucm":  # each dialog carries one end, and names both
        assert [s["participant"] for s in rec["streams"]] == [index], rec["streams"]
    codes = {w["code"] for w in rec["warnings"]}
    assert codes <= WARNINGS.get(name, set()), (name, rec["warnings"])
    assert codes == WARNINGS.get(name, set()), (name, rec["warnings"])
    lifted = rec["metadata"] or {}
    for key, value in LIFTED.get(name, {}).items():
        assert re.fullmatch(value, lifted.get(key, "")), (name, lifted)
    assert {"hold", "resume"} <= {e["kind"] for e in rec["events"]}, (name, rec["events"])
    sides = decode(world.audio(rec["id"], folder / f"{name}{index}.ogg"))
    if name == "cucm":
        assert len(sides) == 1 and level(sides[0], [440, 880][index]) > 0.03
    elif name in MIXED:
        assert len(sides) == 1 and min(level(sides[0], 440), level(sides[0], 880)) > 0.03
    else:
        # the first line carries 440 Hz; whose it is, the associations say
        left, right = (880, 440) if name == "sonus" else (440, 880)
        assert level(sides[0], left) > 0.03 > level(sides[0], right), name
        assert level(sides[1], right) > 0.03 > level(sides[1], left), name


@pytest.fixture
def world(start):
    return World(start(), details=OPEN)


def test_every_dialect_is_recorded(world, tmp_path):

    def one(name):
        calls = place(world, name)
        assert len(calls) == (2 if name == "cucm" else 1)
        for index, call in enumerate(sorted(calls, key=lambda c: c["call"])):
            check(world, name, call, index, tmp_path)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        wrong = {n: j.exception() for n, j in [(n, pool.submit(one, n)) for n in NAMES]}
    assert not {n: e for n, e in wrong.items() if e}, wrong


def test_both_ends_of_cucm_meet_conditions_of_people(start):
    """Owner and number of participants: each dialog alone tells of the whole call."""
    calls = place(World(start()), "cucm")
    assert [c["status"] for c in calls] == [200, 200], calls


def test_netsapiens_restarts_the_dialog(world, tmp_path):
    """Who joins or leaves ends it; the next one is a leg of the same call. Carol takes the
    line that Bob left."""
    call, = place(world, "netsapiens", "--duration", 2, "--leave", f"{BOB}@0.6", "--join", f"{CAROL}@1.2")
    assert call["ok"] and call["restarts"] == 2 and call["status"] == 200, call
    first = finished(world, call["call_id"])
    wait_for(lambda: len(legs(world, first)) == 3, 40, "three legs")
    recs = [wait_for(lambda: ready(world, leg["recording_id"]), 40, "a leg") for leg in legs(world, first)]
    recs.sort(key=lambda r: r["started_at"])
    assert [[p["aor"] for p in r["participants"]] for r in recs] == [[ALICE, BOB], [ALICE], [ALICE, CAROL]]
    assert [leg["rule"] for leg in legs(world, first)].count("group_id") == 2
    for rec, heard in zip(recs, ([440, 880], [440], [440, 880])):
        assert not rec["warnings"], rec["warnings"]
        sides = decode(world.audio(rec["id"], tmp_path / (rec["id"] + ".ogg")))
        for hz in (440, 880):
            assert (max(level(s, hz) for s in sides) > 0.03) == (hz in heard), (hz, heard)


def test_joining_is_an_update_elsewhere(world):
    call, = place(world, "broadworks", "--duration", 1.2, "--join", f"{CAROL}@0.5")
    assert call["ok"] and call["restarts"] == 0 and call["change_status"] == 200, call
    rec = finished(world, call["call_id"])
    assert [p["aor"] for p in rec["participants"]] == [ALICE, BOB, CAROL] and not rec["warnings"], rec


def test_unknown_dialect_is_an_error(start):
    server = start(run=False)
    server.cli("call", "--to", "sip:127.0.0.1:9", "--participant", ALICE, "--like", "nobody", code=2)
