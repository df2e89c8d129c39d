"""OpenBLAS called directly, without a library in between: cblas_sgemm on aligned memory."""
import ctypes
import ctypes.util
import glob
import time
from array import array

ROW_MAJOR, NO_TRANSPOSE, TRANSPOSE = 101, 111, 112
ALIGNMENT = 64
PARALLEL = {0: 'one thread', 1: 'pthreads', 2: 'openmp'}


class Blas:
    """@raises OSError where there is no BLAS with a C interface."""

    def __init__(self):
        self.library = load()
        self.library.cblas_sgemm.restype = None
        self.name = describe(self.library)

    def seconds(self, m, n, k, transpose_a, transpose_b, calls):
        """Seconds of `calls` products C [m, n] = op(A) op(B), each after another on the same memory."""
        a, b, c = memory(m * k, 0.5), memory(k * n, 0.25), memory(m * n, 0.0)
        arguments = (
            ctypes.c_int(ROW_MAJOR),
            ctypes.c_int(TRANSPOSE if transpose_a else NO_TRANSPOSE),
            ctypes.c_int(TRANSPOSE if transpose_b else NO_TRANSPOSE),
            ctypes.c_int(m),
            ctypes.c_int(n),
            ctypes.c_int(k),
            ctypes.c_float(1),
            a[0],
            ctypes.c_int(m if transpose_a else k),
            b[0],
            ctypes.c_int(k if transpose_b else n),
            ctypes.c_float(0),
            c[0],
            ctypes.c_int(n),
        )
        sgemm = self.library.cblas_sgemm
        sgemm(*arguments)  # touches the memory
        start = time.perf_counter()
        for _ in range(calls):
            sgemm(*arguments)
        return time.perf_counter() - start


def load():
    names = [
        *sorted(glob.glob('/usr/lib/*/openblas-openmp/libopenblas.so.0')),
        ctypes.util.find_library('openblas'),
        ctypes.util.find_library('cblas'),
    ]
    for name in filter(None, names):
        try:
            library = ctypes.CDLL(name)
            library.cblas_sgemm  # raises AttributeError
            return library
        except (OSError, AttributeError):
            continue
    raise OSError('no BLAS library with cblas_sgemm')


def describe(library):
    try:
        library.openblas_get_config.restype = ctypes.c_char_p
        version = ' '.join(library.openblas_get_config().decode().split()[:2])
        return f'{version} {PARALLEL.get(library.openblas_get_parallel(), "")}'.strip()
    except AttributeError:
        return 'cblas'


def memory(count, value):
    """An aligned pointer to `count` floats, with what keeps them alive."""
    held = array('f', [value]) * (count + ALIGNMENT // 4)
    address, _ = held.buffer_info()
    return ctypes.c_void_p((address + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT), held
