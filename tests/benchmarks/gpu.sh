#!/bin/sh
# What a GPU does with this project, in six minutes: tests/benchmarks/gpu.sh [RUN]
# Needs Python with torch and transformers, and no network; what lacks a further package says so and is left out. RUN is
# the folder of a finished run, such as results/demo, whose fine-tuning is repeated. DEVICE=cpu tries the script itself.
cd "$(dirname "$0")/../.." || exit 1
device=${DEVICE:-cuda}
python=${PYTHON:-python3}
export PYTHONPATH=workflow/scripts OMP_NUM_THREADS="${OMP_NUM_THREADS:-8}" TOKENIZERS_PARALLELISM=false
# Room for every part within six minutes; a part that is cut short leaves the others theirs.
part() {
    seconds=$1
    shift
    echo
    echo "## $*"
    timeout "$seconds" "$@"
    code=$?
    [ "$code" -eq 0 ] || { echo "ended with $code"; failed=1; }
}

failed=0
"$python" -c "
import torch, transformers
print('torch', torch.__version__, 'transformers', transformers.__version__)
print(torch.cuda.get_device_name() if torch.cuda.is_available() else 'no GPU')
"
if "$python" -c "import pytest" 2>/dev/null; then
    part 40 "$python" -m pytest -q -p no:cacheprovider tests/unit/test_gpu.py
else
    echo "The tests on a GPU need pytest."
fi
speed="$python tests/benchmarks/throughput.py --device $device ${SIZE:-}"
part 100 $speed --precision bf16 --steps 20 --sides ours bare
part 80 $speed --precision fp32 --steps 10 --sides ours bare
part 90 $speed --precision bf16 --steps 20 --sides ours bare --tasks fine-tuning prediction --compile
if [ -n "${1:-}" ]; then
    part 50 "$python" tests/benchmarks/learn_demo.py "$1" --device "$device" --precision "$([ "$device" = cuda ] && echo bf16 || echo fp32)"
fi
exit "$failed"
