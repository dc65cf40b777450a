"""Verifiers: judges of a response against a reference answer, by kind."""

from collections.abc import Callable

from vibethinker.interfaces import Verifier
from vibethinker.records import Verdict
from vibethinker.verify.extract import last_boxed
from vibethinker.verify.math_answer import parse_exact


class MathVerifier:
    r"""Compares the number in the last ``\boxed{}`` with the reference answer, both as exact fractions.

    An answer that cannot be read is wrong, even where it is the same text as the reference: that text is then not a
    number either, and the verdict is ``gold_error``, which judges nobody.
    """

    def __call__(self, gold: str, response: str) -> Verdict:
        r"""Return the verdict; never raises on what a response holds.

        Args:
            gold: The reference answer, as it would stand in ``\boxed{}``.
            response: The whole response.

        >>> MathVerifier()("3/4", r"6/8=3/4, so \boxed{\frac{6}{8}}").status
        'match'
        """
        expected = parse_exact(gold)
        if expected is None:
            return Verdict(None, "gold_error", reason=f"the reference answer {_short(gold)} is not a number")
        extracted = last_boxed(response)
        if extracted is None:
            return Verdict(False, "no_answer", reason=r"no closed \boxed{} that the response ends on")
        found = parse_exact(extracted)
        if found is None:
            return Verdict(False, "unparseable", extracted, f"the answer {_short(extracted)} is not a number")
        if found != expected:
            return Verdict(False, "mismatch", extracted, f"the answer {_short(extracted)} is not {_short(gold)}")
        return Verdict(True, "match", extracted, f"the answer {_short(extracted)} is {_short(gold)}")


_VERIFIERS: dict[str, Callable[[], Verifier]] = {"math": MathVerifier}


def get_verifier(kind: str) -> Verifier:
    """Return the verifier of a kind.

    Raises:
        ValueError: If there is none; the message names those there are.
    """
    if kind not in _VERIFIERS:
        raise ValueError(f"no verifier of kind {kind!r}: use one of {', '.join(sorted(_VERIFIERS))}")
    return _VERIFIERS[kind]()


def verify_answer(gold: str, text: str, kind: str = "math") -> Verdict:
    r"""Judge one response against a reference answer.

    Args:
        gold: The reference answer, as it would stand in ``\boxed{}``.
        text: The whole response.
        kind: What sort of answer it is.

    Raises:
        ValueError: If there is no verifier of that kind; nothing that ``gold`` or ``text`` hold raises.

    >>> verify_answer("1/2", r"0.5, so \boxed{0.5}").correct
    True
    """
    return get_verifier(kind)(gold, text)


def _short(text: str, width: int = 60) -> str:
    """Quote text on one line for a person."""
    return repr(text if len(text) <= width else f"{text[:width]}...")
