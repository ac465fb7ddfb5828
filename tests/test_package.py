import os
import subprocess
import sys


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_keras_loads_without_start_up_notes_and_later_errors_are_still_shown():
    done = run(
        "import sys, radiokit; radiokit.load_keras_quietly(); import keras; "
        "print(keras.backend.backend()); print('after', file=sys.stderr)"
    )
    assert done.returncode == 0
    assert done.stdout.strip() == "tensorflow"
    assert done.stderr.strip() == "after"


def test_a_failure_to_load_keras_is_shown_whole():
    done = run("import radiokit; radiokit.load_keras_quietly()", KERAS_BACKEND="nonsense")
    assert done.returncode != 0
    assert "nonsense" in done.stderr
