"""Drawing 8 responses to each of 32 problems: our loop beside transformers' ``generate``, fp32 on the CPU.

python benchmarks/sampler.py
"""

import torch

import common
from vibethinker.engines.models import load_model
from vibethinker.engines.sampler import draw_completions, end_tokens, render_prompt

PROMPTS, SAMPLES, LENGTH, ROUNDS = 32, 8, 96, 7


def main() -> None:
    """Print seconds for 256 responses, ours and theirs."""
    model, tokenizer = load_model("micro")
    model.eval()
    questions = [problem.question for problem in common.probing_problems(PROMPTS)]
    prompts = [tokenizer.encode(render_prompt(tokenizer, "{question}", question)) for question in questions]
    ends = end_tokens(model, tokenizer)
    longest = max(map(len, prompts))
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = (torch.arange(longest) >= longest - torch.tensor([[len(prompt)] for prompt in prompts])).long()

    def ours(seed: int) -> object:
        seeds = [PROMPTS * seed + place for place in range(PROMPTS)]
        return draw_completions(
            model, prompts, samples=SAMPLES, max_new_tokens=LENGTH, temperature=1.0, ends=ends, pad=pad, seeds=seeds
        )

    def theirs(seed: int) -> object:
        torch.manual_seed(seed)
        with torch.inference_mode():
            return model.generate(
                ids.repeat_interleave(SAMPLES, 0),
                attention_mask=mask.repeat_interleave(SAMPLES, 0),
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                max_new_tokens=LENGTH,
                eos_token_id=ends,
                pad_token_id=pad,
            )

    ours_s, theirs_s = common.in_turn(ours, theirs, rounds=ROUNDS)
    common.report(f"sampling {PROMPTS * SAMPLES} responses", "s", ours_s, theirs_s)


if __name__ == "__main__":
    main()
