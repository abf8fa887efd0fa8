"""By which words a failure is known. A new one is one entry in the table."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Cause(StrEnum):
    """What ended an attempt."""

    STOPPED = "stopped"
    COMMAND_NOT_FOUND = "command_not_found"
    CUDA_OUT_OF_MEMORY = "cuda_out_of_memory"
    HOST_OUT_OF_MEMORY = "host_out_of_memory"
    SHARED_MEMORY = "shared_memory"
    DISK_FULL = "disk_full"
    STORAGE = "storage"
    NCCL = "nccl"
    CUDA_UNSUPPORTED = "cuda_unsupported"
    CUDA_ERROR = "cuda_error"
    NOT_A_NUMBER = "not_a_number"
    IMPORT_ERROR = "import_error"
    NEEDS_NETWORK = "needs_network"
    BAD_ARGUMENT = "bad_argument"
    BAD_DATA = "bad_data"
    NOTHING_TO_RESUME = "nothing_to_resume"
    NO_SUCH_FILE = "no_such_file"
    NO_PERMISSION = "no_permission"
    REFUSED = "refused"
    GPU_ASSERT = "gpu_assert"
    KILLED = "killed"
    CRASHED = "crashed"
    EXIT_CODE = "exit_code"
    LOST = "lost"
    REBOOT = "reboot"
    STALL = "stall"
    TIME_LIMIT = "time_limit"


class Retry(StrEnum):
    """What is done about a failure, as long as the job has retries left."""

    AGAIN = "again"  # after a back-off, from the newest whole checkpoint
    ELSEWHERE = "elsewhere"  # likewise, on other GPUs if there are any
    SMALLER = "smaller"  # likewise, with half the batch
    NEVER = "never"  # it would fail in the same way


class Signature(Struct, frozen=True):
    """Text by which a cause is known. `patterns` are searched, case and all, line by line."""

    cause: Cause
    sentence: str
    retry: Retry
    patterns: tuple[str, ...]


# The first that matches wins: what is narrow stands before what is wide (a full /dev/shm also says "No space left").
SIGNATURES = (
    Signature(
        Cause.CUDA_OUT_OF_MEMORY,
        "The GPU ran out of memory.",
        Retry.SMALLER,
        (
            r"CUDA out of memory",
            r"\bOutOfMemoryError\b",
            r"CUDA error: out of memory",
            r"CU(BLAS|DNN)_STATUS_ALLOC_FAILED",
            r"std::bad_alloc: cudaErrorMemoryAllocation",
        ),
    ),
    Signature(
        Cause.SHARED_MEMORY,
        "Shared memory (/dev/shm) ran out: use fewer workers or make /dev/shm bigger.",
        Retry.AGAIN,
        (
            r"killed by signal: Bus error",
            r"out of shared memory",
            r"unable to (allocate|open|resize|mmap|write to file) .*(shared memory|/torch_)",
            r"No space left on device.*(/dev/shm|/torch_)",
            r"/dev/shm.*No space left on device",  # noqa: S108
            r"\bBus error\b",
        ),
    ),
    Signature(
        Cause.HOST_OUT_OF_MEMORY,
        "The host ran out of memory.",
        Retry.AGAIN,
        (
            r"DefaultCPUAllocator: (can't allocate|not enough) memory",
            r"^MemoryError\b",
            r"Unable to allocate .* for an array",
            r"Cannot allocate memory",
            r"^std::bad_alloc",
            r"\b_ArrayMemoryError\b",
        ),
    ),
    Signature(
        Cause.DISK_FULL,
        "A disk is full.",
        Retry.AGAIN,
        (r"No space left on device", r"Disk quota exceeded", r"PytorchStreamWriter failed writing file"),
    ),
    Signature(
        Cause.STORAGE,
        "Files could not be read or written for a moment.",
        Retry.AGAIN,
        (
            r"Input/output error",
            r"Stale file handle",
            r"Transport endpoint is not connected",
            r"Too many open files",
            r"Resource temporarily unavailable",
        ),
    ),
    Signature(
        Cause.NCCL,
        "The GPUs lost touch with each other (NCCL).",
        Retry.ELSEWHERE,
        (
            r"NCCL (error|WARN .*fail)",
            r"\bnccl(UnhandledCudaError|SystemError|InternalError|RemoteError|InvalidUsage)\b",
            r"DistBackendError",
            r"Watchdog caught collective operation timeout",
            r"NCCL communicator was aborted",
            r"Heartbeat monitor timed out",
            r"\bDist(Network|Store)Error\b",
            r"The client socket has (timed out|failed to connect)",
            r"Connection closed by peer .*(gloo|tcp)",
            r"\[.*gloo/transport/tcp.*\] .*(closed by peer|Connection reset)",
        ),
    ),
    Signature(
        Cause.CUDA_UNSUPPORTED,
        "This PyTorch does not fit the GPU or its driver.",
        Retry.NEVER,
        (
            r"no kernel image is available for execution",
            r"CUDA driver version is insufficient",
            r"The NVIDIA driver on your system is too old",
            r"Torch not compiled with CUDA enabled",
        ),
    ),
    Signature(
        Cause.GPU_ASSERT,
        "A check on the GPU failed: most often a class number in the labels that the data set does not have.",
        Retry.AGAIN,
        (r"device-side assert triggered", r"Assertion `.*` failed\.?$"),
    ),
    Signature(
        Cause.CUDA_ERROR,
        "The GPU or its driver failed.",
        Retry.ELSEWHERE,
        (
            r"CUDA error:",
            r"CUDA driver (error|initialization)",
            r"\bcuDNN error\b",
            r"CU(BLAS|DNN|FFT|SOLVER)_STATUS_",
            r"NVRM: Xid|\bXid \(",
            r"uncorrectable ECC error",
            r"GPU is lost|fallen off the bus",
            r"Unable to determine the device handle for GPU",
            r"Failed to initialize NVML|Driver/library version mismatch",
            r"AcceleratorError",
            r"Invalid CUDA 'device=",
            r"No CUDA GPUs are available",
        ),
    ),
    Signature(
        Cause.NOT_A_NUMBER,
        "The training went to NaN and could not recover.",
        Retry.AGAIN,
        (
            r"NaN persisted for \d+ epochs",
            r"corrupted with NaN/Inf weights",
            r"detected but no valid last\.pt is available for recovery",
        ),
    ),
    Signature(
        Cause.NOTHING_TO_RESUME,
        "The checkpoint can't be resumed.",
        Retry.NEVER,
        (r"nothing to resume", r"Resume checkpoint not found"),
    ),
    Signature(
        Cause.NEEDS_NETWORK,
        "It wanted to download something; trainings run offline.",
        Retry.NEVER,
        (
            r"Download failure for",
            r"Environment (may be|is) (not connected to the internet|offline|not online)",
            r"Temporary failure in name resolution|Name or service not known",
        ),
    ),
    Signature(
        Cause.BAD_DATA,
        "The data set is not usable.",
        Retry.NEVER,
        (
            r"Dataset '[^']*' (error|images not found)",
            r"'[^']*:?' (key missing|images not found)",
            r"either 'names' or 'nc' are required",
            r"'names' length \d+ and 'nc: \d+' must match",
            r"No (labels|valid images|images) found in",
            r"No images from .* found in",
            r"no training images found",
            r"Error loading data from",
            r"Image Not Found",
            r"'kpt_shape' in data.yaml missing or incorrect",
            r"exceeds dataset class count",
            r"labels require \d+ columns",
            r"\bUnidentifiedImageError\b",
            r"image file is truncated|broken data stream when reading image file",
            r"OpenCV\(.*error: \(-215:Assertion failed\) !_?(src|img)\.empty\(\)",
        ),
    ),
    Signature(
        Cause.BAD_ARGUMENT,
        "Ultralytics does not accept an argument.",
        Retry.NEVER,
        (
            r"is not a valid YOLO argument",
            r"not found in list of available optimizers",
            r"'[^']*=[^']*' is (an )?(of )?invalid",
            r"Valid '\w+' (values|types) are",
            r"is not a valid image size",
            r"froze the entire model",
            r"Invalid '(mode|task)=",
            r"gives BatchNorm a single value per channel",
            r"Expected more than 1 value per channel when training",
            r"model does not support '\w+' mode",
        ),
    ),
    Signature(
        Cause.IMPORT_ERROR,
        "A Python module is missing or broken.",
        Retry.NEVER,
        (
            r"\b(ModuleNotFoundError|ImportError)\b",
            r"requires missing Ultralytics module",
            r"No module named ",
            r"operator torchvision::\w+ does not exist",
            r"cannot open shared object file",
            r"undefined symbol: ",
            r"version `GLIBC(XX)?_[\d.]+' not found",
        ),
    ),
    Signature(
        Cause.NO_PERMISSION,
        "It may not read or write a file.",
        Retry.NEVER,
        (r"\bPermissionError\b", r"\[Errno 13\] Permission denied"),
    ),
    Signature(
        Cause.NO_SUCH_FILE,
        "A file, a model or weights are missing or not usable.",
        Retry.NEVER,
        (
            r"\b(FileNotFoundError|NotADirectoryError|IsADirectoryError)\b",
            r"is not a loadable checkpoint",
            r"is a TorchScript archive, not",
            r"outside the supported Ultralytics checkpoint format",
            r"is not a supported model format|Unsupported model",
            r"appears to be an Ultralytics YOLOv5 model",
            r"acceptable suffix is",
        ),
    ),
)

# What NVIDIA's driver writes into the kernel's log about a card, by number: what it means, for people.
XIDS = {
    13: "the program did something that the GPU refuses",
    31: "the program reached for GPU memory that is not its own",
    32: "what the program sent to the GPU was damaged on the way",
    43: "the GPU stopped working on this program",
    45: "the program's work on the GPU was given up",
    48: "the GPU's memory had an error that could not be corrected",
    61: "the GPU's own controller stopped",
    62: "the GPU's own controller stopped",
    63: "the GPU took a bad piece of its memory out of use",
    64: "the GPU could not take a bad piece of its memory out of use",
    74: "the link between GPUs (NVLink) failed",
    79: "the GPU has fallen off the bus: power, heat, or the slot; a reboot brings it back",
    92: "the GPU's memory corrects more errors than is good",
    94: "the GPU's memory had an error, which only this program suffered from",
    95: "the GPU's memory had an error, which everything on it may suffer from: reset the card",
    109: "the GPU did not switch between programs in time",
    119: "the GPU's system processor did not answer: a reboot brings it back",
    120: "the GPU's system processor failed: a reboot brings it back",
}
