"""At lam = 0 one step of MGPO is one step of TRL's GRPOTrainer: same loss, gradients and parameters after it."""

import pytest
import torch
from trl import GRPOConfig, GRPOTrainer

from vibethinker.algos.advantages import group_advantages
from vibethinker.algos.mgpo import max_entropy_weight
from vibethinker.engines.groups import judge_group
from vibethinker.engines.mgpo_config import MGPOConfig
from vibethinker.engines.mgpo_trainer import MGPOTrainer
from vibethinker.engines.rollout_batches import cut_padding

G = 4


def digit_reward(completions, **_):
    """Some right and some wrong in every group, by a property of the text alone."""
    return [float(sum(map(ord, text)) % 2) for text in completions]


def shaping(completions, **_):
    return [0.1 * (len(text) % 3) for text in completions]


TRL = {"loss_type": "grpo", "scale_rewards": "group", "beta": 0.0}


def parameters(trainer):
    return dict(trainer.model.named_parameters())


def test_at_lam_0_with_trls_sampling_and_order_the_step_is_trls_bit_for_bit(train):
    theirs, their_loss, their_gradients = train(GRPOTrainer, GRPOConfig, **TRL)

    class SameOrder(MGPOTrainer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, planned=False, **kwargs)

    ours, our_loss, our_gradients = train(SameOrder, MGPOConfig, lam=0.0, cached_sampling=False, sort_by_length=False)
    assert our_loss == their_loss
    assert any(bool(gradient.abs().max() > 0) for gradient in our_gradients.values())
    for name, gradient in their_gradients.items():
        assert torch.equal(our_gradients[name], gradient), name
        assert torch.equal(parameters(ours)[name], parameters(theirs)[name]), name


def test_sorting_by_length_and_cutting_padding_leave_the_gradients(train):
    _, plain_loss, plain = train(MGPOTrainer, MGPOConfig, lam=4.0, sort_by_length=False)
    _, sorted_loss, by_length = train(MGPOTrainer, MGPOConfig, lam=4.0)
    assert sorted_loss == pytest.approx(plain_loss, abs=1e-6)
    for name, gradient in plain.items():
        assert torch.allclose(by_length[name], gradient, atol=1e-5 * float(gradient.abs().max()) + 1e-8), name


def test_the_kl_term_needs_a_reference_and_none_is_in_memory_without_it(train):
    without, _, _ = train(MGPOTrainer, MGPOConfig)
    assert without.ref_model is None
    penalised, _, _ = train(MGPOTrainer, MGPOConfig, beta=0.05)
    assert penalised.ref_model is not None
    assert "kl" in penalised.state.log_history[0]


def test_advantages_are_the_group_relative_ones_times_the_weight(train):
    seen = []

    class Watched(MGPOTrainer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, on_rollouts=lambda step, rows: seen.extend(rows), **kwargs)

    train(Watched, MGPOConfig, lam=4.0)
    assert len(seen) == 4 * G
    groups = [seen[start : start + G] for start in range(0, len(seen), G)]
    assert any(0 < sum(row["correct"] for row in group) < G for group in groups)
    for group in groups:
        weight = max_entropy_weight(sum(row["correct"] for row in group) / G, lam=4.0)
        expected = [weight * value for value in group_advantages([row["reward"] for row in group])]
        assert [row["advantage"] for row in group] == pytest.approx(expected, abs=1e-6)
        assert {row["weight"] for row in group} == {weight}


def test_the_weight_counts_correctness_alone_whatever_else_is_rewarded(train):
    weights: dict[str, list[float]] = {}
    for name, rewards in {"plain": (digit_reward,), "shaped": (digit_reward, shaping)}.items():

        class Watched(MGPOTrainer):
            def __init__(self, *args, name=name, **kwargs):
                keep = lambda step, rows: weights.update({name: [row["weight"] for row in rows]})  # noqa: E731
                super().__init__(*args, on_rollouts=keep, **kwargs)

        train(Watched, MGPOConfig, rewards=rewards, lam=4.0)
    assert weights["plain"] == weights["shaped"]


def test_what_cannot_be_judged_is_masked_not_wrong():
    assert judge_group([True, None, False, None], lam=4.0).accuracy == 0.5
    group = judge_group([None, None], lam=4.0)
    assert group.accuracy is None
    assert group.weight is None


def test_cutting_padding_keeps_every_token():
    batch = {
        "prompt_ids": torch.tensor([[0, 0, 5], [0, 6, 7]]),
        "prompt_mask": torch.tensor([[0, 0, 1], [0, 1, 1]]),
        "completion_ids": torch.tensor([[1, 2, 0, 0], [3, 0, 0, 0]]),
        "completion_mask": torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0]]),
        "advantages": torch.tensor([1.0, -1.0]),
    }
    cut = cut_padding(batch)
    assert cut["prompt_ids"].tolist() == [[0, 5], [6, 7]]
    assert cut["completion_ids"].tolist() == [[1, 2], [3, 0]]
    assert cut["advantages"].tolist() == [1.0, -1.0]


@pytest.mark.parametrize("options", [{"lam": -1.0}, {"top_p": 0.9}])
def test_a_setting_that_would_bias_the_objective_is_refused(tmp_path, options):
    with pytest.raises(ValueError, match="lam|top_p"):
        MGPOConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False, **options)
