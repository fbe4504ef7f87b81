"""Device, number format, threads and processes of a job."""

import ctypes
import logging
import os
import sys

import torch
import transformers

from spikegeometry.errors import InputError

# mallopt's names of these in glibc's malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3

logger = logging.getLogger(__name__)


def prepare(device: str, threads: int, gpus: int = 1) -> torch.device:
    """Set up torch and transformers for a job; return the device it runs on.

    The number of threads decides the order of sums, hence the last bits of the weights: it comes from the
    configuration, not from the cores at hand. A job uses the first `gpus` that it sees; with several of them it goes on
    as so many processes (`start_processes`).
    """
    # Both must stand before CUDA starts: cuBLAS sums in a fixed order only with a workspace of fixed size, and the
    # Trainer would otherwise split each batch over all the GPUs that it sees.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(gpus))))
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(seen.split(",")[:gpus])
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Else every new tensor would be filled before it is written: nothing here reads one that is not.
    torch.utils.deterministic.fill_uninitialized_memory = False
    transformers.utils.logging.disable_progress_bar()
    # Reports which weights a classifier adds to its base, every time.
    transformers.utils.logging.set_verbosity_error()
    chosen = choose_device(device, torch.cuda.device_count(), gpus)
    if chosen.type == "cuda" and gpus > 1:
        start_processes(gpus)
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    return chosen


def keep_freed_memory() -> None:
    """Let up to 256 MB that are free stay with the process: malloc would give them back, and ask anew for each layer.

    The kernel empties every page that it hands out, which is a sixth of a small model's time on the CPU. Tensors above
    32 MB are given back all the same. Without glibc this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(MMAP_THRESHOLD, 32 << 20)
        mallopt(TRIM_THRESHOLD, 256 << 20)


def choose_device(name: str, found: int, wanted: int = 1) -> torch.device:
    """The device of the config key model.device, where `found` GPUs are there and a job wants so many.

    Raises InputError where there are too few, unless `auto` can do without any.
    """
    if name == "cpu" or (name == "auto" and not found):
        return torch.device("cpu")
    if not found:
        raise InputError("Config key model.device: it is cuda, but this machine shows no GPU.\nTake `auto` or `cpu`.")
    if found < wanted:
        raise InputError(f"Config key model.gpus: it is {wanted}, but this machine shows {found}.\nTake {found}.")
    return torch.device("cuda")


def start_processes(count: int) -> None:
    """Start the running script anew in `count` processes, as `torchrun` does; in these do nothing.

    They take the place of this process: whoever ends it ends them.
    """
    if not torch.distributed.is_torchelastic_launched():
        logger.info("going on in %d processes", count)
        launcher = ["torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
        os.execv(sys.executable, [sys.executable, "-m", *launcher, *sys.argv])


def processes() -> int:
    """How many processes share this job."""
    return int(os.environ["WORLD_SIZE"]) if torch.distributed.is_torchelastic_launched() else 1


def number_format(precision: str, device: torch.device) -> torch.dtype:
    """The format of the config key model.precision, in which matrices are multiplied; weights and sums stay float32.

    Raises InputError where the device cannot compute in it.
    """
    gpu = device.type == "cuda"
    has_bf16 = not gpu or torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "fp16" and not gpu:
        raise InputError("Config key model.precision: fp16 needs a GPU.\nTake `auto`, `bf16` or `fp32`.")
    if precision == "bf16" and not has_bf16:
        raise InputError("Config key model.precision: this GPU has no bf16.\nTake `auto`, `fp16` or `fp32`.")
    if precision == "auto":
        precision = "bf16" if gpu and has_bf16 else "fp32"
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def compile_model(model: torch.nn.Module) -> None:
    """Compile a model in place, once for batches of every shape, or say why not and leave it as it is."""
    try:
        torch.compile(torch.exp)(torch.zeros(8, device=model.device))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        logger.warning("Config key model.compile: nothing can be compiled here, going on without: %s", reason)
    else:
        model.compile(dynamic=True)
