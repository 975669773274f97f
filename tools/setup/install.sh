#!/bin/bash
# Installs the built product on this machine. usage: install.sh [/opt/safekit]
set -euo pipefail
cd "$(dirname "$0")/../.."
prefix=${1:-/opt/safekit}
[ "$(id -u)" = 0 ] || { echo "install: run as root" >&2; exit 1; }
[ -x build/safekit ] || { echo "install: run make build first" >&2; exit 1; }

getent group safekit >/dev/null || groupadd --system safekit
install -d -m 0755 "$prefix" "$prefix/Application_Modules/generic" "$prefix/modules" "$prefix/private/bin" "$prefix/plugins"
install -d -m 0711 /var/safekit
# The running daemon and supervisors keep the old file until they are restarted.
install -m 0755 build/safekit "$prefix/safekit.new"
mv -f "$prefix/safekit.new" "$prefix/safekit"
install -m 0644 build/*.safe "$prefix/Application_Modules/generic/"
if [ -d docs/man ]; then
  install -d /usr/local/share/man/man1
  install -m 0644 docs/man/*.1 /usr/local/share/man/man1/
fi
install -d /usr/share/bash-completion/completions
"$prefix/safekit" completion bash >/usr/share/bash-completion/completions/safekit
ln -sfn "$prefix/safekit" /usr/local/bin/safekit
if [ -d /run/systemd/system ]; then
  install -m 0644 tools/setup/systemd/*.service /etc/systemd/system/
  systemctl daemon-reload
  systemctl enable --now safeadmin.service safehold-modules.service
  systemctl try-restart safeadmin.service
  echo "Installed. The daemon runs: systemctl status safeadmin"
else
  echo "Installed. There is no systemd here; start the daemon with: $prefix/safekit daemon"
fi
echo "Next, on both servers: safekit webservercfg -passwd PASSWORD     (see docs/INSTALL.md)"
