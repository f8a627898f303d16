#!/usr/bin/python3
"""Checks that every file keeps the rules of the tree.

    lint.py             check the tree below the current folder
    lint.py FILE ...    check these files only

One line per finding, "file:line: text"; exit code 1 when there is any.
A change to one of the tables below is its own commit and says why.
"""
import pathlib
import re
import subprocess
import sys

# Which layers a file may include headers of. tests/ may use everything.
LAYERS = {
    "base": {"base"},
    "storage": {"base", "storage"},
    "auth": {"base", "storage", "auth"},
    "web": {"base", "storage", "auth", "web"},
    "media": {"base", "storage", "media"},
    "srs": {"base", "storage", "auth", "media", "srs"},
}
# Files that know everything: the program and its table of roles.
ALL_LAYERS = {"srs/main.c", "srs/cli/run.c"}

# Third-party headers and the only places that may name them.
FENCES = [
    (r"sofia-sip/", [r"srs/sip/", r"srs/call/ua\.c", r"tests/bench/peer_nta\.c"]),
    (r"sqlite3\.h", [r"storage/db_sqlite(_wal|_text)?\.c"]),
    (r"microhttpd\.h", [r"web/httpd\.c"]),
    (r"gnutls/", [r"web/last_words\.c"]),
    (r"opus(_multistream)?\.h|opus/", [r"media/codec_opus\.c"]),
    (r"ogg/", [r"media/ogg\.c", r"media/ogg_read\.c"]),
    (r"libav(codec|util)/|libswresample/", [r"media/codec_(av|enc)\.c", r"media/mux\.c"]),
    (r"libavformat/", [r"media/mux\.c"]),
    (r"expat\.h", [r"srs/siprec/xml_tree\.c"]),
    (r"sodium\.h", [r"auth/password\.c"]),
    (r"ini\.h", [r"base/conf\.c"]),
    (r"curl/", [r"srs/cli/http_client\.c"]),
    (r"srtp2/", [r"media/srtp\.c"]),
    (r"openssl/", [r"storage/crypt\.c", r"auth/", r"srs/sip/tls_hooks\.c",
                   r"srs/cli/demo_oauth\.c"]),
]

BANNED = ("strcpy strcat sprintf vsprintf strncpy strtok atoi atol sscanf gmtime "
          "localtime strerror rand srand alloca system usleep gets tmpnam").split()
# Only base/mem.c may call these; tests/support has no say in it either.
HEAP = "malloc calloc realloc free strdup strndup asprintf vasprintf".split()

MAX_LINES = 800
MAX_LINES_TEST = 1500
MAX_FUNCTION = 100
MAX_WIDTH = 80

SECRETS = re.compile(
    r"srs_(at|rt|cs)_[0-9A-Za-z-]{6,}\.[0-9A-Za-z_-]{16,}"
    r"|-----BEGIN ([A-Z]+ )*PRIVATE KEY-----"
    r"|\bAKIA[0-9A-Z]{16}\b")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")

TEXT = {".c", ".h", ".S", ".py", ".js", ".css", ".html", ".sql", ".sh", ".md", ".conf", ".service"}


def strip_c(text):
    """The same text with comments and the content of literals blanked out."""
    out = []
    for m in re.finditer(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|.|\n",
                         text, re.S):
        s = m.group(0)
        if len(s) > 1 and s[0] == "/":
            out.append(re.sub(r"[^\n]", " ", s))
        elif len(s) > 1:
            out.append(s[0] + " " * (len(s) - 2) + s[-1])
        else:
            out.append(s)
    return "".join(out)


def line_of(text, pos):
    return text.count("\n", 0, pos) + 1


def check_plain(path, text):
    """Rules for every text file."""
    if path.startswith("tests/data/"):
        return
    for m in UNFINISHED.finditer(text):
        if path not in ("tests/lint/lint.py", "tests/lint/test_lint.py"):
            yield line_of(text, m.start()), f"unfinished work: {m.group(0)}"
    for m in SECRETS.finditer(text):
        yield line_of(text, m.start()), "looks like a secret"
    if "\r" in text:
        yield line_of(text, text.index("\r")), "carriage return"
    if text and not text.endswith("\n"):
        yield line_of(text, len(text)), "no newline at the end"
    for m in re.finditer(r"[ \t]+$", text, re.M):
        if not path.endswith(".md"):
            yield line_of(text, m.start()), "blanks at the end of the line"


def check_width(path, text):
    for n, line in enumerate(text.split("\n"), 1):
        width = len(line.expandtabs(8))
        if width > MAX_WIDTH:
            yield n, f"{width} columns, {MAX_WIDTH} are the end"


def check_length(path, text):
    most = MAX_LINES_TEST if path.startswith("tests/") else MAX_LINES
    n = text.count("\n")
    if n > most:
        yield n, f"{n} lines, {most} are the end of a file"


def check_functions(path, code):
    start, name = None, ""
    lines = code.split("\n")
    for n, line in enumerate(lines, 1):
        if line == "{":
            start = n
            name = lines[n - 2].strip() if n > 1 else ""
        elif line == "}" and start:
            if n - start - 1 > MAX_FUNCTION:
                yield start, (f"function of {n - start - 1} lines, {MAX_FUNCTION} are the end: "
                              f"{name}")
            start = None


def check_includes(path, text, root):
    own = re.sub(r"\.c$", ".h", path)
    includes = [(line_of(text, m.start()), m.group(1), m.group(2))
                for m in re.finditer(r'^#include ([<"])([^>"]+)[>"]', text, re.M)]
    layer = path.split("/")[0]
    test = path.startswith("tests/")
    if path.endswith(".c") and (root / own).exists() and (
            not includes or includes[0][2] != own):
        yield (includes[0][0] if includes else 1), f"the first include must be {own}"
    ours_seen = False
    for n, kind, name in includes:
        if kind == '"':
            if "/" not in name:
                yield n, f'"{name}": write the path from the root'
                continue
            other = name.split("/")[0]
            if not test and other == "tests":
                yield n, f"{name} is for tests only"
            elif not test and path not in ALL_LAYERS and other not in LAYERS.get(layer, ()):
                yield n, f"layer {layer} must not include {name}"
            # The first may be the header of a module that has several files.
            ours_seen = ours_seen or n != includes[0][0]
        else:
            if not test and ours_seen:
                yield n, f"<{name}> comes after our own headers"
            for pattern, places in FENCES:
                if re.match(pattern, name) and not test and not any(
                        re.match(p, path) for p in places):
                    yield n, f"<{name}> belongs to {', '.join(places) or 'nobody'} only"


def check_banned(path, code):
    for m in re.finditer(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED), code):
        yield line_of(code, m.start()), f"{m.group(1)}() is banned"
    if path == "base/mem.c" or path.startswith("tests/"):
        return
    for m in re.finditer(r"(?<![\w.>])(%s)\s*\(" % "|".join(HEAP), code):
        yield line_of(code, m.start()), f"{m.group(1)}() is for base/mem.c; use mem_*"


def check_typedefs(path, code):
    for m in re.finditer(r"^\s*typedef\s+([^;{]*[;{])", code, re.M):
        if re.match(r"(struct|union|enum)\b[^(]*[;{]", m.group(1)):
            yield line_of(code, m.start()), "structs, unions and enums have no typedef"
        elif not re.search(r"_fn\)?\s*\(", m.group(1)):
            yield line_of(code, m.start()), "a typedef is for a function type and ends in _fn"


def check_guard(path, text):
    want = re.sub(r"[^A-Z0-9]", "_", path.upper())
    m = re.search(r"^#ifndef (\w+)\n#define (\w+)$", text, re.M)
    if not m or m.group(1) != want or m.group(2) != want:
        yield 1, f"include guard must be {want}"


def check_file(path, text, root=pathlib.Path(".")):
    """@return sorted [(line, text)] for one file; path is relative to the root."""
    found = list(check_plain(path, text))
    if path.endswith((".c", ".h")):
        code = strip_c(text)
        found += check_width(path, text)
        found += check_length(path, text)
        found += check_functions(path, code)
        found += check_includes(path, text, root)
        found += check_banned(path, code)
        found += check_typedefs(path, code)
        if path.endswith(".h"):
            found += check_guard(path, text)
    return sorted(set(found))


WARNING_CODE = re.compile(
    r"(?:\b(?:warn_add|session_note_warning|render_warn|capture_want_resume|capture_trouble)\([^;\"]*?"
    r"|CAPTURE_TOLD_\w+, \w+,\s*|#define \w+_CODE )\"([a-z_]+\.[a-z_]+)\"")


def check_warnings(sources, page):
    """Codes of warnings that the page does not explain, and the other way round.

    sources: {path: text}. Yields "file:line: text"."""
    explained = set(re.findall(r"(?m)^\| `([a-z_]+\.[a-z_]+)` \|", page))
    found = {}
    for path, text in sources.items():
        for m in WARNING_CODE.finditer(text):
            found.setdefault(m[1], f"{path}:{line_of(text, m.start(1))}")
    for code in sorted(found.keys() - explained):
        yield f"{found[code]}: {code} is not in docs/warnings.md"
    for code in sorted(explained - found.keys()):
        yield f"docs/warnings.md:1: {code} is given by nobody"


def tree_files():
    """Files of the tree that git would carry; without git, what is there."""
    try:
        out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True,
                             capture_output=True, text=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        out = [str(p) for p in pathlib.Path(".").rglob("*")
               if p.parts[0] not in ("build", ".git")]
    return sorted(p for p in out if p and pathlib.Path(p).is_file()
                  and (pathlib.Path(p).suffix in TEXT or pathlib.Path(p).name == "Makefile"))


def main(argv):
    bad = 0
    for path in argv or tree_files():
        try:
            text = pathlib.Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            print(f"{path}:1: not UTF-8")
            bad += 1
            continue
        for n, what in check_file(path, text):
            print(f"{path}:{n}: {what}")
            bad += 1
    if not argv:
        sources = {p: pathlib.Path(p).read_text(encoding="utf-8") for p in tree_files()
                   if re.match(r"(srs|media|storage)/.*\.c$", p)}
        for line in check_warnings(sources, pathlib.Path("docs/warnings.md").read_text()):
            print(line)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
