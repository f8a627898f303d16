"""SIPp, an independent SIP client, against the real server over UDP, TCP and TLS."""
import os
import pathlib
import select
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from lib import media
from lib.server import ALICE, ROOT

SCENARIOS = ROOT / "tests" / "data" / "sipp"
SIPP = shutil.which("sipp")


class TlsPipe:
    """Debian's SIPp has no TLS: it speaks TCP to this, which speaks TLS on."""

    def __init__(self, dest, cafile, cert=None):
        self.dest = dest
        self.ctx = ssl.create_default_context(cafile=cafile)
        if cert:
            self.ctx.load_cert_chain(*cert)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addr = self.listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pipe, args=(near,), daemon=True).start()

    def _pipe(self, near):
        with near, self.ctx.wrap_socket(socket.create_connection(self.dest),
                                        server_hostname=self.dest[0]) as far:
            while True:
                ready = [far] if far.pending() else select.select([near, far], [], [])[0]
                for s in ready:
                    data = self._read(s)
                    if data == b"":
                        return
                    if data:
                        (near if s is far else far).sendall(data)

    @staticmethod
    def _read(s):
        """None when only TLS's own messages were there."""
        s.setblocking(False)
        try:
            return s.recv(65536)
        except (ssl.SSLWantReadError, BlockingIOError):
            return None
        finally:
            s.setblocking(True)

    def close(self):
        self.listener.close()


def sipp(scenario, server, kind, folder, calls=1, rate=10, pipe=None, extra=(), **keys):
    """Run a scenario; it must succeed for every call."""
    host, port = server.sip[kind]
    uri = f"sip:srs@{host}:{port}" + ("" if kind == "udp" else f";transport={kind}")
    keys = {"uri": uri, "via": kind.upper(), "transport_param": kind, **keys}
    dest = pipe.addr if pipe else (host, port)
    errors = pathlib.Path(folder) / "sipp-errors.log"
    # SIPp takes [name] only for names of its own and -key; long values are fine.
    argv = [SIPP, "-sf", SCENARIOS / f"{scenario}.xml", f"{dest[0]}:{dest[1]}",
            "-t", "u1" if kind == "udp" else "t1", "-i", "127.0.0.1", "-mi", "127.0.0.1",
            "-m", calls, "-r", rate, "-l", 100, "-nostdin", "-timeout", "60", "-timeout_error",
            "-trace_err", "-error_file", errors, *extra]
    for name, value in keys.items():
        argv += ["-key", name, value]
    done = subprocess.run([str(a) for a in argv], cwd=folder, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=120, env={**os.environ, "TERM": "xterm"})
    assert done.returncode == 0, (
        f"sipp: exit {done.returncode}\n" + done.stdout.decode(errors="replace")[-2000:]
        + done.stderr.decode(errors="replace")[-1000:]
        + (errors.read_text(errors="replace")[-3000:] if errors.exists() else ""))


@pytest.fixture
def tone(tmp_path):
    """Five seconds of 440 Hz as raw G.711, what rtp_stream plays."""
    path = tmp_path / "tone.raw"
    path.write_bytes(media.tone_ulaw(440, 0, 5 * 8000))
    return path


@pytest.fixture
def tls_server(start, pki):
    return start({"sip": {"listen": "udp:127.0.0.1:0, tcp:127.0.0.1:0, tls:127.0.0.1:0",
                          "tls_certificate": pki / "server.pem", "tls_key": pki / "server.key"}})


def check_recording(world, item, tmp_path):
    assert [p["aor"] for p in item["participants"]][:1] == [ALICE]
    assert 1.5 < item["duration_s"] < 6
    left, right = media.decode(world.audio(item["id"], tmp_path / "mix.ogg"))
    assert media.level(left[2000:10000], 440) > 0.2
    assert media.level(right[2000:10000], 440) < 0.02
    kinds = [e["kind"] for e in world.recording(item["id"])["events"]]
    assert "hold" in kinds


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_a_call_is_recorded(server, world, tone, tmp_path, kind):
    sipp("record", server, kind, tmp_path, token=world.access_token, owner=ALICE)
    check_recording(world, world.wait_recording(), tmp_path)


def test_a_call_over_tls_is_recorded(tls_server, pki, tone, tmp_path):
    from lib.server import World
    world = World(tls_server)
    pipe = TlsPipe(tls_server.sip["tls"], pki / "ca.pem")
    try:
        sipp("record", tls_server, "tls", tmp_path, pipe=pipe, token=world.access_token,
             owner=ALICE)
    finally:
        pipe.close()
    check_recording(world, world.wait_recording(), tmp_path)


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_many_calls_at_once(server, world, tone, tmp_path, kind):
    sipp("record", server, kind, tmp_path, calls=20, rate=20, token=world.access_token,
         owner=ALICE)
    world.wait_recording(count=20, timeout=90)


def test_lost_datagrams_are_sent_again(server, world, tone, tmp_path):
    """SIPp drops a seventh of what it sends and receives."""
    sipp("record", server, "udp", tmp_path, calls=10, extra=("-lost", "15"),
         token=world.access_token, owner=ALICE)
    world.wait_recording(count=10, timeout=90)
    assert len(world.recordings()) == 10


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_without_a_token_there_is_a_challenge(server, world, tmp_path, kind):
    sipp("no_token", server, kind, tmp_path, calls=3)
    assert world.recordings() == []


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_other_methods(server, tmp_path, kind):
    sipp("options", server, kind, tmp_path, calls=3)
    sipp("cancel", server, kind, tmp_path, calls=3)
