"""Random transforms for an image and its mask together, drawn from numbers given to them."""

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
        images, targets = _warp(images, targets, matrices)
        return self._expose(images, draws[:, 5], draws[:, 6]), targets

    def _matrices(self, draws, height, width):
        """Rows (a, b, c, d, e, f, 0, 0) that map output pixels to input pixels."""
        sides = 2 * draws - 1  # -1..1
        angle = sides[:, 0] * (self.rotation_degrees * 3.141592653589793 / 180)
        zoom = 1 / (1 + self.scale * sides[:, 1])
        mirror = ops.where(draws[:, 4] < 0.5, -1.0, 1.0) if self.mirror else ops.ones_like(angle)
        cosine, sine = zoom * ops.cos(angle), zoom * ops.sin(angle)
        shift_x, shift_y = sides[:, 2] * self.shift * width, sides[:, 3] * self.shift * height
        corners = (mirror * cosine, -mirror * sine, sine, cosine)
        return _matrices_about_centre(*corners, shift_x, shift_y, (height, width))

    def _expose(self, images, contrast_draw, brightness_draw):
        if self.contrast == 0:
            return images
        gain = 1 + self.contrast * (2 * contrast_draw - 1)[:, None, None, None]
        offset = self.contrast * (brightness_draw - 0.5)[:, None, None, None]
        return ops.clip((images - 0.5) * gain + 0.5 + offset, 0.0, 1.0)


@dataclass(frozen=True)
class FlipAndTurn:
    """Random flips and a random turn: for images that may lie anyhow, as radiographs do.

    Use it as `augment=` of `radiokit.data.batches.make_batches` on training cases, for labels that
    neither a flip nor a turn changes: a flipped knee is a knee, a flipped left lung is none. The
    defaults are the augmentation of the body part study. With both flips at one half, turns of 0
    to 180° reach every direction, mirrored or not, as evenly as turns of 0 to 360° do. What turns
    out of the frame is lost, what enters is 0 (black); images are interpolated linearly, masks
    take the nearest pixel.

    Args:
        rotation_degrees: lowest and highest turn, counterclockwise, about the centre.
        horizontal: probability that left and right are exchanged, before the turn.
        vertical: probability that top and bottom are exchanged, before the turn.
    """

    rotation_degrees: tuple[float, float] = (0.0, 180.0)
    horizontal: float = 0.5
    vertical: float = 0.5

    num_draws = 3  # how many random numbers one case needs

    def __call__(self, images, targets, draws):
        """Transform a batch.

        Args:
            images: (N, H, W, C) in 0..1.
            targets: labels (N, L), which pass untouched, or masks (N, H, W, K), which go along;
                or a dict or list of such.
            draws: (N, 3) uniform in [0, 1): turn, horizontal, vertical.

        Returns:
            Images and targets of the same shapes.
        """
        lowest, highest = self.rotation_degrees
        angle = (lowest + (highest - lowest) * draws[:, 0]) * (3.141592653589793 / 180)
        flip_x = ops.where(draws[:, 1] < self.horizontal, -1.0, 1.0)
        flip_y = ops.where(draws[:, 2] < self.vertical, -1.0, 1.0)
        cosine, sine = ops.cos(angle), ops.sin(angle)
        corners = (flip_x * cosine, -flip_x * sine, flip_y * sine, flip_y * cosine)
        matrices = _matrices_about_centre(*corners, 0.0, 0.0, images.shape[1:3])
        return _warp(images, targets, matrices)


@dataclass(frozen=True)
class QuarterTurns:
    """One of the eight ways to lay down a square: four quarter turns, mirrored or not.

    Use it as `augment=` of `radiokit.data.batches.make_batches` for tissue under the microscope,
    which has no up and no left. Pixels only change places: nothing is interpolated, nothing leaves
    the frame and nothing enters it.
    """

    num_draws = 3  # how many random numbers one case needs

    def __call__(self, images, targets, draws):
        """Transform a batch.

        Args:
            images: (N, H, H, C), square.
            targets: labels (N, L), which pass untouched, or masks (N, H, H, K), which go along;
                or a dict or list of such.
            draws: (N, 3) uniform in [0, 1): exchange of rows and columns, of left and right, of
                top and bottom, each in half of the cases.

        Returns:
            Images and targets of the same shapes.

        Raises:
            ValueError: images that are not square.
        """
        if images.shape[1] != images.shape[2]:
            raise ValueError(
                f"Images are {images.shape[1]} x {images.shape[2]} pixels; a quarter turn needs "
                "squares. Cut square tiles, or use FlipAndTurn."
            )

        def lay(pixels):
            if len(pixels.shape) != 4:
                return pixels
            for draw, turned in enumerate((_transposed, _mirrored, _upside_down)):
                chosen = (draws[:, draw] < 0.5)[:, None, None, None]
                pixels = ops.where(chosen, turned(pixels), pixels)
            return pixels

        return lay(images), keras.tree.map_structure(lay, targets)


def _transposed(pixels):
    return ops.swapaxes(pixels, 1, 2)


def _mirrored(pixels):
    return ops.flip(pixels, axis=2)


def _upside_down(pixels):
    return ops.flip(pixels, axis=1)


def _matrices_about_centre(a, b, d, e, shift_x, shift_y, shape):
    """Rows (a, b, c, d, e, f, 0, 0) whose output centre, shifted, is the input centre."""
    height, width = shape
    center_x, center_y = (width - 1) / 2, (height - 1) / 2
    c = center_x - a * center_x - b * center_y + shift_x
    f = center_y - d * center_x - e * center_y + shift_y
    zero = ops.zeros_like(a)
    return ops.stack([a, b, c, d, e, f, zero, zero], axis=1)  # (N, 8)


def _warp(images, targets, matrices):
    images = ops.image.affine_transform(images, matrices, interpolation="bilinear")
    return images, keras.tree.map_structure(lambda t: _warp_target(t, matrices), targets)


def _warp_target(target, matrices):
    if len(target.shape) != 4:
        return target
    return ops.image.affine_transform(target, matrices, interpolation="nearest")
