"""One random transform for an image and its mask together, drawn from numbers given to it."""

from dataclasses import dataclass

import keras
from keras import ops


@dataclass(frozen=True)
class JointAugment:
    """Rotation, shift, zoom, mirror and exposure, the same for an image and its target.

    Use it as `augment=` of `radiokit.data.batches.make_batches`, which hands it the random
    numbers: the same numbers always give the same pictures, so a resumed training equals an
    unbroken one. Images are interpolated linearly, targets take the nearest pixel, both from
    the same source coordinates; what enters from outside the frame is 0 (black, background).

    Args:
        rotation_degrees: largest rotation to either side.
        shift: largest shift, as a fraction of height and width.
        scale: largest zoom in or out, as a fraction (0.15 zooms between 0.85 and 1.15).
        mirror: mirror left and right in half of the cases. Never where sides have names
            (left lung, right clavicle): a mirrored mask would lie about them.
        contrast: largest change of contrast and brightness, as a fraction of the range 0..1.
    """

    rotation_degrees: float = 10.0
    shift: float = 0.05
    scale: float = 0.15
    mirror: bool = False
    contrast: float = 0.0

    num_draws = 7  # how many random numbers one case needs

    def __call__(self, images, targets, draws):
        """Transform a batch.

        Args:
            images: (N, H, W, C) in 0..1.
            targets: (N, H, W, K), or a dict or list; members of other rank pass untouched.
            draws: (N, 7) uniform in [0, 1).

        Returns:
            Images and targets of the same shapes.
        """
        matrices = self._matrices(draws, images.shape[1], images.shape[2])
        images = ops.image.affine_transform(images, matrices, interpolation="bilinear")
        targets = keras.tree.map_structure(lambda t: _warp_target(t, matrices), targets)
        return self._expose(images, draws[:, 5], draws[:, 6]), targets

    def _matrices(self, draws, height, width):
        """Rows (a, b, c, d, e, f, 0, 0) that map output pixels to input pixels."""
        sides = 2 * draws - 1  # -1..1
        angle = sides[:, 0] * (self.rotation_degrees * 3.141592653589793 / 180)
        zoom = 1 / (1 + self.scale * sides[:, 1])
        mirror = ops.where(draws[:, 4] < 0.5, -1.0, 1.0) if self.mirror else ops.ones_like(angle)
        cosine, sine = zoom * ops.cos(angle), zoom * ops.sin(angle)
        center_x, center_y = (width - 1) / 2, (height - 1) / 2
        a, b, d, e = mirror * cosine, -mirror * sine, sine, cosine
        c = center_x - a * center_x - b * center_y + sides[:, 2] * self.shift * width
        f = center_y - d * center_x - e * center_y + sides[:, 3] * self.shift * height
        zero = ops.zeros_like(a)
        return ops.stack([a, b, c, d, e, f, zero, zero], axis=1)  # (N, 8)

    def _expose(self, images, contrast_draw, brightness_draw):
        if self.contrast == 0:
            return images
        gain = 1 + self.contrast * (2 * contrast_draw - 1)[:, None, None, None]
        offset = self.contrast * (brightness_draw - 0.5)[:, None, None, None]
        return ops.clip((images - 0.5) * gain + 0.5 + offset, 0.0, 1.0)


def _warp_target(target, matrices):
    if len(target.shape) != 4:
        return target
    return ops.image.affine_transform(target, matrices, interpolation="nearest")
