"""kill -9 of the roles that a call lives in: the call goes on, its recording says so."""
import os
import re
import signal
import time

import pytest

from lib import sipc
from lib.catalog import Catalog
from lib.media import RtpSender
from lib.server import ALICE, BOB, CAROL, World, wait_for

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


@pytest.fixture
def live(world):
    """A call with RTP on both streams: (world, client, dialog, answer, senders)."""
    client = sipc.SipClient(world.server.sip["udp"])
    senders = [RtpSender(None, hz) for hz in (440, 880)]
    d = client.dialog(token=world.access_token)
    r = d.invite([s.port for s in senders], PEOPLE)
    assert r.status == 200
    for s, port in zip(senders, r.ports()):
        s.dest = ("127.0.0.1", port)
        s.start()
    wait_for(lambda: all(s.sent > 10 for s in senders), 5, "media")
    yield world, client, d, r, senders
    for s in senders:
        s.stop()
    client.close()


def ready_again(world, role, since):
    """The role has said ready once more."""
    wait_for(lambda: world.server.log().count(f"supervisor.role_ready role={role}") > since, 15,
             f"{role} ready again")


def kill(world, *roles):
    counts = {r: world.server.log().count(f"supervisor.role_ready role={r}") for r in roles}
    pids = world.server.roles()
    for r in roles:
        os.kill(pids[r], signal.SIGKILL)
    for r in roles:
        ready_again(world, r, counts[r])


@pytest.mark.parametrize("roles,warning", [(("sip",), "sip.restarted"),
                                           (("capture",), "capture.restarted"),
                                           (("sip", "capture"), "sip.restarted")])
def test_call_survives(live, roles, warning):
    world, client, d, first, senders = live
    kill(world, *roles)
    cat = Catalog(world.server)
    cat.wait_warning(warning)
    # the dialog is as it was: a refresh gives the same answer, a hold works
    text = sipc.sdp([s.port for s in senders])
    d.request("INVITE", text, "application/sdp")
    r = d.final()
    assert r.status == 200 and r.ports() == first.ports()
    d.request("ACK", cseq=d.cseq)
    d.request("INVITE", sipc.sdp([s.port for s in senders], direction="inactive", version=2),
              "application/sdp")
    r = d.final()
    assert r.status == 200 and r.body.count(b"a=inactive") == 2
    d.request("ACK", cseq=d.cseq)
    cat.wait_event("hold")
    assert d.update(sipc.metadata(PEOPLE + [(CAROL, "Carol")])).status == 200
    cat.wait_event("join")
    assert [p["ord"] for p in cat.rows("SELECT ord FROM participants ORDER BY ord")] == [0, 1, 2]
    assert d.bye().status == 200
    row = cat.wait_ended()
    assert row["end_reason"] == "bye" and row["state"] != "failed"


def test_bye_while_sip_is_away(live):
    world, client, d, _, _ = live
    os.kill(world.server.roles()["sip"], signal.SIGKILL)
    # the client repeats it, as UDP clients do
    n = d.cseq + 1
    d.cseq = n
    branch = "z9hG4bKagain"
    end = time.monotonic() + 15
    while True:
        try:
            d.request("BYE", cseq=n, branch=branch)
            m = client.recv(0.5)
        except OSError:
            m = None
        if m and m.status == 200:
            break
        assert time.monotonic() < end
        time.sleep(0.1)
    assert Catalog(world.server).wait_ended()["end_reason"] == "bye"


def test_new_calls_after_each_death(live):
    world, client, d, _, _ = live
    for role in ("capture", "sip", "capture"):
        kill(world, role)

        def accepted():
            other = client.dialog(token=world.access_token)
            r = other.invite([40000, 40002], PEOPLE)
            if r.status == 200:
                assert other.bye().status == 200
            return r.status == 200
        wait_for(accepted, 10, f"a new call after the death of {role}")
    assert d.bye().status == 200


def test_everything_dies(live):
    world, client, d, first, senders = live
    server = world.server
    time.sleep(1.2)  # one group commit
    server.kill_all()
    server.settings["sip"]["listen"] = ", ".join(server.ready["sip"])
    server.settings["sip"]["media_timeout"] = "2s"
    server.write_conf()
    server.start()
    cat = Catalog(server)
    cat.wait_warning("sip.restarted")
    for s in senders:
        s.stop()
    # nobody says BYE any more
    row = cat.wait_ended(timeout=60)
    assert row["end_reason"] in ("timeout", "lost") and row["state"] != "failed"


def test_ports_are_gone_after_a_crash(live):
    """Somebody else has the media port: the call ends, what there is is kept."""
    import socket
    world, client, d, first, senders = live
    server = world.server
    time.sleep(1.2)
    server.kill_all()
    thief = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def stolen():
        try:
            thief.bind(("127.0.0.1", first.ports()[0]))
        except OSError:  # the dead are still being buried
            return False
        return True
    wait_for(stolen, 10, "the media port")
    server.settings["sip"]["listen"] = ", ".join(server.ready["sip"])
    server.write_conf()
    server.start()
    cat = Catalog(server)
    cat.wait_warning("recording.recovered_after_crash")
    row = cat.wait_ended()
    assert row["state"] != "failed"
    end = time.monotonic() + 5
    while True:
        m = client.recv(max(0.01, end - time.monotonic()))
        assert m, "no BYE"
        if m.method == "BYE":
            d.answer(m)
            break
    thief.close()


def test_spool_without_a_row(start):
    """sip dies between opening the media and the commit: with packets it is a
    recording, without it is nothing."""
    world = World(start())
    server = world.server
    client = sipc.SipClient(server.sip["udp"])
    sender = RtpSender(None, 440)
    d = client.dialog(token=world.access_token)
    r = d.invite([sender.port, 40002], PEOPLE)
    sender.dest = ("127.0.0.1", r.ports()[0])
    sender.start()
    wait_for(lambda: sender.sent > 20, 5, "media")
    time.sleep(1.2)
    sender.stop()
    server.kill_all()
    import sqlite3
    db = sqlite3.connect(server.data / "catalog.db")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("DELETE FROM recordings")
    db.commit()
    db.close()
    (server.data / "spool" / "0190a5e2-7c1b-7def-8123-0123456789ab.spool").write_bytes(b"junk")
    server.start()
    cat = Catalog(server)
    row = cat.wait_ended(timeout=20)
    assert row["state"] in ("rendering", "ready")
    assert "recording.recovered_after_crash" in cat.warnings()
    people = cat.rows("SELECT aor FROM participants ORDER BY ord")
    assert [p["aor"] for p in people] == [ALICE, BOB]
    assert len(cat.rows("SELECT * FROM streams")) == 2
    wait_for(lambda: len(list((server.data / "spool").glob("*.spool"))) <= 1, 10, "junk removed")


def test_second_sigterm_leaves_calls_for_the_next_start(live):
    world, client, d, _, _ = live
    server = world.server
    server.proc.send_signal(signal.SIGTERM)
    wait_for(lambda: "sip.draining" in server.log(), 5, "draining")
    server.proc.send_signal(signal.SIGTERM)
    server.proc.wait(10)
    assert Catalog(server).recordings()[0]["state"] == "recording"
    server.proc.stdout.close()
    server.settings["sip"]["listen"] = ", ".join(server.ready["sip"])
    server.write_conf()
    server.start()
    assert d.bye().status == 200
    assert Catalog(server).wait_ended()["end_reason"] == "bye"


def test_invite_again_after_a_crash(start):
    """sip dies behind its commit and before the 200 arrives: the client repeats
    the INVITE, and it is the same call."""
    world = World(start())
    client = sipc.SipClient(world.server.sip["udp"])
    d = client.dialog(token=world.access_token)
    sent = []
    send = client.send
    client.send = lambda data: (sent.append(data), send(data))
    d.request("INVITE", sipc.multipart(sipc.sdp([40000, 40002]), sipc.metadata(PEOPLE)),
              "multipart/mixed;boundary=unique-boundary")
    first = d.final()
    assert first.status == 200
    kill(world, "sip")
    client.send = send
    while client.recv(0.2):
        pass  # what the dead one still repeated
    send(sent[0])
    again = d.final()
    assert again.status == 200 and again.body == first.body
    assert again.get("to") == first.get("to")
    d.to_tag = re.search(r";tag=([^;>\s]+)", again.get("to"))[1]
    d.request("ACK", cseq=1)
    assert d.bye().status == 200
    assert len(Catalog(world.server).recordings()) == 1
