"""Every case of tests/data/src against the real server: answer, model, warnings, audio.

A case runs over one transport, chosen by its name; CORPUS_FULL=1 runs all over all three.
CORPUS_ONLY=vendor/case (or a part of it) runs what matches. Cases of a transport share one
server and are played at the same time."""
import concurrent.futures
import copy
import json
import os
import re
import subprocess
import sys
import traceback
import warnings
import zlib

import pytest

from lib.corpus import SOURCE, Player, cases
from lib.server import ALICE, ROOT, Server, World

TRANSPORTS = ("udp", "tcp", "tls")
ALL = cases()
AT_ONCE = 20
LATE_S = 0.1  # packets so late look like gaps

OPEN = {"type": "call_recording", "actions": ["record"],
        "owner": {"aor": [ALICE], "must_participate": False}, "conditions": {}}


def case_of(name):
    return json.loads((ALL[name] / "case.json").read_text())


def plays(name, transport):
    may = case_of(name).get("transports", TRANSPORTS)
    return transport in may and (os.environ.get("CORPUS_FULL") == "1"
                                 or may[zlib.crc32(name.encode()) % len(may)] == transport)


def plan(transport):
    only = os.environ.get("CORPUS_ONLY", "")
    return [n for n in ALL if only in n and plays(n, transport)]


PARAMS = [pytest.param(t, n, id=f"{t}-{n}", marks=pytest.mark.xdist_group(f"corpus-{t}"))
          for t in TRANSPORTS for n in plan(t)]


class Tokens:
    """An access token for each set of conditions that cases ask for."""

    def __init__(self, world):
        self.world, self.made = world, {"{}": world.access_token}

    def get(self, conditions):
        key = json.dumps(conditions, sort_keys=True)
        if key not in self.made:
            details = copy.deepcopy(OPEN)
            details["conditions"] = conditions
            path = self.world.server.dir / f"details-{len(self.made)}.json"
            path.write_text(json.dumps(details))
            self.made[key] = self.world.server.cli(
                "grant", "add", "--client", self.world.client_id, "--owner", self.world.email,
                "--details", path)["access_token"]
        return self.made[key]


def one(name, transport, world, token, cafile, folder):
    """(None or what went wrong, by how many seconds our own packets were late)"""
    player, why = None, None
    try:
        player = Player(name, ALL[name], world.server, transport, token, cafile)
        player.play()
        player.check(world.api_token, folder)
    except Exception:  # whatever it is, it belongs to this case only
        why = traceback.format_exc()
    finally:
        if player:
            player.close()
    return why, player.late_s if player else 0


def on_time(name, first, again):
    """What a case came to. Twenty are played at once: where this program itself could not keep
    the times of its packets, what it says of gaps and lengths is worth nothing; once more, alone."""
    why, late_s = first
    for _ in range(2):
        if not why or late_s < LATE_S:
            break
        warnings.warn(f"{name}: our own packets were {late_s:.2f} s late, played again", stacklevel=1)
        why, late_s = again()
    return why


def play_all(transport, folder, pki):
    server = Server(folder / "srv", {"sip": {
        "listen": f"{transport}:127.0.0.1:0", "tls_certificate": pki / "server.pem",
        "tls_key": pki / "server.key", "tls_ca": pki / "ca.pem"}})
    server.start()
    try:
        world = World(server, details=OPEN)
        tokens = Tokens(world)
        todo = {n: tokens.get(case_of(n).get("conditions", {}))
                for n in plan(transport)}
        cafile = pki / "ca.pem" if transport == "tls" else None
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            jobs = {n: pool.submit(one, n, transport, world, t, cafile, folder)
                    for n, t in todo.items()}
            results = {n: j.result() for n, j in jobs.items()}
        results = {n: on_time(n, r, lambda n=n: one(n, transport, world, todo[n], cafile, folder))
                   for n, r in results.items()}
        server.stop()
        log = server.log()
    finally:
        if server.proc:
            server.kill_all()
    assert "srs_at_" not in log and "Sanitizer" not in log and "runtime error:" not in log, log
    return results


@pytest.fixture(scope="module")
def results(tmp_path_factory, pki):
    """results(transport) -> {case: None or why it failed}; played once."""
    done = {}

    def get(transport):
        if transport not in done:
            done[transport] = play_all(transport, tmp_path_factory.mktemp(f"corpus-{transport}"), pki)
        return done[transport]
    return get


@pytest.mark.parametrize("transport,name", PARAMS)
def test_case(transport, name, results):
    why = results(transport)[name]
    if why:
        pytest.fail(why, pytrace=False)


def test_families_are_as_generated():
    done = subprocess.run([sys.executable, SOURCE.parent / "generate.py", "--check"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# Warnings that no message of a client leads to: where else each is seen.
ELSEWHERE = {
    # what our own client says of an answer; the server gives none of the kind
    "answer.label": "tests/unit/test_answer.c", "answer.lines": "tests/unit/test_answer.c",
    "answer.payload_type": "tests/unit/test_answer.c",
    "sip.cseq_below": "tests/e2e/test_sip_life.py",
    "answer.srtp_required": "tests/unit/test_answer.c", "answer.srtp_key": "tests/unit/test_answer.c",
    "media.srtp_auth": "tests/e2e/test_srtp.py", "media.srtp_replay": "tests/e2e/test_srtp.py",
    # processes that die, clients that go on or give up
    "capture.restarted": "tests/e2e/test_sip_restart.py",
    "recording.recovered_after_crash": "tests/e2e/test_sip_restart.py",
    "sip.restarted": "tests/e2e/test_sip_restart.py",
    "media.timeout": "tests/e2e/test_sip_life.py", "sip.ack_missing": "tests/e2e/test_sip_life.py",
    "sip.answer_missing": "tests/e2e/test_sip_life.py",
    "sip.session_expired": "tests/e2e/test_sip_life.py",
    # answers to requests of the server's own
    "metadata.snapshot_refused": "tests/e2e/test_snapshot.py",
    "sip.pause_not_taken": "tests/e2e/test_pause.py",
    # a setting of the operator
    "trunk.other_vendor": "tests/e2e/test_trunk.py",
    "media.source_rejected": "tests/e2e/test_wrong_media.py",
    # what capture keeps out, what takes long, and what disks do
    "media.broken": "tests/unit/test_render_warnings.c", "media.drift": "tests/unit/test_render_warnings.c",
    "media.meta": "tests/unit/test_render_warnings.c", "media.strays": "tests/unit/test_render_warnings.c",
    "spool.damaged": "tests/unit/test_render_warnings.c",
    "spool.restarted": "tests/unit/test_render_warnings.c",
    "text.too_much": "tests/unit/test_render_warnings.c", "spool.disk": "tests/unit/test_render_warnings.c",
    "media.spool_write_failed": "tests/unit/test_capture.c", "media.damaged": "tests/unit/test_duplicates.c",
    "text.loss": "tests/e2e/test_text.py", "spool.recovered": "tests/unit/test_render.c",
    "media.unknown_codec": "tests/unit/test_render.c",
    "media.wild_time": "tests/unit/test_render_warnings.c",
    "media.byte_order": "tests/unit/test_render_warnings.c",
    "media.fast_clock": "tests/unit/test_render_warnings.c",
    "media.number_stands": "tests/unit/test_render_warnings.c",
    # messages that are wrong in SIP itself
    "sip.refused_within": "tests/e2e/test_dialog_peer.py",
}


# What no test brings about, and why.
UNSEEN = {
    "media.kernel_dropped": "only a host that is too busy for 100 ms loses packets in the socket",
    "media.port_changed": "somebody else must take the port in the moment of a restart",
    "media.rtcp_port_taken": "the same, of the odd port, between two answers of one call",
    "media.spool_commit_failed": "fsync fails on a broken disk only; what follows is test_capture_commit.c",
    "media.stopped": "capture loses a spool only when its file cannot be opened again after a restart",
}


def test_every_warning_has_a_case():
    page = (SOURCE.parent.parent.parent / "docs/warnings.md").read_text()
    codes = set(re.findall(r"(?m)^\| `([a-z_]+\.[a-z_]+)` \|", page))
    seen = set()
    for name in ALL:
        for model in case_of(name).get("recordings", [case_of(name)]):
            seen |= set(model.get("warnings", []))
    assert seen <= codes, f"not in docs/warnings.md: {seen - codes}"
    known = ELSEWHERE.keys() | UNSEEN.keys()
    assert not seen & known, f"has a case now: {seen & known}"
    for code in codes - seen - UNSEEN.keys():
        assert code in ELSEWHERE, f"{code}: no case, and nothing in ELSEWHERE"
        assert code in (ROOT / ELSEWHERE[code]).read_text(), f"{code} is not in {ELSEWHERE[code]}"
    assert known <= codes, f"not in docs/warnings.md: {known - codes}"


def test_the_corpus_is_large_and_well_formed():
    assert len(ALL) >= 80
    for name, folder in ALL.items():
        case = case_of(name)
        assert case["title"], name
        used = {s[k] for s in case["steps"] for k in ("send", "ack", "cancel") if k in s}
        assert used | {"case.json"} == {p.name for p in folder.iterdir()}, name
