#!/usr/bin/env bash
# Install the peers that whorl is measured against into .venv-peers, beside the checkout's own .venv.
#
#   DebyeCalculator 1.1.1   total scattering of finite clusters (needs torch, which it does not declare)
#   diffpy.pdffit2 1.5.2    real-space refinement, built from source (its wheels lack their own libraries; needs GSL headers)
#   xraydb 4.5.8            Waasmaier-Kirfel table, read by tools/make_form_factors.py
#   POMFinder 1.0.2         classifier of polyoxometalate clusters, its model in its wheel (needs xgboost before 3.1, setuptools
#                           before 80; xgboost without its dependencies, which are GPU libraries)
#   scikit-learn 1.9.1      SCAN's classifiers of small-angle curves, retrained (and xgboost)
#
# Run it again at any time: what is there is kept. A peer that does not install is reported and is not an error.
# PYTHON names the interpreter (diffpy.pdffit2 1.5.2 wants 3.11), PEERS_VENV the environment, PEERS_TORCH_INDEX a package index
# that holds CPU builds of torch, where pip's own would bring gigabytes of GPU libraries.
set -u
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
venv="${PEERS_VENV:-$root/.venv-peers}"
python="${PYTHON:-$(command -v python3.11 || command -v python3)}"
failed=()

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv" || { echo "peers: cannot make $venv with $python"; exit 1; }

have() { "$venv/bin/python" -c "from importlib.metadata import version; assert version('$1').split('+')[0] == '$2'" 2>/dev/null; }

pip_install() { nice "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

# peer NAME VERSION COMMAND...: run COMMAND unless NAME is there in VERSION; remember failures.
peer() {
  local name="$1" version="$2"
  shift 2
  if have "$name" "$version"; then echo "peers: $name $version is there"; return 0; fi
  if "$@" && have "$name" "$version"; then echo "peers: $name $version installed"; else failed+=("$name $version"); return 1; fi
}

gsl_headers() {
  [ -e /usr/include/gsl/gsl_version.h ] && command -v g++ >/dev/null && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq; apt-get install -y -qq --no-install-recommends libgsl-dev g++; } >/dev/null && return 0
  fi
  echo "peers: diffpy.pdffit2 needs a C++ compiler and the GSL headers (Debian: apt-get install libgsl-dev g++)"
  return 1
}

build_pdffit2() {
  gsl_headers || return 1
  pip_install diffpy.structure==3.3.1 diffpy.utils || return 1
  GSL_PATH="${GSL_PATH:-/usr}" pip_install --no-binary diffpy.pdffit2 diffpy.pdffit2==1.5.2
}

pip_install "numpy==2.4.6" "scipy==1.17.1" "ase==3.29.0" "gemmi==0.7.5" || failed+=("numpy, scipy, ase, gemmi")
peer xraydb 4.5.8 pip_install --no-deps xraydb==4.5.8
peer diffpy.pdffit2 1.5.2 build_pdffit2
# torch comes first and by exact version, because DebyeCalculator needs it without saying so.
peer torch 2.13.0 pip_install ${PEERS_TORCH_INDEX:+--index-url "$PEERS_TORCH_INDEX"} torch==2.13.0 &&
  peer DebyeCalculator 1.1.1 pip_install DebyeCalculator==1.1.1

peer scikit-learn 1.9.1 pip_install scikit-learn==1.9.1

pomfinder() {
  pip_install "setuptools<80" h5py scikit-learn matplotlib && pip_install --no-deps POMFinder==1.0.2
}
peer xgboost 2.1.4 pip_install --no-deps xgboost==2.1.4 && peer POMFinder 1.0.2 pomfinder

if [ "${#failed[@]}" -gt 0 ]; then
  printf 'peers: NOT installed: %s\n' "${failed[@]}"
  echo "peers: the benchmarks leave their columns empty"
else
  echo "peers: all installed in $venv"
fi
exit 0
