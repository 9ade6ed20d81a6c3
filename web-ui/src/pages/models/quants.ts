/** The usual compromise between size and quality, where a model comes in it. */
export const usualQuant = (quants: readonly string[]): string =>
  quants.find((quant) => quant.toUpperCase() === "Q4_K_M") ?? quants[0] ?? "";
