"""What is declared in one place holds in the others: packages, Python, the README's commands."""

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import architecture_rules
import pytest
from packaging.requirements import Requirement

from radiokit import __version__

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEST_EXTRA = PROJECT["optional-dependencies"]["test"]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
COMMANDS = ["pip install -e . && radiokit run", 'pip install -e ".[test]" && pytest']


def split_requirement(requirement):
    name, bound = re.fullmatch(r"([A-Za-z0-9._-]+)([^;]*)(?:;.*)?", requirement).groups()
    return name.lower().replace("_", "-"), bound


def is_of_this_system(requirement):
    return Requirement(requirement).marker is None or Requirement(requirement).marker.evaluate()


def numbers(version_text):
    return [int(part) for part in re.findall(r"\d+", version_text)[:3]]


def environment_packages():
    """Entries of environment.yml's list of packages, and of the pip list inside it."""
    text = (CHECKOUT / "environment.yml").read_text(encoding="utf-8")
    after = text.split("\ndependencies:\n")[1]
    from_conda = re.findall(r"^  - (\S+)$", after, flags=re.MULTILINE)
    from_pip = re.findall(r"^      - (.+)$", after, flags=re.MULTILINE)
    return from_conda, from_pip


def test_conda_brings_the_python_that_pyproject_asks_for():
    from_conda, _ = environment_packages()
    assert f"python{PROJECT['requires-python']}" in from_conda
    assert "pip" in from_conda


def test_conda_takes_every_package_from_pyproject_and_repeats_none():
    from_conda, from_pip = environment_packages()
    assert from_pip == ["-e .[test]"]
    declared = {split_requirement(one)[0] for one in PROJECT["dependencies"] + TEST_EXTRA}
    assert declared.isdisjoint(split_requirement(one)[0] for one in from_conda)


@pytest.mark.parametrize("requirement", PROJECT["dependencies"] + TEST_EXTRA)
def test_every_dependency_has_a_lower_bound_only_and_is_met_here(requirement):
    name, bound = split_requirement(requirement)
    assert re.fullmatch(r">=\d+(\.\d+)*", bound)
    if is_of_this_system(requirement):
        assert numbers(version(name)) >= numbers(bound)


def test_everything_the_package_imports_is_declared():
    declared = {split_requirement(one)[0] for one in PROJECT["dependencies"]}
    providers = packages_distributions()
    undeclared = {
        module: providers.get(module, ["nothing installed"])
        for module in architecture_rules.third_party(CHECKOUT / "radiokit")
        if declared.isdisjoint(split_requirement(one)[0] for one in providers.get(module, []))
    }
    assert undeclared == {}


def test_the_readme_prints_the_two_commands_first():
    lines = [line.strip() for line in README.splitlines()]
    assert [line for line in lines if line.startswith("pip install")] == COMMANDS
    before = lines[: lines.index(COMMANDS[0])]
    assert "python3 -m venv .venv && source .venv/bin/activate" in before
    assert [line for line in lines if line.startswith("#")][:2] == ["# radiokit", "## Two commands"]


def test_the_readme_says_what_this_is_not():
    assert "not a medical device, not for diagnosis" in README.lower()


@pytest.mark.skipif(not shutil.which("bash"), reason="CI's script needs bash")
def test_ci_runs_the_commands_of_the_readme():
    script = CHECKOUT / ".ci" / "run"
    shown = subprocess.run(
        ["bash", str(script), "--print-commands"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines() == COMMANDS


def test_ci_repeats_no_command_of_the_readme():
    script = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")
    assert not any(command in script for command in COMMANDS)
    assert "ruff check ." in script
    assert "ruff format --check ." in script


def test_the_citation_has_this_version():
    citation = (CHECKOUT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in citation
    assert f"\nlicense: {PROJECT['license']}\n" in citation


def test_the_changelog_speaks_of_this_version():
    assert f"\n## {__version__}" in (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_licence_is_the_whole_apache_licence():
    text = (CHECKOUT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
