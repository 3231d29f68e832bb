"""The command line with a stdout that is closed, full, read no further, or of an ASCII locale."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def run(words, **streams):
    """The finished process `dgm-zoo WORDS`; its stderr is captured unless `streams` says otherwise."""
    streams = {"stderr": subprocess.PIPE, "env": ENVIRONMENT, **streams}
    return subprocess.run([sys.executable, "-m", "dgm_zoo.cli", *words], timeout=60, text=True, **streams)


@pytest.mark.parametrize("words", [["list", "models"], ["--help"], ["list", "--help"], ["list", "models", "--json"]])
def test_a_reader_that_has_gone_ends_the_command_quietly(words):
    reader, writer = os.pipe()
    os.close(reader)
    done = run(words, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_stdout_is_one_sentence():
    with open("/dev/full", "w") as full:
        done = run(["list", "models"], stdout=full)
    sentence = "dgm-zoo: stdout cannot be written (No space left on device); send it somewhere else\n"
    assert (done.returncode, done.stderr) == (2, sentence)


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_changes_no_exit_code(closed):
    for words, code in ((["list", "models"], 0), (["lst"], 2)):
        number = {"stdout": 1, "stderr": 2}[closed]
        streams = {"stdout": subprocess.PIPE, closed: None}
        done = run(words, **streams, preexec_fn=lambda number=number: os.close(number))
        assert done.returncode == code


def test_an_ascii_locale_shows_question_marks():
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run(["lést"], stdout=subprocess.PIPE, env={**ENVIRONMENT, **ascii_only})
    assert done.returncode == 2 and done.stderr.startswith("dgm-zoo: unknown command 'l") and "?" in done.stderr
