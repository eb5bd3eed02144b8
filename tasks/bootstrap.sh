#!/usr/bin/env bash
# Prepares a batch job; law fills in the names in double braces. The job's environment is empty before this.

action() {
    export HOME="${HOME:-$PWD}"
    export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}"
    export DEEPSF_DATA="{{deepsf_data}}"
    export DEEPSF_SOFTWARE="{{deepsf_software}}"
    export DEEPSF_CONFIG_SNAPSHOT="{{deepsf_config_snapshot}}"
    source "{{deepsf_base}}/setup.sh"
}
action
