import keras
import numpy as np
import pytest

from radiokit import training
from radiokit.schedules import CyclicLearningRate


def test_the_fused_step_gives_the_numbers_of_kerass_adam():
    def trained(optimizer):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
        model.compile(optimizer, "mse", jit_compile=False)
        inputs = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        for _ in range(5):
            model.train_on_batch(inputs, inputs.sum(axis=1, keepdims=True))
        return model.get_weights()

    ours, theirs = trained(training.FusedAdam(0.01)), trained(keras.optimizers.Adam(0.01))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def torch_adam(weight, gradients, rates, l2, epsilon, betas=(0.9, 0.999)):
    """The algorithm as PyTorch documents it, in float64; `rates` is one, or one a step."""
    rates = np.broadcast_to(rates, len(gradients))
    mean, square = np.zeros_like(weight), np.zeros_like(weight)
    for step, gradient in enumerate(gradients, start=1):
        gradient = gradient + l2 * weight
        mean = betas[0] * mean + (1 - betas[0]) * gradient
        square = betas[1] * square + (1 - betas[1]) * gradient**2
        corrected = mean / (1 - betas[0] ** step), square / (1 - betas[1] ** step)
        weight = weight - rates[step - 1] * corrected[0] / (np.sqrt(corrected[1]) + epsilon)
    return weight


def stepped(optimizer, weight, gradients):
    variable = keras.Variable(weight.astype("float32"))
    for gradient in gradients.astype("float32"):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return keras.ops.convert_to_numpy(variable)


@pytest.mark.parametrize("other_backend", [False, True])
@pytest.mark.parametrize(("l2", "epsilon"), [(2e-5, 1e-8), (0.3, 1e-2), (0.0, 1e-3)])
def test_coupled_adam_takes_the_steps_of_pytorch(l2, epsilon, other_backend, monkeypatch):
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(4, 3))
    gradients = 0.01 * generator.normal(size=(7, 4, 3))
    gradients[:, 0] = 0  # decay alone moves these
    wanted = torch_adam(weight, gradients, 0.01, l2, epsilon)
    if other_backend:
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    ours = stepped(training.CoupledAdam(0.01, l2=l2, epsilon=epsilon), weight, gradients)
    np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-6)
    # Keras's own, with the same numbers, goes elsewhere: decoupled decay, epsilon uncorrected.
    keras_own = keras.optimizers.Adam(0.01, weight_decay=l2 or None, epsilon=epsilon)
    assert epsilon == 1e-8 or np.abs(stepped(keras_own, weight, gradients) - wanted).max() > 1e-3


def test_coupled_adam_reloads_with_its_memory(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(training.CoupledAdam(0.02, l2=0.1, beta_2=0.99), "mse", jit_compile=False)
    inputs = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    model.train_on_batch(inputs, inputs[:, :1])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.optimizer, training.CoupledAdam)
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert again.optimizer.l2 == 0.1
    for one in (model, again):
        one.train_on_batch(inputs, inputs[:, :1])
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_negative_l2_is_refused():
    with pytest.raises(ValueError, match="l2 is -1; needed is 0"):
        training.CoupledAdam(l2=-1)


def spare_nothing(optimizer):
    pass


def spare_biases(optimizer):
    optimizer.exclude_from_weight_decay(var_names=["bias"])


@pytest.mark.parametrize(
    ("rate", "exclude"),
    [(0.05, spare_nothing), (CyclicLearningRate(0.01, 0.1, steps_up=3), spare_biases)],
)
def test_the_fused_step_decays_the_weights_as_kerass_adam_does(rate, exclude):
    def trained(optimizer):
        exclude(optimizer)
        keras.utils.set_random_seed(1)
        dense = keras.layers.Dense(4, bias_initializer="ones")
        model = keras.Sequential([keras.Input((3,)), dense, keras.layers.Dense(1)])
        model.compile(optimizer, "mse", jit_compile=False)
        inputs = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        for _ in range(7):
            model.train_on_batch(inputs, inputs.sum(axis=1, keepdims=True))
        return model.get_weights()

    ours = trained(training.FusedAdam(rate, weight_decay=0.5))
    theirs = trained(keras.optimizers.Adam(rate, weight_decay=0.5))
    without = trained(training.FusedAdam(rate))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert np.abs(ours[0] - without[0]).max() > 0.01


def test_decoupled_decay_shrinks_a_weight_without_gradient_by_its_rate_alone():
    weight = np.array([2.0, -3.0])
    optimizer = training.FusedAdam(CyclicLearningRate(0.1, 0.3, steps_up=2), weight_decay=0.01)
    ours = stepped(optimizer, weight, np.zeros((4, 2)))
    shrunk = np.prod([1 - rate * 0.01 for rate in (0.1, 0.2, 0.3, 0.2)])
    np.testing.assert_allclose(ours, weight * shrunk, rtol=1e-6)


def test_coupled_adam_steps_at_the_rates_of_its_schedule():
    generator = np.random.default_rng(0)
    weight, gradients = generator.normal(size=(4, 3)), generator.normal(size=(6, 4, 3))
    optimizer = training.CoupledAdam(CyclicLearningRate(0.01, 0.03, steps_up=2), l2=0.01)
    wanted = torch_adam(weight, gradients, [0.01, 0.02, 0.03, 0.02, 0.01, 0.02], 0.01, 1e-8)
    np.testing.assert_allclose(stepped(optimizer, weight, gradients), wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda rate: training.CoupledAdam(rate, l2=0.01),
        lambda rate: training.FusedAdam(rate, weight_decay=0.01),
    ],
)
def test_a_saved_model_goes_on_along_its_schedule(make, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    schedule = CyclicLearningRate(0.01, 0.1, steps_up=2, mode="triangular2")
    model.compile(make(schedule), "mse", jit_compile=False)
    inputs = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    model.train_on_batch(inputs, inputs[:, :1])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert float(again.optimizer.learning_rate) == pytest.approx(0.055)
    for one in (model, again):
        for _ in range(6):
            one.train_on_batch(inputs, inputs[:, :1])
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_an_optimiser_saved_when_it_lay_in_another_module_reloads():
    content = {
        "module": "radiokit.training",
        "class_name": "CoupledAdam",
        "registered_name": "radiokit>CoupledAdam",
        "config": training.CoupledAdam(0.02, l2=0.1).get_config(),
    }
    assert keras.saving.deserialize_keras_object(content).l2 == 0.1
