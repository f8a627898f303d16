"""One call sent twice: kept once, without losing anything."""
import glob
import pathlib
import time

import pytest
import requests

from lib import media
from lib.catalog import Catalog
from lib.server import ALICE, BOB, DETAILS, World, wait_for
from lib.sipc import SipClient, metadata

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


class Twin(media.RtpSender):
    """Sends the same packets to two places; each may miss some. No two packets are alike."""

    def __init__(self, hz, gaps=((), ()), **kw):
        super().__init__(("127.0.0.1", 9), hz, **kw)
        self.dests, self.gaps, self.n, self.noise = [], gaps, 0, True

    def _send(self, packet):
        self.n += 1
        if self.noise:
            packet = packet[:12] + bytes(b ^ (self.rng.random() < 0.5) for b in packet[12:])
        for dest, gap in zip(self.dests, self.gaps):
            if not any(a <= self.n < b for a, b in gap):
                self.sock.sendto(packet, dest)


class Twice:
    """A call in two recording sessions. gaps: of each session, in packets."""

    def __init__(self, server, worlds, gaps=((), ()), lines=((0, 1), (0, 1)), session="cs-1"):
        self.senders = [Twin(hz, gaps) for hz in (440, 880)]
        self.legs = []
        for world, mine in zip(worlds, lines):
            c = SipClient(server.sip["udp"])
            d = c.dialog(token=world.access_token)
            r = d.invite([self.senders[i].port for i in mine], PEOPLE, xml=self.describe(mine, session))
            assert r.status == 200, r.raw
            for i, port in zip(mine, r.ports()):
                self.senders[i].dests.append(("127.0.0.1", port))
            self.legs.append(d)
        for s in self.senders:
            s.start()

    @staticmethod
    def describe(mine, session):
        """Whose lines are sent in this session; both take part in the call."""
        text = metadata(PEOPLE, session=session)
        for i in range(2):
            if i not in mine:
                text = text.replace(f"<send>s{i}</send>", "")
                text = text.replace(f'<stream stream_id="s{i}" session_id="{session}">'
                                    f"<label>{i + 1}</label></stream>", "")
            else:
                text = text.replace(f"<label>{i + 1}</label>", f"<label>{mine.index(i) + 1}</label>")
        return text

    def end(self, after=1.2):
        time.sleep(after)
        for s in self.senders:
            s.stop()
        for d in self.legs:
            assert d.bye().status == 200


def rows(server):
    return Catalog(server).rows("SELECT id, state, duplicate_of, media_dropped_us, bytes "
                                "FROM recordings ORDER BY id")


def compared(server, count=2):
    """The rows once all are rendered and nothing waits."""
    cat = Catalog(server)

    def check():
        found = rows(server)
        waits = cat.rows("SELECT 1 FROM leg_checks UNION ALL SELECT 1 FROM media_removals")
        over = len(found) == count and all(r["state"] in ("ready", "failed") for r in found)
        return found if over and not waits else None

    return wait_for(check, 40, f"{count} recordings compared: {rows(server)}")


def files(server, rid):
    return [pathlib.Path(p) for p in glob.glob(f"{server.data}/media/*/{rid}/*")]


def one_of_two(server, world):
    """(in front, behind) of a call whose second media is gone."""
    found = compared(server)
    front = next(r for r in found if not r["duplicate_of"])
    behind = next(r for r in found if r["duplicate_of"])
    assert behind["duplicate_of"] == front["id"]
    assert [i["id"] for i in world.recordings()] == [front["id"]]
    return front, behind


def test_a_call_sent_twice_is_kept_once(server, world, tmp_path):
    call = Twice(server, [world, world])
    wait_for(lambda: len(world.recordings()) == 2, 10, "both are listed while they last")
    call.end()
    front, behind = one_of_two(server, world)
    assert behind["media_dropped_us"] and behind["bytes"] == 0
    assert files(server, front["id"]) and not files(server, behind["id"])
    left, right = media.decode(world.audio(front["id"], tmp_path / "mix.ogg"))
    assert media.level(left[2000:8000], 440) > 0.15 and media.level(right[2000:8000], 880) > 0.15

    usage = Catalog(server).rows("SELECT * FROM usage WHERE scope = ?", world.grant_id)[0]
    assert (usage["recordings"], usage["bytes"]) == (1, front["bytes"])
    assert world.recordings(q="bob")[0]["id"] == front["id"] and len(world.recordings(q="bob")) == 1
    items = server.get(f"/api/v1/calls/{front['id']}", world.api_token).json()["items"]
    assert {i["id"]: i["duplicate_of"] for i in items} == {front["id"]: None,
                                                           behind["id"]: front["id"]}
    other = world.recording(behind["id"])
    assert other["duplicate_of"] == front["id"] and other["media_dropped_at"] and other["tracks"] == []
    legs = {leg["recording_id"]: leg["duplicate_of"] for leg in other["call"]["legs"]}
    assert legs == {front["id"]: None, behind["id"]: front["id"]}
    assert other["participants"] and other["communication_sessions"]
    text = server.get(f"/api/v1/recordings/{behind['id']}/signalling?format=text", world.api_token).text
    assert "INVITE" in text and "BYE" in text
    server.get(f"/api/v1/recordings/{behind['id']}/audio", world.api_token, code=404)
    assert server.cli("verify")["problems"] == []
    assert server.cli("recordings", "show", behind["id"])["duplicate_of"] == front["id"]

    r = requests.delete(f"{server.url}/api/v1/recordings/{front['id']}", timeout=10,
                        headers={"Authorization": f"Bearer {world.api_token}"})
    assert r.status_code in (200, 202, 204)
    server.get(f"/api/v1/recordings/{behind['id']}", world.api_token, code=404)
    wait_for(lambda: not rows(server), 30, "both are purged")


def test_the_one_without_a_gap_stays(server, world, tmp_path):
    Twice(server, [world, world], gaps=(((20, 45),), ())).end()
    front, behind = one_of_two(server, world)
    assert front["id"] > behind["id"] and behind["media_dropped_us"]
    left, _ = media.decode(world.audio(front["id"], tmp_path / "mix.ogg"))
    assert not [s for s in media.silences(left) if s[0] > 0.1 and s[1] > 0.1]


def test_what_only_one_has_is_kept(server, world):
    Twice(server, [world, world], gaps=(((10, 20),), ((40, 50),))).end()
    front, behind = one_of_two(server, world)
    assert not behind["media_dropped_us"] and files(server, behind["id"])
    for row in (front, behind):
        server.get(f"/api/v1/recordings/{row['id']}/audio", world.api_token)


def test_the_two_ends_of_a_phone_are_no_duplicates(server, world):
    Twice(server, [world, world], lines=((0,), (1,))).end()
    found = compared(server)
    assert [r["duplicate_of"] for r in found] == ["", ""] and len(world.recordings()) == 2


def test_a_client_with_one_session_id_for_all_loses_nothing(server, world):
    """Two calls of the same people at once, told apart by what is said in them."""
    one = Twice(server, [world], lines=((0, 1),))
    two = Twice(server, [world], lines=((0, 1),))
    for s in two.senders:
        s.rng.seed(99)
    one.end(), two.end(0)
    found = compared(server)
    assert [r["duplicate_of"] for r in found] == ["", ""] and len(world.recordings()) == 2
    assert all(files(server, r["id"]) for r in found)


def test_another_owners_are_never_merged(server, world):
    other = World(server, tenant="other")
    Twice(server, [world, other]).end()
    found = compared(server)
    assert [r["duplicate_of"] for r in found] == ["", ""]
    assert len(world.recordings()) == len(other.recordings()) == 1
    assert all(files(server, r["id"]) for r in found)


def test_both_are_listed_where_that_is_wanted(start):
    server = start({"stitch": {"duplicates": "link"}})
    world = World(server)
    Twice(server, [world, world]).end()
    found = compared(server)
    assert [r["duplicate_of"] for r in found] == ["", ""] and len(world.recordings()) == 2
    first, second = (world.recording(r["id"])["call"]["id"] for r in found)
    assert first == second


@pytest.mark.parametrize("when", ["before", "between"])
def test_killed_on_the_way(start, when):
    server = start()
    world = World(server)
    server.settings["sip"]["listen"] = ", ".join(server.ready["sip"])
    server.settings["http"]["listen"] = server.ready["http"]
    server.write_conf()
    Twice(server, [world, world]).end()
    if when == "between":
        # the rows are through, the files are still there
        front, behind = one_of_two(server, world)
        server.kill_all()
        folder = server.data / "media" / files(server, front["id"])[0].parts[-3] / behind["id"]
        folder.mkdir(exist_ok=True)
        (folder / "mix.ogg").write_bytes(b"x")
        import sqlite3
        with sqlite3.connect(server.data / "catalog.db") as db:
            db.execute("INSERT INTO media_removals SELECT id, tenant_id FROM recordings WHERE id = ?",
                       (behind["id"],))
    else:
        server.kill_all()
    server.start()
    front, behind = one_of_two(server, world)
    assert behind["media_dropped_us"] and not files(server, behind["id"]) and files(server, front["id"])


def test_a_pause_is_of_the_whole_call(server):
    world = World(server, details={**DETAILS, "actions": ["record", "pause_resume"]})
    call = Twice(server, [world, world])
    front = wait_for(lambda: world.recordings()[0]["id"] if len(world.recordings()) == 2 else None,
                     10, "both are listed")
    r = requests.post(f"{server.url}/api/v1/recordings/{front}/pause", timeout=10,
                      headers={"Authorization": f"Bearer {world.api_token}"})
    assert r.status_code in (200, 202, 204), r.text
    cat = Catalog(server)
    wait_for(lambda: len([k for k, _ in cat.events() if k == "pause"]) == 2, 10, "both are paused")
    call.end(0.2)
    compared(server)
