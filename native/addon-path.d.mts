export const sourceFolder: string;
export const buildFolder: string;
export function addonPath(): string;
