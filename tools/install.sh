#!/bin/sh
# Makes the virtual environment and installs Segue into it: sh tools/install.sh bundled|dev
# What is installed already is left alone; a stamp says for which pyproject.toml and constraints.txt that holds.
#
#   VENV=.venv           where to
#   PYTHON=...           which interpreter; otherwise the first of those below that is new enough
#   SEGUE_TORCH=plain    take PyTorch as pip finds it, without looking for a CPU build first
set -eu
cd "$(dirname "$0")/.."

extra=${1:-bundled}
venv=${VENV:-.venv}
bin=$venv/bin
log=$venv/install.log
stamp=$venv/segue-installed
torch_index=https://download.pytorch.org/whl/cpu

say() { printf '%s\n' "-- $*"; }
fail() {
    printf 'segue: %s\n' "$*" >&2
    exit 1
}

key=$(cat pyproject.toml constraints.txt tools/install.sh | cksum | tr ' ' -)
# the development extra holds everything
for have in "$extra" dev; do
    if [ -x "$bin/python" ] && grep -qsx "$have $key" "$stamp" && "$bin/python" -c 'import segue' 2>/dev/null; then
        exit 0
    fi
done

# ---- a Python that can make environments
usable() { # prints what is wrong with $1, nothing if it will do
    command -v "$1" >/dev/null 2>&1 || { echo "$1 is not installed"; return; }
    "$1" -c 'import sys' >/dev/null 2>&1 || { echo "$1 does not start"; return; }
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "$1 is $("$1" -c 'import platform; print(platform.python_version())')"
        return
    }
    "$1" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
        echo "$1 lacks the modules venv and ensurepip (Debian and Ubuntu: apt install $1-venv)"
}

if ! "$bin/python" -m pip --version >/dev/null 2>&1; then
    python= reasons=
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        reason=$(usable "$candidate")
        if [ -z "$reason" ]; then
            python=$candidate
            break
        fi
        reasons="$reasons; $reason"
    done
    [ -n "$python" ] || fail "Python 3.11 or newer with the venv module is needed, and there is none:${reasons#;}."
    free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1024) }')
    if [ "${free:-9999}" -lt 3000 ]; then
        fail "about 3 GB of disk space are needed for the environment, and $(pwd) has $free MB."
    fi
    say "making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv" || fail "$python could not make a virtual environment in $venv."
fi

# ---- pip, with its progress on the screen and everything it says in a log
pip_install() {
    {
        set +e
        "$bin/python" -m pip install --disable-pip-version-check --no-color --progress-bar off -c constraints.txt "$@"
        echo $? >"$venv/install.status"
    } 2>&1 | tee -a "$log" | sed -n -e 's/ (from .*//' -e '/^Collecting/p' -e '/^Downloading/p' -e '/^Installing/p'
    [ "$(cat "$venv/install.status")" = 0 ]
}
: >"$log"

# ---- torch: the CPU build, which is a tenth of the plain one
pin=$(sed -n 's/^torch==//p' constraints.txt)
installed() {
    "$bin/python" -c 'import sys; from importlib.metadata import version as v
sys.exit(v("torch").split("+")[0] != sys.argv[1])' "$pin" 2>/dev/null
}
torch_from() { # says where a CPU build comes from: pip, index or plain
    [ "${SEGUE_TORCH:-}" = plain ] && { echo plain; return; }
    if "$bin/python" -m pip index versions torch 2>/dev/null | grep -qF "$pin+cpu"; then
        echo pip
    elif "$bin/python" -m pip index versions --retries 1 --timeout 15 \
        --index-url "$torch_index" torch 2>/dev/null | grep -qF "$pin+cpu"; then
        echo index
    else
        echo plain
    fi
}
if ! installed; then
    case $(torch_from) in
    pip)
        say "torch $pin: a CPU build that pip finds here"
        pip_install "torch==$pin+cpu" || fail "torch $pin could not be installed; $log says why."
        ;;
    index)
        say "torch $pin: the CPU build from $torch_index"
        pip_install --index-url "$torch_index" "torch==$pin+cpu" || fail "torch $pin could not be installed; $log says why."
        ;;
    *)
        say "torch $pin: no CPU build within reach, so the plain package comes"
        [ "$(uname -s)" = Darwin ] || say "WARNING: on Linux it brings CUDA libraries, about 3 GB to download, that Segue does not need"
        pip_install "torch==$pin" ||
            fail "torch $pin could not be installed: pip finds it neither here nor at $torch_index; $log says why."
        ;;
    esac
fi

say "installing Segue with the extra '$extra' (a few minutes the first time)"
pip_install -e ".[$extra]" || fail "the installation stopped; is a package index within reach? $log says why: $(tail -n 1 "$log")"
"$bin/python" -c 'import segue' || fail "Segue was installed into $venv and does not start; run 'make clean' and try again."
printf '%s\n' "$extra $key" >>"$stamp"
say "installed into $venv"
