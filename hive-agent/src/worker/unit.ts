/** Digits that are told of each number: as many as its 32 bits hold. */
const DIGITS = 7;

/** A vector's direction at length 1, so that a dot product is a cosine. */
export function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector) || 1;
  return vector.map((one) => Number((one / length).toPrecision(DIGITS)));
}
