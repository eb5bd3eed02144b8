#!/usr/bin/env bash
# Prepares a batch job; law fills in the names in double braces. The job's environment is empty before this.

# Lays out what travelled with the job: repository, Python with its packages, and the input. A virtual environment is
# made by hand: a link to the interpreter and a file that tells where that one is.
unpack() {
    local home="$LAW_JOB_HOME/deepsf" init="$LAW_JOB_INIT_DIR" python venv
    mkdir -p "$home/repository" "$home/data" "$home/software/venv/bin" &&
        tar --no-same-owner -xzf "$init"/repository-*.tar.gz -C "$home/repository" &&
        tar --no-same-owner -xzf "$init"/environment-*.tar.gz -C "$home/software" &&
        tar --no-same-owner -xf "$init"/shipment{{file_postfix}}.tar -C "$home/data" || return 1
    # of an attempt that was evicted; what is damaged there does not count
    [ ! -e "$init/outputs{{file_postfix}}.tar" ] ||
        tar --no-same-owner -xf "$init/outputs{{file_postfix}}.tar" -C "$home/data" ||
        echo "what an evicted attempt packed cannot be unpacked in full"
    touch "$home/data/.laid_out"
    venv="$home/software/venv"
    python="$(echo "$home/software"/python/bin/python3.*)"
    mkdir -p "$venv/lib/${python##*/}" && mv "$home/software/site-packages" "$venv/lib/${python##*/}/" || return 1
    export LD_LIBRARY_PATH="$home/software/python/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    printf 'home = %s\ninclude-system-site-packages = false\n' "${python%/*}" >"$venv/pyvenv.cfg"
    ln -s "$python" "$venv/bin/python"
    printf '#!/bin/sh\nexec "%s" -m law "$@"\n' "$venv/bin/python" >"$venv/bin/law"
    chmod +x "$venv/bin/law"
    # setup.sh compares this with what it wants: the second line is the place
    { sed -n 1p "$home/software/deepsf-environment"; echo "$venv"; sed -n '3,$p' "$home/software/deepsf-environment"; } \
        >"$venv/deepsf-environment"
    export DEEPSF_DATA="$home/data" DEEPSF_SOFTWARE="$home/software" DEEPSF_SHIPPED=1
    export DEEPSF_CONFIG_SNAPSHOT="$home/data/.configs/{{deepsf_snapshot}}"
    source "$home/repository/setup.sh"
}

action() {
    export HOME="${HOME:-$PWD}"
    export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}"
    {{deepsf_kernels}}
    if [ -n "{{deepsf_outputs}}" ]; then
        unpack
        return
    fi
    export DEEPSF_DATA="{{deepsf_data}}"
    export DEEPSF_SOFTWARE="{{deepsf_software}}"
    export DEEPSF_CONFIG_SNAPSHOT="$DEEPSF_DATA/.configs/{{deepsf_snapshot}}"
    source "{{deepsf_base}}/setup.sh"
}
action
