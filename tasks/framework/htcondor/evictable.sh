#!/usr/bin/env bash
# Starts a job where nodes share no file system; law fills in the names in double braces. HTCondor tells a job that is
# evicted to end (SIGTERM) and then takes what it returns, for its next attempt: an archive with its checkpoint. A shell
# ends at such a signal by itself, and at once; so the job is the child of this one.

packed="$PWD/outputs$1.tar" log="${2:-/dev/null}" job=""

evicted() {
    trap '' TERM
    [ -z "$job" ] || kill -KILL -- "-$job" # all of it: what is packed must not change meanwhile
    echo "evicted, packing what the next attempt goes on from" >>"$log"
    local home
    for home in "$PWD"/job_*/; do
        [ ! -e "$home/deepsf/data/.laid_out" ] ||
            LAW_JOB_INIT_DIR="$PWD" DEEPSF_DATA="$home/deepsf/data" bash "{{stageout_file}}"
    done
    # HTCondor holds a job that does not have what it is to return
    [ -e "$packed" ] || tar -cf "$packed" --files-from /dev/null
    exit 0
}
trap evicted TERM

set -m # the job is a process group of its own
bash "{{law_wrapper}}" "$@" &
job=$!
wait "$job"
