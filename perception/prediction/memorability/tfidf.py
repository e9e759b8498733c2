"""Captions as TF-IDF, with a vocabulary that can be written down as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError


@dataclass(frozen=True)
class TfidfVocabulary:
    """Terms and their inverse document frequencies.

    Attributes:
        terms: words, in the order of the columns.
        idf: float64 [d].
    """

    terms: tuple[str, ...]
    idf: NDArray[np.float64]

    @classmethod
    def fit(cls, texts: Sequence[str | None], at_least: int) -> "TfidfVocabulary":
        """The words that stand in ``at_least`` of the texts, English function words aside.

        Raises:
            PrerollError: there is none.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(min_df=at_least, sublinear_tf=True, stop_words="english")
        try:
            vectorizer.fit([text for text in texts if text is not None])
        except ValueError:
            raise PrerollError(f"model.words: {at_least}: no word stands in so many captions") from None
        return cls(tuple(vectorizer.get_feature_names_out()), np.asarray(vectorizer.idf_, np.float64))

    def apply(self, texts: Sequence[str | None]) -> NDArray[np.float64]:
        """TF-IDF of each text, float64 [n, d], rows of length 1; NaN rows for None.

        (1 + log count) · idf, divided by its length, as scikit-learn does.
        """
        from sklearn.feature_extraction.text import CountVectorizer

        counter = CountVectorizer(vocabulary={term: i for i, term in enumerate(self.terms)}, stop_words="english")
        counts = counter.transform([text or "" for text in texts]).toarray().astype(np.float64)
        values = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * self.idf
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        values = values / np.where(lengths > 0, lengths, 1)
        values[[text is None for text in texts]] = np.nan
        return values
