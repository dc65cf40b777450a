"""Fusion from the command line: what is wrong is one line and status 2, and a model is there whole or not at all."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from vibethinker.cli import run_command
from vibethinker.configs.fusion_methods import METHODS

WEIGHTS = "model.safetensors"
CONFIG = {
    "model_type": "qwen2", "hidden_size": 4, "num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 1,
    "vocab_size": 6, "rope_theta": 1e6, "tie_word_embeddings": False, "transformers_version": "4.44.0",
}  # fmt: skip
TOKENIZER: dict[str, Any] = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "model": {"vocab": {"a": 0}},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with two models and their base."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("a", "b", "base")):
        make(name, seed)
    return tmp_path


def make(name: str, seed: int = 0, **config: Any) -> Path:
    path = Path(name)
    path.mkdir()
    generator = torch.Generator().manual_seed(seed)
    tensors = {
        "model.embed_tokens.weight": torch.randn(6, 4, generator=generator).bfloat16(),
        "model.norm.weight": torch.randn(4, generator=generator).bfloat16(),
    }
    save_file(tensors, path / WEIGHTS, metadata={"format": "pt"})
    write(path / "config.json", CONFIG | config)
    write(path / "tokenizer.json", TOKENIZER)
    write(path / "tokenizer_config.json", {"eos_token": "</s>", "chat_template": "{{ x }}"})
    return path


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))


def change(name: str, **tensors: torch.Tensor | None) -> None:
    path = Path(name) / WEIGHTS
    found: dict[str, Any] = load_file(path) | {key.replace("__", "."): value for key, value in tensors.items()}
    save_file({key: value.clone() for key, value in found.items() if value is not None}, path)


def change_json(file: str, **values: object) -> None:
    write(Path(file), json.loads(Path(file).read_text()) | values)


def remove(*files: str) -> None:
    for file in files:
        Path(file).unlink()


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fused(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run_command(["fuse", *arguments, "--output", "out", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    found: dict[str, Any] = json.loads(captured.out)
    return found


def test_two_models_are_fused_in_equal_parts_when_nothing_else_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["fuse", "a", "b", "--output", "out"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = captured.out.splitlines()
    assert [line.split()[0] for line in lines] == ["fused", "method", "model", "time", "output"]
    assert lines[0] == "fused    .500 a, .500 b"
    assert "2 tensors, 28 parameters, BF16" in lines[2]
    a, b, out = (load_file(Path(name) / WEIGHTS) for name in ("a", "b", "out"))
    for name, tensor in out.items():
        assert torch.equal(tensor, ((a[name].double() + b[name].double()) / 2).bfloat16())


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ("--method linear --weights 0.25,0.75", {}),
        ("--method task_arithmetic --base base --weights 2,-1", {"scale": 1.0}),
        ("--method ties --base base --density 0.5 --scale 2", {"scale": 2.0, "density": 0.5}),
        ("--method dare --base base --drop 0.5 --seed 3", {"scale": 1.0, "drop": 0.5, "seed": 3}),
        ("--method dare --base base", {"scale": 1.0, "drop": 0.9, "seed": 0}),
        ("--method slerp --t 0.25 --max-shard 20", {}),
    ],
)
def test_every_method_takes_its_options(
    capsys: pytest.CaptureFixture[str], options: str, parameters: dict[str, float]
) -> None:
    found = fused(capsys, "a", "b", *options.split())
    assert found["parameters"] == parameters
    assert found["output"] == "out"
    assert found["seconds"] >= 0
    assert {key: value for key, value in found.items() if key not in ("output", "seconds")} == json.loads(
        Path("out/fusion.json").read_text()
    )
    assert len(list(Path("out").glob("*.safetensors"))) == (2 if "--max-shard" in options else 1)


def test_t_and_weights_say_the_same_of_slerp(capsys: pytest.CaptureFixture[str]) -> None:
    found = fused(capsys, "a", "b", "--method", "slerp", "--t", "0.25")
    assert [row["weight"] for row in found["parents"]] == [0.75, 0.25]


# What is done to the models before, the arguments, and how the line begins.
WRONG: dict[str, tuple[Any, str, str]] = {
    "shapes": (
        lambda: change("b", model__norm__weight=torch.zeros(5).bfloat16()),
        "a b",
        "models differ: tensor model.norm.weight is [4] in a and [5] in b",
    ),
    "vocabularies": (
        lambda: change("b", model__embed_tokens__weight=torch.zeros(7, 4).bfloat16()),
        "a b",
        "models differ: tensor model.embed_tokens.weight is [6, 4] in a and [7, 4] in b",
    ),
    "types": (
        lambda: change("b", model__norm__weight=torch.zeros(4)),
        "a b",
        "models differ: tensor model.norm.weight is BF16 in a and F32 in b",
    ),
    "a type that is not fused": (
        lambda: change("a", x=torch.zeros(4).to(torch.float8_e4m3fn)),
        "a b",
        "tensor x is F8_E4M3 in a, which cannot be fused",
    ),
    "a tensor missing": (
        lambda: change("b", model__norm__weight=None),
        "a b",
        "models differ: b has no tensor model.norm.weight, a has",
    ),
    "a tensor more": (lambda: change("b", x=torch.zeros(1)), "a b", "models differ: a has no tensor x, b has"),
    "the base's shapes": (
        lambda: change("base", model__norm__weight=torch.zeros(5).bfloat16()),
        "a b --method ties --base base",
        "models differ: tensor model.norm.weight is [4] in a and [5] in base",
    ),
    "NaN": (
        lambda: change("b", model__norm__weight=torch.full((4,), torch.nan).bfloat16()),
        "a b",
        "b holds NaN or infinity in tensor model.norm.weight",
    ),
    "infinity in the base": (
        lambda: change("base", model__norm__weight=torch.full((4,), torch.inf).bfloat16()),
        "a b --method dare --base base",
        "base holds NaN or infinity in tensor model.norm.weight",
    ),
    "a damaged file": (
        lambda: os.truncate("b/model.safetensors", 300),
        "a b",
        "{folder}/b/model.safetensors is damaged",
    ),
    "negative weights": (None, "a b --weights=-0.5,1.5", "weights must be at least 0 and sum to 1"),
    "a sum of weights": (None, "a b --weights 0.5,0.6", "weights must be at least 0 and sum to 1"),
    "NaN as a weight": (None, "a b --weights nan,1", "weights must be finite numbers"),
    "words as weights": (None, "a b --weights half,half", "--weights half,half: need numbers"),
    "too few weights": (None, "a b --weights 1", "need one weight per model, got 1 weights for 2 models"),
    "no base for task_arithmetic": (None, "a b --method task_arithmetic", "task_arithmetic needs a base"),
    "no base for ties": (None, "a b --method ties", "ties needs a base"),
    "no base for dare": (None, "a b --method dare", "dare needs a base"),
    "a base for linear": (None, "a b --base base", "--base is not for linear: it is for task_arithmetic, ties, dare"),
    "a base for slerp": (None, "a b --method slerp --base base", "--base is not for slerp"),
    "an option of another method": (None, "a b --density 0.5", "--density is not for linear: it is for ties"),
    "a seed without chance": (None, "a b --seed 1", "--seed is not for linear: it is for dare"),
    "no such method": (None, "a b --method mean", "--method mean: there is no such method; use one of linear, "),
    "density": (None, "a b --method ties --base base --density 0", "--density 0.0: Input should be greater than 0"),
    "drop": (None, "a b --method dare --base base --drop 1", "--drop 1.0: Input should be less than 1"),
    "scale": (None, "a b --method ties --base base --scale inf", "--scale inf: Input should be"),
    "three for slerp": (None, "a b base --method slerp", "slerp goes between two models, got 3"),
    "t beyond": (None, "a b --method slerp --t 2", "--t 2: must be from 0"),
    "t for linear": (None, "a b --t 0.5", "--t 0.5 says where between two models slerp goes"),
    "a size": (None, "a b --max-shard many", "--max-shard many: need a size such as 2GB"),
    "another kind of model": (
        lambda: change_json("b/config.json", model_type="llama"),
        "a b",
        "models differ: config.json has model_type qwen2 in a and llama in b",
    ),
    "heads": (
        lambda: change_json("b/config.json", num_key_value_heads=2),
        "a b",
        "models differ: config.json has num_key_value_heads 1 in a and 2 in b",
    ),
    "rotations": (lambda: change_json("b/config.json", rope_theta=1e4), "a b", "models differ: config.json has rope_"),
    "the tie": (
        lambda: change_json("b/config.json", tie_word_embeddings=True),
        "a b",
        "models differ: config.json has tie_word_embeddings False in a and True in b",
    ),
    "the base's kind": (
        lambda: change_json("base/config.json", model_type="llama"),
        "a b --method ties --base base",
        "models differ: a is a qwen2 model, the base base a llama model",
    ),
    "quantised": (lambda: change_json("b/config.json", quantization_config={}), "a b", "b is quantised"),
    "a configuration that is no JSON": (
        lambda: Path("b/config.json").write_text("{"),
        "a b",
        "cannot read {folder}/b/",
    ),
    "words": (
        lambda: change_json("b/tokenizer.json", model={"vocab": {"b": 0}}),
        "a b",
        "models differ: their tokenizer.json is not the same in a",
    ),
    "added tokens": (
        lambda: change_json("b/tokenizer.json", added_tokens=[{"id": 1, "content": "<think>"}]),
        "a b",
        "models differ: their list of added tokens is not the same",
    ),
    "chat templates": (
        lambda: Path("b/chat_template.jinja").write_text("{{ y }}"),
        "a b",
        "models differ: their chat template is not the same in a ({{{{ x }}}}) and in b ({{{{ y }}}})",
    ),
    "special tokens": (
        lambda: change_json("b/tokenizer_config.json", eos_token={"content": "<end>"}),
        "a b",
        "models differ: their special token eos_token is not the same in a (</s>) and in b (<end>)",
    ),
    "no tokenizer": (
        lambda: remove("b/tokenizer.json", "b/tokenizer_config.json"),
        "a b",
        "models differ: their special token eos_token is not the same in a (</s>) and in b (nothing)",
    ),
    "pickles only": (
        lambda: Path("b/model.safetensors").rename("b/pytorch_model.bin"),
        "a b",
        "{folder}/b has no safetensors file, only pytorch_model.bin, and pickles are not read: save the model with",
    ),
    "a shard missing": (
        lambda: write(Path("b/model.safetensors.index.json"), {"weight_map": {"x": "model-1.safetensors"}}),
        "a b",
        "{folder}/b has no model-1.safetensors",
    ),
    "a shard elsewhere": (
        lambda: write(Path("b/model.safetensors.index.json"), {"weight_map": {"x": "../a/model.safetensors"}}),
        "a b",
        "cannot read {folder}/b/model.safetensors.index.json: need a weight_map from tensors to files of the folder",
    ),
    "no such folder": (None, "a ./c", "no model folder c"),
    "a file": (lambda: Path("c.gguf").write_text(""), "a c.gguf", "c.gguf is a GGUF file"),
    "an output that is there": (lambda: make("out"), "a b", "output out is there already"),
    "an output that is a file": (lambda: Path("out").write_text(""), "a b", "output out is there already"),
    "the output a model": (None, "a b --output a", "output a lies in the model {folder}/a"),
    "the output in a model": (None, "a b --output ./a/new", "output a/new lies in the model {folder}/a"),
    "the output in the base": (
        None,
        "a b --method ties --base base --output base/new",
        "output base/new lies in the model {folder}/base",
    ),
    "the output below a file": (
        lambda: Path("f").write_text(""),
        "a b --output f/out",
        "output f/out: {folder}/f is no",
    ),
    "a name too long": (None, f"a b --output {'x' * 300}", f"output {'x' * 300}: File name too long: choose another"),
    "a name too long while unfinished": (None, f"a b --output {'x' * 250}", f"output {'x' * 250}: File name too long"),
    "a name too long below": (None, f"a b --output new/{'x' * 300}", f"output new/{'x' * 300}: File name too long"),
    "a link where it is made": (
        lambda: Path(".out.fusing").symlink_to("a"),
        "a b",
        "output {folder}/out: Not a directory: choose another",
    ),
    "no models": (None, "", "Missing argument"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_one_line_and_status_2_and_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    prepare, arguments, beginning = WRONG[case]
    if prepare:
        prepare()
    before = snapshot(folder)
    output = [] if "--output" in arguments else ["--output", "out"]
    status = run_command(["fuse", *arguments.split(), *output])
    captured = capsys.readouterr()
    assert captured.err.startswith("error: " + beginning.format(folder=folder))
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert status == 2
    assert snapshot(folder) == before
    assert not [path for path in folder.glob(".*") if not path.is_symlink()]


def test_every_method_has_a_line_for_a_missing_or_needless_base() -> None:
    assert set(METHODS) == {"linear", "task_arithmetic", "ties", "dare", "slerp"}


def test_what_has_no_effect_on_the_function_may_differ(capsys: pytest.CaptureFixture[str]) -> None:
    change_json(
        "b/config.json", transformers_version="5.0", use_cache=False, torch_dtype="float32", _name_or_path="x",
        eos_token_id=3, attention_dropout=0.1,
    )  # fmt: skip
    change_json("b/tokenizer.json", truncation={"max_length": 5}, padding={"length": 3})
    change_json("b/tokenizer_config.json", model_max_length=7, eos_token={"content": "</s>", "lstrip": False})
    write(Path("base/tokenizer.json"), {"model": "other"})
    change_json("base/config.json", rope_theta=5.0)
    fused(capsys, "a", "b", "--method", "ties", "--base", "base")
    assert json.loads(Path("out/config.json").read_text()) == json.loads(Path("a/config.json").read_text())


def test_configurations_of_two_versions_of_transformers_that_say_the_same_are_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = json.loads(Path("b/config.json").read_text())
    del found["rope_theta"]
    write(
        Path("b/config.json"),
        found | {"rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}, "dtype": "bfloat16"},
    )
    fused(capsys, "a", "b")
    assert Path("out", "config.json").read_bytes() == Path("a", "config.json").read_bytes()


def test_an_empty_output_folder_is_filled(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    fused(capsys, "a", "b")
    assert Path("out", WEIGHTS).is_file()


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from vibethinker.cli import run_command\n"
        "run_command(['fuse', '--help'])\n"
        "heavy = ('torch', 'transformers', 'numpy', 'safetensors', 'rich')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert "--max-shard" in done.stdout
