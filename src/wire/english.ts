/** The small schemas say "Invalid input" and no more, unless they are given a language. */
import * as z from "zod/mini";
import en from "zod/v4/locales/en.js";

z.config(en());
