"""An adapter is one of two typed variants; what it cannot be is refused when the recipe loads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from vibethinker.configs.adapter import AdapterConfig, LoraAdapter, QloraAdapter

ADAPTER = TypeAdapter(AdapterConfig)

shapes = st.fixed_dictionaries(
    {
        "rank": st.integers(1, 512),
        "alpha": st.floats(0.01, 1e3),
        "dropout": st.floats(0, 0.99),
        "targets": st.just("all-linear") | st.sets(st.text("abc_", min_size=1), min_size=1).map(tuple),
    }
)


@given(shapes, st.sampled_from([LoraAdapter, QloraAdapter]))
def test_an_adapter_written_to_a_recipe_comes_back_the_same(shape, variant):
    adapter = variant(**shape)
    assert ADAPTER.validate_json(ADAPTER.dump_json(adapter)) == adapter


def test_the_name_chooses_the_variant():
    assert ADAPTER.validate_python({"name": "lora"}) == LoraAdapter()
    assert ADAPTER.validate_python({"name": "qlora", "quant": "fp4"}) == QloraAdapter(quant="fp4")


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"name": "dora"}, "lora"),
        ({"name": "lora", "quant": "nf4"}, "quant"),
        ({"name": "lora", "rank": 0}, "rank"),
        ({"name": "lora", "alpha": 0}, "alpha"),
        ({"name": "lora", "dropout": 1}, "dropout"),
        ({"name": "lora", "targets": "q_proj"}, "all-linear"),
        ({"name": "lora", "targets": []}, "each layer once"),
        ({"name": "lora", "targets": ["q_proj", "q_proj"]}, "each layer once"),
        ({"name": "qlora", "quant": "int8"}, "nf4"),
    ],
)
def test_what_is_no_adapter_is_refused_with_what_is_allowed(given_, said):
    with pytest.raises(ValidationError, match=said):
        ADAPTER.validate_python(given_)
