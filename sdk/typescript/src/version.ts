/** The version of this package. It is part of the User-Agent. */
export const VERSION = "0.1.0";
