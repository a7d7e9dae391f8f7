#!/bin/sh
# In namespaces of its own: gives the rest of the arguments a file system like the machine's, with a /data and a /tmp
# that are private. The Matter SDK writes to /data/chip_*.ini and /tmp/chip_kvs, whatever one tells it.
# room.sh DIR PROGRAM...: DIR is a scratch directory.
set -eu
room=$1/room
shift

# Everything in $1 that is a directory or a link, but what is called like $2, also appears below the room.
furnish() {
  for thing in "$1"*; do
    case $thing in "$2") continue ;; esac
    if [ -L "$thing" ]; then
      cp -P "$thing" "$room$thing"
    elif [ -d "$thing" ]; then
      mkdir -p "$room$thing"
      mount --rbind "$thing" "$room$thing"
    fi
  done
}

mkdir "$room"
mount -t tmpfs room "$room"
furnish / "/tmp"
mkdir -p "$room/tmp" "$room/data"
mount -t tmpfs data "$room/data"
furnish /tmp/ "/tmp/chip_*"
exec chroot "$room" "$@"
