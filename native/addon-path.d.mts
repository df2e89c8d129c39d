export const sourceFolder: string;
export const sanitized: boolean;
export const buildFolder: string;
export function addonPath(): string;
