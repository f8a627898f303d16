"""The messages of RFC 4475 and RFC 5118, and thousands of broken requests, while calls are
being recorded: each message has its expected outcome, and no running call notices any of it.

TORTURE_FULL=1 sends 5,000 variants instead of a slice; TORTURE_SEED chooses other ones.
"""
import copy
import os
import pathlib
import time

import pytest

from lib import mutate, storm, torture
from lib.calls import Calls
from lib.catalog import Catalog
from lib.server import ALICE, DETAILS, World
from test_sip_transports import has_ipv6

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
FULL = os.environ.get("TORTURE_FULL") == "1"
SEED = int(os.environ.get("TORTURE_SEED", "1"))
COUNT = 5000 if FULL else 1200
TCP_EVERY = 5  # of the variants these go over TCP as well

ANYTHING = {"type": "call_recording", "actions": ["record"],
            "owner": {"aor": [ALICE], "must_participate": False}, "conditions": {}}

SILENT, CLOSED, STALLED = "silent", "closed", "stuck"
LOST = [400, CLOSED]  # 400; nobody knows where the next message begins

# What is sent -> what comes back over UDP, over TCP, and over UDP with a token (INVITEs).
# No INVITE has a token of its own, so what can be read is 401. REGISTER and MESSAGE are 405: the
# server is no registrar (RFC 4475 3.3.7).
# - SILENT: dropped. badinv01 and test: there is no Via that an answer (400 in the RFC) could follow;
#   the others are answers to nothing we sent, as the RFC has it
# - over TCP the connection lives on after what is refused (one ACK that cannot be read must not
#   cost the next request), but for LOST and test, where the next message may begin anywhere
# - the RFC leaves the choice, we take the liberal one: badaspec, badbranch, baddate, escruri,
#   inv2543, lwsruri (and its To-tag is of no call of ours), lwsstart, regbadct, sdp01, trws
# - tolerated against the RFC, because deployed clients are no better and would lose a call:
#   clerr (400 there: the body ends with the datagram), sdp01's Accept (406 or 400 there)
# - intmeth would be 501; the stack stops at the NUL in its To: 400, and STALLED over TCP, where it
#   waits for a line end that it cannot see. STALLED over TCP also: the rest of clerr's body never
#   comes, as the RFC says
RFC4475 = {
    "badaspec": ([200], [200]), "badbranch": ([200], [200]),
    "baddate": ([401], [401], [200]), "baddn": ([400], [400]),
    "badinv01": ([SILENT], [SILENT], [SILENT]), "badvers": ([505], [505]),
    "bcast": ([SILENT], [SILENT]), "bext01": ([420], [420]), "bigcode": ([SILENT], [SILENT]),
    "clerr": ([401], [STALLED], [200]), "cparam01": ([405], [405]), "cparam02": ([405], [405]),
    "dblreq": ([405], [405, CLOSED]), "esc01": ([401], [401], [200]), "esc02": ([501], [501]),
    "escnull": ([405], [405]), "escruri": ([401], [401], [200]), "insuf": ([400], [400], [400]),
    "intmeth": ([400], [STALLED]), "inv2543": ([401], LOST, [200]),
    "invut": ([401], [401], [415]), "longreq": ([401], [401], [200]),
    "ltgtruri": ([400], [400], [400]), "lwsdisp": ([200], [200]),
    "lwsruri": ([481], [481], [481]), "lwsstart": ([401], [401], [200]),
    "mcl01": ([400], LOST), "mismatch01": ([400], [400]), "mismatch02": ([501], [501]),
    "mpart01": ([405], [405]), "multi01": ([400], [400], [400]), "ncl": ([400], LOST, [400]),
    "noreason": ([SILENT], [SILENT]), "novelsc": ([416], [416]), "quotbal": ([400], [400], [400]),
    "regaut01": ([405], [405]), "regbadct": ([405], [405]), "regescrt": ([405], [405]),
    "scalar02": ([400], [400]), "scalarlg": ([SILENT], [SILENT]), "sdp01": ([401], [401], [200]),
    "semiuri": ([200], [200]), "test": ([SILENT], [CLOSED], [SILENT]),
    "transports": ([200], [200]), "trws": ([200], [200]), "unkscm": ([416], [416]),
    "unksm2": ([405], [405]), "unreason": ([SILENT], [SILENT]), "wsinv": ([481], [481], [481]),
    "zeromf": ([200], [200]),
}
# All are read, as the RFC wants, ipv6-bad is 400. G.726 is recorded, video refused.
# 405 as above; 481: a BYE of no call here. The third colon is tolerated (4.10: "must").
RFC5118 = {
    "ipv4-mapped-ipv6": ([401], [401], [200]), "ipv6-bad": ([400], [400]),
    "ipv6-bug-abnf-3-colons": ([200], [200]), "ipv6-correct-abnf-2-colons": ([200], [200]),
    "ipv6-good": ([405], [405]), "ipv6-in-sdp": ([401], [401], [200]),
    "mult-ip-in-header": ([481], [481]), "mult-ip-in-sdp": ([401], [401], [200]),
    "port-ambiguous": ([405], [405]), "port-unambiguous": ([405], [405]),
    "via-received-param-no-delim": ([200], [200]), "via-received-param-with-delim": ([481], [481]),
}
SETS = {"rfc4475": RFC4475, "rfc5118": RFC5118}


def with_token(data, token):
    first, rest = data.split(b"\r\n", 1)
    return first + b"\r\nAuthorization: Bearer " + token.encode() + b"\r\n" + rest


def listener(server, prefix):
    """(host, port) of the listener that begins like this."""
    address = next(a for a in server.ready["sip"] if a.startswith(prefix))
    host, port = address.split(":", 1)[1].rsplit(":", 1)
    return host.strip("[]"), int(port)


@pytest.mark.parametrize("way", ["udp", "tcp", "token"])
@pytest.mark.parametrize("rfc", sorted(SETS))
def test_torture_messages_have_their_outcome(start, tmp_path, rfc, way):
    if rfc == "rfc5118" and not has_ipv6():
        pytest.skip("no IPv6 here")
    transport = "tcp" if way == "tcp" else "udp"
    listen = "udp:127.0.0.1:0, tcp:127.0.0.1:0"
    if rfc == "rfc5118":
        listen = f"udp:127.0.0.1:0, {transport}:[::1]:0"
    server = start({"sip": {"listen": listen}, "server": {"drain": "0s"}})
    world = World(server, details=ANYTHING)
    server.sip["udp"] = listener(server, "udp:127.0.0.1")
    dest = listener(server, f"{transport}:[::1]" if rfc == "rfc5118" else f"{transport}:127.0.0.1")
    calls, before = Calls(world, 2), server.roles()
    table = SETS[rfc]
    files = {f.stem: f for f in (DATA / rfc).glob("*.dat")}
    assert set(files) == set(table)
    wrong = {}
    for name, path in sorted(files.items()):
        data, wanted = path.read_bytes(), table[name]
        if rfc == "rfc5118":  # several are one request by their Call-ID: the second gets 482
            data = data.replace(b"Call-ID: ", b"Call-ID: " + name.encode() + b".")
        if way == "token":
            if not data.startswith(b"INVITE"):
                continue
            data, wanted = with_token(data, world.access_token), wanted[2]
        else:
            wanted = wanted[1 if way == "tcp" else 0]
        got = torture.outcome(dest, transport, data, wanted)
        if got != wanted:
            wrong[name] = (got, wanted)
    assert not wrong
    calls.end()
    assert server.roles() == before
    calls.check(tmp_path, Catalog(server))


def test_malformed_requests_hurt_no_running_call(start, tmp_path):
    server = start({"server": {"drain": "0s"}})
    world = World(server)
    details = copy.deepcopy(DETAILS)
    details["conditions"]["participants"] = {"min": 50, "match": "any"}
    strict = World(server, tenant="strict", details=details)
    calls, before = Calls(world, 20), server.roles()
    began = time.monotonic()
    attack = storm.Storm(server, world.access_token, strict.access_token)
    variants = list(mutate.variants(SEED, COUNT, storm.templates()))
    assert len({data for _, data in variants}) > COUNT * 0.9
    attack.over_udp(variants)
    attack.over_tcp(variants[::TCP_EVERY])
    assert server.roles() == before, server.log()[-3000:]
    assert attack.slowest < storm.PATIENCE_S
    # the storm came through to every layer: refused as unreadable, by the gate, and accepted
    assert {200, 400, 403, 405, 481} <= set(attack.answers), attack.answers
    print(f"{COUNT} variants by UDP, {len(variants[::TCP_EVERY])} by TCP in "
          f"{time.monotonic() - began:.1f} s; slowest OPTIONS {attack.slowest * 1000:.0f} ms; "
          f"answers {dict(sorted(attack.answers.items()))}")
    calls.end()
    calls.check(tmp_path, Catalog(server))
    assert server.roles() == before, server.log()[-3000:]


def test_the_same_seed_makes_the_same_variants():
    templates = storm.templates()
    once = list(mutate.variants(7, 5000, templates))
    assert once == list(mutate.variants(7, 5000, templates))
    assert once != list(mutate.variants(8, 5000, templates))
    used = {how for name, _ in once for how in name.split(":")[1].split("+")}
    assert used == set(mutate.MUTATORS)
    assert all(0 < len(data) <= 65000 for _, data in once)
