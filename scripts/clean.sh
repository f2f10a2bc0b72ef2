#!/bin/sh
# Remove logs and results; results that hold trained taggers go only when somebody says yes.
set -eu
rm -rf logs runs/*/logs
for results in results runs/*/results; do
    [ -d "$results" ] || continue
    taggers=$(find "$results" -name tagger.safetensors | wc -l)
    if [ "$taggers" -gt 0 ]; then
        answer=no
        if [ -t 0 ]; then
            printf '%s holds %s trained taggers. Remove them and all else there? [y/N] ' \
                "$results" "$taggers"
            read -r answer
        fi
        case $answer in
            y | Y | yes) ;;
            *)
                echo "kept $results with its $taggers trained taggers"
                continue
                ;;
        esac
    fi
    rm -rf "$results"
done
