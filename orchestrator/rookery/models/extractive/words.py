"""Words as this answerer compares them: lower case, without endings, without words that say nothing."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[a-z0-9_]+(?:[.+#'-][a-z0-9_]+)*[+#]*|[^\W\d_]+", re.IGNORECASE)
_WIDE = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff]+")

STOP_WORDS = frozenset(
    [
        "a", "about", "above", "after", "again", "against", "all", "also", "am", "an", "and", "any",
        "anybody", "anyone", "anything", "are", "as", "ask", "at", "be", "because", "been", "before",
        "being", "below", "between", "both", "but", "by", "can", "could", "did", "do", "does", "doing",
        "done", "during", "each", "else", "ever", "every", "few", "for", "from", "further", "get", "gets",
        "getting", "give", "given", "go", "goes", "going", "got", "had", "has", "have", "having", "he",
        "her", "here", "hers", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "itself",
        "just", "know", "let", "like", "me", "might", "mine", "more", "most", "must", "my", "myself",
        "need", "needs", "no", "nor", "not", "now", "of", "off", "on", "once", "one", "only", "or",
        "other", "our", "ours", "out", "over", "own", "please", "same", "say", "says", "said", "see",
        "she", "should", "so", "some", "somebody", "someone", "something", "such", "tell", "than", "that",
        "the", "their", "theirs", "them", "then", "there", "these", "they", "thing", "things", "this",
        "those", "through", "to", "too", "under", "until", "up", "upon", "us", "very", "want", "was",
        "way", "we", "well", "were", "what", "when", "where", "whether", "which", "while", "who", "whom",
        "whose", "why", "will", "with", "would", "you", "your", "yours", "anyway", "cannot", "don't",
        "doesn't", "didn't", "isn't", "what's", "how's", "who's", "it's", "i'm", "there's", "mean",
        "means", "find", "found", "show", "explain", "think", "talk", "talked", "mention", "mentioned",
        "discuss", "discussed", "best", "good",
        "wie", "wer", "wo", "wann", "warum", "welche", "welcher", "welches", "der", "die", "das", "ein",
        "eine", "und", "oder", "ist", "sind", "ich", "wir", "sie", "kann", "man",
    ]
)  # fmt: skip

_ENDINGS = ("ization", "isation", "ational", "fulness", "ements", "ement", "ingly", "ation", "ments", "ness", "ment", "ings", "edly", "ing", "ion", "ers", "est", "ed", "er", "es", "ly", "s", "e")  # fmt: skip


def words(text: str) -> list[str]:
    """The words of a text in order, as stems; scripts without spaces as pairs of characters."""
    text = unicodedata.normalize("NFKC", text)
    found: list[str] = []
    for match in _WORD.finditer(text):
        word = match.group().lower().strip("'")
        if _WIDE.search(word):
            found += [word[i : i + 2] for i in range(max(1, len(word) - 1))]
        else:
            found += _parts(word)
    return found


def content_words(text: str) -> list[str]:
    """The words that carry meaning, as they are written, each once."""
    text = unicodedata.normalize("NFKC", text)
    plain = [match.group() for match in _WORD.finditer(text)]
    kept = [word for word in plain if word.lower().replace("’", "'") not in STOP_WORDS and len(word) > 1]
    return list(dict.fromkeys(kept))


def stem(word: str) -> str:
    """The word without its ending; equal words of one family usually come out equal."""
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-2]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


def _parts(word: str) -> list[str]:
    """A compound and its parts: pg_stat_statements is found by each of them."""
    pieces = [piece for piece in re.split(r"[_.'-]+", word) if piece]
    stems = [stem(piece) for piece in pieces]
    return stems if len(pieces) == 1 else [word, *stems]
