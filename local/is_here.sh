#!/bin/sh
# Whether a virtual environment was made where it is, and not copied or moved here with its folder: its programs would run
# the Python of the first one. One that does not say where it was made, or is a folder of links, is taken as it is.
#     sh local/is_here.sh <folder>
[ ! -L "$1/pyvenv.cfg" ] || exit 0
grep -qs '^command = ' "$1/pyvenv.cfg" || exit 0
grep '^command = ' "$1/pyvenv.cfg" | grep -qF -- " $(pwd -P)/$1"
