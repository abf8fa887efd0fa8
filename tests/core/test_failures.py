from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from yolotui import ultralytics_args
from yolotui.core.failure_signatures import XIDS
from yolotui.core.failures import Cause, Ending, Failure, Retry, backoff_s, classify, retry_of, without_quoted
from yolotui.core.jobs import Kind

TRACEBACK = "Traceback (most recent call last):\n  File 'x.py', line 1\n"

# What torch says of a data worker that died while its batch was waited for: how it died stands in the cause.
WORKER_LOST = f"""{TRACEBACK}RuntimeError: DataLoader worker (pid 31223) is killed by signal: Killed.

The above exception was the direct cause of the following exception:

{TRACEBACK}RuntimeError: DataLoader worker (pid(s) 31223) exited unexpectedly
"""


def ended_with(error_type: str, message: str, exit_code: int = 1) -> Failure:
    return classify(Ending(kind=Kind.TRAIN, exit_code=exit_code, error_type=error_type, error_message=message))


@pytest.mark.parametrize(
    ("error_type", "message", "cause", "permanent"),
    [
        ("OutOfMemoryError", "CUDA out of memory. Tried to allocate 20.00 MiB", Cause.CUDA_OUT_OF_MEMORY, False),
        ("RuntimeError", "CUDA error: out of memory", Cause.CUDA_OUT_OF_MEMORY, False),
        ("RuntimeError", "CUDA error: device-side assert triggered", Cause.GPU_ASSERT, False),
        ("RuntimeError", "CUDA error: an illegal memory access was encountered", Cause.CUDA_ERROR, False),
        ("RuntimeError", "CUDA error: uncorrectable ECC error encountered", Cause.CUDA_ERROR, False),
        ("RuntimeError", "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", Cause.CUDA_ERROR, False),
        ("RuntimeError", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
         Cause.CUDA_OUT_OF_MEMORY, False),
        ("RuntimeError", "Unable to determine the device handle for GPU0000:65:00.0: GPU is lost.  Reboot",
         Cause.CUDA_ERROR, False),
        ("NVMLError_LibRmVersionMismatch", "Driver/library version mismatch", Cause.CUDA_ERROR, False),
        ("RuntimeError", "rank 1: [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=7)", "nccl",
         False),
        ("DistNetworkError", "The client socket has timed out after 600000ms while trying to connect", "nccl", False),
        ("RuntimeError", "[../third_party/gloo/gloo/transport/tcp/pair.cc:598] Connection closed by peer [127.0.0.1]",
         "nccl", False),
        ("numpy.core._exceptions._ArrayMemoryError", "Unable to allocate 9.1 GiB for an array with shape (1,)",
         "host_out_of_memory", False),
        ("OSError", "[Errno 12] Cannot allocate memory", Cause.HOST_OUT_OF_MEMORY, False),
        ("RuntimeError", "unable to open shared memory object </torch_9_1> read-write: Too many open files (24)",
         Cause.SHARED_MEMORY, False),
        ("UnidentifiedImageError", "cannot identify image file '/d/a.jpg'", Cause.BAD_DATA, True),
        ("OSError", "image file is truncated (21 bytes not processed)", Cause.BAD_DATA, True),
        ("error", "OpenCV(4.10.0) /io/resize.cpp:4152: error: (-215:Assertion failed) !_src.empty() in function 'cvt'",
         Cause.BAD_DATA, True),
        ("RuntimeError", "operator torchvision::nms does not exist", Cause.IMPORT_ERROR, True),
        ("ImportError", "libGL.so.1: cannot open shared object file: No such file or directory", "import_error", True),
        ("OSError", "libcudart.so.12: cannot open shared object file: No such file", Cause.IMPORT_ERROR, True),
        ("KeyboardInterrupt", "", Cause.KILLED, False),
        ("AcceleratorError", "CUDA error: unspecified launch failure", Cause.CUDA_ERROR, False),
        ("ValueError", "Invalid CUDA 'device=0' requested. Use 'device=cpu'", Cause.CUDA_ERROR, False),
        ("RuntimeError", "CUDA error: no kernel image is available for execution on", "cuda_unsupported", True),
        ("DistBackendError", "NCCL error in: ProcessGroupNCCL.cpp:77, unhandled cuda error", Cause.NCCL, False),
        ("RuntimeError", "DataLoader worker (pid 9) is killed by signal: Bus error. It is", Cause.SHARED_MEMORY, False),
        ("RuntimeError", "unable to write to file </torch_1_2>: No space left on device (28)", "shared_memory", False),
        ("RuntimeError", "unable to allocate shared memory(shm) for file </torch_1_2>: No space left on device (28)",
         "shared_memory", False),
        ("MemoryError", "", Cause.HOST_OUT_OF_MEMORY, False),
        ("OSError", "[Errno 28] No space left on device", Cause.DISK_FULL, False),
        ("RuntimeError", "Dataset 'x.yaml' error ❌ [Errno 28] No space left on device: 'a'", Cause.DISK_FULL, False),
        ("RuntimeError", "Dataset 'x.yaml' error ❌ [Errno 116] Stale file handle", Cause.STORAGE, False),
        ("RuntimeError", "Dataset 'x.yaml' error ❌ 'x.yaml' does not exist", Cause.BAD_DATA, True),
        ("RuntimeError", "No valid images found in /d/labels/train.cache.\n  no error details", Cause.BAD_DATA, True),
        ("ValueError", "train: No labels found in /d/labels/train.cache. See", Cause.BAD_DATA, True),
        ("FileNotFoundError", "train: Error loading data from /d/images", Cause.BAD_DATA, True),
        ("SyntaxError", "'epohcs' is not a valid YOLO argument. Similar", Cause.BAD_ARGUMENT, True),
        ("TypeError", "'epochs=x' is of invalid type str. 'epochs' must be an int", Cause.BAD_ARGUMENT, True),
        ("ValueError", "'lr0=2' is an invalid value. Valid 'lr0' values are between 0.0", Cause.BAD_ARGUMENT, True),
        ("TypeError", "'seed=None' is invalid. 'seed' must not be None.", Cause.BAD_ARGUMENT, True),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'yolo99n.pt'", Cause.NO_SUCH_FILE, True),
        ("TypeError", "ERROR ❌️ /a/x.pt is not a loadable checkpoint — the file is empty", Cause.NO_SUCH_FILE, True),
        ("RuntimeError", "Training failed: NaN persisted for 4 epochs", Cause.NOT_A_NUMBER, False),
        ("AssertionError", "last.pt training to 3 epochs is finished, nothing to resume.", "nothing_to_resume", True),
        ("ModuleNotFoundError", "No module named 'albumentations'", Cause.IMPORT_ERROR, True),
        ("ConnectionError", "❌  Download failure for https://x/y.pt.", "needs_network", True),
        ("PermissionError", "[Errno 13] Permission denied: '/data/x'", Cause.NO_PERMISSION, True),
        ("ZeroDivisionError", "division by zero", Cause.EXIT_CODE, False),
    ],
)  # fmt: skip
def test_an_error_of_the_trainer_has_a_cause(error_type, message, cause, permanent):
    failure = ended_with(error_type, message)
    assert (failure.cause, failure.permanent) == (cause, permanent)
    assert (" ".join(message.split())[:20] or error_type) in failure.sentence or error_type == "KeyboardInterrupt"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("engine/trainer.py", "error ❌ {e}"),
        ("engine/trainer.py", "NaN persisted for {self.nan_recovery_attempts} epochs"),
        ("engine/trainer.py", "is corrupted with NaN/Inf weights"),
        ("engine/trainer.py", "is finished, nothing to resume"),
        ("cfg/__init__.py", "is not a valid YOLO argument"),
        ("cfg/__init__.py", "is of invalid type"),
        ("data/dataset.py", "No labels found in"),
        ("data/dataset.py", "No valid images found in"),
        ("data/base.py", "Error loading data from"),
        ("data/utils.py", "images not found"),
        ("utils/downloads.py", "Download failure for"),
        ("utils/torch_utils.py", "Invalid CUDA 'device="),
        ("nn/tasks.py", "is not a loadable checkpoint"),
    ],
)
def test_the_installed_ultralytics_still_says_these_words(file, words):
    root = ultralytics_args.package()
    assert root is not None
    assert words in (root / file).read_text(encoding="utf-8")


def test_a_refusal_of_the_trainer_is_permanent_whatever_its_words():
    assert ended_with("ValueError", "something new", exit_code=2).permanent
    assert not ended_with("ValueError", "something new").permanent


@pytest.mark.parametrize(
    "ending",
    [
        Ending(kind=Kind.TRAIN, signal=9),
        Ending(kind=Kind.COMMAND, exit_code=137),
        Ending(kind=Kind.TRAIN, exit_code=1, error_type="RuntimeError",
               error_message="DataLoader worker (pid(s) 3, 4) is killed by signal: Killed. "),
        Ending(kind=Kind.TRAIN, exit_code=1, error_type="RuntimeError",
               error_message="rank 1 ended with code -9 and no word"),
        Ending(kind=Kind.COMMAND, exit_code=1, log_tail="x\n  exitcode  : -9 (pid: 4711)\n"
               "  traceback : Signal 9 (SIGKILL) received by PID 4711"),
        Ending(kind=Kind.COMMAND, exit_code=1, log_tail=WORKER_LOST),
    ],
)  # fmt: skip
def test_sigkill_is_the_kernels_for_memory_only_where_the_kernel_says_so(ending):
    unknown = classify(ending)
    assert (unknown.cause, unknown.retry) == (Cause.KILLED, Retry.AGAIN)
    assert "can't be read" in unknown.sentence
    person = classify(replace(ending, oom_kills=0))
    assert person.cause is Cause.KILLED
    assert "by a person" in person.sentence
    counted = classify(replace(ending, oom_kills=2))
    assert counted.cause is Cause.HOST_OUT_OF_MEMORY
    assert "ran out of memory" in counted.sentence


@pytest.mark.parametrize(
    "line",
    [
        "Out of memory: Killed process 4711 (python) total-vm:61892788kB, anon-rss:31180476kB, file-rss:1kB, UID:1000",
        "Memory cgroup out of memory: Killed process 4711 (pt_data_worker) total-vm:9kB, anon-rss:8kB",
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,task_memcg=/j,task=python,pid=4711,uid=0",
        "oom_reaper: reaped process 4711 (python), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
    ],
)
def test_what_the_kernel_wrote_about_memory_is_quoted(line):
    failure = classify(Ending(kind=Kind.TRAIN, signal=9, oom_kills=None, kernel_log=("hello", line)))
    assert failure.cause is Cause.HOST_OUT_OF_MEMORY
    assert line[:30] in failure.sentence


@pytest.mark.parametrize("number", [*XIDS, 999])
def test_an_xid_of_the_driver_is_told_with_its_meaning_and_explains_a_crash(number):
    line = f"NVRM: Xid (PCI:0000:65:00): {number}, pid=4711, name=python, GPU has fallen off the bus."
    crash = classify(Ending(kind=Kind.TRAIN, signal=11, kernel_log=(line,)))
    assert (crash.cause, crash.retry) == (Cause.CUDA_ERROR, Retry.ELSEWHERE)
    assert f"Xid {number}: {XIDS.get(number, 'see NVIDIA')}" in crash.sentence
    known = Ending(kind=Kind.TRAIN, error_type="RuntimeError", error_message="CUDA error: unknown", kernel_log=(line,))
    assert classify(known).cause is Cause.CUDA_ERROR
    wrong = Ending(kind=Kind.TRAIN, exit_code=1, error_type="ImportError", error_message="x", kernel_log=(line,))
    assert "Xid" not in classify(wrong).sentence


def test_gpu_memory_and_host_memory_are_told_apart_and_have_rules_of_their_own():
    gpu = ended_with("OutOfMemoryError", "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity")
    host = ended_with("RuntimeError", "[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory")
    assert (gpu.cause, gpu.retry) == (Cause.CUDA_OUT_OF_MEMORY, Retry.SMALLER)
    assert (host.cause, host.retry) == (Cause.HOST_OUT_OF_MEMORY, Retry.AGAIN)


@pytest.mark.parametrize(("exit_code", "signal"), [(None, 11), (134, None), (None, 8)])
def test_a_crash_outside_of_python_is_no_killing(exit_code, signal):
    assert classify(Ending(kind=Kind.TRAIN, exit_code=exit_code, signal=signal)).cause is Cause.CRASHED


def test_every_cause_has_a_rule_for_what_is_done():
    assert {retry_of(cause) for cause in Cause} == set(Retry)
    assert retry_of(None) is retry_of("what nobody knows") is Retry.AGAIN
    assert retry_of("nccl") is Retry.ELSEWHERE


@pytest.mark.parametrize(("exit_code", "signal"), [(None, 15), (143, None), (None, 1), (None, 64)])
def test_other_signals_have_their_name(exit_code, signal):
    failure = classify(Ending(kind=Kind.COMMAND, exit_code=exit_code, signal=signal))
    assert failure.cause is Cause.KILLED
    assert not failure.permanent


def test_what_we_stopped_is_stopped_even_when_its_log_is_full_of_errors():
    ending = Ending(kind=Kind.TRAIN, signal=15, log_tail=TRACEBACK + "CUDA out of memory", stopped_by_us=True)
    assert classify(ending).cause is Cause.STOPPED


@pytest.mark.parametrize(
    "ending",
    [
        Ending(kind=Kind.COMMAND, spawn_error="[Errno 2] No such file or directory: 'nope'", exit_code=127),
        Ending(kind=Kind.COMMAND, exit_code=127, log_tail="sh: nope: not found"),
        Ending(kind=Kind.COMMAND, exit_code=126),
    ],
)
def test_a_command_that_is_not_there_is_not_tried_again(ending):
    failure = classify(ending)
    assert failure.cause is Cause.COMMAND_NOT_FOUND
    assert failure.permanent


def test_a_warning_about_a_missing_module_does_not_condemn_a_run_that_was_killed():
    warning = "TensorBoard: No module named 'tensorboard'\nFileNotFoundError was ignored\n"
    assert not classify(Ending(kind=Kind.TRAIN, signal=9, log_tail=TRACEBACK + warning)).permanent
    assert classify(Ending(kind=Kind.COMMAND, exit_code=1, log_tail=warning)).cause is Cause.EXIT_CODE


@pytest.mark.parametrize(
    "ending",
    [
        Ending(kind=Kind.TRAIN, exit_code=143),  # a stranger's TERM, which the trainer saw and obeyed
        Ending(kind=Kind.TRAIN, exit_code=1),
        Ending(kind=Kind.COMMAND, exit_code=143),
    ],
)
def test_a_traceback_that_was_survived_condemns_nothing(ending):
    """A trainer says in its last word what it ended of; of what a signal ended, the console says nothing for good."""
    log = TRACEBACK + "ModuleNotFoundError: No module named 'torch.nn.utils'\n3/9  0.5\n4/9  0.4\n"
    failure = classify(replace(ending, log_tail=log))
    assert not failure.permanent
    assert failure.cause in {Cause.KILLED, Cause.EXIT_CODE}


def test_only_the_last_traceback_counts():
    log = f"{TRACEBACK}OutOfMemoryError: CUDA out of memory\nretrying\n{TRACEBACK}ImportError: cannot import name 'x'\n"
    failure = classify(Ending(kind=Kind.COMMAND, exit_code=1, log_tail=log))
    assert failure.cause is Cause.IMPORT_ERROR
    assert failure.permanent


def test_a_traceback_is_read_with_the_one_that_it_was_raised_from():
    bus = WORKER_LOST.replace("Killed.", "Bus error.")
    assert classify(Ending(kind=Kind.COMMAND, exit_code=1, log_tail=bus)).cause is Cause.SHARED_MEMORY
    survived = f"{TRACEBACK}OutOfMemoryError: CUDA out of memory\nretrying\n{WORKER_LOST}"
    assert classify(Ending(kind=Kind.COMMAND, exit_code=1, log_tail=survived)).cause is Cause.KILLED


def test_a_plain_exit_quotes_the_last_words():
    failure = classify(Ending(kind=Kind.COMMAND, exit_code=3, log_tail="a\nthe server said no\n\n"))
    assert failure.cause is Cause.EXIT_CODE
    assert "3" in failure.sentence
    assert "the server said no" in failure.sentence


def test_an_end_that_nobody_saw_is_lost_and_not_permanent():
    assert classify(Ending(kind=Kind.TRAIN)).cause is Cause.LOST


@given(st.builds(Ending, kind=st.sampled_from(Kind), exit_code=st.none() | st.integers(-300, 300), log_tail=st.text()))
def test_every_ending_gets_a_sentence(ending):
    failure = classify(ending)
    assert failure.sentence
    assert "\n" not in failure.sentence


@given(st.builds(Ending, kind=st.sampled_from(Kind), exit_code=st.just(3), error_type=st.text(), log_tail=st.text()))
def test_what_a_program_said_can_be_left_out_of_the_sentence(ending):
    told = without_quoted(classify(ending).sentence)
    assert told
    assert not {"“", "”"} & set(told)


def test_backoff_doubles_and_is_capped():
    assert [backoff_s(n, 30.0) for n in (1, 2, 3, 4)] == [30, 60, 120, 240]
    assert backoff_s(10, 30.0) == backoff_s(10_000, 30.0) == 1800
    assert backoff_s(5, 0.0) == 0
