#!/usr/bin/env python3
"""The conformance table: requirements (the .txt files beside this one) against test results.

    conformance.py table MARKDOWN-FILE LOG...   prints the table, writes it as Markdown too; the
                                                logs are those of automake's TAP driver. Status 1
                                                if a requirement has failed or has no test.
    conformance.py check TOP-OF-SOURCES         TAP: the data files, the names of the tests in the
                                                sources and README agree

A test carries a requirement by spelling its id in its name. Reads and writes files only.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ["rfc9293.txt", "mechanisms.txt", "traps.txt", "other-rfcs.txt"]
NOTES = ("not applicable", "deviates")

NUMBERED = r"(?:MUST|SHLD|MAY|REC)-\d+"
RFC = r"RFC\d+(?:-[A-Za-z0-9]+)*"
TRAP = r"TCP\.md \d+(?:(?:,| and) \d+)*"
SECTION = r"3\.10\.\d+(?:\.\d+)?(?: in [A-Z][A-Z0-9-]*\b)?"
FIGURE = r"Figures? \d+(?:(?:,| and) \d+)*"
ID = re.compile(rf"(?<![\w.-])(?:{NUMBERED}|{RFC}|{TRAP}|{SECTION}|{FIGURE})")

# From bad to good: the verdict on several is the worst.
ORDER = ["FAIL", "NOT TESTED", "skipped", "deviates", "pass", "not applicable"]


class Requirement:
    def __init__(self, key, how, text):
        self.key, self.how, self.text = key, how, text
        self.notes = {}
        self.tests = []  # (result, where, name)

    def applicable(self):
        return "not applicable" not in self.notes

    def verdict(self):
        results = {result for result, _, _ in self.tests}
        if not self.applicable():
            return "not applicable"
        if results & {"FAIL", "ERROR", "XPASS"}:
            return "FAIL"
        if "PASS" in results:
            return "deviates" if "deviates" in self.notes else "pass"
        return "skipped" if results else "NOT TESTED"

    def words(self):
        """The verdict with its reason."""
        verdict = self.verdict()
        note = self.notes.get("untested" if verdict == "NOT TESTED" else verdict)
        return verdict + (": " + note if note else "")


class Table:
    """What the data files say, in their order."""

    def __init__(self, directory):
        self.parts = []  # (title, [(area, [Requirement or, for mechanisms, [id]])])
        self.by_id = {}
        self.errors = []
        for name in FILES:
            with open(os.path.join(directory, name), encoding="utf-8") as f:
                self.read(name, f.read())
        with open(os.path.join(directory, "untested.txt"), encoding="utf-8") as f:
            self.allow(f.read())

    def allow(self, text):
        for line in text.split("\n"):
            key, _, reason = line.partition(": ")
            if not line or line.startswith("#"):
                continue
            if reason and key in self.by_id:
                self.by_id[key].notes["untested"] = reason
            else:
                self.errors.append(f"untested.txt: not understood: {line}")

    def read(self, name, text):
        last = None
        for number, line in enumerate(text.split("\n"), 1):
            where = f"{name}:{number}"
            note = re.fullmatch(r"    ([a-z ]+): (.+)", line)
            row = re.fullmatch(rf"({ID.pattern}) +([WCI-])  (.+)", line)
            if not line or line.startswith("#"):
                continue
            if line.startswith("= "):
                self.parts.append((line[2:], []))
            elif line.startswith("["):
                self.parts[-1][1].append((line.strip("[]"), []))
                self.add_whole(line)
            elif note and last is not None and note[1] in NOTES:
                last.notes[note[1]] = note[2]
            elif row and row[1] not in self.by_id:
                last = self.by_id[row[1]] = Requirement(row[1], row[2], row[3])
                self.parts[-1][1][-1][1].append(last)
            elif name == "mechanisms.txt":
                self.parts[-1][1][-1][1].extend(line.split(" | "))
            else:
                self.errors.append(f"{where}: not understood, or there twice: {line}")

    def add_whole(self, heading):
        """[RFC 3522 and 4015: Eifel]: a test may name either without saying more."""
        named = re.match(r"\[RFC (\d+(?: and \d+)*): (.*)\]", heading)
        for number in named[1].split(" and ") if named else []:
            key = "RFC" + number
            if key not in self.by_id:
                self.by_id[key] = Requirement(key, "W", named[2])

    def find(self, key):
        return self.by_id.get(key)

    def requirements(self):
        return [r for _, areas in self.parts for _, rows in areas for r in rows
                if isinstance(r, Requirement)]

    def count_line(self):
        """What README says: from the data alone, so that it does not depend on a run."""
        rows = [r for r in self.requirements() if re.fullmatch(NUMBERED, r.key)]
        apply = [r for r in rows if r.applicable()]
        return (f"Of the {len(rows)} requirements of RFC 9293, {len(apply)} apply to segcat; the "
                f"table gives the reason for each of the {len(rows) - len(apply)} others.")


def ids_in(name):
    """The ids that a test's name spells, each alone."""
    found = []
    for key in ID.findall(name):
        numbers = re.findall(r"\d+", key)
        if key.startswith("TCP.md"):
            found += [f"TCP.md {n}" for n in numbers]
        elif key.startswith("Figure"):
            found += [f"Figure {n}" for n in numbers]
        else:
            found.append(key.upper() if key.startswith("RFC") else key)
    return found


# ---- results

LINE = re.compile(r"(PASS|FAIL|XPASS|XFAIL|SKIP|ERROR): (\S+) (?:(\d+)(?: - | |$))?(.*)")


def read_logs(table, logs):
    """Puts results where they belong. Returns what went wrong with whole programs."""
    broken = []
    for log in logs:
        if not os.path.exists(log):
            broken.append(f"{log} is missing")
            continue
        with open(log, encoding="utf-8", errors="replace") as f:
            for line in f:
                match = LINE.match(line.rstrip("\n"))
                if match and match[3]:
                    add_result(table, match[1], match[2], match[4])
                elif match and match[1] == "ERROR":
                    broken.append(f"{match[2]}: {match[4].lstrip('- ')}")
    return broken


def add_result(table, result, where, name):
    # The same script with other ISNs, or with a count of seeds, is one test.
    short = re.sub(r", numbers (?:at|before) the wrap$| \(\d+ seeds\)$| # .*$", "", name)
    for key in dict.fromkeys(ids_in(name)):
        requirement = table.find(key)
        if requirement is not None:
            requirement.tests.append((result, os.path.basename(where), short))


# ---- printing


def verdict_of(table, row):
    """The verdict in words of a requirement or of a mechanism (a list of ids)."""
    if isinstance(row, Requirement):
        return row.words()
    verdicts = [table.find(key).verdict() for key in row]
    worst = min(verdicts, key=ORDER.index)
    guilty = [key for key, v in zip(row, verdicts) if v == worst]
    return worst if worst == "pass" else f"{worst}: {', '.join(guilty)}"


def tests_of(requirement):
    """Each test once, with the worst of its results where that is not PASS."""
    worst = {}
    for result, where, name in requirement.tests:
        if worst.get((where, name), "PASS") == "PASS":
            worst[where, name] = result
    return [(where, name, "" if result == "PASS" else f" ({result})")
            for (where, name), result in worst.items()]


def print_text(table, out):
    for title, areas in table.parts:
        out.write(f"\n{title}\n{'=' * len(title)}\n")
        for area, rows in areas:
            if rows and not isinstance(rows[0], Requirement):
                out.write(f"\n{area}\n    {verdict_of(table, rows)} (by {', '.join(rows)})\n")
                continue
            out.write(f"\n{area}\n")
            for r in rows:
                out.write(f"  {r.key}  {r.text}\n      {r.words()}\n")
                for where, name, result in tests_of(r):
                    out.write(f"        {where}: {name}{result}\n")


def print_markdown(table, out):
    def cell(text):
        return re.sub(r"([|<>*_])", r"\\\1", text)

    out.write("<!-- made by make conformance -->\n# segcat: conformance\n")
    for title, areas in table.parts:
        out.write(f"\n## {title}\n")
        if any(rows and not isinstance(rows[0], Requirement) for _, rows in areas):
            out.write("\n| mechanism | verdict | ids |\n|---|---|---|\n")
            for area, rows in areas:
                out.write(f"| {cell(area)} | {verdict_of(table, rows)} | {', '.join(rows)} |\n")
            continue
        for area, rows in areas:
            out.write(f"\n### {area}\n\n| id | requirement | verdict | tests |\n|---|---|---|---|\n")
            for r in rows:
                tests = "<br>".join(f"{cell(w)}: {cell(n)}{x}" for w, n, x in tests_of(r))
                out.write(f"| {r.key} | {cell(r.text)} | {cell(r.words())} | {tests} |\n")


def print_counts(table, out):
    bad = 0
    out.write("\n")
    for title, areas in table.parts:
        rows = [row for _, rows in areas for row in rows if isinstance(row, Requirement)]
        counts = {v: sum(r.verdict() == v for r in rows) for v in ORDER}
        if rows:
            said = ", ".join(f"{n} {v}" for v, n in counts.items() if n)
            out.write(f"{title}: {len(rows)} ids: {said}\n")
        bad += counts["FAIL"] + counts["NOT TESTED"]
    return bad


def make_table(markdown, logs):
    table = Table(HERE)
    broken = read_logs(table, logs)
    print_text(table, sys.stdout)
    os.makedirs(os.path.dirname(markdown) or ".", exist_ok=True)
    with open(markdown, "w", encoding="utf-8") as f:
        print_markdown(table, f)
        bad = print_counts(table, f)
    print_counts(table, sys.stdout)
    for line in table.errors + broken:
        print("broken:", line)
    print(f"(as Markdown: {markdown})")
    return 1 if bad or broken or table.errors else 0


# ---- what must hold in the sources, whatever the results are


def c_names(text):
    """The string literals of a C file, those that stand side by side as one."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|\'(?:\\.|[^\'\\\n])\'|"(?:\\.|[^"\\\n])*"|\s+|.', re.S)
    names, open_name = [], False
    for piece in token.findall(text):
        if piece[0] == '"':
            names.append(names.pop() + piece[1:-1] if open_name else piece[1:-1])
            open_name = True
        elif not piece.isspace() and piece[:2] not in ("/*", "//"):
            open_name = False
    return names


def bats_names(text):
    return re.findall(r'^@test "(.*)" \{$|--description "(.*)"', text, re.M)


def source_names(top):
    """[(file, name)] of every test in the sources, as far as names stand there whole."""
    found = []
    for directory in ("bats", "blackbox", "fuzz", "sim", "unit"):
        for base, _, files in os.walk(os.path.join(top, "tests", directory)):
            for file in sorted(files):
                path = os.path.join(base, file)
                if not file.endswith((".c", ".h", ".bats", ".script")):
                    continue
                with open(path, encoding="utf-8") as f:
                    text = f.read()
                if file.endswith(".script"):
                    names = [text.split("\n", 1)[0]]
                elif file.endswith(".bats"):
                    names = ["".join(n) for n in bats_names(text)]
                else:
                    names = c_names(text)
                found += [(os.path.relpath(path, top), name) for name in names]
    return found


def check(top):
    table = Table(HERE)
    used, unknown = set(), []
    for file, name in source_names(top):
        for key in ids_in(name):
            used.add(key)
            if table.find(key) is None:
                unknown.append(f"{file}: {key} in \"{name}\": a misspelling, or a new line for "
                               "tests/conformance/other-rfcs.txt")
    untested = [f"{r.key} ({r.text}) is in no test's name" for r in table.requirements()
                if r.applicable() and r.key not in used and "untested" not in r.notes]
    mechanisms = [f"mechanisms.txt: {key} is in no other file" for _, areas in table.parts
                  for _, rows in areas for key in rows
                  if not isinstance(key, Requirement) and table.find(key) is None]
    with open(os.path.join(top, "README.md"), encoding="utf-8") as f:
        readme = " ".join(f.read().split())
    stale = [] if table.count_line() in readme else ["README.md must say: " + table.count_line()]

    checks = [("the data files are well formed", table.errors + mechanisms),
              ("every id in a test's name is a requirement", unknown),
              ("every requirement that applies has a test", untested),
              ("README counts the requirements", stale)]
    print(f"1..{len(checks)}")
    for number, (name, faults) in enumerate(checks, 1):
        print(f"{'not ' if faults else ''}ok {number} - {name}")
        for fault in faults:
            print("#", fault)
    return 0


def main(args):
    if len(args) >= 3 and args[0] == "table":
        return make_table(args[1], args[2:])
    if len(args) == 2 and args[0] == "check":
        return check(args[1])
    sys.stderr.write(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
