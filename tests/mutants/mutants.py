#!/usr/bin/env python3
"""Are the tests awake? Breaks the core in one small place at a time and sees which test notices.

    mutants.py [--build DIR] [--count N] [--seed N] [--keep-going] [FILE[:LINE]...]

Takes N places at random (the same ones for the same seed) in the files, src/tcp/*.c unless told; a
line alone means each place on it. A mutant is compiled in a temporary directory and linked in front
of the library of a finished build, then the unit tests of the core and the simulator run until one
fails. What no test notices is printed: a test that is missing, or a change that changes nothing.
Status 1 if there was any. Writes nothing but its temporary directory.
"""
import argparse
import concurrent.futures
import difflib
import glob
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 120  # seconds for a program: a mutant may run for ever
LIBS = "-lcmocka -lnftnl -lmnl -lcap-ng -lseccomp".split()

SWAPS = {
    "<": ["<="], "<=": ["<"], ">": [">="], ">=": [">"], "==": ["!="], "!=": ["=="],
    "&&": ["||"], "||": ["&&"], "+": ["-"], "-": ["+"], "*": ["+"], "/": ["*"],
    "+=": ["-="], "-=": ["+="], "|=": ["="], "&": ["|"], "<<": [">>"], ">>": ["<<"],
    "seq_lt": ["seq_le", "seq_gt"], "seq_le": ["seq_lt"], "seq_gt": ["seq_ge", "seq_lt"],
    "seq_ge": ["seq_gt"], "seq_max": ["seq_min"], "seq_min": ["seq_max"],
    "true": ["false"], "false": ["true"], "!": [""],
}
TOKEN = re.compile(r"[A-Za-z_]\w*|\d\w*|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|->|[-+*/&|]=|\S")
BLANK = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^#[^\n]*', re.S | re.M)
STATEMENT = re.compile(r"^[ \t]+(?![ \t])(?!return|break|continue|goto|case|default|else|const |static |struct "
                       r"|enum |bool |u?int|usec_t |seq_t |size_t |unsigned )[^;{}\n]*;$", re.M)


class Mutant:
    def __init__(self, path, start, end, new):
        self.path, self.start, self.end, self.new = path, start, end, new

    def text(self):
        with open(self.path, encoding="utf-8") as f:
            old = f.read()
        return old, old[:self.start] + self.new + old[self.end:]

    def line(self):
        return self.text()[0].count("\n", 0, self.start) + 1

    def diff(self):
        old, new = (t.split("\n") for t in self.text())
        return "\n".join(d for d in difflib.unified_diff(old, new, lineterm="", n=0)
                         if d[0] in "+-" and d[:3] not in ("+++", "---"))


def condition_end(text, start):
    """The place of the parenthesis that closes the one at start."""
    depth = 0
    for i in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return None


def operand_before(tokens, i):
    """A sign that stands behind an operand joins two; else it is a star or sign of one."""
    return i > 0 and (re.match(r"\w", tokens[i - 1][0]) or tokens[i - 1][0] in ")]") and \
        tokens[i - 1][0] not in ("return", "case")


def mutants_of(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    bare = BLANK.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    tokens = [(m[0], m.start(), m.end()) for m in TOKEN.finditer(bare)]
    found = []
    for i, (token, start, end) in enumerate(tokens):
        inside = bare[bare.rfind("\n", 0, start) + 1:start][:1].isspace()
        if not inside:
            continue  # a signature, a macro, an initializer at file level
        if token in "-+*&" and not (operand_before(tokens, i) and bare[end] == " "):
            continue
        found += [Mutant(path, start, end, new) for new in SWAPS.get(token, [])]
        if re.fullmatch(r"\d+U?", token):
            found.append(Mutant(path, start, end, str(int(token.rstrip("U")) + 1)))
        if token == "if" and condition_end(bare, end + 1):
            close = condition_end(bare, end + 1)
            found.append(Mutant(path, end + 1, close + 1, f"(!{text[end + 1:close + 1]})"))
    for m in STATEMENT.finditer(bare):
        start = m.start() + len(m[0]) - len(m[0].lstrip())
        # The end of a longer statement is none.
        before = bare[:m.start()].rstrip()
        if before[-1:] in ";{})" and m[0].count("(") == m[0].count(")"):
            found.append(Mutant(path, start, m.end(), ";"))
    return found


class Bench:
    """Programs to run, and how to make them with a changed file."""

    def __init__(self, args, work):
        self.args, self.work = args, work
        units = glob.glob(os.path.join(args.build, "tests/unit/test_*.o"))
        core = re.compile(r"test_(tcb_\w+|rtt|sent|ring|listen|congestion|wire_\w+)\.o$")
        self.objects = sorted((o for o in units if core.search(o)), key=self.rank)
        self.objects += sorted(glob.glob(os.path.join(args.build, "tests/sim/sim_*.o")))
        if not self.objects:
            sys.exit("mutants.py: no test is built: make check-unit first, or make mutants")
        self.libraries = [os.path.join(args.build, f"lib{n}.a") for n in ("sim", "segcat", "pure")]

    @staticmethod
    def rank(path):
        """What fails most often comes first."""
        order = ["matrix", "_data", "_open", "_close", "_check"]
        return [n for n, word in enumerate(order + [""]) if word in path][0], path

    def run(self, command, **more):
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False, **more).returncode

    def compile(self, source, output):
        command = self.args.cc.split() + shlex.split(self.args.cflags)
        return self.run(command + ["-w", "-I", os.path.join(TOP, "include"), "-c", source, "-o",
                                   output]) == 0

    def noticed_by(self, number, mutant):
        """The name of a program, "" if none has noticed, None if it is no program."""
        base = os.path.join(self.work, str(number))
        source, output = base + ".c", base + ".o"
        with open(source, "w", encoding="utf-8") as f:
            f.write(mutant.text()[1])
        if not self.compile(source, output):
            return None
        for test in self.objects:
            program = base + ".test"
            if self.run(self.args.cc.split() + shlex.split(self.args.cflags) +
                        [test, output] + self.libraries + LIBS + ["-o", program]) != 0:
                return None
            try:
                status = self.run([program], timeout=PATIENCE, cwd=self.work,
                                  env=dict(os.environ, SIM_SEEDS="40"))
            except subprocess.TimeoutExpired:
                status = -1
            os.remove(program)
            if status != 0:
                return os.path.basename(test)[:-2]
        return ""


def choose(args):
    places = []
    for name in args.file or sorted(glob.glob(os.path.join(TOP, "src/tcp/*.c"))):
        path, _, line = name.partition(":")
        found = mutants_of(path)
        places += [m for m in found if not line or m.line() == int(line)]
    if any(":" in name for name in args.file):
        return places
    random.Random(args.seed).shuffle(places)
    return places[:args.count]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default=TOP)
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--cflags", default="-std=gnu17 -O1")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("file", nargs="*")
    args = parser.parse_args()
    mutants = choose(args)
    none, unnoticed, counts = 0, 0, {}

    with tempfile.TemporaryDirectory() as work:
        bench = Bench(args, work)
        broken = bench.noticed_by("unchanged", Mutant(mutants[0].path, 0, 0, ""))
        if broken != "":
            sys.exit(f"mutants.py: without any change: {broken or 'does not build'}")
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for mutant, by in zip(mutants, pool.map(bench.noticed_by, range(len(mutants)), mutants)):
                where = f"{os.path.relpath(mutant.path, TOP)}:{mutant.line()}"
                if by is None:
                    none += 1
                elif by == "":
                    unnoticed += 1
                    print(f"not noticed: {where}\n{mutant.diff()}", flush=True)
                else:
                    counts[by] = counts.get(by, 0) + 1
    for by, n in sorted(counts.items(), key=lambda item: -item[1]):
        print(f"{n:5} noticed first by {by}")
    print(f"{len(mutants) - none} mutants, {unnoticed} not noticed, "
          f"{none} more did not compile (seed {args.seed})")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
