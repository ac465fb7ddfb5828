"""Learning rates that change by a plan of their own, and are saved with the optimiser."""

import keras
from keras import ops

MODES = ("triangular", "triangular2")


@keras.saving.register_keras_serializable(package="radiokit")
class CyclicLearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises and falls between two bounds along straight lines, for ever.

    When to use: as `learning_rate` of an optimiser, where a study trained so; then no single best
    rate need be found, only two bounds. At step t, counted from 0 and from the last `restart`,

        phase = t / steps_up modulo 2
        rate = lowest + (highest - lowest) · (1 - |1 - phase|) · scale

    with scale 1 for `"triangular"`, and 1/2 to the number of cycles done for `"triangular2"`,
    whose peaks halve from cycle to cycle.

    Args:
        lowest: learning rate at the first step and between cycles, above 0.
        highest: learning rate half a cycle later, at least `lowest`.
        steps_up: steps (batches) from one to the other, 1 or more; half a cycle. The paper takes
            2 to 10 epochs; 2000 is what PyTorch's `CyclicLR` takes without being told.
        mode: `"triangular"` or `"triangular2"`.

    Raises:
        ValueError: bounds that are not 0 < lowest <= highest, no whole number of steps, or an
            unknown mode.

    Paper: Smith 2017, Cyclical learning rates for training neural networks,
    https://arxiv.org/abs/1506.01186

    Example:
        >>> rate = CyclicLearningRate(lowest=1.0, highest=3.0, steps_up=2)
        >>> [float(rate(step)) for step in range(6)]
        [1.0, 2.0, 3.0, 2.0, 1.0, 2.0]
    """

    def __init__(self, lowest=1e-5, highest=1e-4, steps_up=2000, mode="triangular"):
        super().__init__()
        if not 0 < lowest <= highest < float("inf"):
            raise ValueError(
                f"lowest is {lowest} and highest {highest}; needed are two learning rates above 0, "
                "the lower first, such as 1e-5 and 1e-4."
            )
        if steps_up < 1 or steps_up % 1:
            raise ValueError(
                f"steps_up is {steps_up}; needed is a whole number of steps from 1, such as the "
                "batches of two epochs."
            )
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}; needed is one of {MODES}.")
        self.lowest, self.highest = float(lowest), float(highest)
        self.steps_up = int(steps_up)
        self.mode = mode

    def __call__(self, step):
        """The learning rate of a step.

        Args:
            step: number of steps done, 0 or more, a number or a tensor.

        Returns:
            Scalar float32 tensor.
        """
        step = ops.cast(step, "int32")
        within = ops.cast(ops.mod(step, 2 * self.steps_up), "float32")  # whole till here: exact
        height = 1.0 - ops.abs(1.0 - within / self.steps_up)
        if self.mode == "triangular2":
            cycles_done = ops.cast(ops.floor_divide(step, 2 * self.steps_up), "float32")
            height = height * ops.power(0.5, cycles_done)
        return self.lowest + (self.highest - self.lowest) * height

    def get_config(self):
        """Arguments that rebuild this schedule, for saving a compiled model."""
        return {
            "lowest": self.lowest,
            "highest": self.highest,
            "steps_up": self.steps_up,
            "mode": self.mode,
        }
