"""What the source must not hold: formats that execute code, shells, unchecked markup, unchecked certificates."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import segue

SOURCE = Path(segue.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))

# formats that run code when they are read, and ways to run text as code
MODULES = {
    "pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml", "jsonpickle", "pty",
    "telnetlib", "ftplib", "xmlrpc",
}  # fmt: skip
CALLS = {
    "eval", "exec", "compile", "__import__", "breakpoint", "input", "os.system", "os.popen", "tempfile.mktemp",
    "torch.load", "torch.hub.load", "np.fromregex", "pd.read_pickle", "ssl._create_unverified_context",
    "importlib.import_module", "runpy.run_path", "runpy.run_module", "ctypes.cdll.LoadLibrary",
}  # fmt: skip
METHODS = {"extractall", "read_pickle", "to_pickle", "load_extension", "enable_load_extension"}
KEYWORDS = {
    "allow_pickle": (False,), "trust_remote_code": (False,), "weights_only": (True,), "shell": (False,),
    "follow_redirects": (False,), "use_safetensors": (True,),
}  # fmt: skip
# each with its reason
ALLOWED = {
    ("__init__.py", "import_module"): "of our own modules, by a table of names in that very file",
}


_WORDS = "|".join(sorted({*MODULES, *METHODS, *KEYWORDS, *(c.rsplit(".", 1)[-1] for c in CALLS if "." in c)}))
_BARE = "|".join(sorted(call for call in CALLS if "." not in call))
SUSPICIOUS = re.compile(
    rf"\b(?:{_WORDS}|subprocess|from_pretrained|(?:np|numpy)\.load)\b|(?<![\w.])(?:{_BARE})\s*\(|\.extract\("
)
"""What a file must hold for anything to be found in it; most are not parsed."""


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{_name(node.value)}.{node.attr}"
    return ""


def _offences(tree: ast.AST) -> Iterator[str]:
    archives = False
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                archives = archives or any(alias.name in ("tarfile", "zipfile") for alias in node.names)
                yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
            case ast.ImportFrom():
                if (node.module or "").split(".")[0] in MODULES:
                    yield str(node.module)
                yield from (a.name for a in node.names if f"{node.module}.{a.name}" in CALLS)
            case ast.Call():
                name = _name(node.func)
                if archives and name.endswith(".extract"):
                    yield name
                if name in CALLS or (isinstance(node.func, ast.Attribute) and node.func.attr in METHODS):
                    yield name or str(getattr(node.func, "attr", ""))
                for keyword in node.keywords:
                    wanted = KEYWORDS.get(keyword.arg or "")
                    value = keyword.value
                    if wanted and not (isinstance(value, ast.Constant) and value.value in wanted):
                        yield f"{keyword.arg}={ast.unparse(value)}"
                if name in ("np.load", "numpy.load") and not any(k.arg == "allow_pickle" for k in node.keywords):
                    yield "np.load without allow_pickle=False"
                if name.endswith(".from_pretrained") and not _is_safe(node):
                    yield "from_pretrained without trust_remote_code=False"
                if name.startswith("subprocess.") and node.args and not isinstance(node.args[0], ast.List | ast.Name):
                    yield f"{name} of a text"


def _is_safe(call: ast.Call) -> bool:
    """Said in the call, or in a table that is given with ``**``, which :data:`KEYWORDS` cannot see into."""
    return any(k.arg in ("trust_remote_code", None) for k in call.keywords)


def test_no_source_runs_what_it_reads() -> None:
    found = set()
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if SUSPICIOUS.search(text):
            tree = ast.parse(text)
            found |= {(str(path.relative_to(SOURCE)), offence) for offence in _offences(tree)}
    assert found == set(ALLOWED), "remove what is not allowed, and from ALLOWED what is no longer there"


def test_tables_of_keywords_are_safe_too() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if any(f'"{name}":' in text for name in KEYWORDS) else ():
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in KEYWORDS:
                        assert isinstance(value, ast.Constant), path
                        assert value.value in KEYWORDS[key.value], (path, key.value)


@pytest.mark.parametrize(
    "code",
    ["import pickle", "from joblib import load", "import yaml as y", "eval('1')", "np.load(p)", "torch.load(p)",
     "np.load(p, allow_pickle=True)", "f(trust_remote_code=x)", "z.extractall(d)", "import zipfile\nz.extract(d)",
     "os.system(c)", "from os import system", "from importlib import import_module", "AutoModel.from_pretrained(p)",
     "subprocess.run('ls ' + x)", "subprocess.run(c, shell=True)", "httpx.get(u, follow_redirects=True)"],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert SUSPICIOUS.search(code)
    assert list(_offences(ast.parse(code)))


@pytest.mark.parametrize("code", ["model.eval()", "re.compile(x)", "np.load(p, allow_pickle=False)", "json.loads(x)"])
def test_the_search_leaves_the_rest_alone(code: str) -> None:
    assert not list(_offences(ast.parse(code)))


PAGE = SOURCE / "serve" / "page"
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc|setHTMLUnsafe"
    r"|\beval\s*\(|new\s+Function|setTimeout\(\s*['\"`]|javascript:|\.cssText|document\.domain|postMessage\("
)
ELSEWHERE = re.compile(r"(?:src|href|url|import|from|fetch)\s*[=(]?\s*['\"(]\s*(?:https?:)?//", re.IGNORECASE)
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\son[a-z]+\s*=|\sstyle\s*=", re.IGNORECASE)


def test_the_page_writes_texts_only_and_loads_nothing_from_elsewhere() -> None:
    files = [path for path in PAGE.rglob("*") if path.suffix in (".js", ".html", ".css", ".svg")]
    assert len(files) > 3
    for path in files:
        text = path.read_text(encoding="utf-8")
        code = re.sub(r"/\*.*?\*/|^\s*//.*$", "", text, flags=re.DOTALL | re.MULTILINE)
        assert not MARKUP.search(code), (path.name, MARKUP.search(code))
        assert not ELSEWHERE.search(code), (path.name, ELSEWHERE.search(code))
        if path.suffix == ".html":
            assert not INLINE.search(text), (path.name, INLINE.search(text))


# of bandit, by check and file; "*" is any file
TOLERATED = {
    ("B103", "library/folders.py"): "a new folder is readable by all, as any folder is that somebody makes",
    ("B104", "lm/ollama.py"): "0.0.0.0 is compared with, not bound",
    ("B311", "views/specs.py"): "a place in a text is chosen, the same each time; nothing secret",
    ("B405", "sources/xspf.py"): "document types are refused before anything is parsed",
    ("B608", "serve/store.py"): "only names of columns, constants of the module, are put into statements",
    ("B608", "serve/store_playlists.py"): "the same",
    ("B615", "lm/folder.py"): "folders of this machine alone: local_files_only",
}
LEFT_OUT = {
    "B101": "asserts are for the type checker; nothing is kept safe by one",
    "B105": "words such as 'password' in texts", "B106": "the same", "B107": "the same",
}  # fmt: skip
TALKING = ("serve", "services")


def _findings(folders: tuple[str, ...]) -> set[tuple[str, str]]:
    from bandit.core.config import BanditConfig
    from bandit.core.manager import BanditManager

    manager = BanditManager(BanditConfig(), "file", profile={"exclude": set(LEFT_OUT)})
    manager.discover_files([str(SOURCE / folder) for folder in folders], True)
    assert len(manager.files_list) > 20
    manager.run_tests()
    return {(issue.test_id, str(Path(issue.fname).relative_to(SOURCE))) for issue in manager.get_issue_list()}


def test_bandit_finds_nothing_new_where_others_are_talked_to() -> None:
    pytest.importorskip("bandit")
    tolerated = {pair for pair in TOLERATED if pair[1].split("/")[0] in TALKING}
    assert _findings(TALKING) == tolerated, "mend it, or say in TOLERATED why not"


@pytest.mark.skipif(not os.environ.get("SEGUE_TEST_AUDIT"), reason="set SEGUE_TEST_AUDIT=1; takes half a minute")
def test_bandit_finds_nothing_new_anywhere() -> None:
    others = tuple(path.name for path in SOURCE.iterdir() if path.is_dir() and (path / "__init__.py").exists())
    assert _findings(others) == set(TOLERATED)


@pytest.mark.skipif(
    not os.environ.get("SEGUE_TEST_AUDIT"), reason="set SEGUE_TEST_AUDIT=1; asks PyPI about each installed package"
)
def test_no_installed_package_has_a_known_hole() -> None:
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--skip-editable"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0 and re.search(r"ConnectionError|Max retries|ServiceError|resolve", done.stderr):
        pytest.skip("no service of advisories can be reached")
    assert done.returncode == 0, done.stdout + done.stderr
