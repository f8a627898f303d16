"""What a client with a grant of its own could try to do to others."""
import sqlite3

import pytest

from lib import sipc
from lib.server import ALICE, BOB
from lib.sipc import SipClient

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]

# Sofia counts the tags of a server up by this and spells them with these letters.
SOFIA_STEP = 0xB9591D1C361C6521
SOFIA_LETTERS = "aBcDeFgHjKmNpQrStUvXyZ0123456789"


@pytest.fixture
def client(world):
    c = SipClient(world.server.sip["udp"])
    yield c
    c.close()


def call(client, token, **kw):
    d = client.dialog(token=token)
    r = d.invite([40000, 40002], PEOPLE, **kw)
    assert r.status == 200, r.raw
    return d


def counted(tag):
    """The number behind a tag of Sofia's, None: it is none."""
    if set(tag) - set(SOFIA_LETTERS):
        return None
    return sum(SOFIA_LETTERS.index(c) << 5 * i for i, c in enumerate(tag)) % 2**64


def test_tags_of_others_cannot_be_told_from_ones_own(client, world):
    """RFC 3261 section 19.3: whoever has the tags may end a call."""
    tags = [call(client, world.access_token).to_tag for _ in range(3)]
    numbers = [counted(t) for t in tags]
    for a, b in zip(numbers, numbers[1:]):
        assert None in (a, b) or (b - a) % 2**64 != SOFIA_STEP, tags
    assert len(set(tags)) == 3 and min(map(len, tags)) >= 16


def send_raw(client, *lines):
    client.send("\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n")


def test_who_knows_a_call_id_gets_nothing_into_its_recording(client, world):
    """What the stack answers by itself is of a call only with the tags of its dialog."""
    d = call(client, world.access_token)
    other = SipClient(world.server.sip["udp"], local="127.0.0.2")
    for n, (from_tag, to_tag) in enumerate((("x", None), ("x", "y"), (d.from_tag, "y"), ("x", d.from_tag))):
        send_raw(other, f"INVITE {d.uri} SIP/2.0",
                 f"Via: SIP/2.0/UDP {other.hostport};branch=z9hG4bK-evil{n};rport",
                 f"From: <sip:a@evil.example>;tag={from_tag}",
                 f"To: <{d.uri}>" + (f";tag={to_tag}" if to_tag else ""), f"Call-ID: {d.call_id}",
                 "CSeq: nonsense", "Subject: planted", "Max-Forwards: 70")
        assert other.recv(5).status == 400
    assert d.bye().status == 200
    rid = world.wait_recording("failed")["id"]
    text = world.server.get(f"/api/v1/recordings/{rid}/signalling", world.api_token).text
    assert "BYE" in text and "planted" not in text and "127.0.0.2" not in text
    other.close()


def tables_with(server, needle):
    """Of the catalog; a dialog that lasts is kept as it is, for a restart."""
    found = set()
    with sqlite3.connect(f"file:{server.data}/catalog.db?mode=ro", uri=True) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in db.execute(f"SELECT * FROM {table}"):
                if any(needle in (v if isinstance(v, bytes) else str(v).encode()) for v in row):
                    found.add(table)
    return found


def test_a_token_where_a_name_belongs_is_not_kept(client, world):
    token = world.access_token
    d = client.dialog(token=token, src=token)
    xml = sipc.metadata([(ALICE, token), (f"sip:{token}@x.example", "Bob")], session=token)
    text = sipc.sdp([40000, 40002]).replace("s=-", f"s={token}").replace("a=label:1", f"a=label:{token}")
    extra = [f"{name}: {token}" for name in ("User-Agent", "X-Account-ID", "User-to-User", "Subject")]
    r = d.invite([40000, 40002], PEOPLE, xml=xml, sdp_text=text, extra=extra + [
        f"Call-Info: <urn:x:{token}>;purpose=emergency-CallId"])
    assert r.status == 200, r.raw
    for to in (f"sip:{token}@127.0.0.1:9", f"sip:a@127.0.0.1:9?Replaces={token}%3Bto-tag%3D1%3Bfrom-tag%3D2"):
        d.request("REFER", extra=[f"Refer-To: <{to}>", "Require: nosub"])
        assert d.final().status == 400
    d.request("BYE", extra=[f'Reason: SIP;cause=200;text="{token}"'])
    assert d.final().status == 200
    world.wait_recording("failed")
    assert tables_with(world.server, token[7:].encode()) == set()
    assert tables_with(world.server, b"[token]")
