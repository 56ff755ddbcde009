declare const brand: unique symbol

/** A value of type `T` that only its own constructor function can make: ids that cannot be mixed up. */
export type Branded<T, Name extends string> = T & { readonly [brand]: Name }
