#!/usr/bin/python3
"""Every rule of lint.py finds its bad snippet, and leaves good code alone."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lint  # noqa: E402

GUARD = "#ifndef MEDIA_X_H\n#define MEDIA_X_H\n%s#endif\n"

# path, text, part of the finding
BAD = [
    ("base/x.c", '#include "storage/db.h"\n', "layer base must not"),
    ("storage/x.c", '#include "auth/users.h"\n', "layer storage must not"),
    ("web/x.c", '#include "media/rtp.h"\n', "layer web must not"),
    ("media/x.c", '#include "auth/users.h"\n', "layer media must not"),
    ("srs/x.c", '#include "web/httpd.h"\n', "layer srs must not"),
    ("web/x.c", '#include "tests/support/unit.h"\n', "for tests only"),
    ("srs/x.c", "#include <sofia-sip/nta.h>\n", "belongs to"),
    ("storage/catalog.c", "#include <sqlite3.h>\n", "belongs to"),
    ("web/httpd.c", "#include <gnutls/gnutls.h>\n", "last_words"),
    ("base/x.c", '#include "err.h"\n', "path from the root"),
    ("base/x.c", '#include "base/err.h"\n#include "base/y.h"\n#include <stdio.h>\n', "after our"),
    ("base/x.c", "void f(void)\n{\n\tstrcpy(a, b);\n}\n", "strcpy() is banned"),
    ("tests/unit/test_x.c", "int x = atoi(s);\n", "atoi() is banned"),
    ("base/x.c", "void *p = malloc(3);\n", "use mem_*"),
    ("media/x.c", "void f(void)\n{\n\tfree (p);\n}\n", "use mem_*"),
    ("base/x.c", "typedef struct { int a; } x;\n", "no typedef"),
    ("base/x.c", "typedef struct x x_t;\n", "no typedef"),
    ("base/x.c", "typedef int number;\n", "ends in _fn"),
    ("media/x.h", "#ifndef X_H\n#define X_H\n#endif\n", "include guard"),
    ("media/x.h", GUARD % "int f(void); /* TODO later */\n", "unfinished"),
    ("README.md", "FIXME\n", "unfinished"),
    ("web/ui/x.js", 'const t = "srs_at' '_0197c0de.0123456789abcdefghij";\n', "secret"),
    ("docs/x.md", "-----BEGIN EC " "PRIVATE KEY-----\n", "secret"),
    ("base/x.c", "int a;\r\n", "carriage return"),
    ("base/x.c", "int a;", "no newline"),
    ("base/x.c", "int a; \n", "blanks at the end"),
    ("base/x.c", "/* " + "x" * 80 + " */\n", "columns"),
    ("base/x.c", "\t" * 10 + "x;\n", "columns"),
    ("base/x.c", "int a;\n" * 801, "end of a file"),
    ("tests/unit/test_x.c", "int a;\n" * 1501, "end of a file"),
    ("base/x.c", "int f(void)\n{\n" + "\tg();\n" * 101 + "}\n", "function of 101"),
]

GOOD = [
    ("base/x.c", "#include <stdio.h>\n\n#include \"base/err.h\"\n"),
    ("srs/main.c", '#include "web/httpd.h"\n'),
    ("storage/db_sqlite.c", "#include <sqlite3.h>\n"),
    ("srs/sip/agent.c", "#include <sofia-sip/nta.h>\n"),
    ("base/mem.c", '#include "base/mem.h"\nvoid *p = malloc(3);\n'),
    ("tests/unit/test_x.c", "#include <sqlite3.h>\nvoid *p = malloc(3);\n"),
    ("media/x.c", "/* strcpy(a, b) */ const char *s = \"atoi(x)\";\n"),
    ("media/x.c", "void f(void)\n{\n\tops->free(p);\n\tx.system(1);\n\tgmtime_r(a, b);\n}\n"),
    ("media/x.c", "typedef int reader_fn(void *arg);\ntypedef void (*cb_fn)(int);\n"),
    ("media/x.h", GUARD % "struct x;\n"),
    ("base/x.c", "int f(void)\n{\n" + "\tg();\n" * 100 + "}\n"),
]


class LintTest(unittest.TestCase):
    def test_bad_snippets_are_found(self):
        for path, text, want in BAD:
            with self.subTest(path=path, want=want):
                found = [what for _, what in lint.check_file(path, text)]
                self.assertTrue(any(want in what for what in found), found)

    def test_good_snippets_pass(self):
        for path, text in GOOD:
            with self.subTest(path=path, text=text[:60]):
                self.assertEqual(lint.check_file(path, text), [])

    def test_own_header_comes_first(self):
        with tempfile.TemporaryDirectory() as d:
            root = pathlib.Path(d)
            (root / "base").mkdir()
            (root / "base/x.h").write_text("")
            bad = lint.check_file("base/x.c", "#include <stdio.h>\n", root)
            self.assertEqual(bad, [(1, "the first include must be base/x.h")])
            self.assertEqual(lint.check_file("base/x.c", '#include "base/x.h"\n', root), [])

    def test_codes_of_warnings_are_explained(self):
        page = "| `a.known` | warning | x |\n| `a.stale` | info | y |\n"
        sources = {"srs/x.c": '\twarn_add(wl, "a.known", X, "b.c");\n'
                              '\tsession_note_warning(s, "a.new",\n\t\tX, "d");\n'
                              '\tlog_warn(NULL, "a.event");\n#define LOST_CODE "a.lost"\n'}
        found = list(lint.check_warnings(sources, page))
        self.assertEqual(found, ["srs/x.c:4: a.lost is not in docs/warnings.md".replace("4", "5"),
                                 "srs/x.c:2: a.new is not in docs/warnings.md",
                                 "docs/warnings.md:1: a.stale is given by nobody"])

    def test_the_line_is_right(self):
        found = lint.check_file("base/x.c", "int a;\n/* two\n * lines */\nint b = atoi(c);\n")
        self.assertEqual(found, [(4, "atoi() is banned")])


if __name__ == "__main__":
    unittest.main()
