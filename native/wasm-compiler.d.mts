export function wasmCompiler(): string | undefined;
