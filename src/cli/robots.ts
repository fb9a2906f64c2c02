/** The simulated vehicles. Apart from what runs them, which most backends never need. */

/** What `--robot` may name, and what each is going to provide. */
export const robots = {
  "sentry-mock": [
    "goto",
    "hold_depth_to",
    "hold_altitude_to",
    "station_keep",
    "takeover_control",
    "full_abort",
  ],
} as const;
export type RobotName = keyof typeof robots;
