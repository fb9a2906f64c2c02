/** What became of something, as a word, a shape and a tone: colour alone tells nothing to some. */
export type Tone = "good" | "bad" | "warn" | "busy" | "idle";
export type Shape = "ring" | "play" | "check" | "alert" | "stop" | "pause" | "broken" | "clock";

export interface Outcome {
  readonly word: string;
  readonly shape: Shape;
  readonly tone: Tone;
}
