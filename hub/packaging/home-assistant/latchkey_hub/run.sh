#!/bin/sh
# Starts the hub as its own user. What is set in the add-on's options goes into hub.toml the first time only; from then
# on that file, in the add-on's configuration directory, is what counts.
set -e

config=/config/hub.toml
if [ ! -e "$config" ]; then
    origin="$(jq -r .origin /data/options.json)"
    name="$(jq -r .name /data/options.json)"
    if [ -z "$origin" ]; then
        echo "Set the portal's address in the add-on's options, then start it again." >&2
        exit 1
    fi
    {
        jq -rn --arg origin "$origin" '"origin = \($origin | tojson)"'
        jq -rn --arg name "$name" '"name = \($name | tojson)"'
        grep -v -e '^name = ' -e '^#origin = ' -e '^state = ' -e '^state_key_file = ' /etc/latchkey/hub.toml
    } > "$config.new"
    mv "$config.new" "$config"
fi

# The key lies beside the state directory, where the add-on's backup leaves it out.
install -d -o latchkey -g latchkey -m 0700 /data/state /data/state-key
as_hub() {
    setpriv --reuid=latchkey --regid=latchkey --clear-groups --no-new-privs -- \
        /usr/bin/latchkey-hub --config "$config" --state /data/state "$@"
}

as_hub check-config
# Until a home has taken the hub in: the code in this log is good for nine minutes and for one hub. Then another comes.
as_hub pair
exec setpriv --reuid=latchkey --regid=latchkey --clear-groups --no-new-privs -- \
    /usr/bin/latchkey-hub --config "$config" --state /data/state run
