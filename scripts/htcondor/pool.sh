#!/usr/bin/env bash
# An HTCondor pool of one's own on one machine, without docker and without a system installation:
#
#     scripts/htcondor/pool.sh start | stop | status | run COMMAND...
#
# `run` starts a command that can submit to the pool. Root, whose jobs HTCondor refuses, works through a user namespace.
# Settings, the same for all calls:
#     HTCONDOR_PREFIX       where install.sh put HTCondor (default: $DEEPSF_SOFTWARE/htcondor)
#     HTCONDOR_POOL         folder of the pool's state, with a short path (default: /tmp/htcondor-<uid>)
#     HTCONDOR_SLOTS        number of slots of one core (default: 2)
#     HTCONDOR_SLOT_MEMORY  memory of a slot in MB (default: 2048)
set -euo pipefail

here="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
software="${DEEPSF_SOFTWARE:-$(cd -- "$here/../.." && pwd)/.software}"
export HTCONDOR_PREFIX="${HTCONDOR_PREFIX:-$software/htcondor}"
export HTCONDOR_POOL="${HTCONDOR_POOL:-/tmp/htcondor-$(id -u)}"
export HTCONDOR_SLOTS="${HTCONDOR_SLOTS:-2}"
export HTCONDOR_SLOT_MEMORY="${HTCONDOR_SLOT_MEMORY:-2048}"
socket_path_max=70 # unix sockets below the pool's folder may have 107 characters
start_seconds=60
stop_seconds=20

fail() {
    printf 'pool.sh: %s\n' "$@" >&2
    exit 1
}

case "${1:-}" in
    start | stop | status | run) ;;
    *)
        sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
[ -x "$HTCONDOR_PREFIX/sbin/condor_master" ] || fail "no HTCondor in $HTCONDOR_PREFIX; run scripts/htcondor/install.sh"
[ "${#HTCONDOR_POOL}" -le "$socket_path_max" ] ||
    fail "HTCONDOR_POOL=$HTCONDOR_POOL is longer than $socket_path_max characters; choose a shorter one"

if [ "$(id -u)" = 0 ]; then
    # a user that exists: HTCondor looks the owner of a job up
    user=1000
    getent passwd "$user" >/dev/null || user="$(id -u nobody)"
    unshare --user --map-user="$user" true 2>/dev/null ||
        fail "user namespaces are not allowed here, and HTCondor runs no jobs of root; call pool.sh as another user"
    exec unshare --user --map-user="$user" --map-group="$(id -g "$user")" "${BASH_SOURCE[0]}" "$@"
fi
USER="$(id -un)"
export USER LOGNAME="$USER" CONDOR_CONFIG="$HTCONDOR_POOL/condor_config"
export PATH="$HTCONDOR_PREFIX/bin:$HTCONDOR_PREFIX/sbin:$PATH"

write_config() {
    mkdir -p "$HTCONDOR_POOL"/{log,spool,lock,run,home,execute}
    chmod 700 "$HTCONDOR_POOL"
    [ -O "$HTCONDOR_POOL" ] || fail "$HTCONDOR_POOL belongs to another user; set HTCONDOR_POOL"
    cat >"$CONDOR_CONFIG" <<CONFIG
RELEASE_DIR = $HTCONDOR_PREFIX
LIBEXEC = \$(RELEASE_DIR)/libexec
LIB = \$(RELEASE_DIR)/lib
SHADOW_LIB = \$(RELEASE_DIR)/lib
LOCAL_DIR = $HTCONDOR_POOL
LOG = \$(LOCAL_DIR)/log
SPOOL = \$(LOCAL_DIR)/spool
EXECUTE = \$(LOCAL_DIR)/execute
LOCK = \$(LOCAL_DIR)/lock
RUN = \$(LOCAL_DIR)/run
DAEMON_LIST = MASTER COLLECTOR NEGOTIATOR SCHEDD STARTD

# this machine only, on a port that is free
CONDOR_HOST = 127.0.0.1
NETWORK_INTERFACE = 127.0.0.1
COLLECTOR_HOST = 127.0.0.1:0
COLLECTOR_ADDRESS_FILE = \$(LOG)/.collector_address
USE_SHARED_PORT = True
use security:recommended_v9_0
SEC_DEFAULT_AUTHENTICATION = REQUIRED
SEC_DEFAULT_AUTHENTICATION_METHODS = FS
ALLOW_READ = *@*
ALLOW_WRITE = *@*
ALLOW_DAEMON = *@*
ALLOW_ADMINISTRATOR = *@*
ALLOW_NEGOTIATOR = *@*

# slots by these numbers, whatever the machine has
NUM_CPUS = $HTCONDOR_SLOTS
MEMORY = $((HTCONDOR_SLOTS * HTCONDOR_SLOT_MEMORY))
NUM_SLOTS_TYPE_1 = $HTCONDOR_SLOTS
SLOT_TYPE_1 = cpus=1, mem=$HTCONDOR_SLOT_MEMORY
SLOT_TYPE_1_PARTITIONABLE = False
STARTD_ENFORCE_DISK_LIMITS = False
JOB_DEFAULT_REQUESTCPUS = 1
JOB_DEFAULT_REQUESTMEMORY = 512
JOB_DEFAULT_REQUESTDISK = 1024
START = True
SUSPEND = False
PREEMPT = False
KILL = False
RUNBENCHMARKS = 0

# seconds instead of minutes
NEGOTIATOR_INTERVAL = 2
NEGOTIATOR_MIN_INTERVAL = 1
NEGOTIATOR_CYCLE_DELAY = 1
SCHEDD_INTERVAL = 2
SCHEDD_MIN_INTERVAL = 1
POLLING_INTERVAL = 2
UPDATE_INTERVAL = 5
PERIODIC_EXPR_INTERVAL = 3
MAX_PERIODIC_EXPR_INTERVAL = 5
STARTER_INITIAL_UPDATE_INTERVAL = 1
STARTER_UPDATE_INTERVAL = 3
SHADOW_QUEUE_UPDATE_INTERVAL = 3
MASTER_BACKOFF_CONSTANT = 1
# a job whose shadow died blocks its slot for this long
JOB_DEFAULT_LEASE_DURATION = 60
# a proxy is copied to the job: deriving one from it needs more of OpenSSL than is unpacked here
DELEGATE_JOB_GSI_CREDENTIALS = False
include ifexist : \$(LOCAL_DIR)/local.conf
CONFIG
}

master_pid() {
    local pid
    pid="$(cat "$HTCONDOR_POOL/log/master.pid" 2>/dev/null)" && kill -0 "$pid" 2>/dev/null && echo "$pid"
}

slots() { condor_status -af Name 2>/dev/null | wc -l; }

start() {
    local pid second
    if pid="$(master_pid)"; then
        echo "the pool runs already (process $pid)"
        return
    fi
    write_config
    rm -f "$HTCONDOR_POOL/log/.collector_address"
    HOME="$HTCONDOR_POOL/home" setsid condor_master -pidfile "$HTCONDOR_POOL/log/master.pid" </dev/null >/dev/null 2>&1
    for ((second = 0; second < start_seconds; second++)); do
        if [ "$(slots)" -ge "$HTCONDOR_SLOTS" ] && condor_q >/dev/null 2>&1; then
            echo "the pool is up: $HTCONDOR_SLOTS slots"
            return
        fi
        sleep 1
    done
    stop >/dev/null
    fail "the pool did not come up in $start_seconds s; see $HTCONDOR_POOL/log/MasterLog"
}

stop() {
    local pid half
    if ! pid="$(master_pid)"; then
        echo "no pool runs"
        return
    fi
    condor_off -fast -master >/dev/null 2>&1 || kill "$pid"
    for ((half = 0; half < 2 * stop_seconds; half++)); do
        if ! kill -0 "$pid" 2>/dev/null; then
            echo "the pool is stopped"
            return
        fi
        sleep 0.5
    done
    kill -9 "$pid"
    echo "the pool is killed: it did not stop in $stop_seconds s"
}

action="$1"
shift
case "$action" in
    start) start ;;
    stop) stop ;;
    status)
        master_pid >/dev/null || fail "no pool runs in $HTCONDOR_POOL"
        condor_status
        condor_q -nobatch
        ;;
    run)
        [ $# -gt 0 ] || fail "run what? pool.sh run COMMAND..."
        exec "$@"
        ;;
esac
