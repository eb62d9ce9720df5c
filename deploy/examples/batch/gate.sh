#!/bin/sh
# Runs a command on a batch only if the batch is like what the model was trained on.
#
#   gate.sh PROFILE DATA COMMAND [ARGUMENT ...]
#
# Ends with what the command ends with; with 2, without having run it, when the batch has drifted; with 1 when that cannot be told.
# MINIMUM_EFFECT is the smallest drift (PSI) that holds a batch up; 0.1 unless said.
set -eu
[ $# -ge 3 ] || { sed -n '4s/^# *//p' "$0" >&2; exit 1; }
profile=$1 data=$2
shift 2

verdict=0
driftgauge compare "$profile" "$data" --minimum-effect "${MINIMUM_EFFECT:-0.1}" --fail-on-drift || verdict=$?
case $verdict in
0) exec "$@" ;;
2) echo "$data has drifted: not run: $*" >&2; exit 2 ;;
*) echo "$data could not be compared: not run: $*" >&2; exit 1 ;;
esac
