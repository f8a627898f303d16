"""Start and end of the whole server, as an operator and systemd see them."""
import signal
import socket
import time

import requests

from lib import media
from lib.server import ALICE, BOB, World, wait_for
from lib.sipc import SipClient

PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]


def test_systemd_is_told(start, tmp_path):
    path = str(tmp_path / "notify")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    s.settimeout(20)
    server = start(env={"NOTIFY_SOCKET": path})
    assert s.recv(100) == b"READY=1"
    server.proc.send_signal(signal.SIGTERM)
    assert s.recv(100) == b"STOPPING=1"
    assert server.proc.wait(20) == 0


def test_https_serves_api_and_pages(start, pki):
    server = start({"http": {"tls_certificate": pki / "server.pem", "tls_key": pki / "server.key"}})
    assert server.url.startswith("https://127.0.0.1:")
    meta = requests.get(server.url + "/.well-known/oauth-authorization-server",
                        verify=str(pki / "ca.pem"), timeout=10).json()
    assert meta["issuer"] == server.url and meta["token_endpoint"] == server.url + "/token"
    r = requests.get(server.url + "/login", verify=str(pki / "ca.pem"), timeout=10)
    assert r.status_code == 200 and "<form" in r.text


def test_a_second_term_ends_at_once_and_the_call_goes_on_after(start, tmp_path):
    server = start({"server": {"drain": "60s"}})
    world = World(server)
    server.settings["sip"]["listen"] = ", ".join(server.ready["sip"])
    server.settings["http"]["listen"] = server.ready["http"]
    server.write_conf()
    c = SipClient(server.sip["udp"])
    d = c.dialog(token=world.access_token)
    senders, _ = media.two_voices(lambda ports: d.invite(ports, PEOPLE))
    time.sleep(1.5)
    began = time.monotonic()
    server.proc.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    server.proc.send_signal(signal.SIGTERM)
    assert server.proc.wait(10) == 0
    assert time.monotonic() - began < 8
    server.proc.stdout.close()
    server.start()
    time.sleep(1.5)
    for s in senders:
        s.stop()
    assert d.bye().status == 200
    item = world.wait_recording()
    assert item["duration_s"] > 2.5
    left, right = media.decode(world.audio(item["id"], tmp_path / "mix.ogg"))
    tail = slice(-8000, None)
    assert media.level(left[:8000], 440) > 0.15 and media.level(left[tail], 440) > 0.15
    assert media.level(right[tail], 880) > 0.15


def running(pid):
    """True unless it is gone, or dead and waiting for init to notice."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_nothing_is_left_behind(start):
    server = start()
    pids = server.tree()
    assert len(pids) >= 6
    assert server.stop() == 0
    wait_for(lambda: not [p for p in pids if running(p)], 5, "every process to end")


def test_one_server_per_folder(start, server):
    import subprocess
    from lib.server import SRS
    done = subprocess.run([str(SRS), "-c", str(server.conf), "run"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 1
    assert f"another server works in {server.data}: process {server.proc.pid};" in done.stderr
    assert "start.waiting" not in done.stderr  # said at once


def test_a_second_server_changes_nothing(start, server):
    """Not even the trunks, which every start reads from their file."""
    import subprocess
    from lib.server import SRS
    world = World(server)
    trunks = server.dir / "trunks.conf"
    trunks.write_text(f"[one]\ngrant = {world.grant_id}\naddresses = 192.0.2.1\n")
    env = {**server.env, "SRS_SIP_TRUNKS_FILE": str(trunks)}
    done = subprocess.run([str(SRS), "-c", str(server.conf), "run"], capture_output=True, text=True,
                          timeout=60, env=env)
    assert done.returncode == 1 and "another server works in" in done.stderr
    assert server.cli("trunk", "list")["items"] == []
