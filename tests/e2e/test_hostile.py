"""What a client with a grant of its own could try to do to others."""
import pytest

from lib.server import ALICE, BOB, World
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
