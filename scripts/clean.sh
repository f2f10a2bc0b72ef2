#!/bin/sh
# Remove logs and all results but trained taggers; those go only when somebody says yes.
set -eu
rm -rf logs runs/*/logs
for results in results runs/*/results; do
    [ -d "$results" ] || continue
    taggers=$(find "$results" -name tagger.safetensors | wc -l)
    if [ "$taggers" -gt 0 ]; then
        answer=no
        if [ -t 0 ]; then
            printf '%s holds %s trained taggers. Remove them too? [y/N] ' "$results" "$taggers"
            read -r answer
        fi
        case $answer in
            y | Y | yes) rm -rf "$results" ;;
            *)
                find "$results" -type f ! -name tagger.safetensors -delete
                find "$results" -type d -empty -delete
                echo "kept $taggers trained taggers in $results"
                ;;
        esac
    else
        rm -rf "$results"
    fi
done
