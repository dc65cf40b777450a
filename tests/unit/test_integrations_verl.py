"""The plug-in for verl, as far as it goes without verl; tests/integration/test_verl_contract.py has the rest."""

from importlib.util import find_spec
from math import isnan, nan
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.mgpo import max_entropy_weight
from vibethinker.integrations.verl import Settings, judge, main, mgpo_advantage, read_settings, weighted_advantages

rewards = st.lists(st.sampled_from([0.0, 1.0, nan]), min_size=1, max_size=12)
lams = st.floats(0, 10)


def batch_of(rewards_G: list[float], lengths_G: list[int], tokens: int = 9) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token-level rewards, at each response's last token, and the mask."""
    scores, mask = torch.zeros(len(rewards_G), tokens), torch.zeros(len(rewards_G), tokens)
    for row, (reward, length) in enumerate(zip(rewards_G, lengths_G, strict=True)):
        scores[row, length - 1] = reward
        mask[row, :length] = 1
    return scores, mask


@given(rewards, lams)
def test_lam_only_multiplies_a_groups_advantages_by_its_weight(rewards_G: list[float], lam: float) -> None:
    lengths_G = [1] * len(rewards_G)
    plain = weighted_advantages(rewards_G, lengths_G, Settings(lam=0.0))
    judged = [reward for reward in rewards_G if not isnan(reward)]
    weight = max_entropy_weight(sum(judged) / len(judged), lam=lam) if judged else 1.0
    weighted = weighted_advantages(rewards_G, lengths_G, Settings(lam=lam))
    assert weighted == pytest.approx([weight * advantage for advantage in plain], rel=1e-12)


@given(rewards, lams, st.floats(0, 1), st.data())
def test_what_could_not_be_judged_has_no_advantage_and_moves_no_other(
    rewards_G: list[float], lam: float, brevity_lam: float, data: st.DataObject
) -> None:
    lengths_G = data.draw(st.lists(st.integers(1, 9), min_size=len(rewards_G), max_size=len(rewards_G)))
    settings = Settings(lam=lam, brevity_lam=brevity_lam)
    whole = weighted_advantages(rewards_G, lengths_G, settings)
    judged = [(reward, length) for reward, length in zip(rewards_G, lengths_G, strict=True) if not isnan(reward)]
    alone = weighted_advantages([reward for reward, _ in judged], [length for _, length in judged], settings)
    assert [advantage for advantage, reward in zip(whole, rewards_G, strict=True) if not isnan(reward)] == alone
    assert all(advantage == 0 for advantage, reward in zip(whole, rewards_G, strict=True) if isnan(reward))


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 1.0]), st.integers(1, 9)), min_size=1, max_size=24))
def test_groups_are_told_by_index_wherever_their_responses_stand(rows: list[tuple[int, float, int]]) -> None:
    scores, mask = batch_of([reward for _, reward, _ in rows], [length for _, _, length in rows])
    index = np.array([f"question-{group}" for group, _, _ in rows], dtype=object)
    advantages, returns = mgpo_advantage(scores, mask, index)
    for group in {group for group, _, _ in rows}:
        places = [place for place, row in enumerate(rows) if row[0] == group]
        expected = weighted_advantages([rows[p][1] for p in places], [rows[p][2] for p in places], Settings())
        # Every response of these has its first token.
        assert advantages[places, 0].tolist() == pytest.approx(expected, abs=1e-6)
    assert torch.equal(advantages, returns)
    assert not advantages[mask == 0].any()


def test_accuracy_is_taken_before_long_2_short_shifts_the_rewards() -> None:
    rewards_G, lengths_G = [1.0, 1.0, 0.0, 0.0], [2, 8, 4, 4]
    plain = weighted_advantages(rewards_G, lengths_G, Settings(lam=0.0, brevity_lam=0.2))
    # Half are right, so that any lam weighs 1; judged by shifted rewards, no response would be worth 1.
    assert weighted_advantages(rewards_G, lengths_G, Settings(lam=4.0, brevity_lam=0.2)) == plain
    assert plain[0] > plain[1] > 0 > plain[2] == plain[3]


def test_a_right_response_without_tokens_is_not_compared_by_length() -> None:
    settings = Settings(lam=0.0, brevity_lam=0.2)
    rewards_G = [1.0, 1.0, 1.0, 0.0]
    masked = weighted_advantages(rewards_G, [2, 8, 0, 4], settings)
    assert masked[0] > masked[2] > masked[1]
    plain = weighted_advantages(rewards_G, [2, 8, 0, 4], Settings(lam=0.0))
    assert sum(masked) == pytest.approx(sum(plain), abs=1e-12)


def test_a_response_alone_in_its_group_has_no_advantage() -> None:
    assert weighted_advantages([1.0], [3], Settings()) == [0.0]


def test_the_deviation_is_widened_by_verls_epsilon() -> None:
    advantages = weighted_advantages([1.0, 0.0], [1, 1], Settings(lam=0.0))
    assert advantages == pytest.approx([0.5 / (0.5**0.5 + 1e-6), -0.5 / (0.5**0.5 + 1e-6)], rel=1e-12)


def test_the_deviation_can_be_left_out() -> None:
    assert weighted_advantages([1.0, 0.0, 0.0, 0.0], [1] * 4, Settings(lam=0.0, by_deviation=False)) == [
        0.75,
        -0.25,
        -0.25,
        -0.25,
    ]


def test_keys_of_verls_own_are_left_alone() -> None:
    # lam is verl's for GAE.
    algorithm = {"lam": 0.95, "gamma": 1.0, "mgpo": {"lam": 2, "correct_from": 0.5}, "long2short": {"lam": 0.2}}
    assert read_settings(algorithm) == Settings(lam=2.0, correct_from=0.5, brevity_lam=0.2)
    assert read_settings({"lam": 0.95}) == read_settings(None) == Settings()


@pytest.mark.parametrize(
    ("algorithm", "said"),
    [
        ({"mgpo": {"lambda": 4}}, "unknown key algorithm.mgpo.lambda"),
        ({"long2short": {"on": True}}, "unknown key algorithm.long2short.on"),
        ({"mgpo_lam": 4}, "unknown key algorithm.mgpo_lam"),
        ({"mgpo": {"lam": "four"}}, "algorithm.mgpo.lam must be a number, got 'four'"),
        ({"long2short": {"lam": True}}, "algorithm.long2short.lam must be a number, got True"),
        ({"mgpo": {"lam": None}}, "algorithm.mgpo.lam must be a number, got None"),
        ({"use_kl_in_reward": True}, "hides which responses are right"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_refused(algorithm: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_settings(algorithm)


@pytest.mark.parametrize("reward", [0.5, 1.5, -0.5])
def test_a_reward_that_is_neither_right_nor_wrong_needs_a_bound(reward: float) -> None:
    with pytest.raises(ValueError, match=r"set algorithm\.mgpo\.correct_from"):
        judge(reward, correct_from=None)
    assert judge(reward, correct_from=0.6) is (reward >= 0.6)


def test_only_the_check_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--chekc"]) == 2
    assert "--check" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("verl") is not None, reason="verl is installed here")
def test_the_check_fails_where_verl_is_not_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 1
    assert "verl is not installed here" in capsys.readouterr().err
