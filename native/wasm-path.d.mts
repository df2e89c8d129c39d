export const wasmFolder: string;
export const wasmFile: string;
export const relaxedWasmFile: string;
export const wasmHashFile: string;
export function sourceHash(): string;
