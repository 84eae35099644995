"""What the distribution promises: cheap imports, a wheel that installs and runs without torch."""

from __future__ import annotations

import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import segue

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "polars", "scipy", "sklearn", "transformers", "onnxruntime", "pydantic")


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nimport json\nsys.stderr.write('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def test_import_segue_loads_nothing_heavy() -> None:
    assert not loaded_after("import segue").intersection((*HEAVY, "numpy"))


def test_help_loads_nothing_heavy() -> None:
    code = "from segue.cli import main\nsys.argv = ['segue', '--help']\ntry:\n    main()\nexcept SystemExit: pass"
    assert not loaded_after(code).intersection((*HEAVY, "numpy"))


def test_help_takes_less_than_a_third_of_a_cpu_second() -> None:
    """On a slow machine: little more than what the command line's own libraries take to be imported there."""

    def cpu_s(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    ours = min(cpu_s("-m", "segue", "--help") for _ in range(3))
    floor = min(cpu_s("-c", "import typer.rich_utils") for _ in range(3))
    assert ours < max(0.3, 1.75 * floor), (ours, floor)


def test_every_exported_name_is_there() -> None:
    for name in segue.__all__:
        assert getattr(segue, name) is not None, name
    assert set(segue.__all__) <= set(dir(segue))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = segue.nothing


def test_evaluate_is_a_function_and_a_package() -> None:
    code = "import segue, segue.evaluate.metrics, segue.evaluate\nassert callable(segue.evaluate)"
    code += "\nassert segue.evaluate.metrics.evaluate"
    loaded_after(code)


def test_the_version_is_the_package_s() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", segue.__version__)
    assert f"version: {segue.__version__}" in (ROOT / "CITATION.cff").read_text()


def test_no_module_is_over_400_lines() -> None:
    long = {
        str(path): n
        for path in (ROOT / "src").rglob("*.py")
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


@pytest.mark.wheel
def test_the_wheel_installs_and_runs_in_a_clean_environment(tmp_path: Path) -> None:
    def run(*command: str | Path, **options: object) -> str:
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, cwd=tmp_path, env=clean, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
        return done.stdout

    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("segue_playlists-*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python, command = tmp_path / "venv/bin/python", tmp_path / "venv/bin/segue"
    run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel)

    assert run(command, "--version").strip() == f"segue {segue.__version__}"
    assert json.loads(run(command, "doctor", "--json"))["ok"]
    installed = {each["name"].lower() for each in json.loads(run(python, "-m", "pip", "list", "--format", "json"))}
    assert not installed & {"torch", "transformers", "scikit-learn", "pandas", "pyarrow"}
    run(python, "-c", "from pathlib import Path; from segue.sources.demo import write; write(Path('slices'), 300)")
    run(command, "ingest", "slices", "-o", "library")
    run(command, "train", "library", "-o", "model", "--recipe", "ngrams")
    answer = json.loads(run(command, "recommend", "rainy sunday 🌧", "-n", "5", "--json", "-m", "model"))
    assert len(answer["tracks"]) == 5
    files = run(python, "-m", "pip", "show", "-f", "segue-playlists")
    assert "LICENSE" in files and "NOTICE" in files and "py.typed" in files

    # and what the container does: the extra "serve" on top, the model read-only, the container's own commands
    assert '$(ls /wheel/*.whl)[serve]"' in (ROOT / "Dockerfile").read_text()
    run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", f"{wheel}[serve]")
    installed = {each["name"].lower() for each in json.loads(run(python, "-m", "pip", "list", "--format", "json"))}
    assert not installed & {"torch", "transformers", "scikit-learn", "pandas", "pyarrow"}
    serves_as_in_the_container(tmp_path, tmp_path / "venv" / "bin", json.dumps(answer, separators=(",", ":")))


def serves_as_in_the_container(folder: Path, programs: Path, wanted: str) -> None:
    """Run the Dockerfile's CMD and HEALTHCHECK, word for word but for port and data folder."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    check, command = (json.loads(found) for found in re.findall(r"^\s*CMD (\[.*\])$", dockerfile, re.MULTILINE))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = [word.replace("8765", port).replace("/data", str(folder / "data")) for word in command]
    environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8"}
    for file in (folder / "model").rglob("*"):
        file.chmod(0o555 if file.is_dir() else 0o444)
    with subprocess.Popen(
        [programs / told[0], *told[1:]], cwd=folder, env=environment, stderr=subprocess.PIPE
    ) as run:
        try:
            for _ in range(300):
                healthy = subprocess.run(
                    [programs / check[0], *(word.replace("8765", port) for word in check[1:])],
                    env=environment, stderr=subprocess.DEVNULL, check=False,
                )  # fmt: skip
                if healthy.returncode == 0:
                    break
                assert run.poll() is None, run.stderr and run.stderr.read().decode()
                time.sleep(0.2)
            assert healthy.returncode == 0
            body = json.dumps({"title": "rainy sunday 🌧", "n": 5}).encode()
            asked = urllib.request.Request(
                f"http://127.0.0.1:{port}/v1/recommend", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(asked, timeout=20) as found:
                assert json.loads(found.read()) == json.loads(wanted)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as page:
                assert b"<title>" in page.read()
        finally:
            run.terminate()
            assert run.wait(timeout=30) == 0
