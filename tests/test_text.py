"""Tests that the three languages say the same things and that words are found."""

import string

import pytest

from radiokit.words import LANGUAGES, read_words


def texts(language):
    """Every text of a language by its section and key."""
    sections = read_words(language).sections
    return {
        (name, key): text for name, section in sections.items() for key, text in section.items()
    }


def placeholders(text):
    return sorted(field for _, field, _, _ in string.Formatter().parse(text) if field)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_languages_have_the_same_keys_in_the_same_order(language):
    assert list(texts(language)) == list(texts("en"))


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_languages_have_the_same_placeholders(language):
    english = {key: placeholders(text) for key, text in texts("en").items()}
    assert {key: placeholders(text) for key, text in texts(language).items()} == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_padded(language):
    assert all(text and text == text.strip() for text in texts(language).values())


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_sentences_are_translated(language):
    english, translated = texts("en"), texts(language)
    sections = ("labels", "tables", "stamp", "structures", "splits", "quantities")
    sections += ("published_labels", "published_notes", "rules", "averages")
    same = [key for key in english if key[0] in sections and english[key] == translated[key]]
    latin = [("structures", name) for name in ("epidural", "intraventricular", "subdural")]
    spanish = [("structures", "Abdomen")] if language == "es" else []
    latin.append(("structures", "in_situ"))
    assert same == [*latin, *spanish, ("tables", "structure")]


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "0.9 (0.8–1.0)"), ("es", "0,9 (0,8–1,0)")]
)
def test_numbers_follow_the_language(language, expected):
    assert read_words(language).interval(0.9, 0.8, 1.0, digits=1) == expected


def test_an_undefined_number_is_a_dash():
    assert read_words("en").number(float("nan")) == "–"
    assert read_words("en").number(None) == "–"


def test_only_a_full_run_on_real_data_is_unstamped():
    words = read_words("en")
    assert words.stamp(is_phantom=False, scale="full") == ""
    assert words.stamp(False, "quick") == "QUICK RUN · not a clinical result"
    assert words.stamp(True, "full") == "PHANTOM DATA · not a clinical result"


def test_unknown_names_are_shown_as_they_are():
    words = read_words("pt")
    assert words.name("models", "my_own_net") == "my own net"
    assert words.structure("R3") == "costelas R3"
    assert words.structure("heart") == "coração"


def test_a_unit_is_read_off_the_end_of_a_quantitys_name():
    words = read_words("pt")
    assert words.unit("blood_pool_ml") == "mL"
    assert words.unit("ejection_fraction_percent") == "%"
    assert words.unit("cardiothoracic_ratio") == ""
    assert words.with_unit("Viés", "myocardium_ml") == "Viés (mL)"
    assert words.with_unit("Viés", "cardiothoracic_ratio") == "Viés"


def test_a_scores_name_says_its_level_and_its_threshold():
    words = read_words("pt")
    assert words.metric("auc") == "AUC"
    assert words.metric("exam_auc") == "AUC, exames"
    assert words.metric("sensitivity_at_youden") == "Sensibilidade, limiar de Youden"
    expected = "Especificidade, exames, sensibilidade ≥ 0,95"
    assert words.metric("exam_specificity_at_sensitivity_0.95") == expected
    assert words.metric("my_own_score") == "my own score"


def test_a_rule_says_how_a_threshold_was_chosen():
    words = read_words("en")
    assert words.rule("half") == "threshold 0.5"
    assert words.rule("sensitivity_0.9") == "sensitivity ≥ 0.9"
    assert words.rule("by_hand") == "by hand"


def test_labels_and_their_averages_have_names():
    words = read_words("es")
    assert words.label("subarachnoid") == "subaracnoidea"
    assert words.label("macro avg") == "media de las etiquetas (macro)"


def test_an_estimate_without_an_interval_stands_alone():
    assert read_words("en").interval(0.9, float("nan"), float("nan")) == "0.900"
    assert read_words("en").interval(None, None, None) == "–"


def test_another_language_raises():
    with pytest.raises(ValueError, match="choose one of en, pt, es"):
        read_words("de")
