"""Keys of a phone: RFC 4733 events of the daemon's own client and what becomes of them."""
from lib.server import ALICE, BOB, World


def press(server, world, keys, *more):
    host, port = server.sip["udp"]
    out = server.cli("call", "--to", f"sip:srs@{host}:{port}", "--token", world.access_token,
                     "--participant", ALICE, "--name", "Alice", "--participant", BOB,
                     "--duration", "3", "--dtmf", keys, *more)
    assert out["ok"], out
    rec = world.wait_recording()
    return world.recording(rec["id"])


def test_keys_are_events(server, world):
    rec = press(server, world, "15*#D@1", "--reorder")
    keys = [e for e in rec["events"] if e["kind"] == "dtmf"]
    assert "".join(e["text"] for e in keys) == "15*#D"
    for i, e in enumerate(keys):
        assert abs(e["offset_s"] - (1 + 0.24 * i)) < 0.1, keys
        assert abs(e["duration_s"] - 0.16) < 0.001
        assert e["participant"] == 0 and e["stream"] == 0
    codes = {w["code"] for w in rec["warnings"]}
    assert not codes & {"media.loss", "media.strays"}, rec["warnings"]
    page = server.cli("recordings", "show", rec["id"])
    assert [e["text"] for e in page["events"] if e["kind"] == "dtmf"] == list("15*#D")


def test_muted_keys_leave_nothing(start):
    server = start({"media": {"dtmf": "mute"}})
    world = World(server)
    rec = press(server, world, "1234@0.5", "--codec", "opus")
    assert not [e for e in rec["events"] if e["kind"] == "dtmf"]
    assert "media.loss" not in {w["code"] for w in rec["warnings"]}
