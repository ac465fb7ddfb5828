"""Records that several tests of figures draw from; none of them changes one."""

import bodypart_record_maker
import breast_record_maker
import cardiac_record_maker
import headct_record_maker
import pytest
import record_maker


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A complete quick record of the chest study on phantoms."""
    return record_maker.make_record(tmp_path_factory.mktemp("record")).folder


@pytest.fixture(scope="session")
def real_folder(tmp_path_factory):
    """A full record on real data, of one model and few patients."""
    out = tmp_path_factory.mktemp("real")
    return record_maker.make_record(out, "full", False, ("unet",), num_patients=12).folder


@pytest.fixture(scope="session")
def cardiac_folder(tmp_path_factory):
    """A complete quick record of the cardiac study on phantoms, of few patients."""
    return cardiac_record_maker.make_record(tmp_path_factory.mktemp("cardiac")).folder


@pytest.fixture(scope="session")
def large_cardiac_folder(tmp_path_factory):
    """The same with enough test patients for a bootstrap."""
    out = tmp_path_factory.mktemp("large_cardiac")
    return cardiac_record_maker.make_record(out, num_patients=22).folder


@pytest.fixture(scope="session")
def headct_folder(tmp_path_factory):
    """A complete quick record of the head-CT study on phantoms: classifiers and segmenters."""
    return headct_record_maker.make_record(tmp_path_factory.mktemp("headct")).folder


@pytest.fixture(scope="session")
def bodypart_folder(tmp_path_factory):
    """A quick record of the body part study: 25 labels, five models."""
    return bodypart_record_maker.make_record(tmp_path_factory.mktemp("bodypart")).folder


@pytest.fixture(scope="session")
def breast_folder(tmp_path_factory):
    """A complete quick record of the breast study on phantoms, of three test slides."""
    return breast_record_maker.make_record(tmp_path_factory.mktemp("breast")).folder


@pytest.fixture(scope="session")
def large_breast_folder(tmp_path_factory):
    """The same of three models, with enough test slides for a bootstrap."""
    models = ("roi_unet", "cell_unet", "resnet_unet_rgb")
    out = tmp_path_factory.mktemp("large_breast")
    return breast_record_maker.make_record(out, 12, models).folder
