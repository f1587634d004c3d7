"""Fit ``rag/text/role_weights.npz``: what each sentence of an abstract does.

    python -m training.roles.fit --data ../shared/data --out rag/text/role_weights.npz

*Roles*: multinomial logistic regression on CSAbstruct (Cohan et al. 2019, Apache-2.0; parts train and dev) and on the
sections of PubMedQA's abstracts (Jin et al. 2019, MIT; its train half), whose headings are the labels, the conclusion
of each included. *Aspects*: logistic regression on those abstracts of PubMedQA that have a section of that name.

Prints the accuracy on the test parts, which nothing is fitted or chosen on, and of each aspect the average precision
beside the share that have it. The features are those of at least 20 sentences. Nothing is drawn at random; a minute.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from rag.library.chunking import split_sentences
from rag.text.rhetorical_roles import ASPECTS, ROLES, figures_of, words_of
from training.jsonl import lines

SEEN_IN = 20  # sentences that a feature must occur in
STRENGTH, STRENGTH_OF_ASPECTS = 0.04, 0.1  # inverse of the L2 penalty; chosen on CSAbstruct's dev
# Words of a heading by what its section holds; what names two of them is no label.
_OF_ROLE = {
    "result": "RESULT RESULTS FINDINGS",
    "conclusion": "CONCLUSION CONCLUSIONS DISCUSSION INTERPRETATION LIMITATIONS",
    "method": "METHOD METHODS METHODOLOGY DESIGN SETTING SETTINGS PATIENTS PARTICIPANTS SUBJECTS POPULATION "
    "INTERVENTION INTERVENTIONS MEASURES MEASURE OUTCOME MEASUREMENTS SOURCES EXTRACTION SELECTION PROCEDURES",
    "objective": "OBJECTIVE OBJECTIVES AIM AIMS PURPOSE PURPOSES HYPOTHESIS OBJECT GOAL QUESTION",
    "background": "BACKGROUND INTRODUCTION CONTEXT RATIONALE IMPORTANCE",
}
_OF_ASPECT = {
    "population": ("PATIENTS PARTICIPANTS SUBJECTS POPULATION PATIENT SAMPLE", "METHODS METHOD"),
    "design": ("DESIGN", "METHODS SETTING PATIENTS PARTICIPANTS"),
    "outcome": ("OUTCOME OUTCOMES MEASUREMENTS MEASURES MEASURE", "RESULTS METHODS"),
    "intervention": ("INTERVENTION INTERVENTIONS", "METHODS"),
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """An abstract: of each sentence the role, empty where the label says none, and the aspects."""

    sentences: list[str]
    roles: list[str]
    aspects: list[set[str]] = field(default_factory=list)


def role_of(heading: str) -> str:
    """The role of a section with this heading; empty for none and for two."""
    words = set(re.findall("[A-Z]+", heading.upper()))
    found = [role for role, names in _OF_ROLE.items() if words & set(names.split())]
    return found[0] if len(found) == 1 else ""


def aspects_of(heading: str) -> set[str]:
    """What a section with this heading is about, beside its role."""
    words = set(re.findall("[A-Z]+", heading.upper()))
    return {
        aspect
        for aspect, (names, without) in _OF_ASPECT.items()
        if words & set(names.split()) and not words & set(without.split())
    }


def computer_science(data: Path, part: str) -> Iterator[Labelled]:
    """The abstracts of one part of CSAbstruct."""
    for row in lines(data / "evidence" / "csabstruct" / f"{part}.jsonl"):
        yield Labelled(row["sentences"], row["labels"], [set() for _ in row["labels"]])


def medicine(data: Path, split: str) -> Iterator[Labelled]:
    """The structured abstracts of one half of PubMedQA."""
    for row in lines(data / "collections" / "pubmedqa" / "qa.jsonl"):
        if row["split"] != split:
            continue
        one = Labelled([], [])
        for heading, text in [*zip(row["labels"], row["contexts"], strict=True), ("CONCLUSION", row["long_answer"])]:
            said = [sentence.text for sentence in split_sentences(text)]
            one.sentences.extend(said)
            one.roles.extend(role_of(heading) for _ in said)
            one.aspects.extend(aspects_of(heading) for _ in said)
        yield one


class Features:
    """Sentences as rows of a matrix, by the features of the abstracts it was made from."""

    def __init__(self, abstracts: list[Labelled]) -> None:
        self._counted = CountVectorizer(analyzer=lambda words: words, binary=True, min_df=SEEN_IN)
        self._counted.fit([words for one in abstracts for words in words_of(one.sentences)])
        self.names = list(self._counted.get_feature_names_out())

    def of(self, abstracts: list[Labelled]) -> Any:
        """One row a sentence."""
        words = [found for one in abstracts for found in words_of(one.sentences)]
        figures = [found for one in abstracts for found in figures_of(one.sentences)]
        return hstack([self._counted.transform(words), csr_matrix(np.array(figures))]).tocsr()


def _fit_roles(features: Features, abstracts: list[Labelled]) -> Any:
    roles = np.array([role for one in abstracts for role in one.roles])
    labelled = roles != ""
    model = LogisticRegression(C=STRENGTH, max_iter=500).fit(features.of(abstracts)[labelled], roles[labelled])
    order = [list(model.classes_).index(role) for role in ROLES]
    return np.vstack([model.coef_[order].T, model.intercept_[order]])


def _of_aspect(aspect: str, abstracts: list[Labelled]) -> tuple[list[Labelled], Any]:
    """The abstracts that have a section about it, and of each of their sentences whether it stands there."""
    asked = [one for one in abstracts if any(aspect in found for found in one.aspects)]
    return asked, np.array([aspect in found for one in asked for found in one.aspects])


def _fit_aspect(features: Features, aspect: str, abstracts: list[Labelled]) -> Any:
    asked, has = _of_aspect(aspect, abstracts)
    model = LogisticRegression(C=STRENGTH_OF_ASPECTS, max_iter=500).fit(features.of(asked), has)
    return np.append(model.coef_[0], model.intercept_)


def _report(weights: Any, features: Features, name: str, abstracts: list[Labelled]) -> None:
    said = features.of(abstracts) @ weights[:-1] + weights[-1]
    roles = np.array([role for one in abstracts for role in one.roles])
    found = np.array(ROLES)[said[:, : len(ROLES)].argmax(axis=1)]
    if "conclusion" not in roles:  # computer science calls it a result
        found[found == "conclusion"] = "result"
    labelled = roles != ""
    print(f"{name}: {np.mean(found[labelled] == roles[labelled]):.3f} of {labelled.sum()} sentences right")
    for role in ROLES:
        if (roles == role).any():
            print(f"  {role}: {np.mean(found[roles == role] == role):.2f} of {np.sum(roles == role)}")
    for place, aspect in enumerate(ASPECTS, len(ROLES)):
        asked, has = _of_aspect(aspect, abstracts)
        if asked:
            scores = (features.of(asked) @ weights[:-1] + weights[-1])[:, place]
            print(f"  {aspect}: average precision {average_precision_score(has, scores):.2f}, base {has.mean():.2f}")


def main() -> None:
    """Fit, report on what was not fitted on, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    taught = [one for part in ("train", "dev") for one in computer_science(given.data, part)]
    taught += medicine(given.data, "train")
    features = Features(taught)
    columns = [_fit_roles(features, taught), *(_fit_aspect(features, aspect, taught)[:, None] for aspect in ASPECTS)]
    weights = np.hstack(columns)
    _report(weights, features, "CSAbstruct, test", list(computer_science(given.data, "test")))
    _report(weights, features, "PubMedQA, test", list(medicine(given.data, "test")))
    np.savez_compressed(given.out, features="\n".join(features.names), weights=weights.astype(np.float16))
    print(f"{len(features.names)} features, {given.out.stat().st_size / 1_000:.0f} kB")


if __name__ == "__main__":
    main()
