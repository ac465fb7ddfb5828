"""Figures, each a pure function of a run's record: another language never trains again.

Every `plot_*` takes the record's folder and a language and returns a Matplotlib `Figure`, with
the run's stamp on it. Colours are Okabe and Ito's, told apart by colour-blind readers.
"""

from radiokit.plots.activation import plot_class_activation
from radiokit.plots.classification_curves import plot_calibration, plot_label_curves, plot_roc
from radiokit.plots.comparisons import plot_level_scores, plot_seed_differences
from radiokit.plots.curves import plot_cost, plot_learning_curves
from radiokit.plots.decisions import plot_confusions, plot_thresholds
from radiokit.plots.figure import (
    BLUE,
    GREEN,
    INK_COLOURS,
    ORANGE,
    PURPLE,
    REGION_COLOURS,
    SKY,
    STAMP_LABEL,
    STRUCTURE_COLOURS,
    VERMILLION,
    YELLOW,
    stamp_figure,
)
from radiokit.plots.label_bars import plot_label_bars, plot_label_comparison, plot_label_counts
from radiokit.plots.masks import plot_final_figure, plot_masks
from radiokit.plots.measures import plot_agreement
from radiokit.plots.pictures import plot_attention, plot_overlays, plot_worst_cases
from radiokit.plots.ranking import plot_worklist
from radiokit.plots.rejection import plot_coverage_risk
from radiokit.plots.scores import plot_domain_shift, plot_scores
from radiokit.plots.slide_scores import plot_color_space_scores, plot_pixel_scores
from radiokit.plots.slides import plot_color_spaces, plot_heat_map, plot_slide_steps
from radiokit.plots.surface import plot_surface

__all__ = [
    "BLUE",
    "GREEN",
    "INK_COLOURS",
    "ORANGE",
    "PURPLE",
    "REGION_COLOURS",
    "SKY",
    "STAMP_LABEL",
    "STRUCTURE_COLOURS",
    "VERMILLION",
    "YELLOW",
    "plot_agreement",
    "plot_attention",
    "plot_calibration",
    "plot_class_activation",
    "plot_color_space_scores",
    "plot_color_spaces",
    "plot_confusions",
    "plot_cost",
    "plot_domain_shift",
    "plot_final_figure",
    "plot_coverage_risk",
    "plot_heat_map",
    "plot_label_bars",
    "plot_label_comparison",
    "plot_label_counts",
    "plot_label_curves",
    "plot_learning_curves",
    "plot_level_scores",
    "plot_masks",
    "plot_overlays",
    "plot_pixel_scores",
    "plot_roc",
    "plot_scores",
    "plot_seed_differences",
    "plot_slide_steps",
    "plot_surface",
    "plot_thresholds",
    "plot_worklist",
    "plot_worst_cases",
    "stamp_figure",
]
