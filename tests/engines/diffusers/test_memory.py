"""What running out of memory looks like, by the messages of torch's allocators."""

from __future__ import annotations

import pytest

from echodeck.engines.diffusers.memory import forgotten, is_out_of_memory, tried_bytes

CUDA = ("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 23.64 GiB of which 1.20 GiB is "
        "free.")
CPU = ("[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
       "allocate 4294967296 bytes. Error code 12 (Cannot allocate memory)")
MPS = "MPS backend out of memory (MPS allocated: 5.00 GB, max allowed: 9.07 GB). Tried to allocate 512.00 MB on pool."


class OutOfMemoryError(RuntimeError):
    """As torch calls its own."""


@pytest.mark.parametrize(("error", "needed"), [
    (OutOfMemoryError(CUDA), 2.5 * 2**30), (RuntimeError(CPU), 2**32), (RuntimeError(MPS), 2**29),
    (OutOfMemoryError(""), 0), (MemoryError(), 0)])
def test_it_is_known_and_so_is_what_was_wanted(error: BaseException, needed: float) -> None:
    assert is_out_of_memory(error)
    assert tried_bytes(str(error)) == needed


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("out of memory"), KeyError("memory")])
def test_other_errors_are_not(error: BaseException) -> None:
    assert not is_out_of_memory(error)


def test_what_an_error_holds_is_let_go_of_and_its_story_is_kept() -> None:
    def inner() -> None:
        big = bytearray(1000)
        raise ValueError(f"{len(big)} is too much")

    try:
        inner()
    except ValueError as error:
        detail = forgotten(error)
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        assert last is not None
        assert last.tb_frame.f_locals == {}
    assert "1000 is too much" in detail
    assert "in inner" in detail
