"""TF-IDF of captions, with a vocabulary that can be saved as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError


@dataclass(frozen=True)
class TfidfVocabulary:
    """Vocabulary of d terms and their inverse document frequencies.

    Attributes:
        terms: words, in the order of the columns.
        idf: float64 [d], inverse document frequency of each term.
    """

    terms: tuple[str, ...]
    idf: NDArray[np.float64]

    @classmethod
    def fit(cls, texts: Sequence[str | None], at_least: int) -> "TfidfVocabulary":
        """Collects the words that occur in at least ``at_least`` texts, except English stop words.

        Raises:
            PrerollError: there is no such word.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(min_df=at_least, sublinear_tf=True, stop_words="english")
        try:
            vectorizer.fit([text for text in texts if text is not None])
        except ValueError:
            raise PrerollError(f"model.words: {at_least}: no word occurs in so many captions") from None
        return cls(tuple(vectorizer.get_feature_names_out()), np.asarray(vectorizer.idf_, np.float64))

    def apply(self, texts: Sequence[str | None]) -> NDArray[np.float64]:
        """Computes the TF-IDF of each text: (1 + log count) · idf, normalised to length 1, as in scikit-learn.

        Returns:
            float64 [n, d]; rows of zeros for texts without known words, NaN rows for None.
        """
        from sklearn.feature_extraction.text import CountVectorizer

        counter = CountVectorizer(vocabulary={term: i for i, term in enumerate(self.terms)}, stop_words="english")
        counts = counter.transform([text or "" for text in texts]).toarray().astype(np.float64)
        values = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * self.idf
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        values = values / np.where(lengths > 0, lengths, 1)
        values[[text is None for text in texts]] = np.nan
        return values
