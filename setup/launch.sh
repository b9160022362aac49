# Read (with `.`) by the launchers in bin/, which have set $home. Sets $node to a Node that runs TypeScript as it is and
# $main to the command line's program, after bringing whatever is missing. When nothing is, this costs a few
# milliseconds: one hash and one `node --version`.

# A published package holds no src/, so nothing else needs to say which of the two this is.
if [ -d "$home/src" ]; then
  # A clone runs its TypeScript as it is, with the packages of its lock file.
  form=clone
  main=$home/src/cli/main.ts
  listing=$home/package-lock.json
else
  # npm has brought the packages of an installed one, somewhere. Nothing is written into its folder, which may be root's.
  form=package
  main=$home/dist/cli/main.js
  listing=$home/package.json
fi

# A relative one would mean another folder for each command.
case ${HOME:-} in /*) ;; *) HOME=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6) ;; esac
export HOME

ready() {
  key=$(cat "$listing" "$home/setup/requirements.json" 2>/dev/null | sha256sum 2>/dev/null)
  key=${key%% *}
  cache=${XDG_CACHE_HOME:-}
  case $cache in /*) ;; *) cache=${HOME:-}/.cache ;; esac

  [ -n "$key" ] && [ -r "$cache/nearside/ready-$key" ] || return 1
  if [ "$form" = clone ]; then
    [ -r "$home/node_modules/.nearside-ready" ] || return 1
    read -r packages_key <"$home/node_modules/.nearside-ready"
    [ "$packages_key" = "$key" ] || return 1
  fi
  { read -r node; read -r version; read -r engines; } <"$cache/nearside/ready-$key"
  [ -x "$node" ] && [ -f "$engines/manifest.json" ] && command -v bwrap >/dev/null || return 1
  [ "$("$node" --version 2>/dev/null)" = "$version" ]
}

set_up() {
  found=$(node --version 2>/dev/null) || found=
  found=${found#v}
  case ${found%%.*} in
    '' | [0-9] | 1[0-7])
      echo "nearside set-up: expected Node 18 or newer with npm${found:+, found Node $found}." >&2
      echo "    Debian 12 or newer: apt-get install nodejs npm" >&2
      exit 1
      ;;
  esac
  node "$home/setup/main.mjs" "$key" || exit $?
}

ready || { set_up && ready; } || {
  echo "nearside set-up: finished, but something is still missing. Please report this with the output of: sh -x $0" >&2
  exit 1
}
