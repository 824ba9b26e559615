#!/usr/bin/env bash
# Print the path of a Python that whorl runs on (3.11 to 3.13, with venv and pip), or say what to install and end with 1.
# PYTHON names one to try alone.
set -u
check='
import sys
if not (3, 11) <= sys.version_info[:2] < (3, 14): raise SystemExit(1)
try: import ensurepip, venv
except ImportError: raise SystemExit(2)
print(sys.executable)
'
lame=""
for name in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
  path="$(command -v "$name")" || continue
  found="$("$path" -c "$check" 2>/dev/null)"
  case $? in
    0) echo "$found"; exit 0 ;;
    2) lame="$name" ;;
  esac
done
if [ -n "$lame" ]; then
  echo "make: $lame cannot make virtual environments. On Debian or Ubuntu: sudo apt-get install $lame-venv" >&2
else
  echo "make: no Python 3.11, 3.12 or 3.13 found${PYTHON:+ as PYTHON=$PYTHON}. Install one (https://www.python.org/downloads/," \
    "or: uv python install 3.12), or name it: make PYTHON=/path/to/python3.12 ..." >&2
fi
exit 1
