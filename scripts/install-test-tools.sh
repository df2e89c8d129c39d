#!/usr/bin/env bash
# Installs what some tests need beyond npm packages: a Jupyter front end, a browser, and the conformance suite for
# kernels (about 200 MB to download). Where it cannot, it says so, and those tests are skipped.
set -euo pipefail

tools=(jupyter-notebook chromium python3-jupyter-kernel-test)

missing=()
for tool in "${tools[@]}"; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$tool" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$tool")
done
[ ${#missing[@]} -gt 0 ] || exit 0

go_on_without() {
  echo "Test tools: $1, so the tests that need ${missing[*]} are skipped." >&2
  exit 0
}
command -v apt-get >/dev/null || go_on_without 'there is no apt-get here'
[ "$(id -u)" -eq 0 ] || go_on_without 'only root can install packages'

echo "Test tools: installing ${missing[*]} …" >&2
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq)
log=$(mktemp)
if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  go_on_without 'apt-get failed (see above)'
fi
rm -f "$log"
