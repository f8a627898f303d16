"""kill -9 of each role, and of everything, in the middle of calls: what was
accepted and had media becomes a ready recording."""
import sqlite3
import time

import pytest
import requests

from lib import media
from lib.catalog import Catalog
from lib.server import ALICE, BOB, World, wait_for
from lib.sipc import SipClient, sdp

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


class Talk:
    """A running call with two tones."""

    def __init__(self, server, world):
        self.c = SipClient(server.sip["udp"])
        self.d = self.c.dialog(token=world.access_token)
        self.senders, _ = media.two_voices(lambda ports: self.d.invite(ports, PEOPLE))
        self.began = time.monotonic()

    def end(self, bye=True):
        for s in self.senders:
            s.stop()
        took = time.monotonic() - self.began
        if bye:
            self.bye()
        return took

    def bye(self):
        """A BYE, repeated as a client over UDP does (RFC 3261 timer E)."""
        n = self.d.request("BYE")
        branch = self.d.branch
        for _ in range(8):
            r = self.c.recv(1)
            if r and r.status >= 200:
                return r
            self.d.request("BYE", cseq=n, branch=branch)
        raise AssertionError("no answer to BYE")


def check_tones(world, item, tmp_path):
    left, right = media.decode(world.audio(item["id"], tmp_path / "mix.ogg"))
    assert media.level(left[2000:10000], 440) > 0.15
    assert media.level(right[2000:10000], 880) > 0.15
    return left, right


@pytest.mark.parametrize("role", ["sip", "capture", "render", "web", "upkeep"])
def test_kill_one_role(server, world, tmp_path, role):
    call = Talk(server, world)
    time.sleep(2)
    server.kill_role(role)
    time.sleep(2)
    took = call.end()
    item = world.wait_recording()
    assert abs(item["duration_s"] - took) < 0.5
    left, _ = check_tones(world, item, tmp_path)
    lost = sum(length for start, length in media.silences(left) if start > 0.3)
    # sip, render, web, upkeep: nothing is missing; capture: the current tick
    assert lost < (0.5 if role == "capture" else 0.25), media.silences(left)


def test_kill_everything(start, tmp_path):
    # two calls at once of one session id are two here
    server = start({"sip": {"media_timeout": "3s"}, "stitch": {"duplicates": "link"}})
    world = World(server)
    # the same addresses again after the restart
    server.settings["sip"]["listen"] = ", ".join(server.ready["sip"])
    server.settings["http"]["listen"] = server.ready["http"]
    server.write_conf()
    first, second = Talk(server, world), Talk(server, world)
    time.sleep(2)
    server.kill_all()
    second.end(bye=False)  # its client is gone for good
    time.sleep(0.5)
    server.start()
    time.sleep(2)
    first.end()
    newest = world.wait_recording(count=2)
    items = [i for i in world.recordings() if i["state"] == "ready"]
    assert len(items) == 2 and newest in items
    for item in items:
        assert item["warnings"], item
        assert item["duration_s"] >= 1.8
        check_tones(world, item, tmp_path)


def test_kill_everything_during_render(start, tmp_path):
    server = start()
    world = World(server)
    server.settings["sip"]["listen"] = ", ".join(server.ready["sip"])
    server.settings["http"]["listen"] = server.ready["http"]
    server.write_conf()
    call = Talk(server, world)
    time.sleep(2)
    call.end()
    server.kill_all()
    server.start()
    item = world.wait_recording()
    assert abs(item["duration_s"] - 2) < 0.4
    assert len(world.recordings()) == 1


def test_a_call_without_media_leaves_no_stuck_recording(server, world):
    c = SipClient(server.sip["udp"])
    d = c.dialog(token=world.access_token)
    assert d.invite([40000, 40002], PEOPLE).status == 200
    d.bye()
    wait_for(lambda: all(i["state"] not in ("recording", "rendering") for i in world.recordings()),
             what="no recording left open")


def test_term_waits_for_the_call(start):
    server = start({"server": {"drain": "10s"}})
    world = World(server)
    call = Talk(server, world)
    time.sleep(1)
    server.proc.terminate()
    time.sleep(0.5)
    r = SipClient(server.sip["udp"]).dialog(token=world.access_token).invite([40000, 40002], PEOPLE)
    assert r.status == 503 and r.get("retry-after")
    call.end()
    assert server.proc.wait(15) == 0
    server.proc.stdout.close()
    server.proc = None
    server.settings["http"]["listen"] = "127.0.0.1:0"
    server.write_conf()
    server.start()
    item = world.wait_recording()
    assert item["duration_s"] > 1


def test_what_was_acknowledged_survives_the_next_instant(start):
    """DELETE, refresh, revocation, notes: answered, then kill -9 of everything."""
    server = start()
    world = World(server)
    server.settings["http"]["listen"] = server.ready["http"]
    server.write_conf()
    call, other = Talk(server, world), Talk(server, world)
    time.sleep(1)
    call.end(), other.end()
    world.wait_recording(count=2)
    gone, kept = sorted(i["id"] for i in world.recordings())

    def restart():
        server.kill_all()
        server.start()

    auth = {"Authorization": f"Bearer {world.api_token}"}
    r = requests.delete(f"{server.url}/api/v1/recordings/{gone}", headers=auth, timeout=10)
    assert r.status_code in (200, 202, 204)
    restart()
    server.get(f"/api/v1/recordings/{gone}", world.api_token, code=404)
    r = requests.patch(f"{server.url}/api/v1/recordings/{kept}", headers=auth, timeout=10,
                       json={"notes": "kept for the auditor"})
    assert r.status_code == 200
    restart()
    assert world.recording(kept)["notes"] == "kept for the auditor"
    r = requests.post(server.url + "/token", timeout=10, auth=(world.client_id, world.client_secret),
                      data={"grant_type": "refresh_token", "refresh_token": world.refresh_token})
    tokens = r.json()
    restart()
    r = requests.post(server.url + "/token", timeout=10, auth=(world.client_id, world.client_secret),
                      data={"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    assert r.status_code == 200, r.text
    r = requests.delete(f"{server.url}/api/v1/grants/{world.grant_id}", headers=auth, timeout=10)
    assert r.status_code in (200, 202, 204)
    restart()
    d = SipClient(server.sip["udp"]).dialog(token=tokens["access_token"])
    assert d.invite([40000, 40002], PEOPLE).status == 401


# -- what was dropped on purpose stays dropped

WAITING = {"sip": {"missing_metadata_wait": "1500ms"}}


class Undescribed:
    """A call with sound but without metadata, which the grant's conditions need."""

    def __init__(self, server, world):
        self.c = SipClient(server.sip["udp"])
        self.d = self.c.dialog(token=world.access_token)
        self.senders, _ = media.two_voices(
            lambda ports: self.d.invite([], [], body=sdp(ports), ctype="application/sdp"))
        self.spool = wait_for(lambda: next((server.data / "spool").glob("*.spool"), None),
                              what="a spool")
        wait_for(lambda: self.spool.stat().st_size > 20000, what="sound in the spool")

    def next_request(self, method):
        while True:
            r = self.c.recv(5)
            assert r is not None, f"no {method}"
            if r.method == method:
                return r

    def stop(self):
        for s in self.senders:
            s.stop()


def same_doors(server):
    """The same addresses again after a restart."""
    server.settings["sip"]["listen"] = ", ".join(server.ready["sip"])
    server.settings["http"]["listen"] = server.ready["http"]
    server.write_conf()


def nothing_is_kept(server, spool):
    cat = Catalog(server)
    wait_for(lambda: not spool.exists(), what="the spool is gone")
    wait_for(lambda: not cat.recordings(), 5, f"no recording: {cat.recordings()}")
    assert not list((server.data / "spool").glob("*.spool*"))


def test_a_refused_recording_is_not_found_again(start):
    """Killed between the row's end and the spool's: the conditions win."""
    server = start(WAITING)
    world = World(server)
    same_doors(server)
    call = Undescribed(server, world)
    aside = server.dir / "aside.spool"
    aside.write_bytes(call.spool.read_bytes())
    call.d.answer(call.next_request("BYE"))
    wait_for(lambda: not Catalog(server).recordings(), what="the refusal")
    call.stop()
    server.kill_all()
    call.spool.write_bytes(aside.read_bytes())
    server.start()
    nothing_is_kept(server, call.spool)
    # the file comes back once more, as it may after a loss of power
    server.kill_all()
    call.spool.write_bytes(aside.read_bytes())
    server.start()
    nothing_is_kept(server, call.spool)


def test_a_purged_recording_is_not_found_again(start):
    server = start()
    world = World(server)
    same_doors(server)
    call = Talk(server, world)
    spool = wait_for(lambda: next((server.data / "spool").glob("*.spool"), None), what="a spool")
    wait_for(lambda: spool.stat().st_size > 20000, what="sound in the spool")
    copy = spool.read_bytes()
    call.end()
    rid = world.wait_recording()["id"]
    r = requests.delete(f"{server.url}/api/v1/recordings/{rid}", timeout=10,
                        headers={"Authorization": f"Bearer {world.api_token}"})
    assert r.status_code in (200, 202, 204)
    wait_for(lambda: not Catalog(server).recordings(), what="purged")
    server.kill_all()
    spool.write_bytes(copy)
    server.start()
    nothing_is_kept(server, spool)


def test_an_unknown_spool_still_becomes_a_recording(start):
    """The reverse: what nobody dropped is kept though the catalog lost it."""
    server = start(WAITING)
    world = World(server)
    same_doors(server)
    dropped = Undescribed(server, world)
    dropped.d.answer(dropped.next_request("BYE"))
    dropped.stop()
    call = Talk(server, world)
    rid = wait_for(lambda: [i["id"] for i in Catalog(server).recordings()
                            if i["id"] != dropped.spool.stem], what="a row")[0]
    spool = server.data / "spool" / f"{rid}.spool"
    wait_for(lambda: spool.stat().st_size > 20000, what="sound in the spool")
    server.kill_all()
    call.end(bye=False)
    with sqlite3.connect(server.data / "catalog.db") as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("DELETE FROM recordings WHERE id = ?", (rid,))
    server.start()
    assert world.wait_recording()["id"] == rid


@pytest.mark.parametrize("ends", ["bye", "revoked", "restart", "unrestorable"])
def test_who_ends_before_the_metadata_came_is_not_kept(start, ends):
    server = start({"sip": {"missing_metadata_wait": "2s" if ends == "restart" else "60s"}})
    world = World(server)
    same_doors(server)
    call = Undescribed(server, world)
    if ends == "bye":
        assert call.d.bye().status == 200
    elif ends == "revoked":
        r = requests.delete(f"{server.url}/api/v1/grants/{world.grant_id}", timeout=10,
                            headers={"Authorization": f"Bearer {world.api_token}"})
        assert r.status_code in (200, 202, 204)
        call.d.answer(call.next_request("BYE"))
    else:
        server.kill_all()
        if ends == "unrestorable":
            with sqlite3.connect(server.data / "catalog.db") as db:
                db.execute("UPDATE recordings SET dialog = replace(dialog, '\"ua\":', '\"xx\":')")
        server.start()
    nothing_is_kept(server, call.spool)
    call.stop()
