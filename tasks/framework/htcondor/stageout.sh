#!/usr/bin/env bash
# Packs what a job made where nodes share no file system; law fills in the names in double braces. Runs after failures
# and evictions too: a checkpoint is worth returning.

action() {
    local packed="$LAW_JOB_INIT_DIR/outputs{{file_postfix}}.tar" made="$DEEPSF_DATA/{{deepsf_outputs}}"
    # renamed, since an eviction may come while the job packs by itself
    mkdir -p "$made" && touch "$DEEPSF_DATA/.complete" &&
        tar -cf "$packed.$$" --exclude='.part-*' --exclude='*.part' -C "$DEEPSF_DATA" "{{deepsf_outputs}}" .complete &&
        mv "$packed.$$" "$packed" && rm -f "$DEEPSF_DATA/.laid_out"
}
[ -z "{{deepsf_outputs}}" ] || action
