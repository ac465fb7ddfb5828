"""Random transforms for tiles cut from larger pictures: nothing black comes in at the edges."""

from dataclasses import dataclass, field

from keras import ops

from radiokit.data.augment import JointAugment, QuarterTurns

_DARKEST = 1 / 255  # below, a channel's power would have no finite slope


@dataclass(frozen=True)
class TileAugment:
    """Turns, colours and a crop around a `JointAugment`, for pictures without an up.

    Use it as `augment=` of `radiokit.data.batches.make_batches` on windows larger than the
    network's tile: they are warped whole, and the tile is then cut from their middle, so that
    what turns into view is picture, not black. A window half as large again as the tile is
    enough for the default `joint`.

    Args:
        tile_px: side of what is cut from the middle, pixels.
        joint: small rotations, shifts and zooms, contrast and brightness; done first.
        turn: also a quarter turn, a half turn or none, mirrored or not, all equally often. For
            tissue on glass; wrong for a picture with an up.
        stain: largest change of each channel's power, as a fraction, drawn for each by itself:
            glass stays white, a stain becomes stronger or weaker. 0 for grey pictures.
    """

    tile_px: int
    joint: JointAugment = field(default_factory=lambda: JointAugment(10.0, 0.045, 0.15))
    turn: bool = False
    stain: float = 0.0

    @property
    def num_draws(self) -> int:
        """How many random numbers one case needs."""
        return self.joint.num_draws + 6

    def __call__(self, images, targets, draws):
        """Transform a batch.

        Args:
            images: (N, H, W, C) in 0..1; H = W where `turn` is on.
            targets: (N, H, W, K).
            draws: (N, `num_draws`) uniform in [0, 1).

        Returns:
            Images (N, tile_px, tile_px, C) and targets (N, tile_px, tile_px, K).
        """
        first = self.joint.num_draws
        images, targets = self.joint(images, targets, draws[:, :first])
        images, targets = self._crop(images), self._crop(targets)
        if self.turn:
            images, targets = QuarterTurns()(images, targets, draws[:, first : first + 3])
        return self._stain(images, draws[:, first + 3 :]), targets

    def _crop(self, part):
        top = (part.shape[1] - self.tile_px) // 2
        left = (part.shape[2] - self.tile_px) // 2
        return part[:, top : top + self.tile_px, left : left + self.tile_px]

    def _stain(self, images, draws):
        if self.stain == 0:
            return images
        powers = 1 + self.stain * (2 * draws[:, None, None, : images.shape[-1]] - 1)
        return ops.exp(ops.log(ops.maximum(images, _DARKEST)) * powers)
