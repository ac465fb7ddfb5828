"""Models written here open in a new process with plain Keras, quietly, and say the same."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from radiokit.models import (
    build_alexnet,
    build_densenet,
    build_efficientnet,
    build_exam_classifier,
    build_inception_v4,
    build_multitask_unet,
    build_resnet,
    build_resnet_unet,
    build_swin_unet,
    build_unet,
    encoders,
    swin,
)

NEW_PROCESS = """
import sys
from pathlib import Path
import keras
import numpy as np
import radiokit.models

folder = Path(sys.argv[1])
for path in sorted(folder.glob("*.keras")):
    case = np.load(path.with_suffix(".npz"))
    scores = keras.models.load_model(path)(case["image"])
    scores = scores if isinstance(scores, dict) else {"scores": scores}
    for name, wanted in scores.items():
        np.testing.assert_allclose(np.asarray(wanted), case[name], atol=1e-5)
    print("same", path.stem)
print("keras_cv imported", "keras_cv" in sys.modules)
radiokit.models.build_resnet_unet((32, 32, 1), 2, 18)
print("keras_cv imported", "keras_cv" in sys.modules)
"""


@pytest.fixture
def small_networks(monkeypatch):
    monkeypatch.setitem(swin.SIZES, "tiny", swin.SwinSize(8, (1, 2, 1, 1), (1, 2, 2, 4)))
    monkeypatch.setattr(encoders, "STAGE_WIDTHS", (64, 8, 8, 8))
    monkeypatch.setattr(encoders, "DECODER_WIDTHS", (8, 8, 8, 8, 8))
    return [
        build_unet((64, 64, 1), 2, (4, 8), True, "three_head", activation="sigmoid"),
        build_unet((64, 64, 1), 2, (4, 8), attention="full_spatial", activation=None),
        build_resnet_unet((64, 64, 1), 2, 18),
        build_swin_unet((64, 64, 1), 2, "tiny"),
        build_densenet((64, 64, 1), 2, (1, 1, 1, 1), 8, hidden_units=8, dropout=0.2),
        build_alexnet((64, 64, 1), 2, 0.125, 8, dropout=0.5),
        build_efficientnet((64, 64, 1), 2, 0.25, 0.25, hidden_units=8, dropout=0.2),
        build_inception_v4((64, 64, 1), 2, (1, 1, 1), 0.125, hidden_units=8, dropout=0.2),
        build_resnet((64, 64, 1), 2, (1, 1, 1, 1), 8, hidden_units=8, dropout=0.2),
        build_multitask_unet((64, 64, 1), 3, (4, 8), 8),
        build_exam_classifier(8, 2, units=4, dropout=0.1),
    ]


def _write(model, folder):
    """Random weights, moving averages included, so that nothing equal is equal by default."""
    rng = np.random.default_rng(len(model.name))
    model.set_weights([value + 0.1 * rng.random(value.shape) for value in model.get_weights()])
    image = rng.random((2, 64, 64, 1)).astype("float32")
    if len(model.input_shape) == 3:
        image = image[:, :, :8, 0]  # (exams, slices, features)
    scores = model(image)
    scores = scores if isinstance(scores, dict) else {"scores": scores}
    model.save(folder / f"{model.name}.keras")
    scores = {name: np.asarray(values) for name, values in scores.items()}
    np.savez(folder / f"{model.name}.npz", image=image, **scores)


def test_saved_models_open_in_a_new_process_and_say_the_same(small_networks, tmp_path):
    for model in small_networks:
        _write(model, tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", NEW_PROCESS, str(tmp_path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr
    same = sorted(f"same {model.name}" for model in small_networks)
    # keras-cv is imported by the builder that needs it, and nothing else is printed.
    assert done.stdout.splitlines() == [
        *same,
        "keras_cv imported False",
        "keras_cv imported True",
    ]
    assert "Warning" not in done.stderr
