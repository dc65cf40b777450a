"""Rollouts of groups without signal may leave both passes: the gradient stays, to float tolerance."""

import pytest

from vibethinker.engines.mgpo_config import MGPOConfig
from vibethinker.engines.mgpo_trainer import MGPOTrainer

G = 4


def half_silent(completions, prompts, **_):
    """Half of the prompts' groups are all right, the others mixed."""
    return [
        1.0 if "Solve" in prompt or "mean" in prompt else float(sum(map(ord, text)) % 2)
        for prompt, text in zip(prompts, completions, strict=True)
    ]


def all_right(completions, **_):
    return [1.0] * len(completions)


class Counted(MGPOTrainer):
    """Notes how many rollouts pass through the model with gradients."""

    passed = 0

    def _compute_loss(self, model, inputs):
        self.passed += len(inputs["completion_ids"])
        return super()._compute_loss(model, inputs)


def farthest(ours, theirs):
    """The largest distance of a gradient to its like, over the largest of its parameter's."""
    assert ours.keys() == theirs.keys()
    return max(float((ours[name] - theirs[name]).abs().max() / (theirs[name].abs().max() + 1e-4)) for name in theirs)


@pytest.mark.parametrize("scale", ["group", "none"])
@pytest.mark.parametrize("loss", ["grpo", "dr_grpo", "dapo", "luspo"])
def test_the_gradient_is_the_same_with_half_of_the_rows(train, loss, scale):
    options = {"loss_type": loss, "scale_rewards": scale, "rewards": (half_silent,), "max_grad_norm": 1e9}
    whole, whole_loss, expected = train(Counted, MGPOConfig, skip_no_signal=False, **options)
    part, part_loss, gradients = train(Counted, MGPOConfig, **options)
    assert whole.group_statistics["no_signal"] >= 0.5
    assert (whole.passed, part.passed) == (16, 16 - round(16 * whole.group_statistics["no_signal"]))
    assert part_loss == pytest.approx(whole_loss, abs=1e-6)
    assert max(float(gradient.abs().max()) for gradient in expected.values()) > 0
    assert farthest(gradients, expected) < 1e-5


@pytest.mark.parametrize("options", [{"epsilon_high": 0.28}, {"num_iterations": 2, "max_steps": 2}])
def test_so_it_is_off_policy_and_with_a_wider_clip(train, options):
    options = {"rewards": (half_silent,), "learning_rate": 1e-2, **options}
    _, _, expected = train(Counted, MGPOConfig, skip_no_signal=False, **options)
    _, _, gradients = train(Counted, MGPOConfig, **options)
    assert farthest(gradients, expected) < 1e-5


def test_truncated_rollouts_that_are_masked_leave_too(train):
    options = {"mask_truncated_completions": True, "max_completion_length": 12}
    whole, _, expected = train(Counted, MGPOConfig, skip_no_signal=False, **options)
    part, _, gradients = train(Counted, MGPOConfig, **options)
    assert part.passed < whole.passed
    assert farthest(gradients, expected) < 1e-5


def test_without_any_signal_the_step_runs_on_one_row_a_micro_batch_and_moves_nothing(train):
    trainer, loss, gradients = train(Counted, MGPOConfig, rewards=(all_right,))
    assert (loss, trainer.passed) == (0.0, 2)
    assert all(float(gradient.abs().max()) == 0 for gradient in gradients.values())


@pytest.mark.parametrize("options", [{"beta": 0.1}, {"loss_type": "bnpo"}, {"top_entropy_quantile": 0.5}])
def test_where_rows_without_signal_have_a_gradient_they_stay(train, options):
    trainer, _, _ = train(Counted, MGPOConfig, rewards=(half_silent,), **options)
    assert trainer.passed == 16
