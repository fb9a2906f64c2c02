/** How long an answer is waited for unless somebody says so, in milliseconds. */
export const TIMEOUT_MS = { queue: 120_000, immediate: 10_000 } as const;
