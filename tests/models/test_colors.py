"""Colour spaces against scikit-image and OpenCV, their gradients, and the layer."""

import cv2
import keras
import numpy as np
import pytest
from keras import ops
from skimage import color

from radiokit.models import COLOR_SPACES, ColorSpace, convert_colors

# Black, greys on both sides of the two knees, white, and colours where two channels are strongest.
CORNERS = np.array(
    [
        *([0, 0, 0], [0.003, 0.003, 0.003], [0.04, 0.04, 0.04], [0.041, 0.041, 0.041]),
        *([0.5, 0.5, 0.5], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]),
        *([0, 1, 1], [1, 0, 1], [0.9, 0.2, 0.2], [0.8, 0.1, 0.3], [1e-6, 0, 0]),
    ]
)


@pytest.fixture(scope="module")
def pixels():
    """(2, 40, 30, 3) in 0..1, the corners among them."""
    drawn = np.random.default_rng(0).random((2, 40, 30, 3))
    drawn[0, 0, : len(CORNERS)] = CORNERS
    return drawn.astype(np.float32)


def convert(images, space):
    return np.asarray(convert_colors(images, space))


def test_lab_is_that_of_scikit_image(pixels):
    wanted = color.rgb2lab(pixels, illuminant="D65", observer="2")
    undone = convert(pixels, "lab") * [100, 255, 255] - [0, 128, 128]
    np.testing.assert_allclose(undone, wanted, atol=1e-3)


def test_hsv_is_that_of_scikit_image_and_of_opencv(pixels):
    ours = convert(pixels, "hsv")
    np.testing.assert_allclose(ours, color.rgb2hsv(pixels), atol=1e-6)
    opencv = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2HSV) for image in pixels])
    bright = pixels.max(axis=-1) > 0.01  # OpenCV adds a little below its fractions
    np.testing.assert_allclose(ours[bright] * [360, 1, 1], opencv[bright], atol=2e-3)


def test_ycrcb_is_that_of_opencv_in_its_order(pixels):
    opencv = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb) for image in pixels])
    np.testing.assert_allclose(convert(pixels, "ycrcb"), opencv, atol=1e-6)
    red = convert(np.array([1.0, 0.0, 0.0]), "ycrcb")
    assert red[1] > 0.9 > 0.5 > red[2]  # Cr before Cb


def test_hue_wraps_at_red_and_is_0_of_grey():
    reds = convert(np.array([[1.0, 0.02, 0.0], [1.0, 0.0, 0.02]]), "hsv")[:, 0]
    assert 0 < reds[0] < 0.01 < 0.99 < reds[1] < 1
    assert convert(np.array([0.4, 0.4, 0.4]), "hsv").tolist() == pytest.approx([0, 0, 0.4])


def test_all_is_the_four_side_by_side_in_their_order(pixels):
    together = convert(pixels, "all")
    assert together.shape == (2, 40, 30, 12)
    for place, space in enumerate(COLOR_SPACES):
        np.testing.assert_array_equal(together[..., 3 * place :][..., :3], convert(pixels, space))
    np.testing.assert_array_equal(convert(pixels, "rgb"), pixels)


@pytest.mark.parametrize("space", [*COLOR_SPACES, "all"])
def test_every_channel_stays_in_0_to_1_over_all_of_srgb(space):
    steps = np.linspace(0, 1, 33)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1)
    converted = convert(cube, space)
    assert converted.dtype == np.float32
    assert converted.min() >= -1e-6 and converted.max() <= 1 + 1e-6


def test_the_ranges_of_lab_are_those_of_the_docstring():
    steps = np.linspace(0, 1, 33)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1)
    lab = (color.rgb2lab(cube)).reshape(-1, 3)
    np.testing.assert_allclose(lab.min(0), [0, -86, -108], atol=0.5)
    np.testing.assert_allclose(lab.max(0), [100, 98, 94], atol=0.5)


@pytest.mark.parametrize("shape", [(3,), (7, 3), (4, 5, 3), (2, 4, 5, 3), (1, 2, 4, 5, 3)])
def test_any_number_of_axes_gives_the_same_pixels(shape, pixels):
    some = pixels.reshape(-1, 3)[: np.prod(shape[:-1], dtype=int)]
    ours = convert(some.reshape(shape), "all")
    assert ours.shape == (*shape[:-1], 12)
    np.testing.assert_allclose(ours.reshape(-1, 12), convert(some, "all"), atol=1e-6)


def test_gradients_are_finite_at_black_grey_and_white():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are taken with TensorFlow")
    grid = np.linspace(0, 1, 11)
    images = np.concatenate([CORNERS, np.stack(np.meshgrid(grid, grid, grid), -1).reshape(-1, 3)])
    for space in COLOR_SPACES:
        for channel in range(3):
            variable = tf.Variable(images.astype("float32"))
            with tf.GradientTape() as tape:
                summed = ops.sum(convert_colors(variable, space)[:, channel])
            gradient = np.asarray(tape.gradient(summed, variable))
            assert np.isfinite(gradient).all(), (space, channel)
            assert np.abs(gradient).max() > 0


def test_in_tf_data_it_serves_what_it_gives_outside(pixels):
    tf = pytest.importorskip("tensorflow")
    served = tf.data.Dataset.from_tensor_slices(pixels).map(lambda one: convert_colors(one, "all"))
    np.testing.assert_allclose(
        np.stack(list(served.as_numpy_iterator())), convert(pixels, "all"), atol=1e-6
    )


def test_a_model_with_the_layer_is_saved_and_opened(pixels, tmp_path):
    image = keras.Input((None, None, 3), name="image")
    tensor = ColorSpace("all", name="color_space")(image)
    assert tensor.shape == (None, None, None, 12)
    model = keras.Model(image, keras.layers.Conv2D(2, 1, name="head")(tensor))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.get_layer("color_space").space == "all"
    wanted = model.predict_on_batch(pixels)
    np.testing.assert_allclose(again.predict_on_batch(pixels), wanted, atol=1e-6)
    assert model.get_layer("color_space").count_params() == 0


def test_a_network_in_half_precision_still_converts_in_float32(pixels):
    half = convert_colors(ops.cast(pixels, "float16"), "lab")
    assert keras.backend.standardize_dtype(half.dtype) == "float32"
    np.testing.assert_allclose(np.asarray(half), convert(pixels, "lab"), atol=5e-3)


@pytest.mark.parametrize("make", [ColorSpace, lambda space: convert_colors(np.zeros(3), space)])
def test_an_unknown_space_names_those_there_are(make):
    with pytest.raises(ValueError, match=r"colour space is 'xyz'.*'rgb', 'hsv', .*'all'"):
        make("xyz")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), r"uint8 of shape \(4, 4, 3\).*Divide uint8 pixels by 255"),
        (np.zeros((4, 4, 1), np.float32), r"shape \(4, 4, 1\).*red, green, blue"),
        (np.float32(1), r"shape \(\).*red, green, blue"),
    ],
)
def test_what_is_no_picture_in_0_to_1_is_refused(images, message):
    with pytest.raises(ValueError, match=message):
        convert_colors(images, "hsv")
