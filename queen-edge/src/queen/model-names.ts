/** `bee-tiny` and `bee-tiny:f16` ask for the same thing where the hive has only `bee-tiny`. */
export const names = (want: string, id: string): boolean => want === id || baseOf(want) === id || baseOf(id) === want;

const baseOf = (model: string): string => model.split(":")[0] ?? model;
