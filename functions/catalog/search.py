"""Finds products by the words that a shopper has typed.

    as typed      crème -> Crème, creme      boots -> boot      back -> backpack
    forgiving     pack -> backpack           hedphones -> headphones

Accents, case and number never matter. A word that is in the catalogue, or begins one of its words, was typed right.
Similar words are searched only if there is no such word, so "boots" never finds books.
"""

import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import partial, reduce
from typing import NamedTuple

from catalog.domain import Product

INSIDE_FROM = 3
"""The least number of letters of a word that is searched inside other words."""


class Likeness(IntEnum):
    """How a typed word matches a product's word, the best first."""

    SAME = 0
    NUMBER = 1
    BEGINNING = 2
    INSIDE = 3
    TYPO = 4


class Place(IntEnum):
    """The field in which a product has a word, the best first."""

    NAME = 0
    CATEGORY = 1
    DESCRIPTION = 2


class Found(NamedTuple):
    """The result of a search.

    Attributes:
        ranks: of the found products, by id; the best have the lowest.
        exact: whether each word is in the catalogue, so that no similar words were searched.
    """

    ranks: Mapping[str, int]
    exact: bool


def typos_in(word: str) -> int:
    """How many letters of a word may be wrong, missing, too many, or swapped with their neighbour.

    Source: Algolia's defaults, one from 4 letters, two from 8 (`minWordSizefor1Typo`, `minWordSizefor2Typos`).
    """
    return 2 if len(word) >= 8 else 1 if len(word) >= 4 else 0


def words_of(text: str) -> list[str]:
    """The words of a text without case and accents.

    >>> words_of("Chef's Crème-brûlée torch")
    ['chefs', 'creme', 'brulee', 'torch']
    """
    return re.findall(r"[^\W_]+", _folded(text))


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower().replace("'", "")
    letters = unicodedata.normalize("NFKD", text.casefold())
    return re.sub("['’]", "", "".join(letter for letter in letters if not unicodedata.combining(letter)))


def stem(word: str) -> str:
    """The common form of the singular and plural of an English word.

    >>> [stem(word) for word in ("boots", "glasses", "glass", "batteries", "battery", "knives", "knife")]
    ['boot', 'glass', 'glass', 'batteri', 'batteri', 'knif', 'knif']
    """
    if len(word) < 4:
        return word
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    word = word.removesuffix("e")
    return word[:-1] + {"y": "i", "v": "f"}.get(word[-1], word[-1])


class Index:
    """The words of a catalogue, in memory.

    Args:
        products: those that can be found.
    """

    def __init__(self, products: Sequence[Product]) -> None:
        self._ids = [product.product_id for product in products]
        words: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        for position, product in enumerate(products):
            for word, place in _best_places(product).items():
                words[word].append(position * len(Place) + place)
        self._words = dict(words)
        self._stems: defaultdict[str, list[str]] = defaultdict(list)
        for word in self._words:
            self._stems[stem(word)].append(word)

    def find(self, text: str) -> Found:
        """The products that have all words of a text in name, category or description. A text without words finds
        none."""
        typed = list(dict.fromkeys(words_of(text)))
        if not typed:
            return Found({}, exact=True)
        alike = [self._alike(word) for word in typed]
        meant = [group or self._resembling(word) for word, group in zip(typed, alike, strict=True)]
        return Found(self._having_all(meant), exact=all(alike))

    def _having_all(self, words: Iterable[Mapping[str, Likeness]]) -> dict[str, int]:
        """The rank of each product that has a word of every group: the sum of its best rank in each."""
        ranks = reduce(_both, (self._ranks(group) for group in words))
        return {self._ids[position]: rank for position, rank in ranks.items()}

    def _ranks(self, group: Mapping[str, Likeness]) -> dict[int, int]:
        best: dict[int, int] = {}
        # The worst come first, so that better ones overwrite them.
        for word, likeness in sorted(group.items(), key=lambda each: -each[1]):
            for stands in self._words[word]:
                position, place = divmod(stands, len(Place))
                rank = likeness * len(Place) + place
                if rank <= best.get(position, rank):
                    best[position] = rank
        return best

    def _alike(self, typed: str) -> dict[str, Likeness]:
        beginning = {word: Likeness.BEGINNING for word in self._words if word.startswith(typed)}
        number = dict.fromkeys(self._stems.get(stem(typed), ()), Likeness.NUMBER)
        same = {typed: Likeness.SAME} if typed in self._words else {}
        return beginning | number | same

    def _resembling(self, typed: str) -> dict[str, Likeness]:
        inside = {word: Likeness.INSIDE for word in self._words if len(typed) >= INSIDE_FROM and typed in word}
        return dict.fromkeys(self._mistyped(typed), Likeness.TYPO) | inside

    def _mistyped(self, typed: str) -> Iterator[str]:
        """The words of the catalogue that are similar to what was typed, or whose beginning is."""
        # Imported here, so that a search without mistakes does not wait for it.
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract

        wrong = typos_in(typed)
        if wrong:
            near = partial(extract, scorer=OSA.distance, score_cutoff=wrong, limit=None)
            for meant, *_ in near(stem(typed), list(self._stems)):
                yield from self._stems[meant]
            # With a letter too many or missing, the beginning of the meant word is one letter shorter or longer.
            for length in range(len(typed) - 1, len(typed) + 2):
                yield from (word for _, _, word in near(typed, {word: word[:length] for word in self._words}))


def _best_places(product: Product) -> dict[str, Place]:
    """Each word of a product, with the best field that has it."""
    name = f"{product.name} {product.variant.group} {product.variant.value}" if product.variant else product.name
    texts = ((product.description, Place.DESCRIPTION), (product.category, Place.CATEGORY), (name, Place.NAME))
    return {word: place for text, place in texts for word in words_of(text)}


def _both(some: dict[int, int], others: dict[int, int]) -> dict[int, int]:
    return {position: some[position] + others[position] for position in some.keys() & others.keys()}
