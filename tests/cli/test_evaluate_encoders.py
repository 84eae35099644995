from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from models.tiny import tiny_folder
from protocols.bundles import write_bundle
from segue.cli.evaluate_encoders import folders_of
from segue.errors import InputError
from segue.library import Library

Segue = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture(scope="module")
def encoders(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of bundles: one that may be measured, one that has seen everything, one of another library."""
    folder = tmp_path_factory.mktemp("bundles")
    fingerprint = Library.load(library).fingerprint
    write_bundle(folder / "cross_entropy", fingerprint)
    write_bundle(folder / "everything", fingerprint, data={"library": fingerprint, "part": "all"})
    write_bundle(folder / "other", "f" * 16)
    write_bundle(folder / "swapped", fingerprint, fingerprint="f" * 16)
    return folder


def test_encoders_are_compared(
    segue: Segue, library: Path, encoders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # maps take long, and have their own tests
    monkeypatch.setattr("segue.protocols.encoders.title_maps", lambda *given: [])
    named = f"pretrained={tiny_folder()},cross_entropy"
    options = ("--encoders-in", encoders, "--encoders", f"[b]hostile\x1b[2J[/b]={encoders / 'cross_entropy'}")
    done = segue("evaluate", library, "--encoders", named, *options, "-o", tmp_path / "report")
    assert "under the published definitions" in done.stdout and "\x1b" not in done.output
    found = json.loads((tmp_path / "report" / "encoders.json").read_text())
    assert [one["name"] for one in found["encoders"]][:2] == ["pretrained", "cross_entropy"]
    assert found["reference"] == "pretrained" and found["part"] == "test"
    assert found["encoders"][2]["same_as"] == "cross_entropy"
    page = (tmp_path / "report" / "encoders.html").read_text("utf-8")
    assert "Training of cross_entropy" in page
    # test: everybody votes who is not asked about
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["n_training"] == found["n_training"]
    assert len(found["lists"]) == 2 * 60


def test_what_cannot_be_compared(
    refused: Refused, library: Path, model: Path, encoders: Path, tmp_path: Path
) -> None:
    def said(named: str, *options: object, source: Path = library) -> str:
        place = ("--encoders-in", encoders, "-o", tmp_path / "report")
        return refused("evaluate", source, "--encoders", f"pretrained={tiny_folder()},{named}", *place, *options)

    assert "all playlists" in said("everything")
    assert "other playlists" in said("other")
    assert "other weights" in said("swapped")
    missing = said("triplet")
    assert "segue finetune" in missing and f"--loss triplet -o {encoders / 'triplet'}" in missing
    assert "is a segue library" in said(f"x={library}")
    assert "there is no encoder" in said("x=/nowhere")
    assert "names no encoder" in said("x=")
    assert "twice" in said("cross_entropy,cross_entropy")
    assert "leave --select out" in said("cross_entropy", "--select", "bundled")
    assert "--protocol challenge" in said("cross_entropy", "--protocol", "challenge")
    assert "is a model" in said("cross_entropy", source=model)
    assert "nowhere" in said("cross_entropy", "--themes", "nowhere")
    assert not (tmp_path / "report").exists()
    assert "-o" in refused("evaluate", library, "--encoders", "pretrained")
    assert "--encoders" in refused("evaluate", library, "--themes", "nowhere", "-o", tmp_path / "report")


def test_the_reference_is_always_there_and_first(encoders: Path, tmp_path: Path) -> None:
    base = str(tiny_folder())
    assert list(folders_of(["cross_entropy"], encoders, tmp_path, base)) == ["pretrained", "cross_entropy"]
    assert folders_of(["cross_entropy, pretrained", "a=" + base], encoders, tmp_path, base) == {
        "pretrained": Path(base),
        "cross_entropy": encoders / "cross_entropy",
        "a": Path(base),
    }
    with pytest.raises(InputError, match="names no encoder"):
        folders_of([" , "], encoders, tmp_path, base)


def test_a_newer_bundle_is_refused(refused: Refused, library: Path, encoders: Path, tmp_path: Path) -> None:
    shutil.copytree(encoders / "cross_entropy", tmp_path / "newer")
    file = tmp_path / "newer" / "manifest.json"
    for version, said in ((2, "upgrade"), ("1", "damaged")):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"format_version": version}))
        named = f"pretrained={tiny_folder()},newer={tmp_path / 'newer'}"
        assert said in refused("evaluate", library, "--encoders", named, "-o", tmp_path / "report")
