# Sets up DeepSF in the current shell (bash or zsh), from any folder:
#
#     source setup.sh
#
# The first call makes a virtual environment with the versions of constraints.txt; later calls set variables only.
# Read by the user: DEEPSF_DATA, DEEPSF_SOFTWARE, DEEPSF_WORKERS, DEEPSF_TORCH (see docs/quickstart.md).
# shellcheck shell=bash disable=SC2296  # ${(%):-%x} is zsh

if [ -z "${BASH_VERSION:-}${ZSH_VERSION:-}" ]; then
    echo "DeepSF: setup.sh needs bash or zsh; start one of them and source setup.sh there" >&2
    # shellcheck disable=SC2317
    return 1 2>/dev/null || exit 1
fi
if { [ -n "${BASH_VERSION:-}" ] && ! (return 0 2>/dev/null); } ||
    { [ -n "${ZSH_VERSION:-}" ] && [[ "${ZSH_EVAL_CONTEXT:-}" != *file* ]]; }; then
    echo "DeepSF: setup.sh sets variables of the current shell, so source it: source setup.sh" >&2
    exit 1
fi

_deepsf_error() {
    printf 'DeepSF: %s\n' "$@" >&2
}

# Absolute form of a path, which need not exist.
_deepsf_absolute() {
    case "$1" in
        /*) printf '%s' "${1%/}" ;;
        *) printf '%s/%s' "${PWD%/}" "${1%/}" ;;
    esac
}

# Number of cores that this process may use; nproc would take OMP_NUM_THREADS for an answer.
_deepsf_cores() {
    command env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null ||
        command getconf _NPROCESSORS_ONLN 2>/dev/null || printf 1
}

# Prints the first Python >= 3.11 on the PATH.
_deepsf_find_python() {
    local name version found=""
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        version="$(command "$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" || continue
        case "$version" in
            3.1[1-9] | 3.[2-9][0-9])
                printf '%s' "$name"
                return 0
                ;;
        esac
        found="$found${found:+, }$name is $version"
    done
    _deepsf_error "needs Python >= 3.11, found ${found:-no python3 at all} (PATH=$PATH)" \
        "install a newer one, or put its folder first in PATH, and source setup.sh again"
    return 1
}

# Makes or updates the virtual environment $2 of the checkout $1, if it is not what the checkout asks for.
_deepsf_environment() {
    local base="$1" venv="$2" stamp="$2/deepsf-environment" torch="" location="" wanted python
    if [ -r "$stamp" ]; then
        { IFS= read -r torch && IFS= read -r location; } <"$stamp"
    fi
    # unset: what is there stays, so that a batch job, whose environment is empty, never changes it
    torch="${DEEPSF_TORCH:-$torch}"
    [ "$location" -ef "$venv" ] || location="$venv"
    wanted="$torch"$'\n'"$location"$'\n'"$(<"$base/pyproject.toml")"$'\n'"$(<"$base/constraints.txt")"
    if [ -x "$venv/bin/python" ] && [ -r "$stamp" ] && [[ "$(<"$stamp")" == "$wanted" ]]; then
        return 0
    fi
    python="$(_deepsf_find_python)" || return 1
    printf '%s' "$wanted" | PYTHONPATH='' command "$python" "$base/scripts/environment.py" "$venv"
}

# Tells whether the index of tasks in law's folder $2 is missing or older than the tasks of the checkout $1.
_deepsf_index_is_old() {
    [ ! -e "$2/index" ] || [ -n "$(command find "$1/tasks" "$1/law.cfg" -name __pycache__ -prune -o \
        \( -type d -o -name '*.py' -o -name law.cfg \) -newer "$2/index" -print)" ]
}

# Writes the index beside its place and moves it there: another process may be reading it.
_deepsf_index() {
    local part="$LAW_HOME/index.$$"
    if LAW_INDEX_FILE="$part" command law index -q; then
        command mv -f "$part" "$LAW_HOME/index"
    else
        command rm -f "$part"
        return 1
    fi
}

# Completion of law's commands, tasks and parameters in interactive shells.
_deepsf_completion() {
    local file
    case "$-" in
        *i*) ;;
        *) return 0 ;;
    esac
    if [ -n "${BASH_VERSION:-}" ]; then
        case "$-" in *u*) return 0 ;; esac # law's script reads unset variables
    else
        setopt local_options no_nomatch
        (( ${+functions[compdef]} )) || return 0 # completion is not in use in this zsh
        autoload -Uz bashcompinit && bashcompinit
    fi
    for file in "$1"/lib/python3.*/site-packages/law/cli/completion.sh; do
        # shellcheck disable=SC1090
        [ ! -r "$file" ] || LAW_CLI_SKIP_COMPLETION=1 . "$file" ""
    done
    complete -o bashdefault -o default -F _law_complete law 2>/dev/null || return 0
}

_deepsf_setup() {
    [ -z "${ZSH_VERSION:-}" ] || emulate -L zsh
    local IFS=$' \t\n' here base data software workers
    if [ -n "${BASH_VERSION:-}" ]; then here="${BASH_SOURCE[0]}"; else here="${(%):-%x}"; fi
    case "$here" in
        */*) here="${here%/*}" ;;
        *) here="." ;;
    esac
    base="$(CDPATH='' builtin cd -- "$here/" >/dev/null && builtin pwd)" || return 1

    # the defaults of another checkout that was set up in this shell do not count as the user's choice
    data="${DEEPSF_DATA:-}"
    software="${DEEPSF_SOFTWARE:-}"
    if [ -n "${DEEPSF_BASE:-}" ] && [ "$DEEPSF_BASE" != "$base" ]; then
        [ "$data" != "$DEEPSF_BASE/data" ] || data=""
        [ "$software" != "$DEEPSF_BASE/.software" ] || software=""
    fi
    data="$(_deepsf_absolute "${data:-$base/data}")"
    software="$(_deepsf_absolute "${software:-$base/.software}")"
    workers="${DEEPSF_WORKERS:-$(_deepsf_cores)}"
    case "$workers" in
        '' | *[!0-9]* | 0*)
            _deepsf_error "DEEPSF_WORKERS must be a whole number above 0, got '$workers'; correct or unset it"
            return 1
            ;;
    esac

    _deepsf_environment "$base" "$software/venv" || return 1

    export DEEPSF_BASE="$base" DEEPSF_DATA="$data" DEEPSF_SOFTWARE="$software" DEEPSF_WORKERS="$workers"
    case "${PATH:-}" in
        "$software/venv/bin" | "$software/venv/bin":*) ;;
        *) export PATH="$software/venv/bin${PATH:+:$PATH}" ;;
    esac
    # nothing but the pinned packages: other Python paths would come before them
    export PYTHONPATH="$base/analysis:$base" PYTHONNOUSERSITE=1
    unset PYTHONHOME
    export LAW_HOME="$base/.law" LAW_CONFIG_FILE="$base/law.cfg"
    # parallel by processes of one thread each: the same bytes wherever a task runs
    export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1
    export MPLBACKEND=Agg

    if _deepsf_index_is_old "$base" "$LAW_HOME" && ! _deepsf_index; then
        _deepsf_error "the tasks cannot be indexed (see above); correct them and source setup.sh again"
        return 1
    fi
    _deepsf_completion "$software/venv"
}

# Leaves nothing in the user's shell but the variables.
_deepsf_clean() {
    unset -f _deepsf_error _deepsf_absolute _deepsf_cores _deepsf_find_python _deepsf_environment \
        _deepsf_index_is_old _deepsf_index _deepsf_completion _deepsf_setup _deepsf_clean
}

if _deepsf_setup; then
    _deepsf_clean
else
    _deepsf_clean
    return 1
fi
