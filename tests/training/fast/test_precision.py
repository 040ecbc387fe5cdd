import numpy as np
import pytest

from workshop_utils.training import batches, strategies
from workshop_utils.training.fast import folded_layers, precision


@pytest.mark.parametrize(
    ("wanted", "flags", "policy"),
    [
        ("", "fpu avx512_bf16", "mixed_bfloat16"),
        ("", "fpu amx_bf16", "mixed_bfloat16"),
        ("", "fpu avx2", "float32"),
        ("float32", "fpu avx512_bf16", "float32"),
        ("bfloat16", "fpu avx2", "mixed_bfloat16"),
    ],
)
def test_bfloat16_only_if_the_processor_has_instructions_for_it(wanted, flags, policy, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    monkeypatch.setattr(precision, "_PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.setenv(precision.VARIABLE, wanted)
    assert precision.policy() == policy


@pytest.mark.parametrize("capability", [(7, 5), (8, 0)])
def test_a_gpu_decides_if_there_is_one(capability, monkeypatch):
    details = {"compute_capability": capability}
    monkeypatch.delenv(precision.VARIABLE, raising=False)
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    monkeypatch.setattr(precision.tf.config.experimental, "get_device_details", lambda gpu: details)
    assert precision.policy() == ("float32" if capability < (8, 0) else "mixed_bfloat16")


def test_the_description_names_device_and_precision(monkeypatch):
    details = {"compute_capability": (8, 0), "device_name": "NVIDIA A100"}
    monkeypatch.delenv(precision.VARIABLE, raising=False)
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(precision.machine, "cores", lambda: 2)
    assert precision.description("float32").endswith("(2 cores) in float32.")
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    monkeypatch.setattr(precision.tf.config.experimental, "get_device_details", lambda gpu: details)
    description = precision.description(precision.policy())
    assert "NVIDIA A100 in bfloat16" in description and "WORKSHOP_PRECISION=float32" in description


def test_any_other_precision_is_refused(monkeypatch):
    monkeypatch.setenv(precision.VARIABLE, "float8")
    with pytest.raises(precision.PrecisionError, match=r"WORKSHOP_PRECISION .*float8"):
        precision.policy()


def test_in_bfloat16_the_detector_gives_nearly_the_same_outputs_from_the_same_weights(yoghurt):
    images = batches.batch(yoghurt.samples[:4], yoghurt.label_map, 0, 2, 42)[0]
    model = strategies.get("fine_tune").start(yoghurt.label_map).model
    half = folded_layers.fold(model, "mixed_bfloat16")
    assert {weight.dtype for weight in half.variables} == {"float32"}
    assert [each.dtype for each in half.outputs] == ["bfloat16", "bfloat16"]
    for ours, wanted in zip(half(images), model(images, training=False), strict=True):
        ours, wanted = np.asarray(ours, np.float32), np.asarray(wanted)
        assert np.linalg.norm(ours - wanted) < 0.05 * np.linalg.norm(wanted)
