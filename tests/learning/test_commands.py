"""``whorl train`` and ``whorl models`` at the command line."""

from __future__ import annotations

import pytest

from whorl.cli.app import INTERRUPTED, run


@pytest.fixture
def asked(four_cifs):
    return [
        "train",
        "compounds-trees",
        "--cases",
        "4",
        "--set",
        "rounds=2",
        "--set",
        "r_max=8",
        "--set",
        f"catalogue={four_cifs}",
    ]


def test_train_then_show(asked, capsys, tmp_path):
    assert run([*asked, "--out", str(tmp_path / "model")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("compounds-trees: ")
    assert "top-1" in err
    assert run(["models", "show", str(tmp_path / "model")]) == 0
    out, err = capsys.readouterr()
    assert "made by    whorl train compounds-trees --cases 4" in out
    assert "SHA-256 as the card says" in err


def test_without_a_terminal_the_progress_is_said_in_lines(asked, capsys, monkeypatch, tmp_path):
    from whorl.cli import train

    monkeypatch.setattr(train, "_SAY_EVERY", -1.0)
    assert run([*asked, "--out", str(tmp_path)]) == 0
    assert "  growing trees, rounds: 1/2\n  growing trees, rounds: 2/2\n" in capsys.readouterr().err


def test_a_trained_model_is_listed_by_its_name(asked, capsys):
    assert run([*asked, "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert run(["models"]) == 0
    out = capsys.readouterr().out
    assert "compounds-trees: Inorganic compounds by boosted trees" in out
    assert "measured top-1" in out


def test_the_recipes_are_listed(capsys):
    assert run(["train"]) == 0
    assert "metals-trees" in capsys.readouterr().out


def test_what_is_wrong_ends_in_one_line(asked, capsys, tmp_path):
    assert run(["train", "nothing"]) == 2
    assert run(["train", "metals-trees", "--set", "colour=red"]) == 2
    assert run(["models", "show", "nothing"]) == 3
    (tmp_path / "file").write_text("")
    assert run([*asked, "--out", str(tmp_path / "file" / "x")]) == 3
    assert capsys.readouterr().err.count("whorl: ") == 4


def test_an_interrupted_training_says_how_to_go_on(asked, capsys, monkeypatch, tmp_path):
    from whorl.learning import catalogue_trees

    def interrupt(*_given, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(catalogue_trees, "_measure", interrupt)
    assert run([*asked, "--out", str(tmp_path)]) == INTERRUPTED
    assert "the same command goes on where it was" in capsys.readouterr().err
