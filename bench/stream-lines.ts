/** A line that ends a flood of lines: readers know by it that they have them all. */
export const END = "the end of the flood";
