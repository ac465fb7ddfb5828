"""Adam in one kernel a variable, and Adam with the weight decay of PyTorch."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="radiokit")
class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam, each variable updated by one TensorFlow kernel: the same numbers, sooner.

    Keras writes the step as a dozen small operations a variable, which cost seconds to trace and
    several passes over the memory. On other backends, and for sparse gradients or AMSGrad, it is
    Keras's own step. `weight_decay` is Keras's own too: decoupled, each weight shrunk by
    rate · weight_decay of itself beside the step. `learning_rate` may be a schedule, such as
    `radiokit.schedules.CyclicLearningRate`.

    Paper: Kingma and Ba 2015, Adam, https://arxiv.org/abs/1412.6980
    """

    _of_step = None  # powers of beta, and epsilon: the same for every variable of a step
    _rate_of_step = None  # what a schedule says; Keras asks it again for each variable that decays

    def apply(self, grads, trainable_variables=None):
        """Change all variables by their gradients; called by Keras."""
        self._of_step = self._powers_and_epsilon()
        rate = self.learning_rate
        self._rate_of_step = None if isinstance(rate, keras.Variable) else rate
        try:
            return super().apply(grads, trainable_variables)
        finally:
            self._of_step = self._rate_of_step = None

    def _get_current_learning_rate(self):
        if self._rate_of_step is None:
            return super()._get_current_learning_rate()
        return self._rate_of_step

    def _powers_and_epsilon(self):
        powers = self._beta_powers()
        return powers, self._epsilon_of_step(powers[1])

    def _beta_powers(self):
        step = ops.cast(self.iterations + 1, "float32")
        return [ops.power(ops.cast(beta, "float32"), step) for beta in (self.beta_1, self.beta_2)]

    def update_step(self, gradient, variable, learning_rate):
        """Change one variable by its gradient; called by Keras."""
        is_dense = hasattr(gradient, "shape") and not hasattr(gradient, "indices")
        powers, epsilon = self._of_step or self._powers_and_epsilon()
        if keras.backend.backend() != "tensorflow" or self.amsgrad or not is_dense:
            self._keras_step(gradient, variable, learning_rate, epsilon)
            return
        from radiokit.engine_tensorflow import fused_adam_step

        index = self._get_variable_index(variable)
        fused_adam_step(
            variable,
            self._momentums[index],
            self._velocities[index],
            gradient,
            learning_rate,
            powers,
            (self.beta_1, self.beta_2, epsilon),
        )

    def _epsilon_of_step(self, beta_2_power):
        return self.epsilon

    def _keras_step(self, gradient, variable, learning_rate, epsilon):
        """Keras's own step, with the epsilon of this one."""
        kept, self.epsilon = self.epsilon, epsilon
        try:
            keras.optimizers.Adam.update_step(self, gradient, variable, learning_rate)
        finally:
            self.epsilon = kept


@keras.saving.register_keras_serializable(package="radiokit")
class CoupledAdam(FusedAdam):
    """Adam as PyTorch writes it: weight decay enters the gradient, epsilon comes after correction.

    When to use: to train as a study that used `torch.optim.Adam(weight_decay=...)`. Keras's own
    `weight_decay` shrinks the weights beside Adam (AdamW), and its epsilon is added before the
    bias correction, which makes it 30 times larger in the first step. Here, at step t,

        g ← gradient + l2·w
        m ← β₁·m + (1 - β₁)·g,  v ← β₂·v + (1 - β₂)·g²
        w ← w - rate · (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + epsilon)

    for every trainable variable, biases and normalisation included, as there.

    Args:
        learning_rate: step size above 0, or a schedule such as
            `radiokit.schedules.CyclicLearningRate`.
        l2: PyTorch's `weight_decay`, 0 or more.
        beta_1: memory of the mean gradient, 0 to below 1.
        beta_2: memory of the squared gradient, 0 to below 1.
        epsilon: added to the root of the corrected second moment.
        name: name of the optimiser.

    Raises:
        ValueError: a negative l2.

    Paper: Kingma and Ba 2015, Adam, https://arxiv.org/abs/1412.6980; Loshchilov and Hutter 2019,
    on coupled and decoupled decay, https://arxiv.org/abs/1711.05101
    """

    def __init__(
        self,
        learning_rate=5e-4,
        l2=2e-5,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        name="coupled_adam",
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name=name)
        if not l2 >= 0:
            raise ValueError(f"l2 is {l2}; needed is 0 (no decay) or more, such as 2e-5.")
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        """Change one variable by its gradient; called by Keras."""
        gradient = ops.cast(ops.convert_to_tensor(gradient), variable.dtype)
        gradient = gradient + ops.cast(self.l2, variable.dtype) * variable
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        """Arguments that rebuild this optimiser, for saving a compiled model."""
        names = ("learning_rate", "beta_1", "beta_2", "epsilon", "name")
        config = super().get_config()
        return {name: config[name] for name in names} | {"l2": self.l2}

    def _epsilon_of_step(self, beta_2_power):
        # √(v / c) + ε = (√v + ε·√c) / √c, and Keras's step takes the 1 / √c into the rate
        return self.epsilon * ops.sqrt(1.0 - beta_2_power)
