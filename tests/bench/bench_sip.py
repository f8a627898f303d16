"""SIP side, measured with SIPp as the client: CPU per call against SIPp's own UAS
and against a UAS on bare nta (peer_nta.c), all with the same INVITEs in the same
run; calls per second without a failure; time to the 200; memory per dialog.

    BUILD=build tests/bench/bench_sip.py [--calls N] [--held N]

CPU is what the kernel accounted to the server's processes (user + system), all roles
together; SIPp's own cost as a client is not in it. On a busy machine the ratios hold,
the absolute figures do not.
"""
import argparse
import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from lib.server import ALICE, BUILD, BOB, Server, World, free_port, wait_for  # noqa: E402
from lib.sipc import metadata  # noqa: E402

SIPP = "sipp"
HZ = os.sysconf("SC_CLK_TCK")
PEOPLE = [(ALICE, "Alice"), (BOB, "Bob")]
SESSION = "[pid]b[call_number]"  # each call is one of its own
RATES = (100, 400)

INVITE = """<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="bench">
<send retrans="500" start_rtd="1"><![CDATA[
INVITE sip:rec@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:sbc@voip.example>;tag=[pid]t[call_number]
To: <sip:rec@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:sbc@[local_ip]:[local_port]>;+sip.src
Require: siprec
Authorization: Bearer TOKEN
Content-Type: multipart/mixed;boundary=b
Content-Length: [len]

--b
Content-Type: application/sdp

v=0
o=src 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
MEDIA
--b
Content-Type: application/rs-metadata+xml

METADATA
--b--
]]></send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="200" rtd="1" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:sbc@voip.example>;tag=[pid]t[call_number]
To: <sip:rec@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Content-Length: 0

]]></send>
<pause milliseconds="HOLD"/>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:sbc@voip.example>;tag=[pid]t[call_number]
To: <sip:rec@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
"""


def scenario(folder, token, hold_ms, streams=2):
    media = "".join(f"m=audio {40000 + 2 * i} RTP/AVP 0\na=sendonly\na=rtcp-mux\na=label:{i + 1}\n"
                    for i in range(streams))
    text = (INVITE.replace("TOKEN", token).replace("MEDIA\n", media)
            .replace("METADATA", metadata(PEOPLE, SESSION).replace("\r\n", "\n"))
            .replace("HOLD", str(hold_ms)))
    path = pathlib.Path(folder) / f"bench-{hold_ms}.xml"
    path.write_text(text)
    return path


def cpu_s(pids):
    """User and system seconds of processes so far."""
    total = 0
    for pid in pids:
        try:
            f = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(f[11]) + int(f[12])
    return total / HZ


def by_role(server):
    """Seconds of each role so far."""
    return {name: cpu_s([pid]) for name, pid in server.roles().items()}


def rss_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1])
    return 0


def sipp(folder, path, port, calls, rate, limit, timeout, rtt=False):
    """@return (worked, failed calls, retransmissions, response times in ms)"""
    for old in pathlib.Path(folder).glob("*.csv"):
        old.unlink()
    argv = [SIPP, "-sf", path, f"127.0.0.1:{port}", "-t", "u1", "-i", "127.0.0.1", "-m", calls,
            "-r", rate, "-l", limit, "-nostdin", "-trace_stat", "-fd", "1", "-timeout", timeout,
            "-buff_size", 4194304] + (["-trace_rtt", "-rtt_freq", 100] if rtt else [])
    try:
        code = subprocess.run([str(a) for a in argv], cwd=folder, stdin=subprocess.DEVNULL,
                              capture_output=True, env={**os.environ, "TERM": "xterm"},
                              timeout=timeout + 10).returncode
    except subprocess.TimeoutExpired:
        code = -1  # calls that never ended
    failed = retrans = 0
    times = []
    for csv in pathlib.Path(folder).glob("*.csv"):
        rows = [r.split(";") for r in csv.read_text().splitlines()]
        if csv.name.endswith("_rtt.csv"):
            times += [float(r[1]) for r in rows[1:] if len(r) > 2]
        elif len(rows) > 1:
            row = dict(zip(rows[0], rows[-1]))
            failed, retrans = int(row["FailedCall(C)"]), int(row["Retransmissions(C)"])
    return code == 0, failed, retrans, times


class Peer:
    """A UAS to compare with."""

    def __init__(self, argv, folder):
        self.proc = subprocess.Popen([str(a) for a in argv], cwd=folder, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     env={**os.environ, "TERM": "xterm"})

    def pids(self):
        return [self.proc.pid]

    def end(self):
        self.proc.send_signal(signal.SIGKILL)
        self.proc.wait()


def measure(name, pids, folder, path, port, calls, rate, rtt=False):
    before = cpu_s(pids())
    ok, failed, retrans, times = sipp(folder, path, port, calls, rate, 5000, calls / rate + 30, rtt)
    ms = (cpu_s(pids()) - before) * 1000 / calls
    print(f"{name:22s} {ms:6.3f} ms CPU per call   {calls} calls at {rate}/s, {failed} failed, "
          f"{retrans} retransmissions", flush=True)
    return ms, times


def top_rate(name, folder, path, port):
    """The highest rate of 5 s without a failed call."""
    best = 0
    for rate in (200, 400, 600, 800, 1000, 1300, 1600, 2000):
        ok, failed, _, _ = sipp(folder, path, port, rate * 5, rate, 20000, 30)
        if not ok or failed:
            break
        best = rate
    print(f"{name:22s} {best} calls/s without a failed call", flush=True)
    return best


def room_for(count):
    """Dialogs that fit into the descriptors: each takes capture a socket (rtcp-mux), and a
    spool file for its first seconds; a pool of sockets may take an eighth of them."""
    need = (count + 3000) * 8 // 7
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, need))
    except (ValueError, OSError):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        fits = hard * 7 // 8 - 3000
        if hard != resource.RLIM_INFINITY and fits < count:
            print(f"only {hard} descriptors allowed: {fits} dialogs instead of {count}")
            return fits
    return count


def held(server, world, folder, count, port):
    """Private memory of the sip role per established dialog."""
    pid = server.roles()["sip"]
    path = scenario(folder, world.access_token, 600000, streams=1)
    base = rss_kb(pid)
    argv = [SIPP, "-sf", path, f"127.0.0.1:{port}", "-t", "u1", "-i", "127.0.0.1", "-m", count,
            "-r", "300", "-l", count + 10, "-nostdin", "-buff_size", "4194304"]
    client = subprocess.Popen([str(a) for a in argv], cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**os.environ, "TERM": "xterm"})
    try:
        def live():
            import sqlite3
            db = sqlite3.connect(f"file:{server.data}/catalog.db?mode=ro", uri=True)
            try:
                n = db.execute("select count(*) from recordings where state = 'recording'")
                return n.fetchone()[0] >= count
            finally:
                db.close()
        wait_for(live, 180, f"{count} dialogs")
        time.sleep(40)  # transactions of the INVITEs end (timer H)
        kb = (rss_kb(pid) - base) / count
    finally:
        client.kill()
        client.wait()
    print(f"sip role: {kb:.1f} KB per established dialog, {count} held", flush=True)
    return kb


SETTINGS = {"media": {"ports": "10000-64999"},
            "sip": {"max_calls": "100000", "media_timeout": "1h"}, "log": {"level": "error"}}


def compare(folder, calls, result):
    server = Server(pathlib.Path(folder) / "srv", SETTINGS).start()
    ports = free_port("udp"), free_port("udp")
    nta = Peer([BUILD.resolve() / "tests/bench/peer_nta", ports[0]], folder)
    uas = Peer([SIPP, "-sn", "uas", "-i", "127.0.0.1", "-p", ports[1], "-nostdin",
                "-buff_size", "4194304"], folder)
    try:
        path = scenario(folder, World(server).access_token, 1000)
        port = server.sip["udp"][1]
        times = []
        for rate in RATES:
            n = calls * rate // RATES[0]
            nta_ms, _ = measure("bare nta", nta.pids, folder, path, ports[0], n, rate)
            uas_ms, _ = measure("SIPp -sn uas", uas.pids, folder, path, ports[1], n, rate)
            before = by_role(server)
            ms, took = measure("srs, all roles", server.tree, folder, path, port, n, rate, rtt=True)
            print("    " + ", ".join(f"{name} {(s - before.get(name, 0)) * 1000 / n:.3f}"
                                     for name, s in by_role(server).items()), flush=True)
            print(f"    srs : bare nta {ms / nta_ms:.2f}, srs : SIPp {ms / uas_ms:.2f}", flush=True)
            result |= {f"nta_ms_{rate}": nta_ms, f"sipp_ms_{rate}": uas_ms, f"srs_ms_{rate}": ms,
                       f"ratio_nta_{rate}": ms / nta_ms}
            times.append(took)
        result["top_nta"] = top_rate("bare nta", folder, path, ports[0])
        result["top_sipp"] = top_rate("SIPp -sn uas", folder, path, ports[1])
        result["top_srs"] = top_rate("srs", folder, path, port)
    finally:
        nta.end()
        uas.end()
        server.kill_all()
    return times[0]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--calls", type=int, default=3000)
    p.add_argument("--held", type=int, default=10000)
    a = p.parse_args()
    result = {}
    with tempfile.TemporaryDirectory(prefix="srs-bench-") as folder:
        times = sorted(compare(folder, a.calls, result))
        if times:
            result["p50_ms"] = statistics.median(times)
            result["p99_ms"] = times[int(len(times) * 0.99)]
            print(f"200 OK at 100 calls/s: p50 {result['p50_ms']:.1f} ms, p99 "
                  f"{result['p99_ms']:.1f} ms ({len(times)} calls; SIPp counts whole ms)")
        if a.held:
            a.held = room_for(a.held)
            server = Server(pathlib.Path(folder) / "held", SETTINGS).start()
            try:
                result["kb_per_dialog"] = held(server, World(server), folder, a.held,
                                               server.sip["udp"][1])
            finally:
                server.kill_all()
    print(json.dumps({k: round(v, 3) for k, v in result.items()}))


if __name__ == "__main__":
    main()
