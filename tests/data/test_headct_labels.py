"""The long table of the RSNA challenge to one row an image."""

import numpy as np
import pytest
from headct_maker import rsna_rows

from radiokit.data.headct import LABELS, SUBTYPES, pivot_rsna_labels

IMAGES = {"ID_1b8ac55df": (), "ID_0a1b2c3d4": ("subdural", "any"), "ID_f": ("epidural", "any")}
WIDE = {
    "ID_1b8ac55df": [0, 0, 0, 0, 0, 0],
    "ID_0a1b2c3d4": [0, 0, 0, 0, 1, 1],
    "ID_f": [1, 0, 0, 0, 0, 1],
}


def write(tmp_path, rows, header="ID,Label", encoding="utf-8"):
    path = tmp_path / "stage_2_train.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
    return path


def wide_of(table):
    rows = table[list(LABELS)].to_numpy().tolist()
    return dict(zip(table["case_id"], rows, strict=True))


def test_labels_are_named_as_in_the_study():
    assert LABELS == (*SUBTYPES, "any") and SUBTYPES == tuple(sorted(SUBTYPES))


@pytest.mark.parametrize(
    "header", ["ID,Label", "Id,Label", "id,label", "ID, Label", "\ufeffID,Label"]
)
@pytest.mark.parametrize("ending", ["", "_hemorrhage"])
def test_both_headers_and_both_spellings_give_one_row_an_image(tmp_path, header, ending):
    table = pivot_rsna_labels(write(tmp_path, rsna_rows(IMAGES, ending), header))
    assert list(table.columns) == ["case_id", *LABELS] and wide_of(table) == WIDE
    assert set(table[list(LABELS)].dtypes) == {np.dtype(np.uint8)}
    assert table.attrs["notes"] == []


def test_rows_may_come_in_any_order_with_semicolons_and_decimals(tmp_path):
    rows = [row.replace(",", ";") + ".0" for row in rsna_rows(IMAGES)]
    rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    assert wide_of(pivot_rsna_labels(write(tmp_path, rows, "ID;Label"))) == WIDE


def test_names_with_underscores_are_kept_whole(tmp_path):
    table = pivot_rsna_labels(write(tmp_path, rsna_rows({"a_b_any": ()})))
    assert table["case_id"].tolist() == ["a_b_any"]


def test_repeated_rows_that_say_the_same_are_dropped_and_counted(tmp_path):
    rows = rsna_rows(IMAGES)
    table = pivot_rsna_labels(write(tmp_path, rows + rows[6:12]))
    assert wide_of(table) == WIDE and table.attrs["notes"] == ["6 repeated rows dropped"]


def test_rows_that_contradict_one_another_are_listed(tmp_path):
    rows = [*rsna_rows(IMAGES), "ID_f_epidural,0", "ID_1b8ac55df_any,1"]
    with pytest.raises(
        ValueError, match="contradict one another in 2 of 3 .*ID_1b8ac55df_any, ID_f_epidural"
    ):
        pivot_rsna_labels(write(tmp_path, rows))


def test_an_image_with_a_missing_row_is_listed(tmp_path):
    with pytest.raises(ValueError, match="missing of 1 of 3 images .*ID_0a1b2c3d4_epidural.*six"):
        pivot_rsna_labels(write(tmp_path, [r for r in rsna_rows(IMAGES) if "4_epi" not in r]))


def test_any_is_held_against_the_five(tmp_path):
    images = IMAGES | {"ID_2": ("any",), "ID_3": ("epidural",)}
    with pytest.raises(
        ValueError, match="In 2 of 5 images .*any contradicts.*: ID_2, ID_3. any is"
    ):
        pivot_rsna_labels(write(tmp_path, rsna_rows(images)))


@pytest.mark.parametrize("label", ["0.5", "2", "", "yes", "-1"])
def test_a_label_that_is_not_0_or_1_is_refused(tmp_path, label):
    rows = [*rsna_rows(IMAGES)[:-1], f"ID_f_any,{label}"]
    with pytest.raises(ValueError, match="1 labels that are not 0 or 1: ID_f_any is .*predictions"):
        pivot_rsna_labels(write(tmp_path, rows))


@pytest.mark.parametrize("name", ["ID_f_stroke", "any", "", "_any", "ID_fany"])
def test_an_id_of_another_kind_is_refused(tmp_path, name):
    rows = [*rsna_rows(IMAGES), f"{name},0"]
    with pytest.raises(ValueError, match="1 IDs that end in none of the six labels"):
        pivot_rsna_labels(write(tmp_path, rows))


def test_an_empty_file_is_named(tmp_path):
    path = tmp_path / "empty.csv"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="empty.csv is empty"):
        pivot_rsna_labels(path)
    path.write_bytes(b"ID,Label\n")
    with pytest.raises(ValueError, match="empty.csv has a header but no rows"):
        pivot_rsna_labels(path)


def test_a_table_of_another_set_says_what_its_columns_are(tmp_path):
    with pytest.raises(ValueError, match="columns patientId, x, y and 1 more.*ID and Label"):
        pivot_rsna_labels(write(tmp_path, ["a,1,2,0"], "patientId,x,y,Target"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_another_encoding_is_refused(tmp_path, encoding):
    with pytest.raises(ValueError, match="cannot be read as CSV.*UTF-8"):
        pivot_rsna_labels(write(tmp_path, rsna_rows(IMAGES), encoding=encoding))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.csv is not there"):
        pivot_rsna_labels(tmp_path / "nowhere.csv")


def test_tables_longer_than_a_chunk_are_joined(tmp_path, monkeypatch):
    from radiokit.data import headct_labels

    monkeypatch.setattr(headct_labels, "_ROWS_AT_A_TIME", 4)
    assert wide_of(pivot_rsna_labels(write(tmp_path, rsna_rows(IMAGES)))) == WIDE
