"""Candidates for a curve: those a trained classifier holds likely, and those whose templates come nearest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np

from whorl.catalogues.base import Catalogue, Entry
from whorl.core.errors import CatalogueError
from whorl.core.verdict import CredibleSet, Opinion, Seen
from whorl.physics.small_angle.composite import compose
from whorl.techniques.protocol import Progress, Shortlist, Suggestion
from whorl.techniques.sas.classifier import SHIPPED_MODEL, CurveClassifier, RawCurve
from whorl.techniques.sas.classifier import Opinion as Told
from whorl.techniques.sas.parameters import start_values
from whorl.techniques.sas.prepare import SasSignal
from whorl.techniques.sas.templates import KEPT, Match, match

#: candidates handed on: the likeliest by the classifier, and the nearest by their templates
_LIKELY, _NEAREST = 5, 3
#: starts of each
_STARTS = 3
#: of the points that testify in the coarse match, and the misfit below which nothing is told
_POINTS, _DISCREPANCY = 20.0, 0.02
#: of the conformal sets of the classifier
_LEVEL = 0.9
#: part of the classifier's log odds that counts beside the evidence of the fits, which come from the same data
BELIEVED = 0.5
#: log prior odds of another kind of particle beside the first, or of an interaction
ONE_MORE = -2.0
#: log probability of a model that the classifier does not know, or holds impossible
_UNLIKELY = -6.0


def shortlist(
    signal: SasSignal,
    catalogues: Sequence[Catalogue],
    *,
    also: Collection[str] = (),
    progress: Progress | None = None,
) -> Shortlist:
    """The most promising models.

    Parameters
    ----------
    signal : SasSignal
    catalogues : sequence of Catalogue
        Of models.
    also : collection of str
        Keys that are in the list however poor they look.
    progress : callable, optional
        Called with (stage, done, total) while templates are computed, the first time.

    Raises
    ------
    CatalogueError
        If the catalogues hold no model.
    """
    rows: list[tuple[Catalogue, Entry]] = []
    matches: list[list[Match]] = []
    quick = signal.quick
    for catalogue in catalogues:
        entries = catalogue.entries()
        label = None if progress is None else partial(progress, f"curves of {catalogue.name}")
        for entry, templates in zip(entries, KEPT.rows(catalogue, entries, label), strict=True):
            rows.append((catalogue, entry))
            matches.append(match(quick, entry.key, templates, _STARTS * (1 + ("@" in entry.key))))
    if not rows:
        raise CatalogueError("the catalogues hold no model of small-angle scattering", remedy="Search the built-in ones too.")
    likely = {key: max(float(np.log(max(p, 1e-9))), _UNLIKELY) for key, p in _asked(signal, SHIPPED_MODEL).ranked}
    coarse = np.array([-0.5 * _POINTS * np.log(m[0].rw ** 2 + _DISCREPANCY**2) if m else -np.inf for m in matches])
    opinion = np.array([_known(entry.key, likely) for _, entry in rows])
    score = opinion + 0.2 * (coarse - coarse.max()) if likely else coarse
    chosen = dict.fromkeys([*np.argsort(-score)[:_LIKELY], *np.argsort(-coarse)[:_NEAREST]])
    chosen |= dict.fromkeys(n for n, (c, entry) in enumerate(rows) if f"{c.name}/{entry.key}" in also)
    families = {entry.family for _, entry in rows}
    found = [
        _suggestion(
            rows[n],
            started(signal, rows[n][1].key, matches[n]),
            merit=float(score[n]),
            members=1,  # what the classifier says is of kinds, not of families
            prior=_prior(rows[n][1].key, opinion[n]),
        )
        for n in chosen
        if matches[n]
    ]
    return Shortlist(sorted(found, key=lambda s: -s.merit), searched=len(rows), families=len(families))


def _known(key: str, likely: Mapping[str, float]) -> float:
    """Log probability of a kind; of one that the classifier never learnt, that of the likeliest which interacts as it does."""
    if key in likely or "@" not in key:
        return likely.get(key, _UNLIKELY)
    interaction = key[key.index("@") :]
    return max((value for other, value in likely.items() if other.endswith(interaction)), default=_UNLIKELY)


def opinion_of(signal: SasSignal, catalogues: Sequence[Catalogue], network: str) -> Opinion:
    """What a trained classifier says of a curve: every kind of model that it knows, the likeliest first.

    Parameters
    ----------
    signal : SasSignal
    catalogues : sequence of Catalogue
        Of models; those that they do not hold have no entry.
    network : str
        Name of a model, or its folder.
    """
    held = {entry.key: f"{c.name}/{entry.key}" for c in catalogues for entry in c.entries()}
    told = _asked(signal, network)
    seen = [Seen(name=key, entry=held.get(key, ""), probability=p) for key, p in told.ranked]
    return Opinion(model=network, phases=seen, set=CredibleSet(level=_LEVEL, members=list(told.members)), farther=told.farther)


def _asked(signal: SasSignal, network: str) -> Told:
    slit = signal.instrument.slit_length if signal.instrument.smearing == "on" else 0.0
    sigma = signal.sigma if signal.absolute else None
    return CurveClassifier.open(network).opinions([RawCurve(signal.x, signal.y, sigma, signal.dq, slit)])[0]


def _prior(key: str, opinion: float) -> float:
    """Log prior odds: what the classifier says, as far as it is believed beside the fits, and the claim of a second part."""
    return BELIEVED * float(opinion) + simplicity(key)


def simplicity(key: str) -> float:
    """Log prior odds of a model for what it claims beside one particle: another, an interaction."""
    return (key.count("+") + key.count("@")) * ONE_MORE


def started(signal: SasSignal, key: str, matches: Sequence[Match]) -> list[dict[str, float]]:
    """Start values of the fits of a model: those of its nearest templates, and what the parameter network says."""
    told = start_values(signal, key)
    if told is None:
        return [m.values for m in matches]
    usual = {p.name: p.typical for p in compose(key).parameters}
    near = {n: float(np.clip(v, *usual[n])) if n in usual else v for n, v in told.items()}
    return [near, *(m.values for m in matches[: max(len(matches) - 1, 1)])]


def _suggestion(
    row: tuple[Catalogue, Entry], starts: Sequence[Mapping[str, float]], *, merit: float, members: int, prior: float
) -> Suggestion:
    catalogue, entry = row
    return Suggestion(
        key=f"{catalogue.name}/{entry.key}",
        name=entry.name,
        family=entry.family,
        elements=frozenset(),
        source=entry.source,
        load=partial(catalogue.load, entry.key),
        merit=merit,
        kind=entry.kind,
        prior=prior,
        members=members,
        start={"starts": list(starts)},
    )
