"""Splits by patient and the audit of leaks."""

import itertools

import numpy as np
import pandas as pd
import pytest

from radiokit.data.splits import audit_split, split_by_patient

SEVENTY = {"train": 0.7, "validation": 0.1, "test": 0.2}


def make_table(folder, patients):
    rows = []
    for number, patient in enumerate(patients):
        path = folder / f"{number}.bin"
        path.write_bytes(b"image %d" % number)
        rows.append({"case_id": f"c{number}", "patient_id": patient, "image": str(path)})
    return pd.DataFrame(rows)


def test_all_rows_of_a_patient_get_one_split():
    table = pd.DataFrame({"patient_id": list("aabbbcdefghij")})
    result = split_by_patient(table, SEVENTY, seed=1)
    assert result.groupby("patient_id")["split"].nunique().max() == 1


def test_ten_patients_are_split_seven_one_two():
    table = pd.DataFrame({"patient_id": range(10)})
    counts = split_by_patient(table, SEVENTY, seed=3)["split"].value_counts()
    assert counts.to_dict() == {"train": 7, "validation": 1, "test": 2}


def test_counts_add_up_and_no_split_is_empty_for_any_number_of_patients():
    for number in range(3, 60):
        table = pd.DataFrame({"patient_id": range(number)})
        counts = split_by_patient(table, SEVENTY, seed=0)["split"].value_counts()
        assert counts.sum() == number and set(counts.index) == set(SEVENTY)
        assert all(abs(counts[name] - SEVENTY[name] * number) <= 2 for name in SEVENTY)


def test_the_split_does_not_depend_on_the_order_of_rows():
    table = pd.DataFrame({"patient_id": list("abcdefghij"), "case_id": range(10)})
    straight = split_by_patient(table, SEVENTY, seed=5)
    shuffled = split_by_patient(table.sample(frac=1, random_state=1), SEVENTY, seed=5)
    assert shuffled.sort_values("case_id")["split"].tolist() == straight["split"].tolist()


def test_the_split_is_the_same_for_numbers_and_text():
    numbers = split_by_patient(pd.DataFrame({"patient_id": range(12)}), SEVENTY, seed=2)
    text = split_by_patient(
        pd.DataFrame({"patient_id": [str(n) for n in range(12)]}), SEVENTY, seed=2
    )
    assert numbers["split"].tolist() == text["split"].tolist()


def test_seeds_give_different_splits_and_one_seed_always_the_same():
    table = pd.DataFrame({"patient_id": range(30)})
    splits = [tuple(split_by_patient(table, SEVENTY, seed=s)["split"]) for s in (0, 1, 0)]
    assert splits[0] == splits[2] != splits[1]


def test_the_given_table_is_left_alone_and_its_notes_are_kept():
    table = pd.DataFrame({"patient_id": range(5)})
    table.attrs["unmatched"] = ["film 7 has no mask"]
    result = split_by_patient(table, {"train": 0.6, "test": 0.4}, seed=0)
    assert "split" not in table.columns
    assert result.attrs["unmatched"] == ["film 7 has no mask"]


@pytest.mark.parametrize(
    "fractions", [{"train": 0.7, "test": 0.2}, {"train": 1.2, "test": -0.2}, {}]
)
def test_fractions_must_be_positive_and_add_up_to_one(fractions):
    with pytest.raises(ValueError, match="positive fractions that add up to 1"):
        split_by_patient(pd.DataFrame({"patient_id": range(5)}), fractions, seed=0)


def test_a_table_without_patients_is_refused():
    with pytest.raises(ValueError, match="no column patient_id"):
        split_by_patient(pd.DataFrame({"case_id": [1]}), SEVENTY, seed=0)


def test_unknown_patients_are_refused():
    with pytest.raises(ValueError, match="1 of 3 rows have no patient_id"):
        split_by_patient(pd.DataFrame({"patient_id": ["a", None, "b"]}), SEVENTY, seed=0)


def test_fewer_patients_than_splits_are_refused():
    with pytest.raises(ValueError, match="2 patients cannot fill 3 splits"):
        split_by_patient(pd.DataFrame({"patient_id": ["a", "b"]}), SEVENTY, seed=0)


def test_a_clean_split_is_summarised(tmp_path):
    table = make_table(tmp_path, ["a", "a", "b", "c"])
    table["split"] = ["train", "train", "validation", "test"]
    summary = audit_split(table)
    assert summary.to_dict("list") == {
        "split": ["train", "validation", "test"],
        "images": [2, 1, 1],
        "patients": [1, 1, 1],
    }


def test_every_split_made_here_passes_the_audit(tmp_path):
    table = make_table(tmp_path, list("aabbccddeeffgghhiijj"))
    for seed in range(5):
        assert audit_split(split_by_patient(table, SEVENTY, seed))["images"].sum() == 20


def test_a_shared_patient_raises(tmp_path):
    table = make_table(tmp_path, ["a", "a", "b"])
    table["split"] = ["train", "test", "train"]
    with pytest.raises(ValueError, match=r"1 patients are in more than one split: a \(train, test"):
        audit_split(table)


def test_the_same_file_content_in_two_splits_raises(tmp_path):
    table = make_table(tmp_path, ["a", "b", "c"])
    (tmp_path / "2.bin").write_bytes((tmp_path / "0.bin").read_bytes())
    table["split"] = ["train", "train", "test"]
    with pytest.raises(ValueError, match=r"0.bin \(train\) = 2.bin \(test\)"):
        audit_split(table)


def test_one_path_under_two_patients_in_two_splits_raises(tmp_path):
    table = make_table(tmp_path, ["a", "b"])
    table.loc[1, "image"] = table.loc[0, "image"]
    table["split"] = ["train", "test"]
    with pytest.raises(ValueError, match="byte for byte"):
        audit_split(table)


def test_the_same_content_within_one_split_is_allowed(tmp_path):
    table = make_table(tmp_path, ["a", "b", "c"])
    (tmp_path / "1.bin").write_bytes((tmp_path / "0.bin").read_bytes())
    table["split"] = ["train", "train", "test"]
    assert len(audit_split(table)) == 2


def test_an_augmented_copy_away_from_its_source_raises(tmp_path):
    table = make_table(tmp_path, ["a", "b", "c"])
    table["source_case_id"] = [None, None, "c0"]
    table["split"] = ["train", "train", "test"]
    with pytest.raises(ValueError, match=r"Augmented copies of 1 cases.*c0 \(train, test\)"):
        audit_split(table)


def test_two_copies_of_an_absent_source_in_two_splits_raise(tmp_path):
    table = make_table(tmp_path, ["a", "b"])
    table["source_case_id"] = ["elsewhere", "elsewhere"]
    table["split"] = ["train", "test"]
    with pytest.raises(ValueError, match="elsewhere"):
        audit_split(table)


def test_phantom_and_real_rows_in_one_table_raise(tmp_path):
    table = make_table(tmp_path, ["a", "b"])
    table["split"], table["is_phantom"] = ["train", "test"], [True, False]
    with pytest.raises(ValueError, match="1 phantom and 1 real rows"):
        audit_split(table)


def test_phantoms_alone_are_fine(tmp_path):
    table = make_table(tmp_path, ["a", "b"])
    table["split"], table["is_phantom"] = ["train", "test"], True
    assert len(audit_split(table)) == 2


def test_a_table_that_was_not_split_is_refused(tmp_path):
    with pytest.raises(ValueError, match="needs the columns split"):
        audit_split(make_table(tmp_path, ["a"]))


def test_a_row_without_split_is_refused(tmp_path):
    table = make_table(tmp_path, ["a", "b"])
    table["split"] = ["train", None]
    with pytest.raises(ValueError, match="1 of 2 rows have no split"):
        audit_split(table)


def test_a_vanished_image_is_named(tmp_path):
    table = make_table(tmp_path, ["a", "b"])
    table["split"] = ["train", "test"]
    (tmp_path / "1.bin").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 2 images .* such as .*1.bin"):
        audit_split(table)


def test_rows_with_lists_such_as_outlines_can_be_audited(tmp_path):
    table = make_table(tmp_path, ["a", "b"])
    table["R1"] = [[(1, 2), (3, 4), (5, 6)], None]
    table["split"] = ["train", "test"]
    assert audit_split(table)["patients"].tolist() == [1, 1]


def test_every_order_of_split_names_gives_whole_patients():
    for names in itertools.permutations(SEVENTY):
        fractions = {name: SEVENTY[name] for name in names}
        table = pd.DataFrame({"patient_id": list("aabbccddee")})
        splits = split_by_patient(table, fractions, 0).groupby("patient_id")["split"]
        assert splits.nunique().max() == 1


def make_labelled(seed=0, num_patients=80):
    """Some thirty slices a patient; labels as rare as bleeds are, one of them in five patients."""
    generator = np.random.default_rng(seed)
    rows = []
    for patient in range(num_patients):
        has = {"any": patient < 36, "epidural": patient < 20, "rare": patient < 5}
        for slice_index in range(int(generator.integers(25, 35))):
            inside = 8 <= slice_index < 16
            values = {label: int(present and inside) for label, present in has.items()}
            rows.append({"patient_id": f"p{patient:02}", "case_id": len(rows)} | values)
    return pd.DataFrame(rows)


LABELS = ["any", "epidural", "rare"]


@pytest.mark.parametrize("seed", range(10))
def test_with_labels_every_split_gets_its_share_of_positive_patients(seed):
    table = split_by_patient(make_labelled(), SEVENTY, seed, labels=LABELS)
    by_patient = table.groupby("patient_id").agg({"split": "first", **dict.fromkeys(LABELS, "max")})
    counts = by_patient["split"].value_counts().to_dict()
    assert counts == {"train": 56, "validation": 8, "test": 16}
    for label in LABELS:
        positive = by_patient[by_patient[label] == 1]["split"].value_counts()
        for name, fraction in SEVENTY.items():
            share = fraction * by_patient[label].sum()
            assert abs(positive.get(name, 0) - share) <= 1.5, (label, name)


def test_with_labels_a_patient_still_has_one_split_and_order_and_seed_alone_decide():
    table = make_labelled()
    first = split_by_patient(table, SEVENTY, 4, labels=LABELS)
    assert first.groupby("patient_id")["split"].nunique().max() == 1
    shuffled = split_by_patient(table.sample(frac=1, random_state=1), SEVENTY, 4, labels=LABELS)
    assert shuffled.sort_values("case_id")["split"].tolist() == first["split"].tolist()
    other = split_by_patient(table, SEVENTY, 5, labels=LABELS)
    assert other["split"].tolist() != first["split"].tolist()


def test_a_shuffle_alone_would_leave_the_test_patients_without_a_rare_label():
    def num_seeds_without(labels):
        splits = (split_by_patient(make_labelled(), SEVENTY, seed, labels) for seed in range(20))
        return sum(split[split["split"] == "test"]["rare"].sum() == 0 for split in splits)

    assert num_seeds_without(LABELS) == 0 < num_seeds_without(())


def test_unknown_labels_count_as_absent():
    table = pd.DataFrame({"patient_id": range(10), "rare": [1, 1, np.nan, -1] + [0] * 6})
    split = split_by_patient(table, {"train": 0.5, "test": 0.5}, 0, labels=["rare"])
    assert split[table["rare"] == 1]["split"].nunique() == 2


def test_a_label_that_is_no_column_is_refused():
    table = pd.DataFrame({"patient_id": range(10), "any": 0})
    with pytest.raises(ValueError, match="no column epidural .*Give labels that are columns"):
        split_by_patient(table, SEVENTY, 0, labels=["any", "epidural"])


# --- labels of one or two patients ---

SEVENTY_FIFTEEN = {"train": 0.7, "validation": 0.15, "test": 0.15}


def split_of_patients(seed, fractions=SEVENTY_FIFTEEN, num_patients=40, **carriers):
    """Split of each patient; `carriers` are the patients of a label."""
    table = pd.DataFrame({"patient_id": range(num_patients)})
    for label, patients in carriers.items():
        table[label] = table["patient_id"].isin(patients).astype(int)
    split = split_by_patient(table, fractions, seed, labels=list(carriers))
    counts = split["split"].value_counts().to_dict()
    expected = split_by_patient(table, fractions, seed)["split"].value_counts().to_dict()
    assert counts == expected  # the sizes stay
    return split["split"].tolist()


@pytest.mark.parametrize("seed", range(10))
def test_the_only_patient_of_a_label_is_trained_on(seed):
    splits = split_of_patients(seed, one=[7], other=[9], common=range(20))
    assert splits[7] == splits[9] == "train"
    reverse = {"test": 0.15, "validation": 0.15, "train": 0.7}
    assert split_of_patients(seed, reverse, one=[7])[7] == "train"


@pytest.mark.parametrize("seed", range(10))
def test_of_two_patients_of_a_label_one_is_trained_on_and_one_is_tested(seed):
    splits = split_of_patients(seed, two=[3, 30], pair=[5, 6], common=range(20))
    assert {splits[3], splits[30]} == {splits[5], splits[6]} == {"train", "test"}


def test_which_of_two_patients_is_tested_depends_on_the_seed():
    tested = {split_of_patients(seed, two=[3, 30])[3] for seed in range(10)}
    assert tested == {"train", "test"}


@pytest.mark.parametrize("seed", range(10))
def test_rare_labels_that_share_patients_are_solved_together(seed):
    splits = split_of_patients(seed, only=[1], ab=[1, 2], bc=[2, 3], de=[4, 5], cd=[3, 4])
    assert [splits[patient] for patient in range(1, 6)] == [
        *("train", "test", "train", "test", "train")
    ]


def test_a_patient_needed_in_both_places_leaves_the_label_in_the_larger_one():
    splits = split_of_patients(0, first=[1], second=[2], both=[1, 2])
    assert splits[1] == splits[2] == "train"


@pytest.mark.parametrize("seed", range(5))
def test_more_rare_labels_than_a_split_has_room_for_are_dealt_as_far_as_it_goes(seed):
    pairs = {f"pair{number}": [2 * number, 2 * number + 1] for number in range(10)}
    splits = split_of_patients(seed, num_patients=20, **pairs)
    in_both = sum({splits[a], splits[b]} == {"train", "test"} for a, b in pairs.values())
    assert in_both == splits.count("test") == 3


def test_two_splits_share_a_label_of_two_patients_and_one_split_takes_all():
    halves = {"train": 0.5, "test": 0.5}
    splits = split_of_patients(0, halves, two=[3, 30])
    assert {splits[3], splits[30]} == {"train", "test"}
    assert set(split_of_patients(0, {"all": 1}, one=[1], two=[2, 3])) == {"all"}


def test_labels_of_three_patients_and_more_are_dealt_as_ever():
    """Letters are of train, validation and test, as dealt before rare labels had a rule."""
    letters = {"train": "r", "validation": "a", "test": "e"}
    dealt = {
        0: "rerrrrearrrrarerrerrrrerrarrrerrearrrrarerrrrrerrrrrrrrearearrrarrrreereerrrrrre",
        1: "rerrrrrrareeaerrrrrrrarerrererrrarrreerrrrrrererrreararrrrrrrrerrerrrerrarerrarr",
    }
    for seed, expected in dealt.items():
        table = split_by_patient(make_labelled(), SEVENTY, seed, labels=LABELS)
        splits = table.drop_duplicates("patient_id").sort_values("patient_id")["split"]
        assert "".join(letters[name] for name in splits) == expected
