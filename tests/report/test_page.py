"""The page of one verdict: complete, well-formed, escaped, self-contained, small."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from whorl.core.errors import WhorlError
from whorl.core.verdict import Candidate, Verdict
from whorl.report import write_report
from whorl.report.single import render, stylesheet
from whorl.report.words import answer, correlation_words, residual_words

EVIL = '<script>alert("1")</script> & $x^2$ \x00 \udcff'


def tree(path):
    return ET.fromstring(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def written(fake, tmp_path_factory):
    return write_report(fake.platinum(), tmp_path_factory.mktemp("report"), measurement=fake.measured())


def test_answer_and_files(written):
    text = written.read_text(encoding="utf-8")
    assert "Best match: Pt (fcc), Rw 0.118, probability 0.93; none of these 0.01." in text
    assert "3.9233(4)" in text
    assert "at limit" in text
    assert {"Pt_np_S1.verdict.json", "Pt_np_S1.fit.csv", "Pt_np_S1.fgr"} <= {p.name for p in written.parent.iterdir()}
    linked = set(re.findall(r'<a href="([^"#:]+)"', text))
    assert linked
    assert all((written.parent / name).is_file() for name in linked)


def test_nothing_is_loaded_from_anywhere(written):
    """Only plain links (and the names of XML namespaces) may hold an address; no script; the policy forbids the rest."""
    text = written.read_text(encoding="utf-8")
    assert "default-src 'none'" in text.replace("&#39;", "'")
    assert not re.search(r"<(script|iframe|object|embed|link|base|form|audio|video)\b", text)
    assert not re.search(r"\bon[a-z]+=", text)
    assert "@import" not in text
    for element in tree(written).iter():
        for name, value in element.attrib.items():
            short = name.rpartition("}")[2]
            if re.match(r"\s*(https?:)?//", value):
                assert (element.tag.rpartition("}")[2], short) == ("a", "href"), (element.tag, name, value)
            if short in {"src", "href"} and element.tag.rpartition("}")[2] != "a":
                assert value.startswith(("#", "data:")), value
            for address in re.findall(r"url\(([^)]*)\)", value):
                assert address.startswith("#")
    assert "url(" not in stylesheet()


def test_identifiers_are_unique_and_references_resolve(written):
    found = [e.attrib["id"] for e in tree(written).iter() if "id" in e.attrib]
    assert [i for i, n in Counter(found).items() if n > 1] == []
    text = written.read_text(encoding="utf-8")
    wanted = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    for group in re.findall(r'aria-labelledby="([^"]+)"', text):
        wanted |= set(group.split())
    assert wanted <= set(found)


def test_accessible(written):
    """Headings step by one, tables have captions and scoped heads, pictures are named, regions are told apart."""
    root = tree(written)
    plain = [(e.tag.rpartition("}")[2], e) for e in root.iter()]
    levels = [int(t[1]) for t, _ in plain if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    for t, e in plain:
        if t == "table":
            assert e.find("caption") is not None
            assert all(th.get("scope") in {"row", "col"} for th in e.iter("th"))
        if t == "svg":
            named = e.get("role") == "img" and any(c.tag.endswith("title") and c.text for c in e)
            assert named or e.get("aria-hidden") == "true"
    headings = {e.get("id"): e.text for _, e in plain if e.get("id")}
    regions = [e.get("aria-label") for _, e in plain if e.get("role") == "region"]
    regions += [headings[e.get("aria-labelledby")] for t, e in plain if t == "section"]
    assert len(regions) == len(set(regions))
    assert root.get("lang") == "en"


def luminance(colour):
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1])
def test_contrast(theme):
    """Text on all its grounds reaches WCAG AA, 4.5 to 1, in the light (0) and the dark (1) theme."""
    blocks = re.findall(r":root\{([^}]*)\}", stylesheet())
    colours = dict(re.findall(r"--([a-z0-9-]+):(#[0-9a-f]{6})", blocks[theme]))
    pairs = [(t, g) for t in ("ink", "muted", "link", "warn", "bad") for g in ("page", "panel")]
    for text, ground in [*pairs, ("warn", "warnbg"), ("bad", "badbg"), ("ink", "warnbg"), ("ink", "badbg")]:
        a, b = sorted((luminance(colours[text]), luminance(colours[ground])))
        assert (b + 0.05) / (a + 0.05) >= 4.5, (text, ground)
    for sign in ("pos", "neg"):  # the strongest tint of the correlation table
        mix = "#" + "".join(
            f"{round(0.38 * int(colours[sign][i : i + 2], 16) + 0.62 * int(colours['page'][i : i + 2], 16)):02x}"
            for i in (1, 3, 5)
        )
        a, b = sorted((luminance(colours["ink"]), luminance(mix)))
        assert (b + 0.05) / (a + 0.05) >= 4.5, sign


def test_what_comes_from_files_is_escaped(fake, tmp_path):
    base = fake.platinum()
    evil = base.candidates[0].model_copy(
        update={"name": EVIL, "family": EVIL, "source": EVIL, "formula": EVIL, "notes": [EVIL], "structures": (fake.doped(),)}
    )
    verdict = base.model_copy(
        update={"file": f"a/{EVIL}.gr", "warnings": [EVIL], "assumptions": [EVIL], "run": EVIL, "candidates": [evil]}
    )
    path = write_report(verdict, tmp_path, command=EVIL)
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\x00" not in text
    tree(path)
    assert path.parent == tmp_path


def test_parses_as_html(written):
    """An HTML parser sees the same tree as an XML parser: no element is left open."""
    open_tags: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in {"meta", "br"}:
                open_tags.append(tag)

        def handle_endtag(self, tag):
            if tag not in {"meta", "br"}:
                assert open_tags.pop() == tag

        def handle_startendtag(self, tag, attrs):
            pass

    Checker().feed(written.read_text(encoding="utf-8"))
    assert open_tags == []


def test_size(written):
    assert written.stat().st_size <= 1_500_000


def test_same_verdict_same_bytes(fake):
    assert render(fake.platinum()) == render(fake.platinum())


def test_error_page(tmp_path):
    error = {"where": "b.gr, line 31", "what": "r is not increasing", "remedy": "Sort the file or pass sort=True."}
    path = write_report(Verdict.failed("identify", "b.gr", error), tmp_path)
    text = path.read_text(encoding="utf-8")
    tree(path)
    for part in ("No answer: r is not increasing.", "b.gr, line 31", "Sort the file"):
        assert part in text


def test_none_group_and_doubt_in_words(pt):
    none = pt.model_copy(update={"none_probability": 0.97})
    assert answer(none) == "None of the 1012 candidates explains this measurement."
    assert "Why none of these" in render(none)
    first, second, *rest = pt.candidates
    twin = second.model_copy(update={"group": 1, "rw": 0.121})
    group = pt.model_copy(update={"candidates": [first, twin, *rest]})
    assert answer(group).startswith("Cannot be told apart by this measurement: Pt (fcc) and Pt (hcp) (Rw 0.118 to 0.121")
    doubt = pt.model_copy(update={"candidates": [first.model_copy(update={"probability": 0.41}), *pt.candidates[1:]]})
    assert answer(doubt).startswith("No clear answer: most probable Pt (fcc)")
    assert answer(pt.model_copy(update={"task": "refine"})) == "Pt (fcc) refined to Rw 0.118; none of these 0.01."


def test_residual_and_correlations_in_words(fake, pt):
    assert residual_words(fake.quality(autocorrelation=0.05), "r", "Å").startswith("The residual looks like noise")
    assert "has structure" in residual_words(fake.quality(autocorrelation=0.5), "r", "Å")
    assert correlation_words(pt.candidates[0].correlations) == [
        "scale and diameter: −0.86. When one goes up the other goes down with almost the same fit."
    ]


def test_bare_candidate(tmp_path):
    """A verdict with the least that the schema asks for has a page."""
    least = Candidate(
        rank=1, group=1, name="A", kind="reference", formula="", probability=0.9, rw=0.2, evidence=-1.0, parameters={}
    )
    tree(write_report(Verdict(whorl="0.1.0", task="identify", file="", candidates=[least]), tmp_path))


def test_reports_on_other_files_are_kept(fake, tmp_path):
    one, two = (fake.platinum(file=f"{k}/Pt.gr", candidates=[]) for k in "ab")
    assert write_report(one, tmp_path).name == "Pt.html"
    assert write_report(two, tmp_path).name == "Pt-2.html"
    assert write_report(one, tmp_path).name == "Pt.html"


def test_folder_that_cannot_be_written(pt, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WhorlError, match="Choose a folder"):
        write_report(pt, tmp_path / "file" / "sub")


def test_largest_page_stays_small(fake):
    """Five clusters of 1156 atoms and 5000 points of pure noise each, the worst case, stay within 1.5 MB."""
    import numpy as np

    x = np.arange(0.0, 50.0, 0.01)
    noise = np.random.default_rng(3).normal(size=(2, x.size))
    big = fake.octahedron("Au", 12)
    found = [
        fake.candidate(
            k, k, big, noise[0], probability=0.2, evidence=-float(k), rw=0.3, curve=fake.curve(noise[0], noise[1], x)
        )
        for k in range(1, 6)
    ]
    verdict = fake.platinum(candidates=found)
    assert len(render(verdict).encode()) <= 1_500_000
