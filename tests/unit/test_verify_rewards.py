"""The reward that other people's trainers call: what it returns, and that TRL can call it as it calls its own."""

import copy
import functools
import math
from collections import defaultdict

import pytest
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer
from trl.trainer.utils import get_callable_name

from vibethinker.engines.models import load_model
from vibethinker.records import VERDICT_STATUSES
from vibethinker.verify import math_reward

RIGHT, WRONG, NONE = r"so \boxed{\frac{1}{2}}", r"so \boxed{2}", "so one half"


def chat(*contents):
    return [{"role": "assistant", "content": content} for content in contents]


def test_right_is_1_wrong_is_0_and_what_cannot_be_graded_is_none():
    golds = ["0.5", "0.5", "0.5", "1/0", "", None]
    assert math_reward([RIGHT, WRONG, NONE, RIGHT, RIGHT, RIGHT], answer=golds) == [1.0, 0.0, 0.0, None, None, None]


def test_the_gold_column_is_answer_or_solution_and_answer_goes_first():
    assert math_reward([RIGHT], solution=["1/2"]) == [1.0]
    assert math_reward([RIGHT], answer=["1/2"], solution=["a long way to 3"]) == [1.0]


def test_golds_are_texts_or_numbers_or_whole_solutions():
    golds = [7, 7.0, "7", "$7$", r"3+4=7, so $\boxed{7}$.", r"\boxed{8}, no, \boxed{7}"]
    assert math_reward([r"\boxed{7}"] * 6, answer=golds) == [1.0] * 6
    assert math_reward([r"\boxed{7}"], answer=[r"a box that does not end: \boxed{7"]) == [None]


@pytest.mark.parametrize(
    ("completion", "reward"),
    [
        (chat(RIGHT), 1.0),
        (chat(WRONG, RIGHT), 1.0),
        (chat(RIGHT, WRONG), 0.0),
        ([*chat(RIGHT), {"role": "tool", "content": WRONG}], 1.0),
        ([{"content": RIGHT}], 1.0),
        ([{"role": "assistant", "content": [{"type": "text", "text": RIGHT}]}], 1.0),
        ([{"role": "assistant", "content": [{"type": "image"}, {"type": "text", "text": WRONG}]}], 0.0),
        ([{"role": "assistant", "content": None, "tool_calls": []}], 0.0),
        ([{"role": "assistant"}], 0.0),
        ([], 0.0),
    ],
)
def test_of_a_chat_the_last_assistant_message_is_judged(completion, reward):
    assert math_reward([completion], answer=["1/2"]) == [reward]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"prompts": ["q"], "target": ["1"], "level": [2]},
            'column "answer" or "solution"; the dataset has .level., .t',
        ),
        ({"prompts": ["q"], "completion_ids": [[1]], "trainer_state": None}, "the dataset has no column beside the pr"),
        ({"answer": ["1", "2"]}, "need one answer per completion, got 2 for 1 completions"),
        ({"answer": [["1", "2"]]}, 'column "answer" must hold texts or numbers, got list'),
        ({"solution": [True]}, 'column "solution" must hold texts or numbers, got bool'),
    ],
)
def test_a_wrong_dataset_is_told_with_what_it_has(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        math_reward([RIGHT], **arguments)
    assert "\n" not in str(caught.value)


def test_a_completion_that_is_neither_text_nor_chat_is_refused():
    with pytest.raises(ValueError, match="a completion must be a text or a list of messages, got int"):
        math_reward([7], answer=["7"])  # type: ignore[list-item]


def test_nothing_a_response_holds_raises():
    hostile = ["\x00", "\ud800", r"\boxed{" * 5000, r"\boxed{1/0}", r"\boxed{__import__('os').abort()}", "}" * 99]
    assert math_reward(hostile, answer=["7"] * len(hostile)) == [0.0] * len(hostile)


def test_statuses_and_answers_are_logged_where_the_trainer_takes_them():
    columns: dict[str, list[str]] = defaultdict(list)
    metrics: dict[str, float] = {}
    math_reward(
        [RIGHT, WRONG, NONE, RIGHT],
        answer=["0.5", "0.5", "0.5", "1/0"],
        log_extra=lambda name, values: columns[name].extend(values),
        log_metric=metrics.__setitem__,
    )
    assert columns["verdict"] == ["match", "mismatch", "no_answer", "gold_error"]
    assert columns["extracted"][:3] == [r"\frac{1}{2}", "2", ""]
    assert set(metrics) == {f"math_reward/{status}" for status in VERDICT_STATUSES}
    assert metrics["math_reward/match"] == 0.25
    assert sum(metrics.values()) == pytest.approx(1.0)


def test_trl_logs_it_by_its_name():
    assert get_callable_name(math_reward) == "math_reward"
    assert get_callable_name(functools.partial(math_reward)) == "math_reward"


@pytest.fixture(scope="module")
def micro():
    return load_model("micro")


@pytest.fixture
def trainer(micro, tmp_path):
    """Return TRL's trainer with this reward alone, ready to score."""
    arguments = GRPOConfig(
        output_dir=str(tmp_path),
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=8,
        max_steps=1,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
    )
    return GRPOTrainer(
        model=copy.deepcopy(micro[0]),
        processing_class=micro[1],
        args=arguments,
        reward_funcs=math_reward,
        train_dataset=Dataset.from_dict(
            {"prompt": ["1/2 = "] * 4, "answer": ["0.5", "0.5", "1/0", "3"], "level": [1] * 4}
        ),
    )


@pytest.mark.filterwarnings("ignore")
def test_trl_calls_it_and_takes_its_rewards(trainer):
    assert trainer.reward_func_names == ["math_reward"]
    inputs = [trainer.train_dataset[row] for row in range(4)]
    for completions in ([RIGHT, WRONG, RIGHT, NONE], [chat(text) for text in (RIGHT, WRONG, RIGHT, NONE)]):
        rewards = trainer._calculate_rewards(inputs, [row["prompt"] for row in inputs], completions, [[1]] * 4)
        first, second, unknown, last = rewards[:, 0].tolist()
        assert (first, second, last) == (1.0, 0.0, 0.0)
        assert math.isnan(unknown)


@pytest.mark.filterwarnings("ignore")
def test_trl_trains_a_step_with_it_and_logs_the_rate_of_every_status(trainer):
    trainer.train()
    logged = trainer.state.log_history[0]
    assert "rewards/math_reward/mean" in logged
    assert sum(logged[f"math_reward/{status}"] for status in VERDICT_STATUSES) == pytest.approx(1.0)
