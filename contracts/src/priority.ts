/** How a job stands in the queue: all of a higher priority go first. */
export const priorities = ["high", "normal", "low"] as const;
export type Priority = (typeof priorities)[number];
