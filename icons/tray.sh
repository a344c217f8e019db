#!/bin/sh
# Draws the tray's PNGs from its SVGs: `sh icons/tray.sh`. Needs rsvg-convert.
#
# A panel may be dark or light and does not say which. So every icon is a light or coloured
# shape with a dark outline: the fill is seen on dark panels, the outline on light ones.
set -eu
cd "$(dirname "$0")"
mkdir -p tray

draw() { # draw NAME FILL
    path=$(sed -n 's/.* d="\([^"]*\)".*/\1/p' "tray-$1.svg")
    backing=none
    case $1 in needs-you-*) backing="#14171b" ;; esac # a dark number, whatever lies behind
    for size in 22 24 32 48; do
        rsvg-convert --width "$size" --height "$size" --output "tray/$1-$size.png" <<SVG
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 22 22">
  <path fill="$backing" d="${path%%Z*}Z"/>
  <path fill="none" stroke="#14171b" stroke-opacity=".8" stroke-width="1.7" stroke-linejoin="round" d="$path"/>
  <path fill="$2" fill-rule="evenodd" d="$path"/>
</svg>
SVG
    done
}

for count in 1 2 3 4 5 6 7 8 9 9plus; do
    draw "needs-you-$count" "#ffb42e"
done
draw problem "#ff7066"
draw done-unseen "#dbe6ee"
draw working "#66b2ff"
draw idle "#d5dade"
