import keras
import numpy as np
import pandas as pd
import pytest

from radiokit.cross_validation import leave_one_patient_out
from radiokit.losses import DiceCrossEntropyLoss

SIZE = 16
CLASSES = ("background", "disc")


def read(row):
    rows, columns = np.indices((SIZE, SIZE))
    disc = np.hypot(rows - row["centre"], columns - row["centre"]) < 4
    image = np.where(disc, 0.9, 0.1).astype(np.float32)[..., None]
    return image, np.stack([~disc, disc], axis=-1).astype(np.float32)


def read_partly(row):
    image, target = read(row)
    if row["case_id"] == "a1":
        target[..., 0] = -1  # nobody has drawn this class on this image
    return image, target


def build():
    inputs = keras.Input((SIZE, SIZE, 1))
    return keras.Model(inputs, keras.layers.Conv2D(2, 1, activation="softmax")(inputs))


def table_of(patients, folder):
    table = pd.DataFrame(
        [
            {"case_id": f"{patient}{n}", "patient_id": patient, "centre": 5 + n + 2 * index}
            for index, patient in enumerate(patients)
            for n in range(2)
        ]
    )
    for case in table["case_id"]:
        (folder / case).write_text(case, encoding="utf-8")
    return table.assign(image=[str(folder / case) for case in table["case_id"]], is_phantom=True)


def run(table, folder, reader=read, epochs=12):
    loss = DiceCrossEntropyLoss(overlapping=True)
    chosen = dict(loss=loss, epochs=epochs, learning_rate=0.3, batch_size=2)
    return leave_one_patient_out(table, reader, {"dot": build}, CLASSES, folder, **chosen)


def test_every_patient_is_tested_once_by_a_network_that_learned(tmp_path):
    table = table_of("abc", tmp_path)
    cases = run(table, tmp_path / "out")
    assert list(cases["case_id"]) == list(table["case_id"])
    assert set(cases["split"]) == {"test"}
    assert cases["dice_disc"].min() > 0.99


def test_no_fold_is_trained_on_the_patient_it_is_tested_on(tmp_path, monkeypatch):
    import radiokit.cross_validation as module

    trained_on = []
    make = module.make_batches

    def spy(rows, *arguments, **options):
        trained_on.append(set(rows["patient_id"]))
        return make(rows, *arguments, **options)

    monkeypatch.setattr(module, "make_batches", spy)
    run(table_of("abc", tmp_path), tmp_path / "out", epochs=1)
    assert trained_on == [{"b", "c"}, {"a", "c"}, {"a", "b"}]


def test_a_killed_run_goes_on_with_the_next_patient(tmp_path, monkeypatch):
    import radiokit.cross_validation as module

    table = table_of("abc", tmp_path)
    whole = run(table, tmp_path / "whole", epochs=1)
    fit = module.training.fit
    fitted = []

    def die_at_the_second(*arguments, **options):
        if len(fitted) == 1:
            raise KeyboardInterrupt
        fitted.append(arguments[3].name)
        return fit(*arguments, **options)

    monkeypatch.setattr(module.training, "fit", die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run(table, tmp_path / "killed", epochs=1)
    monkeypatch.setattr(module.training, "fit", fit)
    resumed = run(table, tmp_path / "killed", epochs=1)
    assert fitted == ["a"]
    pd.testing.assert_frame_equal(resumed, whole)


def test_a_class_without_truth_is_not_scored(tmp_path):
    cases = run(table_of("ab", tmp_path), tmp_path / "out", read_partly, epochs=1)
    without = cases.set_index("case_id")["dice_background"].isna()
    assert list(without[without].index) == ["a1"]
    assert cases["dice_disc"].notna().all()


def test_one_patient_cannot_be_left_out(tmp_path):
    with pytest.raises(ValueError, match="1 patient; leaving one out needs two"):
        run(table_of("a", tmp_path), tmp_path / "out")


def test_two_patients_with_one_image_are_refused(tmp_path):
    table = table_of("ab", tmp_path)
    (tmp_path / "b0").write_text("a0", encoding="utf-8")  # the bytes of patient a's image
    with pytest.raises(ValueError, match="byte for byte"):
        run(table, tmp_path / "out")
    assert not (tmp_path / "out").exists()
