"""Device, number format and threads of a job."""

import os

import torch
import transformers

from spikegeometry.errors import InputError


def prepare(device: str, threads: int) -> torch.device:
    """Set up torch and transformers for a job; return the device it runs on.

    The number of threads decides the order of sums, hence the last bits of the weights: it comes from the
    configuration, not from the cores at hand. A job uses one GPU.
    """
    # Both must stand before CUDA starts: cuBLAS sums in a fixed order only with a workspace of fixed size, and the
    # Trainer would otherwise split each batch over all the GPUs that it sees.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    transformers.utils.logging.disable_progress_bar()
    # Reports which weights a classifier adds to its base, every time.
    transformers.utils.logging.set_verbosity_error()
    return choose_device(device, torch.cuda.is_available())


def choose_device(name: str, gpu: bool) -> torch.device:
    """The device of the config key model.device; InputError where it is cuda and there is no `gpu`."""
    if name == "cuda" and not gpu:
        raise InputError("Config key model.device: it is cuda, but this machine shows no GPU.\nTake `auto` or `cpu`.")
    return torch.device("cuda" if gpu and name != "cpu" else "cpu")


def mixed_precision(precision: str, device: torch.device) -> dict[str, bool]:
    """Which of the Trainer's switches `bf16` and `fp16` are on.

    Raises InputError where the device cannot compute in `precision`.
    """
    gpu = device.type == "cuda"
    if precision == "fp16" and not gpu:
        raise InputError("Config key model.precision: fp16 needs a GPU.\nTake `auto`, `bf16` or `fp32`.")
    if precision == "bf16" and gpu and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise InputError("Config key model.precision: this GPU has no bf16.\nTake `auto`, `fp16` or `fp32`.")
    bf16 = precision == "bf16" or (
        precision == "auto" and gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    )
    return {"bf16": bf16, "fp16": precision == "fp16"}
