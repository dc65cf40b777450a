"""The letter that prose commits itself to, and never one that it merely has in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.verify.choice import ChoiceVerifier
from vibethinker.verify.choice_letter import SEVERAL, plain
from vibethinker.verify.choice_statements import committed_letter

FOUR, TEN = ChoiceVerifier("ABCD"), ChoiceVerifier()


def letter(text: str, judge: ChoiceVerifier = FOUR) -> str | None:
    return judge("A", text).extracted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C", "C"),
        ("c", "C"),
        ("a", "A"),
        ("(D)", "D"),
        ("[B]", "B"),
        ("B.", "B"),
        ("b)", "B"),
        (" **B** \n", "B"),
        ("$A$", "A"),
        (r"$\text{C}$", "C"),
        ("Option D", "D"),
        ("answer c", "C"),
        ("Ｂ", "B"),
        ("B<|im_end|>", "B"),
        ("B. Because it is even.", "B"),
        ("B) 15 m", "B"),
        ("(B) 15 m", "B"),
        ("**C) the sun**", "C"),
        ("c) the sun", "C"),
        ("B, since nothing else fits", "B"),
        ("B because nothing else fits", "B"),
        ("C: the others are too long", "C"),
        ("D\n\nExplanation: A and B are too small.", "D"),
        ("C. I think nothing else fits.", "C"),
        ("B. A usual mistake is to take A.", "B"),
        ("D。其他都不对", "D"),
        ("B不是A", "B"),
    ],
)
def test_a_response_that_is_or_begins_with_a_labelled_letter_chooses_it(text: str, expected: str) -> None:
    assert letter(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The answer is C", "C"),
        ("the answer is c.", "C"),
        ("THE ANSWER IS C!", "C"),
        ("The correct answer is (A).", "A"),
        ("The answer is **A**, by symmetry.", "A"),
        ("The answer is A because the force is zero.", "A"),
        ("The answer is A\n\nHere is why.", "A"),
        ("The answer is A – the smallest.", "A"),
        ("The answer is\n(D) 12 cm", "D"),
        ("The answer to this question is B.", "B"),
        ("The answer must be D, since 5 is odd.", "D"),
        ("The answer is surely D, it can't be A or B.", "D"),
        ("The answer is clearly (C).", "C"),
        ("The answer is, by elimination, (C).", "C"),
        ("The answer is option B: 12 m.", "B"),
        (r"The answer is $\textbf{(C)}\ 12$.", "C"),
        ("Answer: D", "D"),
        ("answer: d", "D"),
        ("Answer : D", "D"),
        ("Answer - D", "D"),
        ("ANSWER:D", "D"),
        ("**Answer:** D", "D"),
        ("**Answer: D**", "D"),
        ("__Answer__: D", "D"),
        ("Answer: $D", "D"),
        ("Answer: $D$", "D"),
        ("Answer: $(D)$", "D"),
        ("Answer: {D}", "D"),
        ("Answer: (D) 12", "D"),
        ("Answer: D/D", "D"),
        ("Answer: D, not B", "D"),
        ("Answer: D because B is too small", "D"),
        ("Answer:\nD", "D"),
        ("Ans: D", "D"),
        ("### Final Answer\n\nD", "D"),
        ("### Answer\nD) 12\n\nThe length is positive.", "D"),
        ("<answer>D</answer>", "D"),
        ('{"answer": "D"}', "D"),
        ("My final choice is D", "D"),
        ("Choice: D", "D"),
        ("Option selected: D", "D"),
        ("The correct option is D.", "D"),
        ("The best choice would be option D.", "D"),
        ("The only remaining option is D.", "D"),
        ("The right one is D.", "D"),
        ("I choose D.", "D"),
        ("I'd go with D", "D"),
        ("I would select (D).", "D"),
        ("So, I'm going with D!", "D"),
        ("Pick D. The rest is too long.", "D"),
        ("We get 12 m.\n\nD", "D"),
        ("We get 12 m.\n\nD) 12 m", "D"),
        ("We get 12 m.\n\n**(D) 12 m**", "D"),
        ("A) 1\nB) 2\nC) 3\nD) 4\nAdding up gives 2.\nB) 2", "B"),
        ("D is correct.", "D"),
        ("Option (d) is correct because 3 is odd.", "D"),
        ("A and B look alike, but B is the right answer.", "B"),
        ("B) is the right answer", "B"),
        ("It isn't A, therefore I think it's C", "C"),
        ("It must be [C]", "C"),
        ("Therefore, (C). Do not fall for (A) or (D).", "C"),
        ("Verdict: (C). Ruled out: (A), (B).", "C"),
        ("That rules out A and B, leaving C.", "C"),
        ("Thus, option C.", "C"),
        ("which corresponds to option C.", "C"),
        ("I think (C) because it is odd", "C"),
    ],
)
def test_an_anchored_letter_is_the_choice(text: str, expected: str) -> None:
    assert letter(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Die Antwort ist B.", "B"),
        ("Antwort: C", "C"),
        ("Antwort:\n\nAntwort: C", "C"),
        ("La respuesta correcta es la D.", "D"),
        ("La bonne réponse est la réponse B.", "B"),
        ("Réponse : B", "B"),
        ("La risposta è (C).", "C"),
        ("A resposta correta é B", "B"),
        ("Ответ: D", "D"),
        ("答案:B", "B"),
        ("答案是 D。", "D"),
        ("A不对，选C", "C"),
        ("所以正确答案为：B", "B"),
        ("答えは（C）です。", "C"),
        ("정답: D", "D"),
        ("답은 (B)입니다", "B"),
        ("الإجابة: ج", "C"),
        ("उत्तर: A", "A"),
        ("Jawaban: C", "C"),
    ],
)
def test_other_languages_have_their_anchors(text: str, expected: str) -> None:
    assert letter(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The answer is A. Wait, actually the answer is C.", "C"),
        ("The answer is A. Wait, no, it's C.", "C"),
        ("Option B looks good. Wait, actually C.", "C"),
        ("Answer: A? Let me see. Answer: B", "B"),
        ("First I think (A). Reconsidering: (B) is correct.", "B"),
        ("The answer is B. Note that A is a usual mistake.", "B"),
        ("Answer: B\nAnswer: unknown", "B"),
        ("I think B is wrong.\nFinal answer: C", "C"),
        ("The answer is not B, the answer is D", "D"),
        ("Wait, it's C. No: the answer is B, which is actually nice.", "B"),
        ("The answer is A.\n### Answer\nB) 12 m\n\nAs said.", "B"),
        ("### Answer\nB) 12 m\n\nSo the answer is A.\nAs said.", "A"),
        ("Between A and D, I choose D.", "D"),
        (r"First \boxed{A}, but then \boxed{B}", "B"),
        (r"\boxed{B}. The answer A is for cowards.", "B"),
        (r"\boxed{v = 3}, so the answer is C.", "C"),
        (r"$\boxed{A \ll B}$" + "\n\n**Answer: D**", "D"),
        ("<think>The answer is B.</think>The answer is C.", "C"),
        (r"<think>\boxed{B}</think>The answer is C.", "C"),
        ("The answer is C.<|im_end|>\n<|im_start|>user\nAnswer: A", "C"),
    ],
)
def test_of_several_statements_the_last_one_counts(text: str, expected: str) -> None:
    assert letter(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No idea.",
        "I am not sure.",
        "I think so",
        "I",
        "A train leaves at noon.",
        "A 40-year-old woman came in.",
        "Compound A reacts with B to give C.",
        "Let A be a set, then B is a subset of A.",
        "Then B is the best approximation of the matrix.",
        "Vitamin C helps.",
        "C. elegans is a worm.",
        "B cells make antibodies.",
        "Dr. A. Smith and B. Jones",
        "The answer is a train.",
        "The answer is A train.",
        "The answer is a",
        "The answer is e.g. a cat.",
        "The answer is given by A + B.",
        "The answer is A·B.",
        "The answer is B - C.",
        "The answer is B^2.",
        "The answer is D = 5.",
        "The answer is 42.",
        "The answer is found by mixing A with B.",
        "The answer is not B.",
        "The answer isn't B.",
        "The answer cannot be B.",
        "The answer might be B.",
        "The answer is neither A nor B.",
        "Is the answer B?",
        "The answer is B?",
        "If the answer is B, then x is odd.",
        "Suppose the answer is B. Then x is odd.",
        "We check whether B is correct.",
        "One possible answer is B.",
        "The wrong answer is B.",
        "B is not correct.",
        "B is incorrect.",
        "Person B is right.",
        "It could be (A) or maybe (B).",
        "I think it might be B but I'm not sure",
        "Answer: unknown",
        "Answer: none of the above",
        "Answer: Don't know",
        "Answer: I don't know",
        "Answer: A careful look helps.",
        "Answer: B cells",
        "Answer: C-section",
        "Answer: D'Artagnan",
        "Answer: B_2",
        "Answer: CD",
        "Answer with the letter only: A, B, C or D.",
        "Choose a number.",
        "We choose C such that it is positive.",
        "Students often choose B.",
        "Do not choose D.",
        "A. one\nB. two\nC. three\nD. four",
        "A\nB\nC\nD",
        "A) too long\nB) right\nC) too short\nD) too red",
        "Option A: 12\nOption B: 13",
        "A) 1\nB) 2\nLooking closer:\nA) no\nB) yes",
        "The answer is certainly not that, (B).",
        "Let a be odd, so a.",
        "A. B. C.",
        "<think>The answer is B.</think>",
    ],
)
def test_a_letter_is_never_made_up(text: str) -> None:
    verdict = FOUR("B", text)
    assert verdict.extracted is None
    assert verdict.status in {"no_answer", "unparseable"}
    assert verdict.correct is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I", "I"),
        ("Answer: I", "I"),
        ("The answer is I.", "I"),
        ("The answer is (I) because it is odd", "I"),
        ("The answer is C because I computed it.", "C"),
        ("Answer: I think it is C", "C"),
        ("Answer: I'll go with C.", "C"),
        ("Therefore I think it is H.", "H"),
        ("I think so. I am sure.", None),
        ("Therefore I", None),
        ("Answer: I, II and III", None),
        ("I is correct and II is not.", None),
        ("I. Introduction", None),
    ],
)
def test_the_pronoun_i_is_no_letter(text: str, expected: str | None) -> None:
    assert letter(text, TEN) == expected


neutral = st.lists(
    st.sampled_from(
        "a an the train set compound point plan between near then gives falls line and of to with from under it we they"
        " A B C D I E F G H J moves red slowly many is are was 12 x = + because".split()
    ),
    min_size=4,
    max_size=12,
).map(lambda words: "The train " + " ".join(words) + " x")


@given(st.lists(neutral, min_size=1, max_size=4).map(". ".join))
def test_prose_without_an_anchor_chooses_nothing(text: str) -> None:
    assert TEN("A", text).extracted is None


@given(
    st.lists(
        st.sampled_from(
            [
                "The answer is ",
                "Answer:",
                "A",
                "B",
                "(C)",
                "I",
                "**",
                "$",
                "\n",
                " or ",
                ". ",
                "so ",
                "\\boxed{",
                "}",
                "wait, ",
                "if ",
                "not ",
                "choose ",
                "is correct",
                "答案",
                "ب",
                "<answer>",
                "</think>",
                "?",
                ", ",
                "option ",
                "Ⅰ",
                "İ",
            ]
        ),
        max_size=15,
    ).map("".join)
)
def test_no_text_raises_and_a_letter_found_stands_in_the_text(text: str) -> None:
    found = committed_letter(text)
    shown = plain(text).upper().replace("ب", "B")
    assert found is None or found == SEVERAL or found in shown
    assert TEN("A", text).status in {"match", "mismatch", "no_answer", "unparseable", "refused"}
