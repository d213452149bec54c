#!/bin/sh
# Prints the path of a Python for the virtual environment: 3.13, the template's runtime, or else 3.12 or 3.11.
# A candidate counts only if it runs: a `python3.13` on PATH may be a version manager's stub that fails.
# PYTHON=<path> in the environment names the one candidate.
set -u

# Prints the real path of candidate $1 if it runs, has one of the versions $2 (such as "13 12") and can make environments.
try() {
    "$1" -c '
import sys, ensurepip, ssl, venv
if sys.version_info.major != 3 or str(sys.version_info.minor) not in sys.argv[1].split():
    sys.exit(1)
print(sys.executable)' "$2" 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        try "$PYTHON" "13 12 11"
        return
    fi
    for minor in 13 12 11; do
        for candidate in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor"*"/bin/python3.$minor"; do
            try "$candidate" "$minor" && return
        done
        if command -v uv >/dev/null 2>&1; then
            candidate=$(uv python find --system "3.$minor" 2>/dev/null) && try "$candidate" "$minor" && return
        fi
    done
    try python3 "13 12 11"
}

if ! found=$(find_python); then
    echo "No Python found that runs: install Python 3.13 (3.12 or 3.11 will do locally), with its venv module." >&2
    [ -z "${PYTHON:-}" ] || echo "PYTHON is set to '$PYTHON', so nothing else was tried." >&2
    exit 1
fi
version=$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
[ "$version" = 3.13 ] || echo "Python $version stands in for 3.13, the runtime of the template, on this machine." >&2
echo "$found"
