/**
 * Loaded by mocha before the tests. A failing `assert.ok(value)` without a message makes Node read the source for the
 * failed expression; it looks there with the positions of the compiled code, and can search for hours. The stack names
 * the line anyway.
 */
import assert from 'node:assert/strict';

const { ok } = assert;
assert.ok = (value: unknown, message?: string | Error) => ok(value, message ?? 'expected something true');
