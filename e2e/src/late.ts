/**
 * What a loaded machine may be late with anything, beyond what is promised. Whatever a test tells apart by time differs by
 * much more.
 */
export const LATE_MS = 3_000;
