"""Fixtures: a real server per test, in a folder of its own."""
import pathlib
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lib.server import Server, World  # noqa: E402


def end(server, timeout=15):
    """Ends it now, calls or not: the second SIGTERM it sees does that, and two that are
    pending at once are one."""
    limit = time.monotonic() + timeout
    while time.monotonic() < limit:
        server.proc.terminate()
        try:
            server.proc.wait(0.1)
            return
        except subprocess.TimeoutExpired:
            pass
    server.kill_all()


@pytest.fixture
def start(tmp_path):
    """start(settings, env=..., name=...) -> a running Server; ended after the test."""
    servers = []

    def make(settings=None, env=None, name="srv", run=True):
        s = Server(tmp_path / name, settings, env)
        servers.append(s)
        return s.start() if run else s

    yield make
    for s in servers:
        if s.proc and s.proc.poll() is None:
            end(s)
        if s.log_path.exists():
            text = s.log()
            for word in ("srs_at_", "srs_rt_", "srs_cs_"):
                assert word not in text, f"a secret in the log of {s.dir}"
            for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer"):
                assert word not in text, text[-5000:]


@pytest.fixture
def server(start):
    return start()


@pytest.fixture
def world(server):
    return World(server)


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """A CA, a server certificate for 127.0.0.1/localhost and a client certificate."""
    d = tmp_path_factory.mktemp("pki")

    def run(*a):
        subprocess.run(["openssl", *a], cwd=d, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=Test CA")
    for name, san in (("server", "IP:127.0.0.1,DNS:localhost"), ("client", "DNS:sbc.voip.example")):
        (d / f"{name}.ext").write_text(f"subjectAltName={san}\n")
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", f"{name}.pem", "-days", "30", "-extfile", f"{name}.ext")
    return d
