"""SRTP with libsrtp2 itself, for clients of tests: another program than the server's wrapper."""
import base64
import ctypes
import os
import re

from lib.media import RtpSender

SUITES = {"AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30,
          "AEAD_AES_128_GCM": 28, "AEAD_AES_256_GCM": 44}
ANY_INBOUND, ANY_OUTBOUND = 2, 3


class CryptoPolicy(ctypes.Structure):
    _fields_ = [("cipher_type", ctypes.c_uint32), ("cipher_key_len", ctypes.c_int),
                ("auth_type", ctypes.c_uint32), ("auth_key_len", ctypes.c_int),
                ("auth_tag_len", ctypes.c_int), ("sec_serv", ctypes.c_int)]


class Policy(ctypes.Structure):
    _fields_ = [("ssrc_type", ctypes.c_int), ("ssrc_value", ctypes.c_uint),
                ("rtp", CryptoPolicy), ("rtcp", CryptoPolicy),
                ("key", ctypes.c_char_p), ("keys", ctypes.c_void_p),
                ("num_master_keys", ctypes.c_ulong), ("ekt", ctypes.c_void_p),
                ("window_size", ctypes.c_ulong), ("allow_repeat_tx", ctypes.c_int),
                ("enc_xtn_hdr", ctypes.c_void_p), ("enc_xtn_hdr_count", ctypes.c_int),
                ("next", ctypes.c_void_p)]


LIB = ctypes.CDLL("libsrtp2.so.1")
assert LIB.srtp_init() == 0


def new_key(suite="AES_CM_128_HMAC_SHA1_80"):
    return os.urandom(SUITES[suite])


def inline(key):
    return base64.b64encode(key).decode()


def crypto(key, suite="AES_CM_128_HMAC_SHA1_80", tag=1, more=""):
    return f"a=crypto:{tag} {suite} inline:{inline(key)}{more}\r\n"


class Context:
    def __init__(self, key, suite="AES_CM_128_HMAC_SHA1_80", kind=ANY_OUTBOUND):
        self.key = ctypes.create_string_buffer(key, len(key))
        p = Policy(ssrc_type=kind, window_size=1024)
        p.key = ctypes.cast(self.key, ctypes.c_char_p)
        both = {"AEAD_AES_128_GCM": "aes_gcm_128_16_auth", "AEAD_AES_256_GCM": "aes_gcm_256_16_auth"}
        rtp = both.get(suite) or ("rtp_default" if suite.endswith("80") else "aes_cm_128_hmac_sha1_32")
        getattr(LIB, "srtp_crypto_policy_set_" + rtp)(ctypes.byref(p.rtp))
        getattr(LIB, "srtp_crypto_policy_set_" + both.get(suite, "rtp_default"))(ctypes.byref(p.rtcp))
        self.ctx = ctypes.c_void_p()
        assert LIB.srtp_create(ctypes.byref(self.ctx), ctypes.byref(p)) == 0

    def call(self, name, data):
        buf = ctypes.create_string_buffer(bytes(data), len(data) + 200)
        n = ctypes.c_int(len(data))
        r = getattr(LIB, name)(self.ctx, buf, ctypes.byref(n))
        assert r == 0, f"{name}: {r}"
        return buf.raw[:n.value]

    def protect(self, packet):
        return self.call("srtp_protect", packet)

    def protect_rtcp(self, packet):
        return self.call("srtp_protect_rtcp", packet)

    def unprotect_rtcp(self, packet):
        return self.call("srtp_unprotect_rtcp", packet)


class SrtpSender(RtpSender):
    """An RtpSender whose packets are sealed; context may be changed while it runs."""

    def __init__(self, dest, hz, key, suite="AES_CM_128_HMAC_SHA1_80", **kw):
        super().__init__(dest, hz, **kw)
        self.context = Context(key, suite)

    def _send(self, packet):
        super()._send(self.context.protect(packet))


def sdp(senders, crypto_lines, direction="sendonly", version=1, proto="RTP/SAVP", more=""):
    """An offer of PCMU; crypto_lines: text per line."""
    text = f"v=0\r\no=src 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    for i, (s, lines) in enumerate(zip(senders, crypto_lines)):
        text += (f"m=audio {s if isinstance(s, int) else s.port} {proto} 0\r\na=rtpmap:0 PCMU/8000\r\n"
                 f"{lines}a={direction}\r\na=label:{i + 1}\r\n{more}")
    return text


def answered(r):
    """Per m-line of the answer: (tag, suite, key) or None."""
    found = []
    for part in r.body.decode().split("\r\nm=")[1:]:
        m = re.search(r"a=crypto:(\d+) (\S+) inline:(\S+)", part)
        found.append((int(m[1]), m[2], base64.b64decode(m[3])) if m else None)
    return found
