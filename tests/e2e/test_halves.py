"""CUCM's two dialogs of one call: two recordings, one row."""
import re
import time

import pytest
import requests

from lib import media
from lib.server import ALICE, Server, World, wait_for
from lib.sipc import SipClient, sdp
from lib.web import Browser, finish

NAME, HOST = ALICE[4:].split("@")


class End:
    """The dialog of one end: no offer in the INVITE, the answer in the ACK."""

    def __init__(self, world, end, far, refci="77", sender=NAME):
        self.end, self.refci = end, refci
        self.d = SipClient(world.server.sip["udp"]).dialog(token=world.access_token, src=sender)
        self.voice = media.RtpSender(("127.0.0.1", 9), 440 if end == "near" else 880)
        self.turn(far)
        self.voice.start()

    def turn(self, far):
        self.d.from_params = (f";x-{self.end}end;x-refci={self.refci};x-nearendaddr={NAME};"
                              f"x-farendrefci=78;x-farendaddr={far}")
        n = self.d.request("INVITE")
        r = self.d.final()
        assert r.status == 200, r.raw
        self.d.to_tag = re.search(r";tag=([^;>\s]+)", r.get("to"))[1]
        self.voice.dest = ("127.0.0.1", r.ports()[0])
        self.d.request("ACK", sdp([self.voice.port], "127.0.0.1"), "application/sdp", cseq=n)

    def stop(self):
        self.voice.stop()
        assert self.d.bye().status == 200


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """A call with a transfer, and another phone's call: ids of rows and halves."""
    server = Server(tmp_path_factory.mktemp("halves")).start()
    world = World(server)
    near = End(world, "near", "2002")
    far = End(world, "far", "2002", sender="2002")
    other = End(world, "near", "4004", refci="99")
    wait_for(lambda: len(world.recordings()) == 3, 10, "all are listed while they last")
    time.sleep(0.8)
    near.turn("3003"), far.turn("3003")
    time.sleep(0.8)
    for end in (near, far, other):
        end.stop()
    wait_for(lambda: [r["state"] for r in world.recordings()] == ["ready"] * 2, 40, "two rows")
    rows = {r["participants"][1]["aor"].split("@")[0]: r for r in world.recordings()}
    world.front, world.other = rows["sip:2002"]["id"], rows["sip:4004"]["id"]
    yield world
    finish(server)


def names(rec):
    """Whose lanes a recording has."""
    people = {p["ord"]: p["aor"] for p in rec["participants"]}
    return [[people[s] for s in t["senders"]] for t in rec["tracks"] if t["format"] == "ogg"]


def test_one_row_with_both_lanes(calls, tmp_path):
    rec = calls.recording(calls.front)
    half, = rec["halves"]
    two, three = (f"sip:{n}@{HOST}" for n in (2002, 3003))
    assert rec["half_of"] is None and half["half_of"] == rec["id"] and half["duplicate_of"] is None
    assert names(rec) == [[ALICE]] and names(half) == [[two, three]]
    assert {p["aor"] for p in rec["participants"]} == {ALICE, two, three}
    assert abs(half["offset_s"]) < 5 and half["offset_s"] != 0
    assert {leg["recording_id"]: leg["half_of"] for leg in rec["call"]["legs"]} == \
        {rec["id"]: None, half["id"]: rec["id"]}
    for rid, hz in ((rec["id"], 440), (half["id"], 880)):
        side, = media.decode(calls.audio(rid, tmp_path / "x.ogg"))
        assert media.level(side[2000:8000], hz) > 0.1
    assert calls.recording(half["id"])["half_of"] == rec["id"]
    assert calls.recording(calls.other)["halves"] == []
    for words in ({"q": "3003"}, {"participant": three}, {"q": half["call_id"]}):
        assert [r["id"] for r in calls.recordings(**words)] == [rec["id"]], words


def test_page_and_command_line_show_both(calls, tmp_path):
    server, front = calls.server, calls.front
    half = calls.recording(front)["halves"][0]["id"]
    browser = Browser(server.url)
    browser.login(calls.email, calls.password)
    page = browser.get(f"/recordings/{front}").text
    assert re.findall(r'<section class="panel player[^>]*data-id="([^"]+)"', page) == [front, half]
    assert f"/api/v1/recordings/{half}/audio?format=ogg" in page
    assert f"Other half of the call: 2002@{HOST}, 3003@{HOST}" in page
    rows = re.findall(r'<tr data-id="([^"]+)"', browser.get("/recordings").text)
    assert front in rows and half not in rows
    listed = [r["id"] for r in server.cli("recordings", "list")["items"]]
    assert front in listed and half not in listed
    assert server.cli("recordings", "show", half)["half_of"] == front
    to = tmp_path / "out"
    server.cli("export", front, "--to", str(to))
    kept = {p.name for p in to.iterdir()}
    assert "signalling.txt" in kept and "half-2-signalling.txt" in kept
    assert len([n for n in kept if n.endswith(".ogg")]) == 4
    sums = (to / "SHA256SUMS").read_text()
    assert all(n in sums for n in kept - {"SHA256SUMS"})


def test_deleted_together(calls):
    half = calls.recording(calls.front)["halves"][0]["id"]
    r = requests.delete(f"{calls.server.url}/api/v1/recordings/{half}", timeout=10,
                        headers={"Authorization": f"Bearer {calls.api_token}"})
    assert r.status_code in (200, 202, 204)
    for rid in (half, calls.front):
        calls.server.get(f"/api/v1/recordings/{rid}", calls.api_token, code=404)
    assert [r["id"] for r in calls.recordings()] == [calls.other]
