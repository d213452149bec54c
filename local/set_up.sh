#!/bin/sh
# Sets a virtual environment up, or brings one that is there up to what requirements pin: what changed is installed, what
# is no longer named goes, all else stays.
#     sh local/set_up.sh <folder> <requirements.txt> <python> <pip> [option of venv …]
# It is made anew if it runs another Python, does not run, is a folder of links to another one, or was made elsewhere.
set -eu
folder=$1 requirements=$2 python=$3 pip=$4
shift 4
version() {
    "$1" -c 'import sys; print(sys.version_info[:2])' 2>/dev/null
}

if [ -L "$folder/lib" ] || ! sh local/is_here.sh "$folder" || [ "$(version "$folder/bin/python")" != "$(version "$python")" ]; then
    echo "Setting up $folder with $python: about a minute, once"
    "$python" -m venv --clear "$@" "$folder"
else
    echo "Bringing $folder up to date"
fi
in_folder() { # by its own pip unless another Python's is named: old ones do not know --python
    if [ -n "$pip" ]; then
        "$pip" -m pip --python "$folder/bin/python" "$@" --disable-pip-version-check
    else
        "$folder/bin/python" -m pip "$@" --disable-pip-version-check
    fi
}
# The file names everything, so nothing is left to resolve; pips before 24 cannot resolve it with hashes.
in_folder install -qq --no-deps --require-hashes -r "$requirements"
"$folder/bin/python" local/left_over.py "$requirements" | while read -r name; do
    in_folder uninstall -qq --yes "$name" </dev/null
done
