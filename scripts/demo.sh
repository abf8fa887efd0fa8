#!/usr/bin/env bash
# The main job, for real: demo.sh BIN [--again]. A home in .demo/ unless YOLOTUI_HOME says otherwise; a small data set of
# drawn shapes; then the night of examples/night.toml. A second call continues a night that was cut; --again starts anew.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "$1" && pwd)
export PATH="$bin:$PATH"
export YOLOTUI_HOME=${YOLOTUI_HOME:-$PWD/.demo}
# Without an NVIDIA card two trainings share the processor.
if [ -z "${YOLOTUI_GPUS:-}" ] && [ ! -e /proc/driver/nvidia/version ]; then
    export YOLOTUI_GPUS=cpu:2
fi

for task in detect segment classify; do
    [ -e "examples/data/$task/.complete" ] && continue
    python examples/make_shapes.py "examples/data/$task" --task "$task" --train 96 --val 24 --size 96
    touch "examples/data/$task/.complete"
done

exec yolotui --batch examples/night.toml "${@:2}"
