"""What a reader finds in a figure: its words, and the rectangles they take."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text


def words_on(figure):
    """Every visible text of a figure."""
    found = [artist for artist in figure.findobj(Text) if artist.get_visible()]
    return [artist.get_text() for artist in found if artist.get_text()]


def text_boxes(figure):
    """Visible texts, but numbers of ticks, with their rectangles in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    found = []
    for artist in figure.findobj(Text):
        is_tick = set(artist.get_text()) <= set("0123456789.,−")  # off the axis: not drawn
        if artist.get_text().strip() and artist.get_visible() and not is_tick:
            found.append((artist.get_text(), artist.get_window_extent(renderer)))
    return found


def axis_titled(figure, title):
    """The one axis whose title begins so."""
    (axis,) = [axis for axis in figure.axes if axis.get_title().startswith(title)]
    return axis
