/** Looks at what a survey found and makes a zone worth a closer look: same names as the public domain. */
import { domain, fluent, transition } from "../core/vocabulary.ts";
import { zone } from "./sentry.ts";

export const resamplingComplete = fluent("resampling_complete");

/** Its servant creates the zone `resampled_` and the source's name, which is then surveyed. */
export const resampleZone = transition("resample_zone", {
  params: { source_zone: zone },
  adds: () => [resamplingComplete()],
});

export const adaptiveResampling = domain("adaptive_resampling", {
  modules: ["dynos_adaptive_resampling.domain", "dynos_adaptive_resampling"],
  transitions: [resampleZone],
});
